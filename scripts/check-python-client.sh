#!/usr/bin/env bash
# InfluxDB's Python client (Debian: python3-influxdb) against a Tidegate of its own: what its users call, with JSON and MessagePack.
# Needs a build. PYTHON names another interpreter that has the client.
set -eu
cd "$(dirname "$0")/.."
python=${PYTHON:-/usr/bin/python3}
"$python" -c 'import influxdb' 2>/dev/null || { echo "the Python client (Debian: python3-influxdb) is not installed"; exit 1; }
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
[[udp]]
enabled = true
bind-address = "127.0.0.1:$port"
database = "py"
batch-timeout = "50ms"
CONF
node dist/apps/cli/main.js run -config "$folder/tidegate.toml" >"$folder/log" 2>&1 &
server=$!
trap 'kill $server 2>/dev/null || true; wait $server 2>/dev/null || true; rm -rf "$folder"' EXIT
for _ in $(seq 100); do curl -fs "http://127.0.0.1:$port/ready" >/dev/null 2>&1 && break; sleep 0.1; done
"$python" - "$port" <<'PYTHON'
import sys, time
from influxdb import InfluxDBClient
from influxdb.exceptions import InfluxDBClientError

port = int(sys.argv[1])
fails = 0


def expect(what, wanted, got):
    global fails
    if wanted == got:
        print("ok  ", what)
    else:
        fails += 1
        print("FAIL", what, "\n  wanted:", wanted, "\n  got:   ", got)


def refused(what, text, call):
    try:
        call()
    except InfluxDBClientError as error:
        expect(what, True, text in str(error))
    else:
        expect(what, text, "no error")


client = InfluxDBClient("127.0.0.1", port, database="py")
expect("ping", True, client.ping() != "")
client.create_database("py")
expect("databases", True, {"name": "py"} in client.get_list_database())
points = [
    {"measurement": "cpu", "tags": {"host": "a b", "region": "öst"}, "time": "2020-09-13T12:26:40Z",
     "fields": {"load": 0.5, "n": 3, "ok": True, "note": 'say "hi", x=1'}},
    {"measurement": "cpu", "tags": {"host": "c"}, "time": "2020-09-13T12:27:40Z",
     "fields": {"load": 1.5, "n": 2 ** 62, "ok": False, "note": ""}},
]
expect("write points", True, client.write_points(points))
expect("write lines", True, client.write_points(["mem,host=a used=1i 1600000000", "mem,host=a used=2i 1600000060"],
                                                time_precision="s", protocol="line"))
expect("write in batches", True, client.write_points(
    [{"measurement": "many", "fields": {"v": i}, "time": 1600000000 + i} for i in range(12000)],
    time_precision="s", batch_size=5000))
rows = list(client.query('SELECT * FROM cpu').get_points())
expect("read back", [("a b", 0.5, 3, True, 'say "hi", x=1', "öst"), ("c", 1.5, 2 ** 62, False, "", None)],
       [(r["host"], r["load"], r["n"], r["ok"], r["note"], r["region"]) for r in rows])
expect("times", ["2020-09-13T12:26:40Z", "2020-09-13T12:27:40Z"], [r["time"] for r in rows])
expect("epoch", [1600000000, 1600000060], [r["time"] for r in client.query("SELECT used FROM mem", epoch="s").get_points()])
expect("bind parameters", [1.5], [r["load"] for r in client.query(
    "SELECT load FROM cpu WHERE host = $host", bind_params={"host": "c"}).get_points()])
# Chunks come as documents one after another, which this client reads as JSON only (of InfluxDB too).
json = InfluxDBClient("127.0.0.1", port, database="py", headers={"Content-Type": "application/json", "Accept": "application/json"})
chunks = json.query("SELECT v FROM many", chunked=True, chunk_size=1000)
expect("chunked", 12000, sum(len(list(chunk.get_points())) for chunk in chunks))
expect("several statements", [3, 2], [len(list(result.get_points())) for result in client.query(
    "SHOW MEASUREMENTS; SELECT * FROM mem")])
by_tag = client.query("SELECT mean(load) FROM cpu GROUP BY host")
expect("keys", [("cpu", {"host": "a b"}), ("cpu", {"host": "c"})], list(by_tag.keys()))
expect("measurements", ["cpu", "many", "mem"], [m["name"] for m in client.get_list_measurements()])
expect("series", 5, len(client.get_list_series()) + 1)
client.create_retention_policy("week", "7d", 1, database="py", default=False)
client.alter_retention_policy("week", database="py", duration="14d")
expect("retention policies", {"autogen": "0s", "week": "336h0m0s"},
       {p["name"]: p["duration"] for p in client.get_list_retention_policies("py")})
expect("a policy's points", True, client.write_points(
    [{"measurement": "fresh", "fields": {"v": 1.0}}], retention_policy="week"))
expect("read from a policy", [1.0], [r["v"] for r in client.query('SELECT v FROM "py"."week"."fresh"').get_points()])
client.drop_retention_policy("week", "py")
client.create_user("reader", "pass'word")
client.grant_privilege("read", "py", "reader")
expect("users", [{"user": "reader", "admin": False}], client.get_list_users())
expect("grants", [{"database": "py", "privilege": "READ"}], client.get_list_privileges("reader"))
client.set_user_password("reader", "other")
client.revoke_privilege("read", "py", "reader")
client.drop_user("reader")
client.create_continuous_query("half", "SELECT mean(load) INTO cpu_mean FROM cpu GROUP BY time(30m), host", "py")
expect("continuous queries", True, any("half" in str(entry) for entry in client.get_list_continuous_queries()))
client.drop_continuous_query("half", "py")
client.delete_series("py", "cpu", {"host": "c"})
expect("deleted series", ["a b"], [r["host"] for r in client.query("SELECT load, host FROM cpu").get_points()])
client.drop_measurement("mem")
expect("dropped measurement", ["cpu", "many"], [m["name"] for m in client.get_list_measurements() if m["name"] != "fresh"])
refused("an error of the parser", "error parsing query", lambda: client.query("SELEC 1"))
refused("an error of a write", "unable to parse", lambda: client.write_points(["nonsense"], protocol="line"))
refused("a missing database", "database not found", lambda: client.write_points(["m v=1"], protocol="line", database="nope"))
gzipped = InfluxDBClient("127.0.0.1", port, database="py", gzip=True)
expect("gzip", True, gzipped.write_points(points))
expect("JSON", 2, len(list(json.query("SELECT * FROM cpu").get_points())))
udp = InfluxDBClient("127.0.0.1", use_udp=True, udp_port=port, database="py")
udp.write_points([{"measurement": "by_udp", "fields": {"v": 7.0}}])
for _ in range(50):
    found = [r["v"] for r in client.query("SELECT v FROM by_udp").get_points()]
    if found:
        break
    time.sleep(0.1)
expect("UDP", [7.0], found)
client.drop_database("py")
expect("dropped database", False, {"name": "py"} in client.get_list_database())
sys.exit(1 if fails else 0)
PYTHON
echo "python client: all well"
