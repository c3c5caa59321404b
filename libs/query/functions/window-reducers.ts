/**
 * Reducers over all values of a window.
 */
import { exactInteger } from '../column.js';
import { goSort } from './go-sort.js';
import {
  compareRows,
  compareTimes,
  emitRow,
  rowsByValue,
  sortedNumbers,
  type WindowReducer,
  type WindowValues,
} from './collecting.js';

const SECOND_NS = 1_000_000_000;

/** Middle value, or the mean of the middle two. */
export const reduceMedian: WindowReducer = (values, sink) => {
  const sorted = sortedNumbers(values);
  const high = sorted.length >> 1;
  const upper = sorted[high] as number;
  const lower = sorted.length % 2 === 1 ? upper : (sorted[high - 1] as number);
  sink.timesNs.push(values.startNs);
  sink.values.pushNumber(lower + (upper - lower) / 2);
};

/** Rows in the order in which InfluxDB 1.x gets them: in descending order of time for a query in that order. */
function arrivals({ rows }: WindowValues, isAscending: boolean): number[] {
  const arrived = Array.from(rows);
  return isAscending ? arrived : arrived.reverse();
}

/** Rows by value, those of equal values as Go's sort leaves them. */
function sortedArrivals(values: WindowValues, isAscending: boolean): number[] {
  const rows = arrivals(values, isAscending);
  goSort(rows, (a, b) => compareRows(values.column, a, b) < 0);
  return rows;
}

/** Most frequent value; of several the one that InfluxDB 1.x's search through the sorted points finds. */
export function reduceMode(isAscending: boolean): WindowReducer {
  return (values, sink) => {
    const { column, rows, startNs } = values;
    if (column.type === 'boolean') {
      let trueCount = 0;
      for (const row of rows) trueCount += column.numbers[row] as number;
      sink.timesNs.push(startNs);
      sink.values.pushNumber(trueCount * 2 >= rows.length ? 1 : 0);
      return;
    }
    const sorted = sortedArrivals(values, isAscending);
    let best = sorted[0] as number;
    let bestTime = best;
    let bestCount = 0;
    let first = best;
    let count = 0;
    for (const row of sorted) {
      if (compareRows(column, row, first) !== 0) {
        first = row;
        count = 1;
        continue;
      }
      count++;
      const isLater = count === bestCount && compareTimes(values, first, bestTime) > 0;
      if (count < bestCount || isLater) continue;
      bestCount = count;
      best = first;
      bestTime = row;
    }
    sink.timesNs.push(startNs);
    sink.values.pushFrom(column, best);
  };
}

/** Standard deviation of a sample; nothing for a single value. */
export const reduceStddev: WindowReducer = ({ column, rows, startNs }, sink) => {
  sink.timesNs.push(startNs);
  if (rows.length < 2) {
    sink.values.pushNull();
    return;
  }
  let mean = 0;
  let count = 0;
  for (const row of rows) {
    const value = column.numbers[row] as number;
    if (Number.isNaN(value)) continue;
    count++;
    mean += (value - mean) / count;
  }
  let variance = 0;
  for (const row of rows) {
    const value = column.numbers[row] as number;
    if (!Number.isNaN(value)) variance += (value - mean) ** 2;
  }
  sink.values.pushNumber(Math.sqrt(variance / (count - 1)));
};

/** The point at a percentile (0 to 100), by nearest rank. */
export function percentileReducer(
  percentile: number,
  { keepsTime, isAscending }: { readonly keepsTime: boolean; readonly isAscending: boolean },
): WindowReducer {
  return (values, sink) => {
    const { rows, column, timesNs, startNs, aux } = values;
    const rank = Math.floor((rows.length * percentile) / 100 + 0.5) - 1;
    if (rank < 0 || rank >= rows.length) return;
    let row: number;
    if (keepsTime || aux.length > 0) {
      row = sortedArrivals(values, isAscending)[rank] as number;
    } else if (column.wide) {
      row = rowsByValue(values)[rank] as number;
    } else {
      const wanted = sortedNumbers(values)[rank];
      row = rows.find((one) => Object.is(column.numbers[one], wanted)) ?? (rows[rank] as number);
    }
    emitRow(values, row, keepsTime ? (timesNs[row] as bigint) : startNs, sink);
  };
}

/** Every distinct value once, in order of first appearance in the query's direction, equal times by value. */
export function reduceDistinct(isAscending: boolean): WindowReducer {
  return (values, sink) => {
    for (const row of distinctRows(values, isAscending)) emitRow(values, row, values.startNs, sink);
  };
}

/** Number of distinct values. */
export const reduceCountDistinct: WindowReducer = (values, sink) => {
  sink.timesNs.push(values.startNs);
  sink.values.pushNumber(distinctRows(values, true).length);
};

function distinctRows(values: WindowValues, isAscending: boolean): readonly number[] {
  const { column, rows } = values;
  const firsts = new Map<unknown, number>();
  for (const row of rows) {
    const key = keyOf(values, row);
    const known = firsts.get(key);
    const order = known === undefined ? -1 : compareTimes(values, row, known);
    if (known === undefined || (isAscending ? order < 0 : order > 0)) firsts.set(key, row);
  }
  return [...firsts.values()].sort(
    (a, b) => compareTimes(values, a, b) || compareRows(column, a, b),
  );
}

function keyOf({ column }: WindowValues, row: number): unknown {
  if (column.type === 'string') return column.strings[row];
  return column.wide ? exactInteger(column, row) : column.numbers[row];
}

/** A random sample of at most `size` points, in order of time. */
export function sampleReducer(size: number, random: () => number): WindowReducer {
  return (values, sink) => {
    const kept: number[] = [];
    values.rows.forEach((row, i) => {
      if (i < size) kept.push(row);
      else {
        const place = Math.floor(random() * (i + 1));
        if (place < size) kept[place] = row;
      }
    });
    kept.sort((a, b) => compareTimes(values, a, b));
    for (const row of kept) emitRow(values, row, values.timesNs[row] as bigint, sink);
  };
}

/**
 * The `size` greatest (or least) points in order of time; with tags, at most one for each combination of the first
 * `tagCount` auxiliary columns. Among equal values the earlier point is better, among equal times one that InfluxDB 1.x's
 * heap keeps.
 */
export function rankingReducer(options: {
  readonly size: number;
  readonly isTop: boolean;
  readonly tagCount: number;
  readonly isAscending: boolean;
}): WindowReducer {
  const { size, isTop, tagCount, isAscending } = options;
  return (values, sink) => {
    const worse = (a: number, b: number): boolean => {
      const order = compareRows(values.column, a, b) * (isTop ? 1 : -1);
      return order < 0 || (order === 0 && compareTimes(values, a, b) > 0);
    };
    const rows = arrivals(values, isAscending);
    const kept = new WorstFirst(size, worse);
    for (const row of tagCount > 0 ? bestByTags(values, rows, { tagCount, worse }) : rows)
      kept.offer(row);
    const ranked = kept.rows;
    goSort(ranked, (a, b) => worse(b, a));
    ranked.sort((a, b) => compareTimes(values, a, b));
    for (const row of ranked) emitRow(values, row, values.timesNs[row] as bigint, sink);
  };
}

/** The best row for each combination of tags, in order of these. */
function bestByTags(
  values: WindowValues,
  rows: readonly number[],
  {
    tagCount,
    worse,
  }: { readonly tagCount: number; readonly worse: (a: number, b: number) => boolean },
): readonly number[] {
  const best = new Map<string, number>();
  for (const row of rows) {
    const key = values.aux
      .slice(0, tagCount)
      .map(({ strings, numbers }) => String(strings[row] ?? numbers[row] ?? ''))
      .join('\0');
    const known = best.get(key);
    if (known === undefined || worse(known, row)) best.set(key, row);
  }
  return [...best].sort((a, b) => (a[0] < b[0] ? -1 : 1)).map(([, row]) => row);
}

/** Keeps the best rows in a heap with the worst in front; its moves are those of Go's container/heap. */
class WorstFirst {
  readonly rows: number[] = [];
  readonly #size: number;
  readonly #worse: (a: number, b: number) => boolean;

  constructor(size: number, worse: (a: number, b: number) => boolean) {
    this.#size = size;
    this.#worse = worse;
  }

  offer(row: number): void {
    const { rows } = this;
    if (rows.length < this.#size) {
      rows.push(row);
      this.#up(rows.length - 1);
    } else if (this.#worse(rows[0] as number, row)) {
      rows[0] = row;
      this.#down();
    }
  }

  #up(from: number): void {
    for (let child = from; child > 0;) {
      const parent = (child - 1) >> 1;
      if (!this.#less(child, parent)) return;
      this.#swap(child, parent);
      child = parent;
    }
  }

  #down(): void {
    const { length } = this.rows;
    for (let parent = 0; ;) {
      const left = 2 * parent + 1;
      if (left >= length) return;
      const least = left + 1 < length && this.#less(left + 1, left) ? left + 1 : left;
      if (!this.#less(least, parent)) return;
      this.#swap(parent, least);
      parent = least;
    }
  }

  #less(i: number, j: number): boolean {
    return this.#worse(this.rows[i] as number, this.rows[j] as number);
  }

  #swap(i: number, j: number): void {
    const row = this.rows[i] as number;
    this.rows[i] = this.rows[j] as number;
    this.rows[j] = row;
  }
}

/** The default unit of integral, derivative: a second. */
export const defaultUnitNs = BigInt(SECOND_NS);
