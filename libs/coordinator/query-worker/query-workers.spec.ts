import { parseQuery, type SelectStatement } from '#influxql';
import { NodeFileSystem, silentLogger } from '#kernel';
import { LocalMetaStore, MetaClient } from '#meta';
import { LineParser, padBody, PointsBatch, ShapeTable } from '#models';
import {
  noLimits,
  QueryLimitError,
  QueryMemory,
  type ResultSeries,
  type ResultValue,
  runSelect,
} from '#query';
import { ManualClock, temporaryFolder } from '#test-support';
import { Store } from '#tsdb';
import { inPlaceCompactor, inPlaceSnapshotter } from '#tsm';
import { PointsWriter } from '../points-writer.js';
import { StoreReader } from '../storage-view.js';
import { QueryWorkers } from './query-workers.js';

const WEEK_S = 7 * 86_400;
const START_S = 1_600_000_000;

/** Metadata and storage in a folder, read in this thread and by workers. */
class Bench {
  private readonly folder = temporaryFolder();
  private readonly files = new NodeFileSystem();
  private readonly clock = new ManualClock(BigInt(START_S) * 1_000_000_000n);
  private readonly shapes = new ShapeTable();
  private readonly parser = new LineParser(this.shapes);
  private readonly meta = new MetaClient({
    store: new LocalMetaStore(this.files, `${this.folder.path}/meta`, silentLogger),
    config: { isRetentionAutocreated: true },
    clock: this.clock,
    logger: silentLogger,
  });
  readonly store = new Store({
    files: this.files,
    clock: this.clock,
    logger: silentLogger,
    shapes: this.shapes,
    snapshotter: inPlaceSnapshotter(this.files),
    compactor: inPlaceCompactor(this.files),
    config: {
      dir: `${this.folder.path}/data`,
      walDir: `${this.folder.path}/wal`,
      walFsyncDelayMs: 0,
      cacheSnapshotMemorySizeBytes: 2 ** 30,
      cacheSnapshotWriteColdDurationMs: 1e9,
      cacheMaxMemorySizeBytes: 0,
      seriesPerDatabaseMax: 0,
      valuesPerTagMax: 0,
    } as ConstructorParameters<typeof Store>[0]['config'],
  });
  private readonly writer = new PointsWriter({
    meta: this.meta,
    store: this.store,
    clock: this.clock,
    logger: silentLogger,
    writeTimeoutMs: 0,
  });
  readonly reader = new StoreReader(this.meta, this.store);
  readonly memory = new QueryMemory(new Int32Array(new SharedArrayBuffer(4)));

  workers(workersMax: number, limits = noLimits): QueryWorkers {
    const { reader, memory } = this;
    return new QueryWorkers({ reader, memory, logger: silentLogger, limits, workersMax });
  }

  async open(): Promise<void> {
    await this.meta.open();
    await this.store.open([]);
    await this.meta.createDatabase('db');
  }

  async close(): Promise<void> {
    await this.store.close();
    await this.meta.close();
    this.folder.remove();
  }

  async write(lines: readonly string[]): Promise<void> {
    const batch = new PointsBatch();
    const bytes = new TextEncoder().encode(lines.join('\n'));
    const known = this.store.index('db');
    const body = padBody(bytes);
    this.parser.parse(
      { body, length: bytes.length, known, precision: 's', defaultTime: () => 0n },
      batch,
    );
    await this.writer.write({ database: 'db', retentionPolicy: '', batch });
  }

  /** Everything that is cached, into files. */
  async snapshot(): Promise<void> {
    for (const shard of this.store.allShards()) await shard.engine.snapshot();
  }

  select(text: string): SelectStatement {
    const [statement] = parseQuery(text);
    if (statement?.kind !== 'select') throw new TypeError('a SELECT');
    return statement;
  }

  task(text: string, signal: AbortSignal | null = null) {
    const statement = this.select(text);
    return {
      statement,
      database: 'db',
      retentionPolicy: '',
      nowNs: BigInt(START_S + WEEK_S) * 1_000_000_000n,
      signal,
    };
  }

  /** The answer of this thread. */
  here(text: string): readonly string[] {
    const { statement, ...rest } = this.task(text);
    const series: ResultSeries[] = [];
    for (const one of runSelect(statement, { ...rest, reader: this.reader }))
      if (one !== null) series.push(one);
    return printed(series);
  }

  async there(workers: QueryWorkers, text: string): Promise<readonly string[]> {
    const series: ResultSeries[] = [];
    for await (const one of workers.run(this.task(text))) series.push(one);
    return printed(series);
  }
}

/** Rows under the heads of their series, as an answer shows them: parts of a series are one. */
function printed(series: readonly ResultSeries[]): readonly string[] {
  const lines: string[] = [];
  let isContinued = false;
  for (const { name, tags, columns, rowCount, data, partial } of series) {
    const text = (value: ResultValue | undefined): string => String(value);
    if (!isContinued)
      lines.push(
        [name, ...(tags ?? []).map(({ key, value }) => `${key}=${value}`), ...columns].join(' '),
      );
    for (let row = 0; row < rowCount; row++) {
      lines.push(
        data
          .map((column) => {
            if (column.kind === 'time') return text(column.ns[row]);
            if (column.kind === 'string' || column.kind === 'any') return text(column.values[row]);
            if (column.present !== null && column.present[row] === 0) return 'null';
            const wide = 'wide' in column && column.wide !== null ? column.wide : column.values;
            return text(wide[row]);
          })
          .join(' '),
      );
    }
    isContinued = partial;
  }
  return lines;
}

const HOSTS = ['a', 'b', 'c', 'd', 'e'];

/** Points of three weeks, hence of several shards. */
function points(from: number, to: number): string[] {
  const lines: string[] = [];
  for (let i = from; i < to; i++) {
    const timeS = START_S + i * 7200;
    for (const [h, host] of HOSTS.entries()) {
      const region = h % 2 === 0 ? 'east' : 'west';
      const wide = i % 50 === 0 ? 9007199254740993n + BigInt(i) : BigInt(i * h);
      lines.push(
        `cpu,host=${host},region=${region} f=${(i * 7 + h) % 101}.5,i=${wide}i,s="t${i % 9}",b=${i % 3 === 0} ${timeS}`,
      );
    }
    if (i % 4 === 0) lines.push(`mem,host=${HOSTS[i % 5]} used=${i} ${timeS}`);
  }
  return lines;
}

const QUERIES = [
  'SELECT * FROM cpu',
  'SELECT f, s FROM cpu WHERE f > 90',
  'SELECT * FROM cpu ORDER BY time DESC',
  'SELECT f FROM cpu GROUP BY host',
  'SELECT f FROM cpu GROUP BY host ORDER BY time DESC',
  'SELECT * FROM cpu LIMIT 10 OFFSET 95',
  'SELECT f FROM cpu GROUP BY * SLIMIT 2 SOFFSET 1',
  'SELECT mean(f), max(i), last(s) FROM cpu GROUP BY time(1d), region',
  'SELECT count(b) FROM cpu WHERE time >= 1600500000s AND time < 1601500000s GROUP BY time(6h) fill(none)',
  'SELECT top(f, host, 3) FROM cpu',
  'SELECT derivative(mean(f), 1h) FROM cpu GROUP BY time(1d), host',
  "SELECT f FROM cpu WHERE host =~ /a|b/ AND region = 'east'",
  'SELECT max(m) FROM (SELECT mean(f) AS m FROM cpu GROUP BY time(1d), host) GROUP BY host',
  'SELECT * FROM /c|m/ GROUP BY host',
  'SELECT i FROM cpu WHERE i > 9007199254740992',
  'SELECT nothing FROM cpu',
  'SELECT first(f), last(f) FROM cpu',
];

describe('QueryWorkers', () => {
  let bench: Bench;
  let workers: QueryWorkers;

  beforeAll(async () => {
    bench = new Bench();
    await bench.open();
    // In files, in files twice, and in the cache.
    await bench.write(points(0, 150));
    await bench.snapshot();
    await bench.write(points(100, 200));
    await bench.snapshot();
    await bench.write(points(190, 252));
    workers = bench.workers(2);
  });

  afterAll(async () => {
    await workers.close();
    await bench.close();
  });

  it.each(QUERIES)('answers as this thread does: %s', async (text) => {
    const expected = bench.here(text);
    expect(await bench.there(workers, text)).toEqual(expected);
    const alone = bench.workers(1);
    expect(await bench.there(alone, text)).toEqual(expected);
    await alone.close();
  });

  it('sees what is written, and what is deleted, since the files were opened', async () => {
    const text = "SELECT used FROM mem WHERE host = 'z'";
    await bench.write([`mem,host=z used=1 ${START_S}`, `mem,host=z used=2 ${START_S + 7200}`]);
    expect(await bench.there(workers, text)).toEqual(bench.here(text));
    await bench.snapshot();
    expect(await bench.there(workers, text)).toHaveLength(3);
    const [shard] = [...bench.store.allShards()].sort((a, b) => a.identity.id - b.identity.id);
    const key = new TextEncoder().encode('mem,host=z');
    const id = bench.store.index('db').findOrCreate(key, 0, key.length) as number;
    await shard.delete({
      seriesIds: new Set([id]),
      minNs: 0n,
      maxNs: BigInt(START_S) * 10n ** 9n,
      measurement: '',
    });
    expect(await bench.there(workers, text)).toHaveLength(2);
    expect(await bench.there(workers, text)).toEqual(bench.here(text));
  });

  it('passes on the errors of the store and of the engine', async () => {
    await expect(bench.there(workers, 'SELECT f FROM nope.autogen.cpu')).rejects.toThrow(
      'database not found: nope',
    );
    await expect(bench.there(workers, 'SELECT mean(f), s FROM cpu')).rejects.toThrow(
      'mixing aggregate and non-aggregate queries is not supported',
    );
    const tight = bench.workers(2, { ...noLimits, queryMemoryMaxBytes: 1024 });
    await expect(bench.there(tight, 'SELECT median(f) FROM cpu')).rejects.toThrow(
      /max-query-memory limit/,
    );
    await tight.close();
    expect(bench.memory.bytes).toBe(0);
  });

  it('counts the points of all of a query against max-select-point', async () => {
    const limited = bench.workers(2, { ...noLimits, selectPointsMax: 1000 });
    await expect(bench.there(limited, 'SELECT f FROM cpu')).rejects.toThrow(
      /max-select-point limit exceeded/,
    );
    await limited.close();
  });

  it('ends a query that is aborted, or whose reader leaves', async () => {
    const controller = new AbortController();
    const run = workers.run(bench.task('SELECT * FROM cpu GROUP BY *', controller.signal));
    await run.next();
    controller.abort();
    await expect(
      (async () => {
        for await (const series of run) expect(series.rowCount).toBeGreaterThan(0);
        throw new QueryLimitError('ended');
      })(),
    ).rejects.toThrow(/interrupted|ended/);
    for await (const series of workers.run(bench.task('SELECT * FROM cpu'))) {
      expect(series.rowCount).toBeGreaterThan(0);
      break;
    }
    expect(bench.memory.bytes).toBe(0);
  });

  it('goes on after its threads have ended', async () => {
    await workers.close();
    expect(await bench.there(workers, 'SELECT count(f) FROM cpu')).toEqual(
      bench.here('SELECT count(f) FROM cpu'),
    );
  });
});
