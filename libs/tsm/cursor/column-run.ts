/**
 * Columns in the order of iteration and the runs they are cut into. A run is a stretch of a column inside the range asked
 * for, less than 2^53 ns long, so that offsets from its base are exact.
 */
import { FieldType, type StringColumn } from '#models';
import { EXACT_LIMIT } from '#encoding';

/** Times and values of one field, in the order of iteration, distinct in time. */
export interface TimedColumn {
  count: number;
  baseNs: bigint;
  /** Relative to `baseNs`; not valid while `wideTimes` is set. */
  offsets: Float64Array;
  /** Absolute times, where they are 2^53 ns or more from `baseNs`; else null. */
  wideTimes: BigInt64Array | null;
  numbers: Float64Array;
  wide: BigInt64Array | null;
  strings: StringColumn | null;
}

/** What part of time a cursor is asked for, and in which direction. Bounds are inclusive. */
export interface CursorRange {
  readonly minNs: bigint;
  readonly maxNs: bigint;
  readonly ascending: boolean;
}

/** Values `at .. end` of arrays that belong to a lane, in the order of iteration. */
export interface Run {
  baseNs: bigint;
  offsets: Float64Array;
  at: number;
  end: number;
  numbers: Float64Array;
  wide: BigInt64Array | null;
  strings: StringColumn | null;
}

const NO_NUMBERS = new Float64Array(0);

/** A run of nothing. */
export function emptyRun(): Run {
  return {
    baseNs: 0n,
    offsets: NO_NUMBERS,
    at: 0,
    end: 0,
    numbers: NO_NUMBERS,
    wide: null,
    strings: null,
  };
}

/** Time of value `i` of a run. */
export function timeOf(run: Run, i: number): bigint {
  return run.baseNs + BigInt(run.offsets[i]!);
}

/** Moves a run on behind `pastNs`. */
export function skipRun(run: Run, pastNs: bigint, ascending: boolean): void {
  if (run.at === run.end) return;
  // Beyond 2^53 ns it rounds, but never to within the offsets.
  const behind = Number(pastNs - run.baseNs) + (ascending ? 1 : -1);
  run.at = firstNotBefore(run.offsets, run.at, run.end, behind, ascending);
}

/** True when `a` comes before `b` in the order of iteration. */
export function isBefore(a: bigint, b: bigint, ascending: boolean): boolean {
  return ascending ? a < b : a > b;
}

/** The first position in `offsets[from .. to)` that does not come before `target` in the order of iteration, or `to`. */
export function firstNotBefore(
  offsets: Float64Array,
  from: number,
  to: number,
  target: number,
  ascending: boolean,
): number {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const offset = offsets[middle]!;
    if (ascending ? offset < target : offset > target) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Cuts a column into runs, one after another. */
export class RunSplitter {
  private column: TimedColumn | null = null;
  private at = 0;
  private end = 0;
  private wideOffsets = new Float64Array(0);

  /** Forgets the column. */
  reset(): void {
    this.column = null;
  }

  /** Takes up a column; it has to stay as it is until its last run is used up. */
  start(column: TimedColumn, range: CursorRange): void {
    this.column = column;
    const { ascending } = range;
    const first = ascending ? range.minNs : range.maxNs;
    const last = ascending ? range.maxNs : range.minNs;
    const { baseNs, offsets, wideTimes, count } = column;
    if (wideTimes === null) {
      // Bounds beyond 2^53 round, but never to within the offsets.
      this.at = firstNotBefore(offsets, 0, count, Number(first - baseNs), ascending);
      const beyond = Number(last - baseNs) + (ascending ? 1 : -1);
      this.end = firstNotBefore(offsets, this.at, count, beyond, ascending);
      return;
    }
    this.at = 0;
    this.end = count;
    while (this.at < count && isBefore(wideTimes[this.at]!, first, ascending)) this.at++;
    while (this.end > this.at && isBefore(last, wideTimes[this.end - 1]!, ascending)) this.end--;
    if (this.wideOffsets.length < count) this.wideOffsets = new Float64Array(count * 2);
  }

  /** Where the next run will begin at the earliest; null when there is none. */
  nextNs(): bigint | null {
    if (this.column === null || this.at >= this.end) return null;
    const { baseNs, offsets, wideTimes } = this.column;
    return wideTimes === null ? baseNs + BigInt(offsets[this.at]!) : wideTimes[this.at]!;
  }

  /** Fills `run` with the next run; call only when {@link nextNs} is not null. */
  next(run: Run): void {
    const column = this.column!;
    run.numbers = column.numbers;
    run.wide = column.wide;
    run.strings = column.strings;
    run.at = this.at;
    const { wideTimes } = column;
    if (wideTimes === null) {
      run.baseNs = column.baseNs;
      run.offsets = column.offsets;
      this.at = this.end;
    } else {
      const baseNs = wideTimes[this.at]!;
      run.baseNs = baseNs;
      run.offsets = this.wideOffsets;
      for (; this.at < this.end; this.at++) {
        const offset = Number(wideTimes[this.at]! - baseNs);
        if (Math.abs(offset) >= EXACT_LIMIT) break;
        this.wideOffsets[this.at] = offset;
      }
    }
    run.end = this.at;
  }
}

/** Arrays that picked values are gathered into. Grows, never shrinks. */
export class ColumnBuffer {
  offsets = new Float64Array(0);
  numbers = new Float64Array(0);
  wide: BigInt64Array | null = null;
  strings: StringColumn | null = null;
  /** Which run, and which value of it, each position comes from. */
  pickedRun = new Uint16Array(0);
  pickedAt = new Int32Array(0);
  private wideBuffer = new BigInt64Array(0);
  private stringBuffer: StringColumn = { bytes: new Uint8Array(0), offsets: new Int32Array(1) };

  reserve(count: number): void {
    if (this.offsets.length >= count) return;
    this.offsets = new Float64Array(count * 2);
    this.numbers = new Float64Array(count * 2);
    this.pickedRun = new Uint16Array(count * 2);
    this.pickedAt = new Int32Array(count * 2);
  }

  /** Copies the values that were picked of `runs` to `numbers`, `wide` or `strings`. */
  gather(type: FieldType, runs: readonly Run[], count: number): void {
    this.wide = null;
    this.strings = null;
    if (type === FieldType.STRING) {
      this.strings = this.gatherStrings(runs, count);
      return;
    }
    gatherNumbers(this, runs, count);
    if (!runs.some((run) => run.wide !== null)) return;
    if (this.wideBuffer.length < count) this.wideBuffer = new BigInt64Array(count * 2);
    this.wide = this.wideBuffer;
    for (let i = 0; i < count; i++) {
      const run = runs[this.pickedRun[i]!]!;
      const at = this.pickedAt[i]!;
      this.wideBuffer[i] = run.wide === null ? BigInt(run.numbers[at]!) : run.wide[at]!;
    }
  }

  private gatherStrings(runs: readonly Run[], count: number): StringColumn {
    const out = this.stringBuffer;
    if (out.offsets.length < count + 1) out.offsets = new Int32Array(count * 2 + 1);
    let sizeBytes = 0;
    for (let i = 0; i < count; i++) {
      const { offsets } = runs[this.pickedRun[i]!]!.strings!;
      const at = this.pickedAt[i]!;
      sizeBytes += offsets[at + 1]! - offsets[at]!;
      out.offsets[i + 1] = sizeBytes;
    }
    if (out.bytes.length < sizeBytes) out.bytes = new Uint8Array(sizeBytes * 2);
    for (let i = 0; i < count; i++) {
      const { bytes, offsets } = runs[this.pickedRun[i]!]!.strings!;
      const at = this.pickedAt[i]!;
      copyBytes(bytes, offsets[at]!, offsets[at + 1]!, out.bytes, out.offsets[i]!);
    }
    return out;
  }
}

function gatherNumbers(buffer: ColumnBuffer, runs: readonly Run[], count: number): void {
  const { numbers, pickedRun, pickedAt } = buffer;
  for (let i = 0; i < count; i++) numbers[i] = runs[pickedRun[i]!]!.numbers[pickedAt[i]!]!;
}

function copyBytes(from: Uint8Array, start: number, end: number, to: Uint8Array, at: number): void {
  if (end - start > 64) to.set(from.subarray(start, end), at);
  else for (let i = start; i < end; i++) to[at++] = from[i]!;
}

/** Turns the first `count` values of a column around, in place (strings: into `spare`, which becomes the column's). */
export function reverseValues(
  column: { numbers: Float64Array; wide: BigInt64Array | null; strings: StringColumn | null },
  count: number,
  spare: StringColumn,
): void {
  const { strings } = column;
  if (strings === null) {
    column.numbers.subarray(0, count).reverse();
    column.wide?.subarray(0, count).reverse();
    return;
  }
  const sizeBytes = strings.offsets[count]! - strings.offsets[0]!;
  if (spare.bytes.length < sizeBytes) spare.bytes = new Uint8Array(sizeBytes * 2);
  if (spare.offsets.length < count + 1) spare.offsets = new Int32Array(count * 2 + 1);
  spare.offsets[0] = 0;
  for (let i = 0; i < count; i++) {
    const start = strings.offsets[count - 1 - i]!;
    const end = strings.offsets[count - i]!;
    copyBytes(strings.bytes, start, end, spare.bytes, spare.offsets[i]!);
    spare.offsets[i + 1] = spare.offsets[i]! + end - start;
  }
  column.strings = spare;
}
