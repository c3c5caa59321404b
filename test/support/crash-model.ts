/**
 * Histories of writes, deletions, snapshots, compactions, crashes and restarts of a store on a simulated disk, and whether
 * the store keeps its promises: an acknowledged point is there once and with its value, a write that was cut off is there as a
 * whole or not at all, a deletion does not come undone, and the store always opens again.
 */
import fc from 'fast-check';
import { type FileSystem, messageOf, silentLogger } from '#kernel';
import { ManualClock } from './manual-clock.js';
import type { NaivePoint, NaiveValue } from './naive-store.js';
import { PossibleStore } from './possible-store.js';
import { SimulatedFileSystem } from './simulated-file-system.js';
import { type BenchDeletion, benchFieldTypes, StoreBench } from './store-bench.js';

/** A point before its values are known: the model numbers them, so that each is the only one of its kind. */
interface PlannedPoint {
  readonly series: string;
  readonly timeNs: bigint;
  readonly fields: readonly string[];
}

/** A write to a shard. */
interface PlannedWrite {
  readonly shard: number;
  readonly points: readonly PlannedPoint[];
}

/** What else a shard does while a step runs. */
type Meanwhile = 'nothing' | 'snapshot' | 'compact' | 'tick';

/** One step of a history. */
export type CrashStep =
  | {
      readonly kind: 'write';
      readonly writes: readonly PlannedWrite[];
      readonly meanwhile: Meanwhile;
    }
  | {
      readonly kind: 'delete';
      readonly shard: number;
      readonly deletion: BenchDeletion;
      readonly meanwhile: Meanwhile;
    }
  | { readonly kind: 'snapshot'; readonly shard: number }
  | { readonly kind: 'compact'; readonly shard: number; readonly full: boolean }
  /** An orderly restart. */
  | { readonly kind: 'restart' }
  /** The process dies, the machine runs on. */
  | { readonly kind: 'kill' }
  /** The power goes after so many operations of the disk from here on. */
  | { readonly kind: 'crash'; readonly afterOperations: number };

/** A history and the seed of the disk's chances. */
export interface CrashHistory {
  readonly seed: number;
  /** True when caches are written to files after a few points already. */
  readonly isSnapshotEager: boolean;
  readonly steps: readonly CrashStep[];
}

const SHARDS = [1, 2];
const SERIES = ['m', 'm,a=b', 'm,a=b,c=d', 'n,a=x\\ y'];
const FIELDS = Object.keys(benchFieldTypes);
/** Starts that may be cut off one after another. */
const STARTS_MAX = 50;
const WHOLE_TIME = { minNs: -(2n ** 63n), maxNs: 2n ** 63n - 1n };

const timeNs = fc.oneof(
  { weight: 4, arbitrary: fc.bigInt({ min: 0n, max: 30n }) },
  { weight: 1, arbitrary: fc.bigInt({ min: 0n, max: 2n ** 61n }) },
);
const shard = fc.constantFrom(...SHARDS);
const meanwhile = fc.oneof(
  { weight: 3, arbitrary: fc.constant<Meanwhile>('nothing') },
  { weight: 2, arbitrary: fc.constantFrom<Meanwhile>('snapshot', 'compact', 'tick') },
);
const plannedPoint: fc.Arbitrary<PlannedPoint> = fc.record({
  series: fc.constantFrom(...SERIES),
  timeNs,
  fields: fc.subarray(FIELDS, { minLength: 1 }),
});
const write: fc.Arbitrary<CrashStep> = fc.record({
  kind: fc.constant('write' as const),
  writes: fc.array(
    fc.record({
      shard,
      points: fc.oneof(
        { weight: 5, arbitrary: fc.array(plannedPoint, { minLength: 1, maxLength: 8 }) },
        // More than a sector.
        { weight: 1, arbitrary: fc.array(plannedPoint, { minLength: 60, maxLength: 120 }) },
      ),
    }),
    { minLength: 1, maxLength: 4 },
  ),
  meanwhile,
});
const deletion: fc.Arbitrary<BenchDeletion> = fc.oneof(
  fc.constant({ series: SERIES.slice(0, 3), ...WHOLE_TIME, measurement: 'm' }),
  fc.record({
    series: fc.subarray(SERIES, { minLength: 1 }),
    minNs: fc.bigInt({ min: 0n, max: 15n }),
    maxNs: fc.bigInt({ min: 10n, max: 30n }),
    measurement: fc.constant(''),
  }),
);
const step: fc.Arbitrary<CrashStep> = fc.oneof(
  { weight: 10, arbitrary: write },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('delete' as const), shard, deletion, meanwhile }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('snapshot' as const), shard }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('compact' as const), shard, full: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.constant<CrashStep>({ kind: 'restart' }) },
  { weight: 1, arbitrary: fc.constant<CrashStep>({ kind: 'kill' }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('crash' as const),
      afterOperations: fc.oneof(fc.nat(12), fc.nat(120)),
    }),
  },
);

/** Any history. */
export const crashHistory: fc.Arbitrary<CrashHistory> = fc.record({
  seed: fc.nat(),
  isSnapshotEager: fc.boolean(),
  steps: fc.array(step, { minLength: 2, maxLength: 20 }),
});

/**
 * Lives through a history, then crashes once more. What went wrong, one line each.
 * @param disk what the store gets to see of the simulated disk; a test of the model itself leaves something out
 */
export async function liveThrough(
  history: CrashHistory,
  disk: (files: SimulatedFileSystem) => FileSystem = (files) => files,
): Promise<readonly string[]> {
  const life = new Life(history, disk);
  try {
    return await life.run();
  } finally {
    await life.end();
  }
}

class Life {
  private readonly files: SimulatedFileSystem;
  private readonly clock = new ManualClock();
  private readonly model = new Map(SHARDS.map((id) => [id, new PossibleStore()]));
  private readonly faults: string[] = [];
  private bench: StoreBench;
  private valueCount = 0;

  constructor(
    private readonly history: CrashHistory,
    private readonly disk: (files: SimulatedFileSystem) => FileSystem,
  ) {
    this.files = new SimulatedFileSystem(history.seed);
    this.bench = this.newBench();
  }

  async run(): Promise<readonly string[]> {
    await this.start();
    for (const [number, each] of this.history.steps.entries()) {
      try {
        await this.step(each);
      } catch (error) {
        if (!this.files.isStopped) this.faults.push(`${each.kind}: ${messageOf(error)}`);
      }
      // What was asked for and not waited for has to end with the step.
      if (this.files.isStopped) await this.recover('crash');
      if (this.faults.length > 0) return this.faults.map((fault) => `step ${number}: ${fault}`);
    }
    if (this.files.stopAt === Number.POSITIVE_INFINITY) await this.recover('kill');
    await this.recover('crash');
    this.files.stopAt = Number.POSITIVE_INFINITY;
    if (this.faults.length === 0) await this.closeCleanly();
    return this.faults;
  }

  async end(): Promise<void> {
    this.files.stopAt = 0;
    await this.bench.close();
  }

  private async step(each: CrashStep): Promise<void> {
    this.clock.advanceMs(5000);
    if (each.kind === 'write') {
      const done = this.beside(each.writes[0].shard, each.meanwhile);
      await Promise.all([...this.startWrites(each.writes), done]);
    } else if (each.kind === 'delete') {
      const done = this.beside(each.shard, each.meanwhile);
      await Promise.all([this.delete(each.shard, each.deletion), done]);
    } else if (each.kind === 'snapshot') {
      await this.bench.shard(each.shard).engine.snapshot();
    } else if (each.kind === 'compact') {
      await this.bench.shard(each.shard).engine.compact(each.full);
    } else if (each.kind === 'crash') {
      this.files.stopAt = this.files.operationCount + 1 + each.afterOperations;
      return;
    } else {
      await this.recover(each.kind);
      return;
    }
    this.check(false);
  }

  /** Starts all writes in this turn, so that they share a sync, and tells the model how each ended. */
  private startWrites(writes: readonly PlannedWrite[]): Promise<void>[] {
    const outcomes: { shard: number; points: readonly NaivePoint[]; isAcknowledged: boolean }[] =
      [];
    const started = writes.map(async ({ shard: id, points: planned }) => {
      const points = planned.map((point) => this.withValues(point));
      const outcome = { shard: id, points, isAcknowledged: false };
      outcomes.push(outcome);
      await this.bench.write(id, points);
      outcome.isAcknowledged = true;
    });
    const all = Promise.allSettled(started).then((settled) => {
      // In the order of writing: the last value counts.
      for (const { shard: id, points, isAcknowledged } of outcomes) {
        this.model.get(id)?.write(points, isAcknowledged);
      }
      for (const result of settled) if (result.status === 'rejected') throw result.reason;
    });
    return [all];
  }

  private async delete(id: number, what: BenchDeletion): Promise<void> {
    let isAcknowledged = false;
    try {
      await this.bench.delete(id, what);
      isAcknowledged = true;
    } finally {
      this.model.get(id)?.delete(what, isAcknowledged);
    }
  }

  private async beside(id: number, what: Meanwhile): Promise<void> {
    const { engine } = this.bench.shard(id);
    if (what === 'snapshot') await engine.snapshot();
    else if (what === 'compact') await engine.compact(true);
    else if (what === 'tick') engine.tick();
  }

  private withValues({ series, timeNs: at, fields }: PlannedPoint): NaivePoint {
    const n = ++this.valueCount;
    const values: Record<string, NaiveValue> = {
      f: n % 3 === 0 ? n * 1e-300 : n + 0.25,
      i: n % 5 === 0 ? -(2n ** 62n) - BigInt(n) : BigInt(n),
      b: n % 2 === 0,
      s: `${n}`.padEnd(n % 7 === 0 ? 90 : 1, '.'),
    };
    return {
      series,
      timeNs: at,
      fields: Object.fromEntries(fields.map((name) => [name, values[name]])),
    };
  }

  /** Ends the process in one way or another and starts a new one; the machine may stop again while it starts. */
  private async recover(how: 'restart' | 'kill' | 'crash'): Promise<void> {
    const { files } = this;
    if (how === 'restart') {
      await this.bench.close();
      if (!files.isStopped) {
        await this.start();
        this.check(false);
        return;
      }
    } else if (how === 'kill') {
      const { stopAt } = files;
      if (stopAt !== Number.POSITIVE_INFINITY) return;
      await this.abandon();
      files.restart();
      await this.start();
      this.check(false);
      return;
    }
    for (let starts = 0; starts < STARTS_MAX; starts++) {
      await this.abandon();
      files.crash();
      // Half of the starts are cut off as well, each later than the one before.
      if ((this.history.seed + starts) % 2 === 0) {
        files.stopAt = files.operationCount + 1 + ((this.history.seed >>> 3) % 40) + 3 * starts;
      }
      await this.start();
      if (files.isStopped) continue;
      files.stopAt = Number.POSITIVE_INFINITY;
      this.check(true);
      return;
    }
  }

  /** Lets the old process come to its end without touching the disk. */
  private async abandon(): Promise<void> {
    this.files.stopAt = 0;
    await this.bench.close();
  }

  private async start(): Promise<void> {
    this.bench = this.newBench();
    try {
      await this.bench.open();
    } catch (error) {
      if (!this.files.isStopped) this.faults.push(`does not open: ${messageOf(error)}`);
    }
  }

  private newBench(): StoreBench {
    const { files, clock } = this;
    return new StoreBench({
      files: this.disk(files),
      clock,
      logger: silentLogger,
      shardIds: SHARDS,
      snapshotBytes: this.history.isSnapshotEager ? 20_000 : 2 ** 30,
      // Half of the histories write images of the index all the time.
      indexLogBytesMax: this.history.seed % 2 === 0 ? 100 : 2 ** 20,
    });
  }

  private check(isSettled: boolean): void {
    if (this.faults.length > 0 || this.files.isStopped) return;
    for (const [id, model] of this.model) {
      const read = (series: string, field: string): [bigint, NaiveValue][] =>
        this.bench.read(id, series, field);
      for (const fault of model.check(SERIES, FIELDS, read, isSettled).slice(0, 3)) {
        this.faults.push(`shard ${id}: ${fault}`);
      }
      this.checkSeries(id);
    }
    // The machine may have stopped at one of these reads.
    if (this.files.isStopped) {
      this.faults.length = 0;
      return;
    }
    const aside = this.files.paths().filter((path) => /\.bad|corrupt/.test(path));
    if (aside.length > 0) this.faults.push(`put aside: ${aside.join(' ')}`);
  }

  /** Series that a shard lists and of which it has no value: what its index says does not hold. */
  private checkSeries(id: number): void {
    for (const series of this.bench.seriesOf(id)) {
      if (FIELDS.some((field) => this.bench.read(id, series, field).length > 0)) continue;
      this.faults.push(`shard ${id}: lists ${series}, of which it has no value`);
    }
  }

  /** An orderly end leaves no log and no temporary files. */
  private async closeCleanly(): Promise<void> {
    await this.bench.close();
    const left = this.files
      .paths()
      .filter((path) => !/\.(tsm|crc|tombstone|tgidx|tgilog)$/.test(path));
    if (left.length > 0) this.faults.push(`left after an orderly end: ${left.join(' ')}`);
    await this.start();
    this.check(true);
  }
}
