/**
 * LIMIT and OFFSET of a subquery that groups by more tags than the query around it. InfluxDB 1.x counts rows as they come out
 * of all series together, in order of time or in the sequence of sequence-order.ts, and starts anew whenever the series changes from one row to the next.
 */
import { gatherRows } from '../column.js';
import type { InnerSeries } from './result-table.js';

/** How rows are counted. */
export interface RunLimit {
  /** Tags of the query around: rows with other values of these are counted apart. */
  readonly tags: readonly string[];
  /** 0 for no limit. */
  readonly limit: number;
  readonly offset: number;
  readonly isAscending: boolean;
}

interface Row {
  readonly series: number;
  readonly row: number;
  /** What rows come out by: their time, or the key that stands for it. */
  readonly keyNs: bigint;
  readonly place: number;
}

/** The series with the rows that the limit leaves. */
export function limitRuns(series: readonly InnerSeries[], limit: RunLimit): readonly InnerSeries[] {
  const kept: number[][] = series.map(() => []);
  const partitions = new Map<string, Row[]>();
  series.forEach(({ timesNs, keysNs, places, tags }, s) => {
    const key = JSON.stringify(
      limit.tags.map((tag) => tags.find((one) => one.key === tag)?.value ?? ''),
    );
    const rows = partitions.get(key) ?? [];
    partitions.set(key, rows);
    (keysNs ?? timesNs).forEach((keyNs, row) =>
      rows.push({ series: s, row, keyNs, place: places?.[row] ?? s }),
    );
  });
  for (const rows of partitions.values()) keepRuns(rows, limit, kept);
  return series.map((one, s) => {
    const order = Int32Array.from(kept[s] ?? []);
    return {
      ...one,
      timesNs: BigInt64Array.from(order, (row) => one.timesNs[row] ?? 0n),
      places: one.places && Int32Array.from(order, (row) => one.places?.[row] ?? 0),
      keysNs: one.keysNs ? BigInt64Array.from(order, (row) => one.keysNs?.[row] ?? 0n) : null,
      columns: one.columns.map((column) => gatherRows(column, order)),
    };
  });
}

function keepRuns(rows: Row[], { limit, offset, isAscending }: RunLimit, kept: number[][]): void {
  const sign = isAscending ? 1 : -1;
  rows.sort((a, b) => (a.keyNs === b.keyNs ? a.place - b.place : a.keyNs < b.keyNs ? -sign : sign));
  let previous = -1;
  let count = 0;
  for (const { series, row } of rows) {
    count = series === previous ? count + 1 : 1;
    previous = series;
    if (count > offset && (limit === 0 || count <= offset + limit)) kept[series]?.push(row);
  }
}
