/**
 * What knowing itself costs the way of a write: CPU of the same batches with and without it, in turns within one process, so
 * that whatever else the machine does meets both. Prints ratios; `--save` keeps them. Run it from the build:
 *
 *   npm run build && node dist/libs/monitor/self-knowledge.bench.js [--save]
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { LineWriter, PointsWriter } from '#coordinator';
import { NodeFileSystem, silentLogger, SystemClock } from '#kernel';
import { LocalMetaStore, MetaClient } from '#meta';
import { padBody, ShapeTable } from '#models';
import { type SeriesGate, Store, storeStatistics } from '#tsdb';
import { WorkerCompactor, WorkerSnapshotter } from '#tsm';
import {
  CardinalityFirewall,
  RuntimeStatistics,
  ServerMetrics,
  StatisticsRecorder,
  StatisticsRegistry,
  TopTalkers,
  withTimedSyncs,
} from './index.js';

const FIELDS = 10;
const HOSTS = 1000;
const TURNS = 60;
const encoder = new TextEncoder();
const files = new NodeFileSystem();
const clock = new SystemClock();
const root = mkdtempSync(join(tmpdir(), 'tidegate-bench-'));

/** A server's storage, of which self-knowledge can be a part. */
async function storage(name: string, gate: SeriesGate | null, observe?: (seconds: number) => void) {
  const folder = join(root, name);
  const metaConfig = {
    dir: `${folder}/meta`,
    isRetentionAutocreated: true,
    isLoggingEnabled: false,
  };
  const store = new LocalMetaStore(files, metaConfig.dir, silentLogger);
  const meta = new MetaClient({ store, config: metaConfig, clock, logger: silentLogger });
  await meta.open();
  const shapes = new ShapeTable();
  const snapshotter = new WorkerSnapshotter();
  const compactor = new WorkerCompactor({ concurrentMax: 1, throughputBytes: 0, burstBytes: 0 });
  const tsdb = new Store({
    files: observe === undefined ? files : withTimedSyncs(files, () => true, observe),
    clock,
    logger: silentLogger,
    shapes,
    snapshotter,
    compactor,
    gate,
    config: {
      dir: `${folder}/data`,
      walDir: `${folder}/wal`,
      walFsyncDelayMs: 0,
      // Snapshots would meet the one or the other by chance.
      cacheSnapshotMemorySizeBytes: 2 ** 40,
      cacheSnapshotWriteColdDurationMs: 1e9,
      cacheMaxMemorySizeBytes: 0,
      compactFullWriteColdDurationMs: 1e9,
      seriesPerDatabaseMax: 0,
      valuesPerTagMax: 0,
    },
  });
  await tsdb.open([]);
  await meta.createDatabase('d');
  const writer = new PointsWriter({
    meta,
    store: tsdb,
    clock,
    logger: silentLogger,
    writeTimeoutMs: 0,
  });
  const lines = new LineWriter({ store: tsdb, writer, shapes, clock });
  const close = async (): Promise<void> => {
    await tsdb.close();
    await snapshotter.close();
    await compactor.close();
    await meta.close();
  };
  return { meta, store: tsdb, writer, lines, close };
}

const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

/** CPU of `b` over that of `a`: the median of turns, and the medians in milliseconds. Each turn has bodies of its own. */
async function compare(
  bodies: (turn: number) => Bodies,
  a: (bodies: Bodies) => Promise<void>,
  b: (bodies: Bodies) => Promise<void>,
) {
  const ratios: number[] = [];
  const all: [number[], number[]] = [[], []];
  for (let turn = 0; turn < TURNS; turn++) {
    const took: [number, number] = [0, 0];
    const these = bodies(turn);
    for (const which of turn % 2 === 0 ? [0, 1] : [1, 0]) {
      const before = cpuMs();
      await (which === 0 ? a : b)(these);
      took[which] = cpuMs() - before;
    }
    // The first turns compile.
    if (turn < TURNS / 4) continue;
    ratios.push(took[1] / took[0]);
    all[0].push(took[0]);
    all[1].push(took[1]);
  }
  const round = (value: number): number => Number(value.toFixed(3));
  return {
    ratio: round(median(ratios)),
    withoutMs: round(median(all[0])),
    withMs: round(median(all[1])),
  };
}

const line = (host: string, i: number): string =>
  `cpu,host=${host},region=eu-west-1,rack=${i % 40} ${Array.from({ length: FIELDS }, (_, f) => `f${f}=${(i * 7919 + f) % 1000}.5`).join(',')}`;

const body = (text: string) => {
  const bytes = encoder.encode(text);
  return { body: padBody(bytes), length: bytes.length };
};

type Bodies = readonly ReturnType<typeof body>[];

const bodiesOf = (lines: number, turn: number): Bodies =>
  Array.from({ length: Math.ceil(5000 / lines) }, (_, b) =>
    body(
      Array.from({ length: lines }, (__, i) => {
        const n = b * lines + i;
        return `${line(`host_${n % HOSTS}`, n)} ${1_700_000_000 + turn * 5 + Math.floor(n / HOSTS)}`;
      }).join('\n'),
    ),
  );

const registry = new StatisticsRegistry();
const metrics = new ServerMetrics(registry, 'bench');
metrics.open();
const runtime = new RuntimeStatistics();
runtime.open();
const plain = await storage('plain', null);
const noLimits = {
  newSeriesPerListenerMax: 0,
  newSeriesPerPeerMax: 0,
  newSeriesPerMeasurementMax: 0,
};
const gateOf = (newSeriesPerPeerMax: number): SeriesGate => {
  const config = { ...noLimits, newSeriesPerPeerMax, overBudget: 'fold' as const };
  const firewall = new CardinalityFirewall(config, clock, silentLogger);
  return {
    isLimiting: firewall.isLimiting,
    admit: (candidate) => firewall.admit(candidate),
    made: (series) => talkers.made(series),
  };
};
const knowing = await storage('knowing', gateOf(0), (seconds) => metrics.sync.observe(seconds));
const talkers: TopTalkers = new TopTalkers(knowing.store, clock);
knowing.writer.addListener(talkers);
const limited = await storage('limited', gateOf(1e9));

type Storage = typeof plain;
const source = { listener: 'http', peer: '127.0.0.1' };

const write = async ({ lines }: Storage, of: Bodies): Promise<void> => {
  for (const one of of)
    await lines.write({ database: 'd', retentionPolicy: '', precision: 's', ...one, source });
};

/** Writes as a server that knows itself does. */
const observed = async (to: Storage, of: Bodies): Promise<void> => {
  for (const one of of) {
    const startedMs = performance.now();
    await write(to, [one]);
    metrics.observeRequest('write', 204, (performance.now() - startedMs) / 1000);
  }
};

const newSeries = (turn: number): Bodies => [
  body(
    Array.from({ length: 5000 }, (_, i) => `${line(`new_${turn}_${i}`, i)} ${1_700_000_000}`).join(
      '\n',
    ),
  ),
];

const results = {
  'bodies of 5000 lines: histograms and SHOW TOP': await compare(
    (turn) => bodiesOf(5000, turn),
    (these) => write(plain, these),
    (these) => observed(knowing, these),
  ),
  'bodies of 10 lines: histograms and SHOW TOP': await compare(
    (turn) => bodiesOf(10, turn),
    (these) => write(plain, these),
    (these) => observed(knowing, these),
  ),
  '5000 new series: counted, no budgets': await compare(
    newSeries,
    (these) => write(plain, these),
    (these) => write(knowing, these),
  ),
  '5000 new series: within a budget, fold': await compare(
    (turn) => newSeries(turn + TURNS),
    (these) => write(plain, these),
    (these) => write(limited, these),
  ),
};
registry.register('runtime', () => runtime.collect());
registry.register('store', () => storeStatistics(plain.store));
registry.register('write', () => [
  { name: 'write', tags: {}, values: { ...plain.writer.statistics } },
]);
const recorder = new StatisticsRecorder({
  registry,
  meta: plain.meta,
  lines: plain.lines,
  logger: silentLogger,
  database: '_internal',
  intervalMs: 1,
  hostname: 'bench',
});
const records: number[] = [];
const scrapes: number[] = [];
for (let i = 0; i < 200; i++) {
  let before = cpuMs();
  await recorder.run(clock.nowNs() + BigInt(i) * 1_000_000n);
  records.push(cpuMs() - before);
  before = cpuMs();
  await metrics.render();
  scrapes.push(cpuMs() - before);
}
const entries = registry.collect().length;
const recordMs = median(records.slice(50));
const report = {
  conditions: {
    command: 'node dist/libs/monitor/self-knowledge.bench.js',
    node: process.version,
    cores: cpus().length,
    processor: cpus()[0]?.model,
    note: 'CPU of the process; ratio: median over turns of with / without, taken in turns in one process',
  },
  when: new Date().toISOString(),
  results,
  'a record into _internal': {
    parts: entries,
    cpuMs: Number(recordMs.toFixed(3)),
    'part of a core at 10s': Number((recordMs / 10_000).toFixed(6)),
  },
  'a scrape of /metrics': { cpuMs: Number(median(scrapes.slice(50)).toFixed(3)) },
};
const text = `${JSON.stringify(report, null, 1)}\n`;
process.stdout.write(text);
if (process.argv.includes('--save')) writeFileSync('bench/results/self-knowledge.json', text);
for (const each of [plain, knowing, limited]) await each.close();
metrics.close();
runtime.close();
rmSync(root, { recursive: true });
