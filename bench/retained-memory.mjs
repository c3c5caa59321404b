// Memory over a day: a store in this process takes a day of writes as fast as it can, on a clock that is moved by hand, with its
// snapshots, compactions and a new shard every hour, of which the last six are kept. Resident memory has to stay flat.
//   node --expose-gc bench/retained-memory.mjs [--hosts 400] [--hours 24] [--save NAME]
// Build first. Writes bench/results/NAME.json and NAME.svg.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { NodeFileSystem, silentLogger } from '../dist/libs/kernel/index.js';
import {
  allRuns,
  LineParser,
  padBody,
  PointsBatch,
  ShapeTable,
} from '../dist/libs/models/index.js';
import { Store } from '../dist/libs/tsdb/index.js';
import { WorkerCompactor, WorkerSnapshotter } from '../dist/libs/tsm/index.js';
import { quantile, saveResults } from './peers.mjs';

const { values: options } = parseArgs({
  options: {
    hosts: { type: 'string', default: '400' },
    hours: { type: 'string', default: '24' },
    save: { type: 'string' },
  },
});
const hosts = Number(options.hosts);
const hours = Number(options.hours);
const INTERVAL_S = 10;
const SHARDS_KEPT = 6;
const HOUR_NS = 3_600_000_000_000n;
const START_NS = 1_600_000_000_000_000_000n - (1_600_000_000_000_000_000n % HOUR_NS);
const FIELDS = [
  'user',
  'system',
  'idle',
  'nice',
  'iowait',
  'irq',
  'softirq',
  'steal',
  'guest',
  'load',
];

const folder = mkdtempSync(join(tmpdir(), 'tidegate-memory-'));
const files = new NodeFileSystem();
const shapes = new ShapeTable();
const parser = new LineParser(shapes);
const clock = {
  timeNs: START_NS,
  nowNs: () => clock.timeNs,
  monotonicMs: () => Number(clock.timeNs / 1_000_000n),
};
const snapshotter = new WorkerSnapshotter();
const compactor = new WorkerCompactor({ concurrentMax: 1, throughputBytes: 0, burstBytes: 0 });
const store = new Store({
  files,
  clock,
  logger: silentLogger,
  shapes,
  snapshotter,
  compactor,
  config: {
    dir: join(folder, 'data'),
    walDir: join(folder, 'wal'),
    walFsyncDelayMs: 0,
    cacheSnapshotMemorySizeBytes: 25 * 2 ** 20,
    cacheSnapshotWriteColdDurationMs: 600_000,
    cacheMaxMemorySizeBytes: 2 ** 30,
    compactFullWriteColdDurationMs: 3_600_000,
    seriesPerDatabaseMax: 0,
    valuesPerTagMax: 0,
  },
});

const shardOf = (hour) => ({
  id: hour + 1,
  database: 'day',
  retentionPolicy: 'autogen',
  startNs: START_NS + BigInt(hour) * HOUR_NS,
  endNs: START_NS + BigInt(hour + 1) * HOUR_NS,
});

/** Lines of all hosts at one time; values that wander as those of machines do. */
function linesAt(timeNs, step) {
  const lines = [];
  for (let h = 0; h < hosts; h++) {
    const fields = FIELDS.map((name, f) =>
      f % 2 === 0
        ? `${name}=${((h * 31 + step * (f + 3)) % 1000) / 10}`
        : `${name}=${(h * 17 + step * (f + 1)) % 100}i`,
    );
    lines.push(`cpu,host=h${h},region=r${h % 7} ${fields.join(',')} ${timeNs}`);
  }
  return lines.join('\n');
}

async function write(shard, lines) {
  const body = new TextEncoder().encode(lines);
  const batch = new PointsBatch();
  parser.parse(
    {
      body: padBody(body),
      length: body.length,
      known: store.index('day'),
      precision: 'ns',
      defaultTime: clock.nowNs,
    },
    batch,
  );
  const { points } = await shard.write(batch, allRuns(batch));
  return points;
}

await store.open([]);
const samples = [];
let points = 0;
const startedMs = performance.now();
for (let hour = 0; hour < hours; hour++) {
  const shard = await store.createShard(shardOf(hour));
  if (hour >= SHARDS_KEPT) await store.deleteShard(hour - SHARDS_KEPT + 1);
  for (let second = 0; second < 3600; second += INTERVAL_S) {
    clock.timeNs = START_NS + BigInt(hour * 3600 + second) * 1_000_000_000n;
    points += await write(shard, linesAt(clock.timeNs, hour * 360 + second / INTERVAL_S));
    for (const each of store.allShards()) each.engine.tick();
    if (second % 300 !== 0) continue;
    globalThis.gc?.();
    const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
    samples.push({
      hour: hour + second / 3600,
      rssMiB: Math.round(rss / 2 ** 20),
      heapMiB: Math.round(heapUsed / 2 ** 20),
      arrayBuffersMiB: Math.round(arrayBuffers / 2 ** 20),
    });
  }
}
const tookS = (performance.now() - startedMs) / 1000;
await store.close();
await snapshotter.close();
await compactor.close();
rmSync(folder, { recursive: true, force: true });

const between = (from, to) =>
  samples.filter(({ hour }) => hour >= from && hour < to).map(({ rssMiB }) => rssMiB);
const quarters = [0, 1, 2, 3].map((q) => between((hours * q) / 4, (hours * (q + 1)) / 4));
const summary = {
  hosts,
  hours,
  points,
  values: points * FIELDS.length,
  seconds: Math.round(tookS),
  medianRssMiBByQuarter: quarters.map((list) => quantile(list, 0.5)),
  peakRssMiBByQuarter: quarters.map((list) => Math.max(...list)),
};
console.log(summary);

/** A line chart of resident memory and the heap over the hours. */
function chart() {
  const [width, height, left, bottom] = [900, 360, 60, 40];
  const top = Math.ceil(Math.max(...samples.map(({ rssMiB }) => rssMiB)) / 100) * 100;
  const x = (hour) => left + ((width - left - 10) * hour) / hours;
  const y = (mib) => height - bottom - ((height - bottom - 30) * mib) / top;
  const line = (key, color) =>
    `<polyline fill="none" stroke="${color}" stroke-width="1.5" points="${samples
      .map((sample) => `${x(sample.hour).toFixed(1)},${y(sample[key]).toFixed(1)}`)
      .join(' ')}"/>`;
  const text = (at, content, anchor = 'middle') =>
    `<text x="${at[0]}" y="${at[1]}" text-anchor="${anchor}">${content}</text>`;
  const rows = Array.from({ length: top / 100 + 1 }, (_, i) => i * 100);
  const marks = Array.from({ length: hours / 3 + 1 }, (_, i) => i * 3);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">
<rect width="${width}" height="${height}" fill="white"/>
${text([width / 2, 18], `Memory over ${hours} simulated hours: ${points * FIELDS.length} values in ${Math.round(tookS)} s`)}
${rows.map((mib) => `<line x1="${left}" x2="${width - 10}" y1="${y(mib)}" y2="${y(mib)}" stroke="#ddd"/>${text([left - 6, y(mib) + 4], `${mib} MiB`, 'end')}`).join('\n')}
${marks.map((hour) => text([x(hour), height - bottom + 18], `${hour} h`)).join('\n')}
${line('rssMiB', '#c0392b')}
${line('arrayBuffersMiB', '#2980b9')}
${line('heapMiB', '#27ae60')}
<text x="${left + 10}" y="${height - 6}"><tspan fill="#c0392b">resident</tspan> <tspan fill="#2980b9">array buffers</tspan> <tspan fill="#27ae60">heap</tspan></text>
</svg>
`;
}

if (options.save !== undefined) {
  saveResults(
    options.save,
    `node --expose-gc bench/retained-memory.mjs --hosts ${hosts} --hours ${hours}`,
    {
      summary,
      samples,
    },
  );
  writeFileSync(`bench/results/${options.save}.svg`, chart());
}
