// The storage engine beside InfluxDB's on the same points: CPU of snapshots and of a full compaction, bytes on disk, latencies under
// load, and how much a compaction slows writes down.
//   node bench/storage.mjs [--rounds 2] [--data DIR] [--folder DIR] [--save NAME] [--only work|load]
// Build first. --data has the folders ints, floats and mixed of the load generator (BENCH_TOOLS, gen.mjs), which are made when they
// are missing. Takes ports 18724 to 18727.
//
// How snapshots and compactions are told from the rest: with a cache that is never full the points of a third of the set wait in
// memory until the server is idle; then the cache goes cold and is written, and nothing else happens. Three such files are too few
// for a level compaction. A start with a short compact-full-write-cold-duration compacts them and does nothing else.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import {
  cpuSeconds,
  diskBytes,
  quantile,
  query,
  request,
  saveResults,
  settle,
  sleep,
  startPeer,
  writeAll,
} from './peers.mjs';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '2' },
    data: { type: 'string', default: join(tmpdir(), 'tidegate-bench-data') },
    folder: { type: 'string' },
    save: { type: 'string' },
    only: { type: 'string' },
  },
});
const tools = resolve(process.env.BENCH_TOOLS ?? '../shared/bench');
const root = options.folder ?? mkdtempSync(join(tmpdir(), 'tidegate-storage-'));
const ports = { influxdb: 18724, tidegate: 18726 };
const peers = ['influxdb', 'tidegate'];
const SETS = {
  ints: ['--set', 'cpu', '--points', '500000'],
  floats: ['--set', 'cpu', '--values', 'float', '--points', '500000'],
  mixed: ['--set', 'mixed', '--points', '300000'],
  // For latencies: so many bodies that the hundredth part of them is some.
  long: ['--set', 'cpu', '--points', '2500000'],
};
/** Thirds of a set, each written and then snapshotted. */
const PARTS = 3;
/** Bodies of a load whose latencies are not counted. */
const FIRST_BODIES = 20;
/** Databases whose shards are compacted while another is written to. */
const OLD_DATABASES = 3;
/** How long writes go on before compactions begin. */
const WARM_SECONDS = 15;
const NO_LIMIT = 'cache-snapshot-memory-size = "4g"\ncache-max-memory-size = "4g"';

/** Bodies of a set, and their values. */
function load(name) {
  const folder = join(options.data, name);
  if (!existsSync(join(folder, 'manifest.json'))) {
    mkdirSync(options.data, { recursive: true });
    const args = ['--hosts', '100', '--batch', '5000', '--out', folder, ...SETS[name]];
    execFileSync(process.execPath, [join(tools, 'gen.mjs'), ...args], { stdio: 'inherit' });
  }
  const { index } = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'));
  const data = readFileSync(join(folder, 'data.bin'));
  let at = 0;
  let valueCount = 0;
  const bodies = index.map(([bytes, , values]) => {
    valueCount += values;
    at += bytes;
    return data.subarray(at - bytes, at);
  });
  return { bodies, valueCount };
}

const tsmFiles = (folder) =>
  readdirSync(join(folder, 'data'), { recursive: true }).filter((name) => name.endsWith('.tsm'));

async function until(isTrue, longestMs = 300_000) {
  const startedMs = performance.now();
  while (!isTrue()) {
    if (performance.now() - startedMs > longestMs) throw new TypeError('waited too long');
    await sleep(50);
  }
}

/** CPU of snapshots and of a full compaction, and bytes a value after it. */
async function measureWork(name, set, { bodies, valueCount }) {
  const folder = join(root, `${name}-${set}`);
  rmSync(folder, { recursive: true, force: true });
  const port = ports[name];
  const data = `${NO_LIMIT}\ncache-snapshot-write-cold-duration = "15s"\ncompact-full-write-cold-duration = "24h"`;
  let peer = await startPeer(name, { folder, port, data });
  await query(peer, 'CREATE DATABASE bench');
  let snapshotCpu = 0;
  for (let part = 0; part < PARTS; part++) {
    const from = Math.floor((bodies.length * part) / PARTS);
    const to = Math.floor((bodies.length * (part + 1)) / PARTS);
    await writeAll(peer, bodies.slice(from, to));
    await sleep(6000);
    const before = cpuSeconds(peer.pid);
    if (tsmFiles(folder).length > part) throw new TypeError(`${name}: snapshot came too early`);
    await until(() => tsmFiles(folder).length > part);
    snapshotCpu += (await settle(peer.pid, 2500)) - before;
  }
  const snapshotBytes = diskBytes(join(folder, 'data'), /\.tsm$/);
  await peer.stop();
  const full = `${NO_LIMIT}\ncompact-full-write-cold-duration = "3s"`;
  peer = await startPeer(name, { folder, port, data: full });
  // InfluxDB takes the files' age for the time of the last write and begins at once.
  const before = cpuSeconds(peer.pid);
  await until(() => tsmFiles(folder).length === 1);
  const compactionCpu = (await settle(peer.pid, 2500)) - before;
  await peer.stop();
  const bytes = diskBytes(join(folder, 'data'), /\.tsm$/);
  rmSync(folder, { recursive: true, force: true });
  return {
    set,
    name,
    values: valueCount,
    snapshotCpuPerMillion: (snapshotCpu / valueCount) * 1e6,
    compactionCpuPerMillion: (compactionCpu / valueCount) * 1e6,
    snapshotBytesPerValue: snapshotBytes / valueCount,
    bytesPerValue: bytes / valueCount,
  };
}

/**
 * Latencies of writes with the default settings: snapshots and level compactions run beside them. The first bodies, which
 * make the shard and meet cold code, are not what a load is: they are left out for both.
 */
async function measureLatency(name, set, { bodies, valueCount }) {
  const folder = join(root, `${name}-load`);
  rmSync(folder, { recursive: true, force: true });
  const peer = await startPeer(name, { folder, port: ports[name] });
  await query(peer, 'CREATE DATABASE bench');
  await writeAll(peer, bodies.slice(0, FIRST_BODIES));
  const startedMs = performance.now();
  const tookMs = await writeAll(peer, bodies.slice(FIRST_BODIES));
  const wallMs = performance.now() - startedMs;
  await peer.stop();
  rmSync(folder, { recursive: true, force: true });
  const [p50, p99] = [quantile(tookMs, 0.5), quantile(tookMs, 0.99)];
  const share = 1 - FIRST_BODIES / bodies.length;
  return {
    set,
    name,
    bodies: tookMs.length,
    valuesPerSecond: ((valueCount * share) / wallMs) * 1000,
    p50,
    p99,
    p99ToP50: p99 / p50,
  };
}

/** Bodies into databases of their own, so that their shards are cold while `bench` is written to. */
async function fillOld(peer, bodies) {
  for (let k = 0; k < OLD_DATABASES; k++) {
    await request(`${peer.url}/query?q=${encodeURIComponent(`CREATE DATABASE old${k}`)}`, {
      method: 'POST',
    });
    for (const [number, body] of bodies.entries()) {
      const { status, text } = await request(`${peer.url}/write?db=old${k}`, {
        method: 'POST',
        body,
      });
      if (status !== 204) throw new TypeError(`write ${number}: ${status} ${text}`);
    }
  }
}

/**
 * Time of groups of bodies into `bench` while full compactions of cold shards run, and while none does. Tidegate's begin when
 * the writes have gone on for a while; InfluxDB's begin at once, and go on until they are done.
 */
async function measureSlowdown(name, ints, floats) {
  const folder = join(root, `${name}-slowdown`);
  rmSync(folder, { recursive: true, force: true });
  const cold = `${NO_LIMIT}\ncache-snapshot-write-cold-duration = "1s"\ncompact-full-write-cold-duration = "24h"`;
  let peer = await startPeer(name, { folder, port: ports[name], data: cold });
  for (let part = 0; part < PARTS; part++) {
    await fillOld(
      peer,
      floats.bodies.filter((_, i) => i % PARTS === part),
    );
    await until(() => tsmFiles(folder).length >= OLD_DATABASES * (part + 1));
    await settle(peer.pid, 1500);
  }
  await peer.stop();
  const hot = `compact-full-write-cold-duration = "${WARM_SECONDS}s"\ncache-snapshot-memory-size = "4g"\ncache-max-memory-size = "4g"`;
  peer = await startPeer(name, { folder, port: ports[name], data: hot });
  await query(peer, 'CREATE DATABASE bench');
  const oldFiles = () =>
    readdirSync(join(folder, 'data'), { recursive: true }).filter((path) => path.startsWith('old'));
  const isDone = () => oldFiles().filter((path) => path.endsWith('.tsm')).length === OLD_DATABASES;
  const isRunning = () => oldFiles().some((path) => path.endsWith('.tmp')) && !isDone();
  const rates = { during: [], without: [] };
  const startedMs = performance.now();
  const elapsed = () => (performance.now() - startedMs) / 1000;
  for (let i = 0; elapsed() < 90; i++) {
    const before = isRunning();
    const group = Array.from(
      { length: 4 },
      (_, k) => ints.bodies[(i * 4 + k) % ints.bodies.length],
    );
    const groupMs = performance.now();
    await writeAll(peer, group);
    const tookMs = performance.now() - groupMs;
    const after = isRunning();
    if (i >= 20 && before && after) rates.during.push(tookMs);
    // As many as lie near the compactions, not those of the first seconds.
    else if (i >= 20 && !before && !after && (isDone() || elapsed() > WARM_SECONDS / 2))
      rates.without.push(tookMs);
    if (isDone() && rates.without.length > 200) break;
  }
  await peer.stop();
  rmSync(folder, { recursive: true, force: true });
  const during = quantile(rates.during, 0.5);
  const without = quantile(rates.without, 0.5);
  return {
    name,
    groups: rates.during.length,
    duringMs: during,
    withoutMs: without,
    slowdown: during / without - 1,
  };
}

const rounds = Number(options.rounds);
const sets = Object.fromEntries(Object.keys(SETS).map((name) => [name, load(name)]));
const results = { work: [], latency: [], slowdown: [] };
for (let round = 0; round < rounds; round++) {
  const order = round % 2 === 0 ? peers : [...peers].reverse();
  for (const set of options.only === 'load' ? [] : ['ints', 'floats', 'mixed']) {
    for (const name of order) {
      results.work.push(await measureWork(name, set, sets[set]));
      console.log(JSON.stringify(results.work.at(-1)));
    }
  }
  for (const name of options.only === 'work' ? [] : order) {
    results.latency.push(await measureLatency(name, 'long', sets.long));
    console.log(JSON.stringify(results.latency.at(-1)));
    results.slowdown.push(await measureSlowdown(name, sets.ints, sets.floats));
    console.log(JSON.stringify(results.slowdown.at(-1)));
  }
}
if (options.save !== undefined) {
  saveResults(options.save, `node bench/storage.mjs --rounds ${rounds}`, results);
}
if (options.folder === undefined) rmSync(root, { recursive: true, force: true });
