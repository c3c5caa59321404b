import fc from 'fast-check';
import { NodeFileSystem, silentLogger } from '#kernel';
import {
  allRuns,
  type ColumnBatch,
  type FieldType,
  FieldType as Type,
  hashKey,
  LineParser,
  padBody,
  PointsBatch,
  ShapeTable,
  SharedKeyReader,
} from '#models';
import {
  ManualClock,
  type NaivePoint,
  NaiveStore,
  naiveLine,
  type NaiveValue,
  temporaryFolder,
} from '#test-support';
import { inPlaceCompactor, inPlaceSnapshotter } from '#tsm';
import type { Shard, ShardIdentity } from './shard.js';
import { Store } from './store.js';

const identity: ShardIdentity = {
  id: 1,
  database: 'db',
  retentionPolicy: 'autogen',
  startNs: 0n,
  endNs: 2n ** 62n,
};
const DAY_NS = 86_400_000_000_000n;
const types: Readonly<Record<string, FieldType>> = {
  f: Type.FLOAT,
  i: Type.INTEGER,
  b: Type.BOOLEAN,
  s: Type.STRING,
};
const series = ['m', 'm!,a=b', 'm,a=b', 'm,a=b,c=d', 'n,a=x\\ y'];

const value = (field: string): fc.Arbitrary<NaiveValue> => {
  if (field === 'f')
    return fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer());
  if (field === 'i')
    return fc.oneof(
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      fc.bigInt({ min: -9n, max: 9n }),
    );
  if (field === 'b') return fc.boolean();
  return fc.stringMatching(/^[a-c"\\ ,=]{0,6}$/);
};

const point: fc.Arbitrary<NaivePoint> = fc
  .tuple(
    fc.constantFrom(...series),
    fc.oneof(
      fc.bigInt({ min: 0n, max: 40n }),
      fc.bigInt({ min: 0n, max: 400n }).map((day) => day * DAY_NS),
      fc.bigInt({ min: 0n, max: 2n ** 62n - 1n }),
    ),
    fc.subarray(Object.keys(types), { minLength: 1 }),
  )
  .chain(([key, timeNs, names]) =>
    fc.tuple(...names.map(value)).map((values) => ({
      series: key,
      timeNs,
      fields: Object.fromEntries(names.map((name, k) => [name, values[k]])) as Record<
        string,
        NaiveValue
      >,
    })),
  );

type Meanwhile = 'nothing' | 'snapshot' | 'compaction';
const meanwhile = fc.constantFrom<Meanwhile>('nothing', 'snapshot', 'compaction');

/** What a step deletes; `during` starts that work first and does not wait for it. */
interface Removal {
  readonly series: readonly string[];
  readonly minNs: bigint;
  readonly maxNs: bigint;
  readonly measurement: string;
  readonly during: Meanwhile;
}

const wholeTime = { minNs: -(2n ** 63n), maxNs: 2n ** 63n - 1n };
const removalRange = fc.oneof(
  fc.constant(wholeTime),
  fc.tuple(fc.bigInt({ min: 0n, max: 40n }), fc.bigInt({ min: 0n, max: 40n })).map(([a, b]) => ({
    minNs: a < b ? a : b,
    maxNs: a < b ? b : a,
  })),
  fc.bigInt({ min: 0n, max: 400n }).map((day) => ({ minNs: 0n, maxNs: day * DAY_NS })),
  fc.bigInt({ min: 0n, max: 400n }).map((day) => ({ minNs: day * DAY_NS, maxNs: wholeTime.maxNs })),
);
const removal: fc.Arbitrary<Removal> = fc
  .tuple(
    fc.oneof(
      fc.subarray(series, { minLength: 1 }).map((keys) => ({ series: keys, measurement: '' })),
      fc.constant({ series: series.filter((key) => /^m(,|$)/.test(key)), measurement: '' }),
    ),
    removalRange,
    meanwhile,
  )
  .map(([what, range, during]) => ({ ...what, ...range, during }));
const dropped = meanwhile.map((during): Removal => ({
  series: series.filter((key) => /^m(,|$)/.test(key)),
  measurement: 'm',
  ...wholeTime,
  during,
}));

type Step =
  | { readonly write: NaivePoint[] }
  | { readonly remove: Removal }
  | 'snapshot'
  | 'compact'
  | 'compact-fully'
  | 'reopen'
  | 'restart';
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.array(point, { minLength: 1, maxLength: 12 }).map((write) => ({ write })),
  },
  {
    weight: 2,
    arbitrary: fc
      .oneof({ weight: 4, arbitrary: removal }, { weight: 1, arbitrary: dropped })
      .map((remove) => ({ remove })),
  },
  {
    weight: 4,
    arbitrary: fc.constantFrom<Step>('snapshot', 'compact', 'compact-fully', 'reopen', 'restart'),
  },
);

/** Times and values of a batch. */
function pairsOf(batch: ColumnBatch, field: string): [bigint, NaiveValue][] {
  const found: [bigint, NaiveValue][] = [];
  for (let i = 0; i < batch.count; i++) {
    const timeNs = batch.baseNs + BigInt(batch.offsets[i]);
    const number = batch.numbers[i];
    if (batch.strings !== null) {
      const { bytes: text, offsets } = batch.strings;
      found.push([timeNs, new TextDecoder().decode(text.slice(offsets[i], offsets[i + 1]))]);
    } else if (field === 'i')
      found.push([timeNs, batch.wide === null ? BigInt(number) : batch.wide[i]]);
    else found.push([timeNs, field === 'b' ? number === 1 : number]);
  }
  return found;
}

/** Series whose keys stand in files in their own order; `m!,a=b` comes before `m` there. */
const sweepable = series.filter((key) => key !== 'm!,a=b');

/** A store in a folder, and what a crash or a restart does to it. */
class Bench {
  private readonly folder = temporaryFolder();
  private store: Store | null = null;
  private parser = new LineParser(new ShapeTable());

  async open(): Promise<Shard> {
    const files = new NodeFileSystem();
    const shapes = new ShapeTable();
    this.parser = new LineParser(shapes);
    this.store = new Store({
      files,
      shapes,
      clock: new ManualClock(),
      logger: silentLogger,
      snapshotter: inPlaceSnapshotter(files),
      compactor: inPlaceCompactor(files),
      config: {
        dir: `${this.folder.path}/data`,
        walDir: `${this.folder.path}/wal`,
        walFsyncDelayMs: 0,
        cacheSnapshotMemorySizeBytes: 2 ** 30,
        cacheSnapshotWriteColdDurationMs: 1e9,
        cacheMaxMemorySizeBytes: 0,
        compactFullWriteColdDurationMs: 1e9,
        seriesPerDatabaseMax: 0,
        valuesPerTagMax: 0,
      },
    });
    await this.store.open([identity]);
    return this.shard();
  }

  shard(): Shard {
    const shard = this.store?.shard(1);
    if (shard === undefined) throw new TypeError('the shard is open');
    return shard;
  }

  async write(points: readonly NaivePoint[]): Promise<void> {
    const body = new TextEncoder().encode(points.map(naiveLine).join('\n'));
    const batch = new PointsBatch();
    const known = this.index();
    const request = {
      body: padBody(body),
      length: body.length,
      known,
      precision: 'ns' as const,
      defaultTime: () => 0n,
    };
    expect(this.parser.parse(request, batch).rejected).toEqual([]);
    const outcome = await this.shard().write(batch, allRuns(batch));
    expect(outcome).toMatchObject({ points: points.length, dropped: 0 });
  }

  async remove({ series: keys, minNs, maxNs, measurement, during }: Removal): Promise<void> {
    const seriesIds = new Set<number>();
    for (const key of keys) {
      const seriesId = this.find(key);
      if (seriesId >= 0 && this.shard().series.has(seriesId)) seriesIds.add(seriesId);
    }
    const { engine } = this.shard();
    const other =
      during === 'snapshot'
        ? engine.snapshot()
        : during === 'compaction'
          ? engine.compact(true)
          : Promise.resolve();
    // So that the compaction has begun to read.
    if (during === 'compaction') await new Promise((resolve) => setImmediate(resolve));
    await Promise.all([other, this.shard().delete({ seriesIds, minNs, maxNs, measurement })]);
  }

  find(key: string): number {
    const bytes = new TextEncoder().encode(key);
    return this.index().find(bytes, 0, bytes.length, hashKey(bytes, 0, bytes.length));
  }

  index(): ReturnType<Store['index']> {
    if (this.store === null) throw new TypeError('the store is open');
    return this.store.index('db');
  }

  /** Ends without flushing, as a killed process does. */
  async crash(): Promise<void> {
    await this.shard().engine.close();
    await this.open();
  }

  async restart(): Promise<void> {
    await this.store?.close();
    await this.open();
  }

  read(
    key: string,
    field: string,
    ascending: boolean,
    range: [bigint, bigint],
  ): [bigint, NaiveValue][] {
    const bytes = new TextEncoder().encode(key);
    const seriesId = this.find(key);
    if (seriesId < 0) return [];
    const view = this.shard().engine.view();
    const cursor = view.cursor({
      seriesId,
      seriesKey: bytes,
      fields: [{ name: field, type: types[field] }],
      minNs: range[0],
      maxNs: range[1],
      ascending,
      baseNs: 0n,
    });
    const found: [bigint, NaiveValue][] = [];
    for (let batch = cursor.next(0); batch !== null; batch = cursor.next(0))
      found.push(...pairsOf(batch, field));
    view.release();
    return found;
  }

  /** Values of several series, in order of keys, and their number as it is counted; null where they cannot be swept. */
  sweep(
    keys: readonly string[],
    field: string,
    [minNs, maxNs]: [bigint, bigint],
  ): (Record<'pairs' | 'first' | 'last', [bigint, NaiveValue][]> & { count: number }) | null {
    const index = this.index();
    const ids = keys.map((key) => this.find(key)).filter((id) => id >= 0);
    const view = this.shard().engine.view();
    const request = {
      seriesIds: index.sortByKey(Int32Array.from(ids)),
      keys: new SharedKeyReader(index.shareKeys()),
      present: this.shard().series.words,
      field: { name: field, type: types[field] },
      minNs,
      maxNs,
      baseNs: 0n,
    };
    const pairs: [bigint, NaiveValue][] = [];
    const sweep = view.sweep({ ...request, want: 'values' });
    for (let swept = sweep?.next(); swept; swept = sweep?.next()) {
      pairs.push(...pairsOf(swept.batch, field));
      expect(swept.ends[swept.segments - 1]).toBe(swept.batch.count);
    }
    let count = 0;
    const counting = view.sweep({ ...request, want: 'count' });
    for (let swept = counting?.next(); swept; swept = counting?.next()) count += swept.batch.count;
    const edges = (want: 'first' | 'last'): [bigint, NaiveValue][] => {
      const found: [bigint, NaiveValue][] = [];
      const sweeping = view.sweep({ ...request, want });
      for (let swept = sweeping?.next(); swept; swept = sweeping?.next()) {
        const values = pairsOf(swept.batch, field);
        const ends = [...swept.ends.subarray(0, swept.segments)];
        const rows = ends.map((end, s) => (want === 'last' ? end - 1 : s === 0 ? 0 : ends[s - 1]));
        rows.forEach((row, s) => {
          if (s > 0 || !swept.isContinued) found.push(values[row]);
          else if (want === 'last') found[found.length - 1] = values[row];
        });
      }
      return found;
    };
    const [first, last] = [edges('first'), edges('last')];
    view.release();
    return sweep === null ? null : { pairs, count, first, last };
  }

  async close(): Promise<void> {
    await this.store?.close();
    this.folder.remove();
  }
}

describe('a store', () => {
  it('answers like a map of maps after any history of writes, deletions, snapshots, compactions, crashes and restarts', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 16 }), async (steps) => {
        const bench = new Bench();
        const model = new NaiveStore();
        await bench.open();
        try {
          for (const next of steps) {
            if (next === 'snapshot') await bench.shard().engine.snapshot();
            else if (next === 'compact') await bench.shard().engine.compact(false);
            else if (next === 'compact-fully') await bench.shard().engine.compact(true);
            else if (next === 'reopen') await bench.crash();
            else if (next === 'restart') await bench.restart();
            else if ('remove' in next) {
              await bench.remove(next.remove);
              model.delete(next.remove.series, next.remove.minNs, next.remove.maxNs);
            } else {
              await bench.write(next.write);
              model.write(next.write);
            }
          }
          expect(series.filter((key) => bench.find(key) >= 0).sort()).toEqual(model.series());
          for (const key of series) {
            for (const field of Object.keys(types)) {
              const all = model.read(key, field);
              expect(bench.read(key, field, true, [0n, 2n ** 62n])).toEqual(all);
              expect(bench.read(key, field, false, [0n, 2n ** 62n])).toEqual([...all].reverse());
              expect(bench.read(key, field, true, [5n, 90n * DAY_NS])).toEqual(
                model.read(key, field, 5n, 90n * DAY_NS),
              );
            }
          }
          for (const field of Object.keys(types)) {
            const lists = sweepable.map((key) => model.read(key, field, 5n, 90n * DAY_NS));
            const pairs = lists.flat();
            const first = lists.flatMap((list) => list.slice(0, 1));
            const last = lists.flatMap((list) => list.slice(-1));
            const swept = bench.sweep(sweepable, field, [5n, 90n * DAY_NS]);
            expect(swept).toEqual({ pairs, count: pairs.length, first, last });
            expect(bench.sweep(sweepable, field, [0n, 2n ** 62n])).toBeNull();
            const areBoth = bench.find('m') >= 0 && bench.find('m!,a=b') >= 0;
            expect(bench.sweep(series, field, [5n, 9n]) === null).toBe(areBoth);
          }
        } finally {
          await bench.close();
        }
      }),
      { numRuns: Number(process.env['PROPERTY_RUNS'] ?? 150) },
    );
  }, 120_000);
});
