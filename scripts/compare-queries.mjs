// Asks Tidegate and InfluxDB 1.x the same random statements over the same points and shows where the answers differ.
//   node scripts/compare-queries.mjs [STATEMENTS] [SEED] [POINTS]   POINTS: weeks, day, sparse, empty (test/support/query-points.ts)
//   node scripts/compare-queries.mjs --record FILE.iql…             writes what InfluxDB answers to FILE.json
// ALL=1 asks statements of every kind, whole and broken (all-statements.mjs), in place of queries.
// Build first; needs influxd 1.x on the PATH (or INFLUXD=…). KEEP=file.json keeps the differences, TELL=1 prints statements.
// What docs/compat.md lists as different on purpose is left out of the comparison (see `isKnown`).
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { queryBaseS, queryPoints } from '../dist/test/support/query-points.js';
import { askQuery, isCloseTo, readScript } from '../dist/test/support/query-script.js';
import { freePort, startServer } from '../dist/test/support/server-process.js';
import { AllStatements } from './all-statements.mjs';
import { QueryStatements } from './query-statements.mjs';

const influxd = process.env.INFLUXD ?? 'influxd';
if (spawnSync(influxd, ['version']).error !== undefined) {
  console.log('influxd is not installed: nothing to compare with');
  process.exit(0);
}
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const folder = mkdtempSync(join(tmpdir(), 'tidegate-queries-'));

async function startInfluxdb() {
  mkdirSync(join(folder, 'influxdb'));
  const port = await freePort();
  const config = `reporting-disabled = true
bind-address = "127.0.0.1:${await freePort()}"
[meta]
dir = "${folder}/influxdb/meta"
[data]
dir = "${folder}/influxdb/data"
wal-dir = "${folder}/influxdb/wal"
[monitor]
store-enabled = false
[http]
bind-address = "127.0.0.1:${port}"
log-enabled = false
`;
  writeFileSync(join(folder, 'influxdb.conf'), config);
  const child = spawn(influxd, ['run', '-config', join(folder, 'influxdb.conf')], {
    stdio: 'ignore',
  });
  const url = `http://127.0.0.1:${port}`;
  for (let i = 0; i < 600; i++) {
    try {
      if ((await fetch(`${url}/ping`)).status === 204) break;
    } catch {
      await sleep(50);
    }
  }
  return { url, stop: () => child.kill('SIGTERM') };
}

async function load(url) {
  for (const name of [...Object.keys(queryPoints), 'db2']) {
    await askQuery(url, { db: name, form: { q: `CREATE DATABASE "${name}"` } });
    const body = queryPoints[name]?.() ?? '';
    if (body === '') continue;
    const written = await fetch(`${url}/write?db=${name}&precision=s`, { method: 'POST', body });
    if (written.status !== 204)
      throw new TypeError(`${url}: ${written.status} ${await written.text()}`);
  }
}

/** What is different on purpose, or was never the same twice. */
function isKnown({ q = '' }, ours, theirs) {
  return (
    /sample\(|integral\(|^EXPLAIN ANALYZE/.test(q) ||
    /panic|interrupted|"qid"/.test(theirs.text) ||
    // InfluxDB says which shard came first, and that is never the same.
    theirs.text.replace(/shard \d+: /, '') === ours.text.replace(/shard \d+: /, '') ||
    /nested too deeply/.test(ours.text)
  );
}

async function record(files) {
  const influxdb = await startInfluxdb();
  try {
    await load(influxdb.url);
    for (const file of files) {
      const answers = [];
      for (const request of readScript(readFileSync(file, 'utf8')))
        answers.push(JSON.stringify((await askQuery(influxdb.url, request)).body));
      writeFileSync(file.replace(/\.iql$/, '.json'), `[\n${answers.join(',\n')}\n]\n`);
    }
  } finally {
    influxdb.stop();
  }
}

async function compare([count = '2000', seed = String(Date.now() % 1e9), points = 'weeks']) {
  const Statements = process.env.ALL ? AllStatements : QueryStatements;
  const statements = new Statements(Number(seed), queryBaseS);
  const influxdb = await startInfluxdb();
  const server = await startServer({ folder: join(folder, 'tidegate') });
  const differences = [];
  let refused = 0;
  try {
    for (const { url } of [influxdb, server]) await load(url);
    for (let i = 0; i < Number(count); i++) {
      const form = { epoch: 'ns', ...statements.next() };
      if (process.env.TELL) console.error(JSON.stringify(form));
      const request = { db: points, form };
      const [theirs, ours] = await Promise.all(
        [influxdb, server].map(({ url }) => askQuery(url, request)),
      );
      if (/"error"/.test(theirs.text)) refused++;
      const isSame = theirs.status === ours.status && isCloseTo(theirs.body, ours.body);
      if (isSame || isKnown(form, ours, theirs)) continue;
      const status = [theirs.status, ours.status];
      differences.push({ text: form.q, form, theirs: theirs.text, ours: ours.text, status });
      if (differences.length > 15) continue;
      console.log(`\n${JSON.stringify(form)}`);
      console.log(`  influxdb ${theirs.status} ${theirs.text.slice(0, 700)}`);
      console.log(`  tidegate ${ours.status} ${ours.text.slice(0, 700)}`);
    }
  } finally {
    influxdb.stop();
    await server.stop();
    if (process.env.KEEP) writeFileSync(process.env.KEEP, JSON.stringify(differences, null, 1));
  }
  const found = `${refused} refused by InfluxDB, ${differences.length} differences`;
  console.log(`\nseed ${seed}, ${points}: ${count} statements, ${found}`);
  return differences.length === 0;
}

let isClean = true;
try {
  if (process.argv[2] === '--record') await record(process.argv.slice(3));
  else isClean = await compare(process.argv.slice(2));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exit(isClean ? 0 : 1);
