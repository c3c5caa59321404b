import { NodeFileSystem, silentLogger, TidegateError } from '#kernel';
import { LocalMetaStore, MetaClient } from '#meta';
import { LineEncoder, LineParser, padBody, PointsBatch, ShapeTable } from '#models';
import { ManualClock, temporaryFolder } from '#test-support';
import { type Shard, type ShardWriteOutcome, Store } from '#tsdb';
import { inPlaceCompactor, inPlaceSnapshotter } from '#tsm';
import { PointsWriter, type WriteOutcome } from './points-writer.js';

const HOUR_NS = 3_600_000_000_000n;
const NOW_NS = 1_600_000_000_000_000_000n;

/** Metadata, storage and a writer over a folder. */
class Bench {
  private readonly folder = temporaryFolder();
  private readonly files = new NodeFileSystem();
  readonly clock = new ManualClock(NOW_NS);
  readonly meta = new MetaClient({
    store: new LocalMetaStore(this.files, `${this.folder.path}/meta`, silentLogger),
    config: { isRetentionAutocreated: true },
    clock: this.clock,
    logger: silentLogger,
  });
  private readonly shapes = new ShapeTable();
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
  readonly writer = new PointsWriter({
    meta: this.meta,
    store: this.store,
    clock: this.clock,
    logger: silentLogger,
    writeTimeoutMs: 200,
  });
  private readonly parser = new LineParser(this.shapes);

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

  batch(...lines: string[]): PointsBatch {
    const batch = new PointsBatch();
    const bytes = new TextEncoder().encode(lines.join('\n'));
    const known = this.store.index('db');
    const request = { body: padBody(bytes), length: bytes.length, known, precision: 'ns' as const };
    expect(this.parser.parse({ ...request, defaultTime: () => NOW_NS }, batch).rejected).toEqual(
      [],
    );
    return batch;
  }

  write(retentionPolicy: string, ...lines: string[]): Promise<WriteOutcome> {
    return this.writer.write({ database: 'db', retentionPolicy, batch: this.batch(...lines) });
  }

  shards(): Shard[] {
    return [...this.store.allShards()];
  }

  /** Makes the next write of a shard do something else. */
  sabotage(shard: Shard | undefined, write: () => Promise<ShardWriteOutcome>): void {
    if (shard === undefined) throw new TypeError('there is such a shard');
    Object.defineProperty(shard, 'write', { value: write, configurable: true });
  }
}

const line = (hours: number, value = 1): string =>
  `m v=${value} ${NOW_NS + BigInt(hours) * HOUR_NS}`;

describe('PointsWriter', () => {
  let bench: Bench;

  beforeEach(async () => {
    bench = new Bench();
    await bench.open();
  });

  afterEach(() => bench.close());

  it('makes a shard group for each span of time and stores in each', async () => {
    const weeks = Array.from({ length: 40 }, (_, week) => line(week * 168));
    expect(await bench.write('', ...weeks)).toEqual({
      points: 40,
      values: 40,
      dropped: 0,
      reason: '',
    });
    expect(bench.shards().length).toBe(40);
    expect(bench.meta.retentionPolicy('db', '')?.groups.groups.length).toBe(40);
  });

  it('drops what the policy no longer keeps, and counts it', async () => {
    await bench.meta.execute({
      kind: 'create-retention-policy',
      database: 'db',
      spec: { name: 'day', durationNs: 24n * HOUR_NS, replicaN: 1 },
      isDefault: false,
    });
    expect(await bench.write('day', line(-25), line(-23), line(0), line(-1000))).toEqual({
      points: 2,
      values: 2,
      dropped: 2,
      reason: 'points beyond retention policy',
    });
    expect(bench.writer.statistics).toMatchObject({ pointReq: 4, writeDrop: 2, pointReqLocal: 2 });
  });

  it('names the first reason of points that a shard refuses', async () => {
    await bench.write('', line(0));
    expect(
      await bench.write('', `m v="text" ${NOW_NS}`, `m v=2,w=1i ${NOW_NS}`, `m v=true ${NOW_NS}`),
    ).toEqual({
      points: 1,
      values: 2,
      dropped: 2,
      reason: expect.stringContaining(
        'field type conflict: input field "v" on measurement "m" is type',
      ) as string,
    });
  });

  it('says which database or policy is missing', async () => {
    const f = (database: string, retentionPolicy: string): Promise<WriteOutcome> =>
      bench.writer.write({ database, retentionPolicy, batch: bench.batch(line(0)) });
    await expect(f('nope', '')).rejects.toThrow('database not found: nope');
    await expect(f('db', 'nope')).rejects.toThrow('retention policy not found: nope');
  });

  it('gives the failure when one shard of several fails; the others have stored', async () => {
    await bench.write('', line(0), line(168), line(336));
    const [, second] = bench.shards();
    bench.sabotage(second, () =>
      Promise.reject(new TidegateError('tsm.cache-full', 'engine: full')),
    );
    await expect(bench.write('', line(1), line(169), line(337))).rejects.toThrow('engine: full');
    expect(bench.shards().map((shard) => shard.statistics.writePointsOk)).toEqual([2, 1, 2]);
    expect(bench.writer.statistics).toMatchObject({
      writeError: 1,
      pointReq: 6,
      pointReqLocal: 5,
      pointReqFail: 1,
      writeDrop: 0,
    });
  });

  it('accounts for the points of writes that fail before a shard is asked', async () => {
    const batch = bench.batch(line(0), line(1));
    await expect(
      bench.writer.write({ database: 'nope', retentionPolicy: '', batch }),
    ).rejects.toThrow();
    expect(bench.writer.statistics).toMatchObject({ pointReq: 2, pointReqFail: 2 });
  });

  it('gives a failure rather than what others dropped', async () => {
    await bench.write('', line(0), line(168));
    const [first] = bench.shards();
    bench.sabotage(first, () =>
      Promise.resolve({ points: 0, values: 0, dropped: 1, reason: 'why', accepted: [] }),
    );
    expect(await bench.write('', line(1), line(169))).toEqual({
      points: 1,
      values: 1,
      dropped: 1,
      reason: 'why',
    });
    bench.sabotage(bench.shards()[1], () => Promise.reject(new TidegateError('tsm.x', 'broken')));
    await expect(bench.write('', line(1), line(169))).rejects.toThrow('broken');
  });

  it('answers timeout when a shard takes too long', async () => {
    await bench.write('', line(0));
    bench.sabotage(bench.shards()[0], () => new Promise(() => undefined));
    await expect(bench.write('', line(1))).rejects.toMatchObject({
      code: 'coordinator.write-timeout',
      message: 'timeout',
    });
    expect(bench.writer.statistics.writeTimeout).toBe(1);
  });

  it('tells listeners of what was stored, and of nothing else', async () => {
    const told: string[] = [];
    bench.writer.addListener({
      stored: ({ database, batch }, policy) =>
        void told.push(`${database}.${policy} ${batch.pointCount}`),
    });
    await bench.write('', line(0), line(1));
    await bench.write('', `m v="text" ${NOW_NS}`);
    expect(told).toEqual(['db.autogen 2']);
  });

  it('tells listeners which rows were stored, also where a shard refused some and another failed', async () => {
    const told: unknown[] = [];
    const encoder = new LineEncoder();
    bench.writer.addListener({
      stored: ({ batch }, _policy, accepted) => {
        const keyOf = (id: number): Uint8Array => bench.store.index('db').keyOf(id);
        const { bytes } = encoder.encode(batch, accepted.runs(), keyOf);
        told.push([accepted.isWhole, accepted.points, new TextDecoder().decode(bytes)]);
        return Promise.resolve(told.length !== 2);
      },
    });
    await bench.write('', line(0), line(168));
    const conflict = `m v="text" ${NOW_NS}`;
    await bench.write('', line(1, 2), conflict, line(2, 3), line(169, 4));
    bench.sabotage(bench.shards()[1], () => Promise.reject(new TidegateError('tsm.x', 'broken')));
    await expect(bench.write('', line(3), line(170))).rejects.toThrow('broken');
    expect(told).toEqual([
      [true, 2, `${line(0)}\n${line(168)}\n`],
      [false, 3, `${line(1, 2)}\n${line(2, 3)}\n${line(169, 4)}\n`],
      [false, 1, `${line(3)}\n`],
    ]);
    expect(bench.writer.statistics).toMatchObject({ subWriteOk: 2, subWriteDrop: 1 });
  });

  it('refuses a batch whose database was dropped and made anew since it was parsed', async () => {
    await bench.write('', line(0));
    const batch = bench.batch(line(1));
    await bench.store.deleteDatabase('db');
    await bench.meta.execute({ kind: 'drop-database', name: 'db' });
    await bench.meta.createDatabase('db');
    await expect(
      bench.writer.write({ database: 'db', retentionPolicy: '', batch }),
    ).rejects.toThrow('database not found: db');
  });
});
