#!/usr/bin/env bash
# InfluxDB's own shell against a Tidegate of its own: creates a database, inserts, imports a file and reads in all its formats.
# Needs `influx` of Debian's influxdb-client and a build.
set -eu
cd "$(dirname "$0")/.."
command -v influx >/dev/null || { echo "influx (Debian: influxdb-client) is not installed"; exit 1; }
folder=$(mktemp -d)
read -r port rpc < <(node -e "
const net = require('node:net');
const a = net.createServer().listen(0, '127.0.0.1'), b = net.createServer().listen(0, '127.0.0.1', () => {
  console.log(a.address().port, b.address().port); a.close(); b.close(); });")
cat >"$folder/tidegate.toml" <<CONF
bind-address = "127.0.0.1:$rpc"
[meta]
dir = "$folder/meta"
[data]
dir = "$folder/data"
wal-dir = "$folder/wal"
[http]
bind-address = "127.0.0.1:$port"
log-enabled = false
CONF
node dist/apps/cli/main.js run -config "$folder/tidegate.toml" >"$folder/log" 2>&1 &
server=$!
trap 'kill $server 2>/dev/null || true; wait $server 2>/dev/null || true; rm -rf "$folder"' EXIT
for _ in $(seq 100); do curl -fs "http://127.0.0.1:$port/ready" >/dev/null 2>&1 && break; sleep 0.1; done

influx() { command influx -host 127.0.0.1 -port "$port" "$@"; }
fails=0
expect() { # what, wanted, got
  if [ "$2" = "$3" ]; then echo "ok   $1"; else echo "FAIL $1"; printf 'wanted: %s\ngot:    %s\n' "$2" "$3"; fails=$((fails + 1)); fi
}
influx -execute 'CREATE DATABASE shell'
influx -database shell -execute 'INSERT cpu,host=a value=0.5,n=3i 1600000000000000000'
influx -database shell -execute 'INSERT cpu,host=b value=1.5,n=4i 1600000001000000000'
expect 'csv' $'name,time,host,n,value\ncpu,1600000000000000000,a,3,0.5\ncpu,1600000001000000000,b,4,1.5' \
  "$(influx -database shell -format csv -execute 'SELECT * FROM cpu')"
expect 'json' '{"results":[{"series":[{"name":"cpu","columns":["time","mean"],"values":[[0,1]]}]}]}' \
  "$(influx -database shell -format json -execute 'SELECT mean(value) FROM cpu')"
expect 'column' $'name: cpu\ntime count\n---- -----\n0    2' \
  "$(influx -database shell -format column -execute 'SELECT count(value) FROM cpu')"
cat >"$folder/import.txt" <<'LINES'
# DDL
CREATE DATABASE imported
CREATE RETENTION POLICY long ON imported DURATION INF REPLICATION 1
# DML
# CONTEXT-DATABASE: imported
# CONTEXT-RETENTION-POLICY: long
disk,path=/ free=10i 1600000000000000000
disk,path=/home free=20i 1600000000000000000
LINES
influx -import -path "$folder/import.txt" -precision ns >"$folder/import.log" 2>&1 || cat "$folder/import.log"
expect 'import' $'name,tags,time,sum\ndisk,path=/,0,10\nname,tags,time,sum\ndisk,path=/home,0,20' \
  "$(influx -database imported -format csv -execute 'SELECT sum(free) FROM long.disk GROUP BY path')"
expect 'error' 'database not found: nothing' "$(influx -database nothing -execute 'SELECT * FROM m' 2>&1 | tail -n 1)"
exit "$fails"
