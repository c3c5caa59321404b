// The query set while 5,000-line batches are being written, beside InfluxDB 1.x: node bench/queries-while-writing.mjs [NAME]
// Loads the load generator's data into each server in turn, then asks the queries while another process writes to another database
// at the same rate for both. BENCH_TOOLS is the folder of the load generator. Writes bench/results/NAME.json.
import { execSync, fork } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { join, resolve } from 'node:path';

const tools = resolve(process.env.BENCH_TOOLS ?? '../shared/bench');
const { start, compact, writeUrl } = await import(`${tools}/peers.mjs`);
const { ingest, load } = await import(`${tools}/ingest.mjs`);
const { plan, query } = await import(`${tools}/query.mjs`);
const { table } = await import(`${tools}/lib.mjs`);

/** Batches of 5,000 lines a second: 200,000 values a second. */
const BATCHES_PER_SECOND = 4;

if (process.argv[2] === '--write') {
  const [, , , url, dir] = process.argv;
  const { batches } = load(dir, { limit: 200 });
  for (let i = 0; ; i = (i + 1) % batches.length) {
    const startedMs = performance.now();
    await fetch(url, { method: 'POST', body: batches[i].body });
    await new Promise((done) =>
      setTimeout(done, Math.max(0, 1000 / BATCHES_PER_SECOND - (performance.now() - startedMs))),
    );
  }
}

const name = process.argv[2] ?? 'queries-while-writing';
const folder = mkdtempSync(join(os.tmpdir(), 'tidegate-bench-'));
const data = process.env.BENCH_DATA ?? join(folder, 'data');
if (!existsSync(join(data, 'manifest.json'))) {
  mkdirSync(data, { recursive: true });
  execSync(`node ${tools}/gen.mjs --set cpu --hosts 100 --points 2592000 --out ${data}`, {
    stdio: 'inherit',
  });
}
const manifest = JSON.parse(readFileSync(join(data, 'manifest.json'), 'utf8'));
const hub = `bash ${tools}/serve.sh ${process.cwd()}/dist/apps/cli/main.js {dir} {port}`;
const results = {};
for (const [target, port] of [
  ['influxd-inmem', 18880],
  ['hub', 18890],
]) {
  const options = { port, hubCmd: hub, hubUrl: 'http://127.0.0.1:{port}' };
  let server = await start(target, join(folder, target), options);
  await ingest(server, load(data), { url: writeUrl(server, 'lp') });
  server = await compact(server, options);
  await fetch(`${server.url}/query`, {
    method: 'POST',
    body: new URLSearchParams({ q: 'CREATE DATABASE written' }),
  });
  const writer = fork(new URL(import.meta.url), [
    '--write',
    `${server.url}/write?db=written`,
    data,
  ]);
  await new Promise((done) => setTimeout(done, 2000));
  results[target] = await query(server, plan(manifest), {});
  writer.kill();
  await server.kill();
}
const rows = results.hub.map((row) => {
  const peer = results['influxd-inmem'].find(({ type }) => type === row.type);
  return {
    query: row.type,
    'influxdb p50 ms': peer['p50 ms'],
    'p50 ms': row['p50 ms'],
    'p50 ratio': peer['p50 ms'] / row['p50 ms'],
    'influxdb p95 ms': peer['p95 ms'],
    'p95 ms': row['p95 ms'],
    'p95 ratio': peer['p95 ms'] / row['p95 ms'],
  };
});
console.log(table(rows, Object.keys(rows[0])));
const conditions = {
  commit: execSync('git rev-parse --short HEAD').toString().trim(),
  command: `node bench/queries-while-writing.mjs ${name}`,
  node: process.version,
  cores: os.cpus().length,
  peers: 'influxdb 1.6.7 of Debian 12, default settings, loopback',
  note: `${BATCHES_PER_SECOND} batches of 5,000 lines a second beside the queries; shared machine: compare ratios`,
};
writeFileSync(`bench/results/${name}.json`, `${JSON.stringify({ conditions, rows }, null, 1)}\n`);
rmSync(folder, { recursive: true, force: true });
process.exit(0);
