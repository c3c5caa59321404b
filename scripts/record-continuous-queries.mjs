// Records what a real InfluxDB 1.6.7 does with continuous queries: when each ran, over which range, and what it wrote. Makes
// test/fixtures/continuous-queries/influxdb-1.6.7.json.gz. Needs influxd (or its path in INFLUXD); takes about 80 seconds.
import { spawn } from 'node:child_process';
import { createWriteStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const [port = '18740', seconds = '75'] = process.argv.slice(2);
const url = `http://127.0.0.1:${port}`;
const INFLUXD = process.env.INFLUXD ?? 'influxd';
const HISTORY_DAYS = 70;

const target = (name) => `d.long."${name}"`;
const queries = {
  plain: `BEGIN SELECT mean(f) INTO ${target('plain')} FROM cpu GROUP BY time(5s) END`,
  off: `BEGIN SELECT sum(i) AS s, count(f) INTO ${target('off')} FROM cpu GROUP BY time(10s,3s), host END`,
  negoff: `BEGIN SELECT max(f) INTO ${target('negoff')} FROM cpu GROUP BY time(10s,-2s), * END`,
  every: `RESAMPLE EVERY 3s BEGIN SELECT count(f) INTO ${target('every')} FROM cpu GROUP BY time(9s) END`,
  for: `RESAMPLE FOR 20s BEGIN SELECT last(f) INTO ${target('for')} FROM cpu GROUP BY time(5s) fill(0) END`,
  everyfor: `RESAMPLE EVERY 4s FOR 30s BEGIN SELECT first(i) INTO ${target('everyfor')} FROM cpu GROUP BY time(10s) fill(none) END`,
  slow: `RESAMPLE EVERY 20s BEGIN SELECT spread(f) INTO ${target('slow')} FROM cpu GROUP BY time(5s) END`,
  ny: `RESAMPLE EVERY 10s FOR 40d BEGIN SELECT mean(f) INTO ${target('ny')} FROM cpu GROUP BY time(1d) tz('America/New_York') END`,
  berlin: `RESAMPLE EVERY 15s FOR 60d BEGIN SELECT count(f) INTO ${target('berlin')} FROM cpu WHERE host = 'a' OR host = 'b' GROUP BY time(1d,6h) tz('Europe/Berlin') END`,
  week: `RESAMPLE EVERY 10s FOR 3w BEGIN SELECT sum(i) INTO ${target('week')} FROM cpu GROUP BY time(1w) END`,
  star: 'BEGIN SELECT mean(*) INTO d.long.:MEASUREMENT FROM /.*/ GROUP BY time(10s), * END',
  deriv: `RESAMPLE FOR 30s BEGIN SELECT derivative(mean(f), 5s) INTO ${target('deriv')} FROM cpu GROUP BY time(5s) END`,
  timed: `BEGIN SELECT count(i) INTO ${target('timed')} FROM cpu WHERE time > now() - 1h AND host = 'a' GROUP BY time(5s) END`,
  bad: 'BEGIN SELECT mean(f) INTO gone.long."bad" FROM cpu GROUP BY time(10s) END',
  sub: `BEGIN SELECT mean(m) INTO ${target('sub')} FROM (SELECT max(f) AS m FROM cpu GROUP BY time(1s), host) GROUP BY time(5s), host END`,
};

const folder = mkdtempSync(join(tmpdir(), 'record-cq-'));
writeFileSync(
  join(folder, 'influxdb.conf'),
  `reporting-disabled = true
bind-address = "127.0.0.1:${Number(port) + 1}"
[meta]
dir = "${folder}/meta"
[data]
dir = "${folder}/data"
wal-dir = "${folder}/wal"
query-log-enabled = false
[monitor]
store-enabled = false
[http]
bind-address = "127.0.0.1:${port}"
log-enabled = false
[continuous_queries]
run-interval = "1s"
[logging]
format = "logfmt"
`,
);
const log = join(folder, 'log');
const server = spawn(INFLUXD, ['-config', join(folder, 'influxdb.conf')], {
  stdio: ['ignore', 'ignore', 'pipe'],
});
server.stderr.pipe(createWriteStream(log));

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const query = async (q, params = {}) => {
  const body = new URLSearchParams({ q, ...params });
  const answer = await (await fetch(`${url}/query`, { method: 'POST', body })).json();
  if (answer.error ?? answer.results?.[0]?.error)
    throw new TypeError(`${q}: ${JSON.stringify(answer)}`);
  return answer.results[0];
};
const writes = [];
const write = async (lines) => {
  writes.push({ at: `${Date.now()}000000`, lines });
  await fetch(`${url}/write?db=d`, { method: 'POST', body: lines.join('\n') });
};
const row = (host, n, timeNs) => {
  const f = Math.round((Math.sin(n) * 10 + host.charCodeAt(0)) * 1000) / 1000;
  return `cpu,host=${host} f=${f},i=${n * 3 + host.charCodeAt(0)}i ${timeNs}`;
};
/** Nanoseconds of a time in the log. */
const ns = (text) => {
  const [seconds, fraction = ''] = text.replace('Z', '').split('.');
  return String(BigInt(Date.parse(`${seconds}Z`)) * 1_000_000n + BigInt(fraction.padEnd(9, '0')));
};
const runsOf = (text) =>
  [
    ...text.matchAll(
      /ts=(\S+) .*msg="Executing continuous query".* name=(\S+) db_instance=\S+ start=(\S+) end=(\S+)/g,
    ),
  ].map(([, at, name, start, end]) => ({ at: ns(at), run: [name, ns(start), ns(end)] }));

/** Runs of one look at the queries: in the order of the queries, close to each other. */
function passesOf(runs) {
  const order = Object.keys(queries);
  const passes = [];
  let last = null;
  for (const { at, run } of runs) {
    const isSame =
      last !== null &&
      BigInt(at) - BigInt(last.at) < 500_000_000n &&
      order.indexOf(run[0]) > order.indexOf(last.run[0]);
    if (isSame) passes.at(-1).runs.push(run);
    else passes.push({ at, runs: [run] });
    last = { at, run };
  }
  return passes;
}

try {
  for (let i = 0; i < 600; i++) {
    if (
      await fetch(`${url}/ping`).then(
        () => true,
        () => false,
      )
    )
      break;
    await sleep(100);
  }
  await query('CREATE DATABASE d');
  await query('CREATE RETENTION POLICY long ON d DURATION INF REPLICATION 1');
  const firstHour = Math.floor(Date.now() / 3_600_000) - HISTORY_DAYS * 24;
  const history = [];
  for (let h = 0; h < HISTORY_DAYS * 24; h++)
    for (const host of 'ab') history.push(row(host, h, `${(firstHour + h) * 3600}000000001`));
  await write(history);
  // The target of one is dropped again: it fails at every run.
  await query('CREATE DATABASE gone WITH NAME long');
  for (const [name, text] of Object.entries(queries))
    await query(`CREATE CONTINUOUS QUERY "${name}" ON d ${text}`);
  await query('DROP DATABASE gone');
  await sleep(3000);
  // Points are written between two looks of the service, so that it is certain which of them saw a point.
  const tickMs = Number(BigInt(runsOf(readFileSync(log, 'utf8')).at(-1).at) / 1_000_000n) % 1000;
  const phaseMs = (tickMs + 350) % 1000;
  const endMs = Date.now() + Number(seconds) * 1000;
  for (let n = 0; Date.now() < endMs; n++) {
    const nextMs = (Math.floor((Date.now() - phaseMs) / 1000) + 1) * 1000 + phaseMs;
    await sleep(nextMs - Date.now());
    await write([...'ab'].map((host) => row(host, n, `${nextMs}000000`)));
  }
  await sleep(300);
  const { series: lists } = await query('SHOW CONTINUOUS QUERIES');
  const results = {};
  for (const measurement of [...Object.keys(queries), 'cpu']) {
    const select = `SELECT * FROM d.long."${measurement}" GROUP BY *`;
    results[measurement] = (await query(select, { epoch: 'ns' })).series ?? [];
  }
  const recording = {
    source: 'InfluxDB 1.6.7 (Debian), recorded by scripts/record-continuous-queries.mjs',
    queries,
    stored: Object.fromEntries(lists.find(({ name }) => name === 'd').values),
    passes: passesOf(runsOf(readFileSync(log, 'utf8'))),
    writes,
    results,
  };
  const path = 'test/fixtures/continuous-queries/influxdb-1.6.7.json.gz';
  writeFileSync(path, gzipSync(JSON.stringify(recording)));
  process.stdout.write(`${recording.passes.length} looks, ${writes.length} writes: ${path}\n`);
} finally {
  server.kill('SIGTERM');
  await new Promise((done) => server.on('exit', done));
  rmSync(folder, { recursive: true });
}
