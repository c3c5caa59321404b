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
};
/** Thirds of a set, each written and then snapshotted. */
const PARTS = 3;
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

/** Latencies of writes with the default settings: snapshots and level compactions run beside them. */
async function measureLatency(name, set, { bodies, valueCount }) {
  const folder = join(root, `${name}-load`);
  rmSync(folder, { recursive: true, force: true });
  const peer = await startPeer(name, { folder, port: ports[name] });
  await query(peer, 'CREATE DATABASE bench');
  const startedMs = performance.now();
  const tookMs = await writeAll(peer, bodies);
  const wallMs = performance.now() - startedMs;
  await peer.stop();
  rmSync(folder, { recursive: true, force: true });
  const [p50, p99] = [quantile(tookMs, 0.5), quantile(tookMs, 0.99)];
  return {
    set,
    name,
    valuesPerSecond: (valueCount / wallMs) * 1000,
    p50,
    p99,
    p99ToP50: p99 / p50,
  };
}

/** Copies of bodies for another database, so that its shard is cold while `bench` is written to. */
async function fillOld(peer, bodies) {
  await request(`${peer.url}/query?q=${encodeURIComponent('CREATE DATABASE old')}`, {
    method: 'POST',
  });
  for (const [number, body] of bodies.entries()) {
    const { status, text } = await request(`${peer.url}/write?db=old`, { method: 'POST', body });
    if (status !== 204) throw new TypeError(`write ${number}: ${status} ${text}`);
  }
}

/** Values a second into `bench` while a full compaction of `old` runs, and while none does. */
async function measureSlowdown(name, ints, floats) {
  const folder = join(root, `${name}-slowdown`);
  rmSync(folder, { recursive: true, force: true });
  const cold = `${NO_LIMIT}\ncache-snapshot-write-cold-duration = "1s"\ncompact-full-write-cold-duration = "24h"`;
  let peer = await startPeer(name, { folder, port: ports[name], data: cold });
  const old = join(folder, 'data/old');
  for (let part = 0; part < PARTS; part++) {
    await fillOld(
      peer,
      floats.bodies.filter((_, i) => i % PARTS === part),
    );
    await until(() => existsSync(old) && tsmFiles(folder).length > part);
    await settle(peer.pid, 1500);
  }
  await peer.stop();
  const hot = `compact-full-write-cold-duration = "4s"\ncache-snapshot-memory-size = "4g"\ncache-max-memory-size = "4g"`;
  peer = await startPeer(name, { folder, port: ports[name], data: hot });
  await query(peer, 'CREATE DATABASE bench');
  // Warm, then measured: each body's time and whether the compaction ran.
  const rates = { during: [], without: [] };
  const isDone = () => tsmFiles(folder).filter((path) => path.startsWith('old')).length === 1;
  const isRunning = () =>
    readdirSync(old, { recursive: true }).some((path) => path.endsWith('.tmp')) && !isDone();
  const startedMs = performance.now();
  for (let i = 0; performance.now() - startedMs < 60_000; i++) {
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
    if (i >= 20 && !before && !after) rates.without.push(tookMs);
    if (isDone() && rates.without.length > 100) break;
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
  for (const set of options.only === 'load' ? [] : Object.keys(SETS)) {
    for (const name of order) {
      results.work.push(await measureWork(name, set, sets[set]));
      console.log(JSON.stringify(results.work.at(-1)));
    }
  }
  for (const name of options.only === 'work' ? [] : order) {
    results.latency.push(await measureLatency(name, 'ints', sets.ints));
    console.log(JSON.stringify(results.latency.at(-1)));
    results.slowdown.push(await measureSlowdown(name, sets.ints, sets.floats));
    console.log(JSON.stringify(results.slowdown.at(-1)));
  }
}
if (options.save !== undefined) {
  saveResults(options.save, `node bench/storage.mjs --rounds ${rounds}`, results);
}
if (options.folder === undefined) rmSync(root, { recursive: true, force: true });
