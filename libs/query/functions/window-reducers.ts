/**
 * Reducers over all values of a window.
 */
import { exactInteger } from '../column.js';
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

/** Most frequent value; of several the one whose first is earliest, as InfluxDB 1.x finds it. */
export const reduceMode: WindowReducer = (values, sink) => {
  const { column, startNs } = values;
  const sorted = rowsByValue(values);
  let best = sorted[0] as number;
  let bestFirst = best;
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
    if (count < bestCount || (count === bestCount && compareTimes(values, first, bestFirst) > 0))
      continue;
    bestCount = count;
    best = first;
    bestFirst = row;
  }
  sink.timesNs.push(startNs);
  sink.values.pushFrom(column, best);
};

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
export function percentileReducer(percentile: number, keepsTime: boolean): WindowReducer {
  return (values, sink) => {
    const { rows, column, timesNs, startNs } = values;
    const rank = Math.floor((rows.length * percentile) / 100 + 0.5) - 1;
    if (rank < 0 || rank >= rows.length) return;
    let row: number;
    if (column.wide) {
      row = rowsByValue(values)[rank] as number;
    } else {
      const wanted = sortedNumbers(values)[rank];
      row = rows.find((one) => Object.is(column.numbers[one], wanted)) ?? (rows[rank] as number);
    }
    emitRow(values, row, keepsTime ? (timesNs[row] as bigint) : startNs, sink);
  };
}

/** Every distinct value once, in order of first appearance, equal times by value. */
export const reduceDistinct: WindowReducer = (values, sink) => {
  for (const row of distinctRows(values)) emitRow(values, row, values.startNs, sink);
};

/** Number of distinct values. */
export const reduceCountDistinct: WindowReducer = (values, sink) => {
  sink.timesNs.push(values.startNs);
  sink.values.pushNumber(distinctRows(values).length);
};

function distinctRows(values: WindowValues): readonly number[] {
  const { column, rows } = values;
  const firsts = new Map<unknown, number>();
  for (const row of rows) {
    const key = keyOf(values, row);
    const known = firsts.get(key);
    if (known === undefined || compareTimes(values, row, known) < 0) firsts.set(key, row);
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
 * `tagCount` auxiliary columns. Among equal values the earlier point is better.
 */
export function rankingReducer(options: {
  readonly size: number;
  readonly isTop: boolean;
  readonly tagCount: number;
}): WindowReducer {
  const { size, isTop, tagCount } = options;
  return (values, sink) => {
    const better = (a: number, b: number): number =>
      (isTop ? compareRows(values.column, b, a) : compareRows(values.column, a, b)) ||
      compareTimes(values, a, b);
    let candidates = Array.from(values.rows);
    if (tagCount > 0) {
      const best = new Map<string, number>();
      for (const row of candidates) {
        const key = JSON.stringify(
          values.aux
            .slice(0, tagCount)
            .map(({ strings, numbers }) => strings[row] ?? numbers[row] ?? null),
        );
        const known = best.get(key);
        if (known === undefined || better(row, known) < 0) best.set(key, row);
      }
      candidates = [...best.values()];
    }
    candidates.sort(better);
    const kept = candidates.slice(0, size).sort((a, b) => compareTimes(values, a, b));
    for (const row of kept) emitRow(values, row, values.timesNs[row] as bigint, sink);
  };
}

/** The default unit of integral, derivative: a second. */
export const defaultUnitNs = BigInt(SECOND_NS);
