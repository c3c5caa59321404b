/**
 * The series of a measurement in order of their keys, kept from query to query: what has been sorted once is not sorted again
 * when series are added.
 */

/** Compares two positions by their keys. */
export type ComparePositions = (a: number, b: number) => number;

/** Positions sorted, or merged, between turns: a few milliseconds. */
const SORTED_AT_ONCE = 4096;
/** Where new ones are at most one part in so many, their places are looked up; else all are merged. */
const FEW = 16;

/** Positions in order. */
export class SeriesOrder {
  private sorted: Int32Array = new Int32Array(0);

  /** Takes an order that was stored. */
  restore(sorted: Int32Array): void {
    this.sorted = new Int32Array(sorted);
  }

  /** Positions have moved, keeping their sequence; -1 for those that are gone. */
  move(moved: Int32Array): void {
    this.sorted = this.sorted.map((position) => moved[position]).filter((to) => to >= 0);
  }

  /** Positions that are in order already: the first so many. */
  get sortedCount(): number {
    return this.sorted.length;
  }

  /**
   * Puts the first `count` positions in order, in turns, so that {@link get} has little to do. Yields between them; what is
   * sorted or moved meanwhile makes it end early.
   */
  *sortInTurns(count: number, compare: ComparePositions): Generator<void, void> {
    const before = this.sorted;
    let runs: Int32Array[] = [before];
    for (let from = before.length; from < count; from += SORTED_AT_ONCE) {
      const run = new Int32Array(Math.min(SORTED_AT_ONCE, count - from));
      for (let i = 0; i < run.length; i++) run[i] = from + i;
      runs.push(run.sort(compare));
      yield;
      if (this.sorted !== before) return;
    }
    while (runs.length > 1) {
      runs.sort((a, b) => a.length - b.length);
      const [a, b, ...others] = runs;
      const into = new Int32Array(a.length + b.length);
      for (const merging = { i: 0, j: 0 }; merging.i + merging.j < into.length;) {
        mergeSome(a, b, into, merging, compare);
        yield;
        if (this.sorted !== before) return;
      }
      runs = [...others, into];
    }
    this.sorted = runs[0];
  }

  /** All of the first `count` positions in order. Not to be changed. */
  get(count: number, compare: ComparePositions): Int32Array {
    const { sorted } = this;
    if (sorted.length >= count) return sorted;
    const added = new Int32Array(count - sorted.length);
    for (let i = 0; i < added.length; i++) added[i] = sorted.length + i;
    added.sort(compare);
    const all = sorted.length === 0 ? added : new Int32Array(count);
    if (sorted.length > 0) {
      if (added.length * FEW < sorted.length) insert(sorted, added, all, compare);
      else merge(sorted, added, all, compare);
    }
    this.sorted = all;
    return all;
  }
}

/** Goes on with a merge for a while. */
function mergeSome(
  a: Int32Array,
  b: Int32Array,
  into: Int32Array,
  at: { i: number; j: number },
  compare: ComparePositions,
): void {
  let { i, j } = at;
  const end = Math.min(into.length, i + j + SORTED_AT_ONCE);
  for (let n = i + j; n < end; n++) {
    const isFirst = i < a.length && (j >= b.length || compare(a[i], b[j]) <= 0);
    into[n] = isFirst ? a[i++] : b[j++];
  }
  at.i = i;
  at.j = j;
}

function merge(a: Int32Array, b: Int32Array, into: Int32Array, compare: ComparePositions): void {
  let [i, j] = [0, 0];
  for (let n = 0; n < into.length; n++) {
    const isFirst = i < a.length && (j >= b.length || compare(a[i], b[j]) <= 0);
    into[n] = isFirst ? a[i++] : b[j++];
  }
}

/** Merges a few into many: looks up where each of `b` belongs and copies what is in between. */
function insert(a: Int32Array, b: Int32Array, into: Int32Array, compare: ComparePositions): void {
  let from = 0;
  for (let j = 0; j < b.length; j++) {
    let low = from;
    let high = a.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compare(a[middle], b[j]) < 0) low = middle + 1;
      else high = middle;
    }
    into.set(a.subarray(from, low), from + j);
    into[low + j] = b[j];
    from = low;
  }
  into.set(a.subarray(from), from + b.length);
}
