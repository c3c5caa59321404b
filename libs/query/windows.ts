/**
 * GROUP BY time: which window a time falls into. Windows are numbered from an origin; inside one stretch of time (at most
 * 2^53 ns long, with its own base) their borders are float64 offsets, so that loops over values need no bigint.
 */
import type { TimeZone } from '#influxql';

/** GROUP BY time(interval, offset) in a time zone. */
export interface WindowSpec {
  /** Above 0. */
  readonly intervalNs: bigint;
  /** Moves all borders; any sign. */
  readonly offsetNs: bigint;
  readonly zone: TimeZone;
}

/** Least and greatest times that a window may begin or end at. */
const MIN_NS = -9223372036854775806n;
const MAX_NS = 9223372036854775806n;

/**
 * The window of a time: start inclusive, end exclusive. Windows of a zone with changing offset follow its clocks; around a
 * change they are longer or shorter. Same as InfluxDB 1.x.
 */
export function windowOf(
  spec: WindowSpec,
  timeNs: bigint,
): { readonly startNs: bigint; readonly endNs: bigint } {
  const { intervalNs, offsetNs, zone } = spec;
  const shifted = timeNs - offsetNs;
  const zoneNs = zone.offsetNs(shifted);
  let rest = (shifted + zoneNs) % intervalNs;
  if (rest < 0n) rest += intervalNs;
  // Up to the offset, which is added last: a change of clocks moves the border of the hours that the grid counts from.
  const startNs = shifted - rest;
  const endNs = startNs + intervalNs;
  const bound = (edgeNs: bigint): bigint => {
    const change = zone.isUtc ? 0n : zoneNs - zone.offsetNs(edgeNs);
    const isMoved = change !== 0n && abs(change) < intervalNs;
    return clamp((isMoved ? edgeNs + change : edgeNs) + offsetNs);
  };
  return { startNs: bound(startNs), endNs: bound(endNs) };
}

function abs(value: bigint): bigint {
  return value < 0n ? -value : value;
}

function clamp(timeNs: bigint): bigint {
  if (timeNs < MIN_NS) return MIN_NS;
  return timeNs > MAX_NS ? MAX_NS : timeNs;
}

/** Where the values of a sorted column of times fall: run r is rows `firstRow[r] .. firstRow[r + 1]`, all in one window. */
export interface WindowRuns {
  count: number;
  /** Holds count + 1 entries. */
  firstRow: Int32Array;
  /** Number of the window of each run. */
  window: Float64Array;
}

/** Numbers windows over a whole query. */
export interface Windows {
  /** Start of window number `k`. */
  startNs(k: number): bigint;
  /** Number of the window that holds a time. */
  numberOf(timeNs: bigint): number;
  /**
   * Splits ascending offsets (relative to `baseNs`) into runs. `into` is reused and grown as needed.
   */
  split(baseNs: bigint, offsets: Float64Array, count: number, into: WindowRuns): void;
}

/** An empty set of runs to be filled by {@link Windows.split}. */
export function newRuns(): WindowRuns {
  return { count: 0, firstRow: new Int32Array(64), window: new Float64Array(64) };
}

function pushRun(runs: WindowRuns, row: number, window: number): void {
  if (runs.count + 1 >= runs.firstRow.length) {
    const firstRow = new Int32Array(runs.firstRow.length * 2);
    firstRow.set(runs.firstRow);
    runs.firstRow = firstRow;
    const windows = new Float64Array(runs.window.length * 2);
    windows.set(runs.window);
    runs.window = windows;
  }
  runs.firstRow[runs.count] = row;
  runs.window[runs.count] = window;
  runs.count++;
}

/** First row at or behind `from` whose offset is not below `end`; offsets ascend. Looks near `from` first. */
function gallop(offsets: Float64Array, from: number, count: number, end: number): number {
  let step = 1;
  let low = from;
  while (low + step < count && (offsets[low + step] as number) < end) {
    low += step;
    step *= 2;
  }
  let high = Math.min(count, low + step);
  while (low + 1 < high) {
    const middle = (low + high) >> 1;
    if ((offsets[middle] as number) < end) low = middle;
    else high = middle;
  }
  return low + 1;
}

/**
 * Like {@link Windows.split} for offsets that ascend only up to each of `ends`: a run never crosses one.
 * @param scratch used meanwhile
 */
export function splitSegments(
  windows: Windows,
  swept: {
    readonly baseNs: bigint;
    readonly offsets: Float64Array;
    readonly ends: Int32Array;
    readonly segments: number;
  },
  into: WindowRuns,
  scratch: WindowRuns,
): void {
  const { baseNs, offsets, ends, segments } = swept;
  into.count = 0;
  let from = 0;
  for (let s = 0; s < segments; s++) {
    const to = ends[s] as number;
    if (windows instanceof OneWindow) pushRun(into, from, 0);
    else {
      windows.split(baseNs, offsets.subarray(from, to), to - from, scratch);
      for (let r = 0; r < scratch.count; r++)
        pushRun(into, from + (scratch.firstRow[r] as number), scratch.window[r] as number);
    }
    from = to;
  }
  into.firstRow[into.count] = from;
}

/** Everything in one window that begins at `startNs`: a query without GROUP BY time. */
export class OneWindow implements Windows {
  readonly #startNs: bigint;

  constructor(startNs: bigint) {
    this.#startNs = startNs;
  }

  startNs(): bigint {
    return this.#startNs;
  }

  numberOf(): number {
    return 0;
  }

  split(_baseNs: bigint, _offsets: Float64Array, count: number, into: WindowRuns): void {
    into.count = 0;
    if (count > 0) pushRun(into, 0, 0);
    into.firstRow[into.count] = count;
  }
}

/** Windows of equal length. */
export class EvenWindows implements Windows {
  readonly #originNs: bigint;
  readonly #intervalNs: bigint;

  /** @param originNs start of window 0 */
  constructor(originNs: bigint, intervalNs: bigint) {
    this.#originNs = originNs;
    this.#intervalNs = intervalNs;
  }

  startNs(k: number): bigint {
    return clamp(this.#originNs + BigInt(k) * this.#intervalNs);
  }

  numberOf(timeNs: bigint): number {
    return Number(floorDivide(timeNs - this.#originNs, this.#intervalNs));
  }

  split(baseNs: bigint, offsets: Float64Array, count: number, into: WindowRuns): void {
    into.count = 0;
    const interval = Number(this.#intervalNs);
    const first = floorDivide(baseNs - this.#originNs, this.#intervalNs);
    // Offset of `baseNs` inside its own window.
    const rest = Number(baseNs - this.#originNs - first * this.#intervalNs);
    const firstNumber = Number(first);
    let row = 0;
    while (row < count) {
      const local = Math.floor(((offsets[row] as number) + rest) / interval);
      pushRun(into, row, firstNumber + local);
      row = gallop(offsets, row, count, (local + 1) * interval - rest);
    }
    into.firstRow[into.count] = count;
  }
}

/** Windows of a zone whose offset changes: borders are listed one by one as far as they are asked for. */
export class ZonedWindows implements Windows {
  readonly #spec: WindowSpec;
  readonly #starts: bigint[];

  /** @param firstNs any time of window 0 */
  constructor(spec: WindowSpec, firstNs: bigint) {
    this.#spec = spec;
    this.#starts = [windowOf(spec, firstNs).startNs];
  }

  startNs(k: number): bigint {
    while (this.#starts.length <= k) this.#extend();
    return this.#starts[Math.max(0, k)] ?? 0n;
  }

  numberOf(timeNs: bigint): number {
    while ((this.#starts.at(-1) ?? 0n) <= timeNs && (this.#starts.at(-1) ?? 0n) < MAX_NS)
      this.#extend();
    let low = 0;
    let high = this.#starts.length;
    while (low + 1 < high) {
      const middle = (low + high) >> 1;
      if ((this.#starts[middle] ?? 0n) <= timeNs) low = middle;
      else high = middle;
    }
    return low;
  }

  split(baseNs: bigint, offsets: Float64Array, count: number, into: WindowRuns): void {
    into.count = 0;
    let row = 0;
    while (row < count) {
      const k = this.numberOf(baseNs + BigInt(offsets[row] as number));
      pushRun(into, row, k);
      row = gallop(offsets, row, count, Number(this.startNs(k + 1) - baseNs));
    }
    into.firstRow[into.count] = count;
  }

  #extend(): void {
    const last = this.#starts.at(-1) ?? 0n;
    const { startNs, endNs } = windowOf(this.#spec, last);
    let next = endNs > last ? endNs : startNs + this.#spec.intervalNs;
    // Behind a change of offset a window may begin later than the one before it ended.
    const begin = windowOf(this.#spec, next).startNs;
    if (begin > last && begin < next) next = begin;
    this.#starts.push(next);
  }
}

/** Parts of an interval that windows are numbered by where only those are known that hold values. */
const SPARSE_PARTS = 4n;

/** Windows of a zone whose offset changes, where there are too many to list: each is worked out from a time in it. */
export class SparseWindows implements Windows {
  readonly #spec: WindowSpec;
  readonly #originNs: bigint;
  readonly #starts = new Map<number, bigint>();

  /** @param firstNs any time of the first window */
  constructor(spec: WindowSpec, firstNs: bigint) {
    this.#spec = spec;
    this.#originNs = windowOf(spec, firstNs).startNs;
  }

  startNs(k: number): bigint {
    return this.#starts.get(k) ?? this.#originNs;
  }

  numberOf(timeNs: bigint): number {
    const { startNs } = windowOf(this.#spec, timeNs);
    const distance = (startNs - this.#originNs) * SPARSE_PARTS;
    const k = Number(floorDivide(distance, this.#spec.intervalNs));
    if (!this.#starts.has(k)) this.#starts.set(k, startNs);
    return k;
  }

  split(baseNs: bigint, offsets: Float64Array, count: number, into: WindowRuns): void {
    into.count = 0;
    let row = 0;
    while (row < count) {
      const timeNs = baseNs + BigInt(offsets[row] as number);
      pushRun(into, row, this.numberOf(timeNs));
      row = gallop(offsets, row, count, Number(windowOf(this.#spec, timeNs).endNs - baseNs));
    }
    into.firstRow[into.count] = count;
  }
}

function floorDivide(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor;
  return dividend % divisor < 0n ? quotient - 1n : quotient;
}
