/**
 * Reads one field of one series over several files and the cache: batches in order of time, each time once, the newest
 * value of it. Blocks that nothing overlaps go through without being touched value by value.
 *
 * @see docs/formats/tsm.md
 */
import type { ColumnBatch, FieldType } from '#models';
import type { DecodedBlocks } from '../decoded-blocks.js';
import { EXACT_LIMIT } from '#encoding';
import type { TsmError } from '../errors.js';
import {
  ColumnBuffer,
  firstNotBefore,
  isBefore,
  type Run,
  timeOf,
  type TimedColumn,
} from './column-run.js';
import {
  ColumnLane,
  FileLane,
  type FileSource,
  type Lane,
  type LaneContext,
  withoutOverlaps,
} from './lane.js';
import type { TimeMemo } from './time-memo.js';

/** So many values in front of an overlap are given out without a copy; fewer are merged with what follows. */
const PASS_VALUES_MIN = 128;

const NO_NUMBERS = new Float64Array(0);

/** What to read. */
export interface CursorRequest {
  /** Blocks of other types are treated as corrupt. */
  readonly type: FieldType;
  /** The key's blocks in each file that has it: older files first, a later one wins where times are equal. */
  readonly files: readonly FileSource[];
  /** What the cache has of the key, ascending and distinct; it wins over the files. Unchanged while the cursor is used. */
  readonly cached: TimedColumn | null;
  /** First and last time wanted, inclusive. */
  readonly minNs: bigint;
  readonly maxNs: bigint;
  readonly ascending: boolean;
  /** What offsets shall be relative to: the shard's start. Null or farther than 2^53 ns: batches bring bases of their own. */
  readonly baseNs: bigint | null;
  /** Shared by the cursors over other fields of the same series with the same base and direction; null = none. */
  readonly memo: TimeMemo | null;
  /** Told of blocks that do not decode, which are left out, and of their file; null = the error is thrown. */
  readonly onCorruptBlock: ((error: TsmError, path: string) => void) | null;
  /** Told of each block that is decoded; absent where nobody asks. */
  readonly decoded?: DecodedBlocks | null;
}

/** Reads one field of one series. Holds the files' readers only while it is used: the caller retains and releases them. */
export class BlockCursor {
  private readonly context: LaneContext;
  private readonly lanes: Lane[] = [];
  /** Made when values have to be merged: most series never need it. */
  private merged: ColumnBuffer | null = null;
  private merger: Merger | null = null;
  private readonly batch: ColumnBatch;

  constructor(request: CursorRequest) {
    this.context = request;
    for (const file of request.files) {
      for (const source of withoutOverlaps(file)) this.lanes.push(new FileLane(source, request));
    }
    if (request.cached !== null && request.cached.count > 0) {
      this.lanes.push(new ColumnLane(request.cached, request));
    }
    this.batch = {
      count: 0,
      baseNs: 0n,
      offsets: NO_NUMBERS,
      numbers: NO_NUMBERS,
      wide: null,
      strings: null,
    };
  }

  /**
   * The next values, or null at the end. The batch and its arrays are valid until the next call; only the first
   * `batch.count` entries of the arrays hold.
   * @throws TsmError `tsm.corrupt-block` (unless told to skip such), `tsm.corrupt-file`; errors of the file system
   */
  next(): ColumnBatch | null {
    const { ascending } = this.context;
    for (;;) {
      const lane = this.foremost();
      if (lane === null) {
        this.close();
        return null;
      }
      const { run } = lane;
      if (run.at === run.end) {
        lane.load();
        continue;
      }
      const lastNs = timeOf(run, run.end - 1);
      const otherNs = this.frontOfOthers(lane);
      if (otherNs === null || isBefore(lastNs, otherNs, ascending)) return this.pass(run, run.end);
      const other = Number(otherNs - run.baseNs);
      const overlapAt = firstNotBefore(run.offsets, run.at, run.end, other, ascending);
      if (overlapAt - run.at >= PASS_VALUES_MIN) return this.pass(run, overlapAt);
      if (this.loadUpTo(lastNs)) return this.merge(run, lastNs);
    }
  }

  /**
   * Leaves out what comes up to and with `pastNs` in the order of iteration, without reading blocks that lie before it. The
   * last batch is not valid any more.
   */
  skip(pastNs: bigint): void {
    for (const lane of this.lanes) lane.skip(pastNs);
  }

  /** Ends reading before the end; the last batch is not valid any more. Reading to the end closes, too. */
  close(): void {
    for (const lane of this.lanes) lane.close();
  }

  /** The lane with the next value, or null at the end. */
  private foremost(): Lane | null {
    let found: Lane | null = null;
    let foundNs = 0n;
    for (const lane of this.lanes) {
      const frontNs = lane.frontNs();
      if (frontNs === null) continue;
      if (found === null || isBefore(frontNs, foundNs, this.context.ascending)) {
        found = lane;
        foundNs = frontNs;
      }
    }
    return found;
  }

  private frontOfOthers(than: Lane): bigint | null {
    let foundNs: bigint | null = null;
    for (const lane of this.lanes) {
      const frontNs = lane === than ? null : lane.frontNs();
      if (frontNs === null) continue;
      if (foundNs === null || isBefore(frontNs, foundNs, this.context.ascending)) foundNs = frontNs;
    }
    return foundNs;
  }

  /** Loads the lanes that may have values up to `lastNs`; true when all of them were loaded before. */
  private loadUpTo(lastNs: bigint): boolean {
    let isLoaded = true;
    for (const lane of this.lanes) {
      const frontNs = lane.frontNs();
      if (frontNs === null || isBefore(lastNs, frontNs, this.context.ascending)) continue;
      if (lane.run.at < lane.run.end) continue;
      lane.load();
      isLoaded = false;
    }
    return isLoaded;
  }

  /** Gives out `run.at .. end` as it is. */
  private pass(run: Run, end: number): ColumnBatch {
    const { batch } = this;
    const { at } = run;
    batch.count = end - at;
    batch.baseNs = run.baseNs;
    batch.offsets = at === 0 ? run.offsets : run.offsets.subarray(at, end);
    batch.numbers = at === 0 || run.strings !== null ? run.numbers : run.numbers.subarray(at, end);
    batch.wide = at === 0 || run.wide === null ? run.wide : run.wide.subarray(at, end);
    batch.strings =
      at === 0 || run.strings === null
        ? run.strings
        : { bytes: run.strings.bytes, offsets: run.strings.offsets.subarray(at, end + 1) };
    run.at = end;
    return batch;
  }

  /** Merges all loaded runs up to where the first of them ends. `lastNs` is the end of `run`. */
  private merge(run: Run, lastNs: bigint): ColumnBatch {
    const { ascending, type } = this.context;
    const { baseNs } = run;
    const runs: Run[] = [];
    let untilNs = lastNs;
    for (const lane of this.lanes) {
      if (lane.run.at === lane.run.end) continue;
      if (isBefore(lastNs, timeOf(lane.run, lane.run.at), ascending)) continue;
      runs.push(lane.run);
      const endNs = timeOf(lane.run, lane.run.end - 1);
      if (isBefore(endNs, untilNs, ascending)) untilNs = endNs;
    }
    const merger = (this.merger ??= new Merger());
    const merged = (this.merged ??= new ColumnBuffer());
    const count = merger.merge(runs, { baseNs, untilNs, ascending }, merged);
    merged.gather(type, runs, count);
    const { batch } = this;
    batch.count = count;
    batch.baseNs = baseNs;
    batch.offsets = merged.offsets;
    batch.numbers = merged.numbers;
    batch.wide = merged.wide;
    batch.strings = merged.strings;
    return batch;
  }
}

/** What is merged and how. */
interface MergeWindow {
  readonly baseNs: bigint;
  /** The last time that is taken. */
  readonly untilNs: bigint;
  readonly ascending: boolean;
}

/** Finds the order in which runs merge. Keeps its scratch arrays. */
class Merger {
  private rebased = new Float64Array(0);
  private spare = new ColumnBuffer();

  /**
   * Picks from `runs` (a later one wins) all times up to the window's end, and moves the runs on behind them.
   * @param out its offsets and picks are filled, not its values
   * @returns how many were picked
   */
  merge(runs: readonly Run[], window: MergeWindow, out: ColumnBuffer): number {
    let total = 0;
    const ends = runs.map((run) => {
      const beyond = Number(window.untilNs - run.baseNs) + (window.ascending ? 1 : -1);
      const end = firstNotBefore(run.offsets, run.at, run.end, beyond, window.ascending);
      total += end - run.at;
      return end;
    });
    out.reserve(total);
    this.spare.reserve(total);
    let count = 0;
    let from: ColumnBuffer = (runs.length & 1) === 1 ? this.spare : out;
    for (let number = 0; number < runs.length; number++) {
      const run = runs[number]!;
      const end = ends[number]!;
      const to = from === out ? this.spare : out;
      const offsets = this.offsetsFrom(run, end, window.baseNs);
      const start = offsets === run.offsets ? run.at : 0;
      const side = { offsets, start, end: start + end - run.at, shift: run.at - start, number };
      count = mergeSide(from, count, side, to, window.ascending);
      from = to;
      // The values are still there when they are gathered: a run moves on without being loaded.
      run.at = end;
    }
    return count;
  }

  /** The offsets of `run.at .. end` relative to another base: the run's own array where nothing changes. */
  private offsetsFrom(run: Run, end: number, baseNs: bigint): Float64Array {
    if (run.baseNs === baseNs) return run.offsets;
    if (this.rebased.length < end - run.at) this.rebased = new Float64Array((end - run.at) * 2);
    const distanceNs = run.baseNs - baseNs;
    const distance = Number(distanceNs);
    if (Math.abs(distance) < EXACT_LIMIT) {
      for (let i = run.at; i < end; i++) this.rebased[i - run.at] = run.offsets[i]! + distance;
    } else {
      for (let i = run.at; i < end; i++)
        this.rebased[i - run.at] = Number(distanceNs + BigInt(run.offsets[i]!));
    }
    return this.rebased;
  }
}

/** A run to be merged: `offsets[start .. end)`; value i of it is the run's value i + shift. */
interface MergeSide {
  readonly offsets: Float64Array;
  readonly start: number;
  readonly end: number;
  readonly shift: number;
  /** Its number among the runs. */
  readonly number: number;
}

/** Merges what is in `from` (older) with a side (newer) to `to`; returns how many times there are now. */
function mergeSide(
  from: ColumnBuffer,
  fromCount: number,
  side: MergeSide,
  to: ColumnBuffer,
  ascending: boolean,
): number {
  const { offsets: newer, end, shift, number } = side;
  const older = from.offsets;
  const sign = ascending ? 1 : -1;
  let count = 0;
  let i = 0;
  let k = side.start;
  while (i < fromCount || k < end) {
    const order = i === fromCount ? 1 : k === end ? -1 : (older[i]! - newer[k]!) * sign;
    if (order < 0) {
      to.offsets[count] = older[i]!;
      to.pickedRun[count] = from.pickedRun[i]!;
      to.pickedAt[count] = from.pickedAt[i]!;
      i++;
    } else {
      if (order === 0) i++;
      to.offsets[count] = newer[k]!;
      to.pickedRun[count] = number;
      to.pickedAt[count] = k + shift;
      k++;
    }
    count++;
  }
  return count;
}
