#!/usr/bin/env bash
# collectd itself (Debian: collectd-core) against a Tidegate of its own: its network plugin plain, signed and encrypted, write_tsdb and
# write_graphite, all at one time. Every way has to store the same values. Needs a build and python3.
set -eu
cd "$(dirname "$0")/.."
collectd=$(command -v collectd || echo /usr/sbin/collectd)
[ -x "$collectd" ] || { echo "collectd (Debian: collectd-core) is not installed: nothing checked"; exit 0; }
types=/usr/share/collectd/types.db
folder=$(mktemp -d)
read -r http rpc plain signed encrypted tsdb graphite < <(node -e "
const net = require('node:net');
const servers = Array.from({ length: 7 }, () => net.createServer().listen(0, '127.0.0.1'));
setTimeout(() => { console.log(servers.map((s) => s.address().port).join(' ')); servers.forEach((s) => s.close()); }, 100);")
printf 'alice: s3cr3t\n' >"$folder/auth"
listener() {
  cat <<CONF
[[collectd]]
enabled = true
bind-address = "127.0.0.1:$1"
database = "$2"
security-level = "$3"
auth-file = "$folder/auth"
typesdb = "$types"
batch-timeout = "50ms"
CONF
}
cat >"$folder/tidegate.toml" <<CONF
bind-address = "127.0.0.1:$rpc"
[meta]
dir = "$folder/meta"
[data]
dir = "$folder/data"
wal-dir = "$folder/wal"
[http]
bind-address = "127.0.0.1:$http"
log-enabled = false
$(listener "$plain" plain none)
$(listener "$signed" signed sign)
$(listener "$encrypted" encrypted encrypt)
[[opentsdb]]
enabled = true
bind-address = "127.0.0.1:$tsdb"
database = "tsdb"
batch-timeout = "50ms"
[[graphite]]
enabled = true
bind-address = "127.0.0.1:$graphite"
database = "graphite"
batch-timeout = "50ms"
CONF
cat >"$folder/collectd.conf" <<CONF
BaseDir "$folder"
PIDFile "$folder/collectd.pid"
TypesDB "$types"
Hostname "check.example"
FQDNLookup false
Interval 1
LoadPlugin load
LoadPlugin memory
LoadPlugin uptime
LoadPlugin unixsock
LoadPlugin network
LoadPlugin write_tsdb
LoadPlugin write_graphite
LoadPlugin logfile
<Plugin logfile>
  LogLevel info
  File "$folder/collectd.log"
</Plugin>
<Plugin unixsock>
  SocketFile "$folder/socket"
  DeleteSocket true
</Plugin>
<Plugin network>
  <Server "127.0.0.1" "$plain">
  </Server>
  <Server "127.0.0.1" "$signed">
    SecurityLevel Sign
    Username "alice"
    Password "s3cr3t"
  </Server>
  <Server "127.0.0.1" "$encrypted">
    SecurityLevel Encrypt
    Username "alice"
    Password "s3cr3t"
  </Server>
</Plugin>
<Plugin write_tsdb>
  <Node "tsdb">
    Host "127.0.0.1"
    Port "$tsdb"
    StoreRates false
  </Node>
</Plugin>
<Plugin write_graphite>
  <Node "graphite">
    Host "127.0.0.1"
    Port "$graphite"
    StoreRates false
  </Node>
</Plugin>
CONF
node dist/apps/cli/main.js run -config "$folder/tidegate.toml" >"$folder/log" 2>&1 &
server=$!
sender=
trap '[ -z "$sender" ] || kill $sender 2>/dev/null || true; kill $server 2>/dev/null || true; wait $server 2>/dev/null || true; rm -rf "$folder"' EXIT
for _ in $(seq 100); do curl -fs "http://127.0.0.1:$http/ready" >/dev/null 2>&1 && break; sleep 0.1; done
"$collectd" -f -C "$folder/collectd.conf" >"$folder/collectd.out" 2>&1 &
sender=$!
for _ in $(seq 100); do [ -S "$folder/socket" ] && break; sleep 0.1; done
python3 - "$folder/socket" <<'PYTHON'
import socket, sys, time
with socket.socket(socket.AF_UNIX) as s:
    s.connect(sys.argv[1])
    f = s.makefile('rw')
    at = int(time.time()) - 100
    values = [('app-one/gauge-a', '1.5'), ('app-one/counter-c', '18446744073709551615'), ('app-one/derive-d', '-7'),
              ('app-one/absolute-e', '12345'), ('app-two/if_octets', '11:22'), ('app-two/load', '0.1:0.2:0.3')]
    for name, value in values:
        for n in range(3):
            f.write(f'PUTVAL check.example/{name} interval=1 {at + n}:{value}\n')
            f.flush()
            answer = f.readline()
            assert answer.startswith('0 Success'), answer
PYTHON
sleep 4
kill "$sender"; wait "$sender" 2>/dev/null || true; sender=
sleep 1
python3 - "$http" <<'PYTHON'
import json, sys, urllib.parse, urllib.request

def ask(db, q):
    url = f'http://127.0.0.1:{sys.argv[1]}/query?' + urllib.parse.urlencode(dict(db=db, q=q, epoch='ns'))
    return json.load(urllib.request.urlopen(url))['results'][0].get('series', [])

def points(db):
    return {(s['name'], tuple(sorted((k, v) for k, v in s.get('tags', {}).items() if v)), row[0], row[1])
            for s in ask(db, 'SELECT value FROM /.*/ GROUP BY *') for row in s['values']}

fails = 0
def check(name, holds, shown=''):
    global fails
    fails += not holds
    print(('ok  ' if holds else 'FAIL'), name, '' if holds else shown)

plain = points('plain')
check('the network plugin stores points', len(plain) > 40, len(plain))
for db in ('signed', 'encrypted'):
    check(f'{db} packets hold the same points', points(db) == plain, sorted(points(db) ^ plain)[:5])
wanted = dict(app_value={1.5, 18446744073709551615.0, -7.0, 12345.0}, app_rx={11.0}, app_tx={22.0},
              app_shortterm={0.1}, app_midterm={0.2}, app_longterm={0.3})
for name, values in wanted.items():
    found = [p for p in plain if p[0] == name]
    check(f'{name}: the values sent', {float(p[3]) for p in found} == values and len(found) == 3 * len(values), found)
stats = {s['tags']['bind']: dict(zip(s['columns'], s['values'][0])) for s in ask('plain', "SHOW STATS FOR 'collectd'")}
check('no packet failed', all(v['pointsParseFail'] == 0 and v['listsRejected'] == 0 for v in stats.values()), stats)
def seconds(rows):
    return {(t // 10**9, float(v)) for _, _, t, v in rows}
app = {p for p in plain if p[0].startswith('app_')}
for db in ('tsdb', 'graphite'):
    found = {p for p in points(db) if 'app' in p[0]}
    check(f'{db} stores the values of the network plugin', {v for _, v in seconds(found)} == {v for _, v in seconds(app)} and len(found) == len(app),
          sorted(found)[:5])
tsdb = [dict(zip(s['columns'], s['values'][0])) for s in ask('tsdb', "SHOW STATS FOR 'opentsdb'")][0]
check('no telnet line failed', tsdb['tlBadLine'] + tsdb['tlBadTag'] + tsdb['tlBadFloat'] + tsdb['tlBadTime'] == 0, tsdb)
sys.exit(fails > 0)
PYTHON
echo "collectd: all the same"
