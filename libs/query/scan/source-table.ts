/**
 * What a SELECT reads from, seen as one table of series: a stored measurement, or the result of a subquery. Both look the
 * same to the operators.
 */
import type { ColumnBatch } from '#models';
import type { Column } from '../column.js';
import type { SweepWant, SweptBatch, TagRequirement, TimeRange } from '../ports.js';
import type { ExprType, ValueType } from '../value-type.js';

/** A stretch of time no longer than 2^53 ns, so that times in it are exact float64 offsets from `baseNs`. */
export interface Stretch {
  readonly baseNs: bigint;
  /** Inclusive. */
  readonly startNs: bigint;
  /** Inclusive. */
  readonly endNs: bigint;
}

/** Series of a table, in order of their keys' bytes. */
export interface TableSeries {
  readonly count: number;
  tagValue(i: number, key: string): string;
  /** A small integer per distinct value of a key (0 = absent). */
  tagValueIds(key: string): Int32Array;
  tagValueOf(key: string, valueId: number): string;
  /** The least time of a subquery's series; absent for stored ones. */
  leastTimeNs?(i: number): bigint | null;
}

/** Reads the fields of one series in one stretch; offsets are relative to the stretch's base. */
export interface FieldReader {
  /** Values of the field as they are stored there, or null at the end. Valid until the next call for the same field. */
  next(field: number): ColumnBatch | null;
  /**
   * Leaves out values up to and with a time in the order of reading, relative to the stretch's base. Absent where that saves
   * nothing.
   */
  skip?(field: number, offset: number): void;
  /** Stored type of a field, or null where there is none. */
  typeOf(field: number): ValueType | null;
  /** Ends reading before the end; batches are not valid any more. */
  close(): void;
}

/** Rows of one series; valid until the next are asked for. */
export interface Rows {
  readonly count: number;
  /** Relative to the stretch's base; ascending, or descending for a descending reader. */
  readonly offsets: Float64Array;
  /** One for each field asked for. */
  readonly columns: readonly Column[];
  /** Where rows of several series have an order of their own: the place of each among them. */
  readonly places?: Int32Array | null;
  /** What rows of several series are merged by where that is not their time, relative to the stretch's base. */
  readonly keys?: Float64Array | null;
  /** How many rows a filter left out before these; absent for none. */
  readonly skipped?: number;
  /** True where these and those left out are the rows, in order, that the filter was last asked about. */
  readonly isTold?: boolean;
}

/** Gives rows of one series. */
export interface RowSource {
  /** The next rows, or null at the end. */
  next(): Rows | null;
}

/** A field to lay out. */
export interface RowField {
  readonly name: string;
  readonly type: ValueType;
}

/** A table of series. */
export interface SourceTable {
  readonly name: string;
  /** Which source of FROM it belongs to, from 0. */
  readonly place: number;
  /** Type of a field over all its shards, `tag` for a tag column of a subquery, or null where it is no field. */
  fieldType(name: string): ExprType | null;
  /** In byte order. */
  readonly fieldNames: readonly string[];
  /** In byte order. */
  readonly tagKeys: readonly string[];
  series(required: readonly TagRequirement[]): TableSeries;
  /** Stretches that hold data of a time range, ascending. */
  stretches(range: TimeRange): readonly Stretch[];
  /** Opens one series; `i` is its position in `series`. Null where the stretch has nothing of it. */
  open(request: {
    readonly series: TableSeries;
    readonly i: number;
    readonly fields: readonly string[];
    readonly stretch: Stretch;
    readonly isAscending: boolean;
  }): FieldReader | null;
  /**
   * Opens one field of many series at once, ascending; null where the stretch does not have the field. Absent, or 'no', where
   * series have to be opened one by one.
   * @param positions those wanted, in order; null for all
   */
  sweep?(request: {
    readonly series: TableSeries;
    readonly positions: Int32Array | null;
    readonly field: string;
    readonly stretch: Stretch;
    readonly want: SweepWant;
  }): FieldSweep | null | 'no';
  /** Opens one series of a table that has rows rather than fields, each a row whatever values it has; absent for others. */
  openRows?(request: {
    readonly series: TableSeries;
    readonly i: number;
    readonly fields: readonly RowField[];
    readonly stretch: Stretch;
    readonly isAscending: boolean;
  }): RowSource | null;
}

/** Reads one field of many series; see SeriesSweep. */
export interface FieldSweep {
  next(): SweptBatch | null;
  /** Stored type of the field. */
  readonly type: ValueType;
}

/** Ninety days: below 2^53 ns (104 days) with room for a window. */
const STRETCH_MAX_NS = 90n * 86_400_000_000_000n;

/** Cuts an inclusive range into stretches. The first keeps `baseNs` as its base where that is near enough. */
export function cutRange(baseNs: bigint, range: TimeRange): readonly Stretch[] {
  const stretches: Stretch[] = [];
  let startNs = range.minNs;
  while (startNs <= range.maxNs) {
    const isNear = startNs - baseNs < STRETCH_MAX_NS && startNs >= baseNs;
    const base = isNear ? baseNs : startNs;
    const limit = base + STRETCH_MAX_NS;
    const endNs = limit < range.maxNs ? limit : range.maxNs;
    stretches.push({ baseNs: base, startNs, endNs });
    startNs = endNs + 1n;
  }
  return stretches;
}

/**
 * Stretches of several tables laid over each other, so that none crosses a border of another. Rows of subqueries cut no
 * shard: a merge that begins anew orders rows of the same time in another way.
 */
export function mergeStretches(
  tables: readonly SourceTable[],
  range: TimeRange,
): readonly Stretch[] {
  const filled = tables
    .map((table) => ({ isStored: !table.openRows, list: table.stretches(range) }))
    .filter(({ list }) => list.length > 0);
  if (filled.length <= 1) return filled[0]?.list ?? [];
  const stored = filled.filter(({ isStored }) => isStored).flatMap(({ list }) => list);
  const all = [...stored, ...filled.filter((one) => !one.isStored).flatMap(({ list }) => list)];
  const isInside = (timeNs: bigint): boolean =>
    stored.some(({ startNs, endNs }) => startNs < timeNs && timeNs <= endNs);
  const cuts = new Set<bigint>();
  for (const { startNs, endNs } of stored) cuts.add(startNs).add(endNs + 1n);
  for (const { startNs, endNs } of all)
    for (const timeNs of [startNs, endNs + 1n]) if (!isInside(timeNs)) cuts.add(timeNs);
  const borders = [...cuts].sort((a, b) => (a < b ? -1 : 1));
  const merged: Stretch[] = [];
  for (let i = 0; i + 1 < borders.length; i++) {
    const startNs = borders[i] ?? 0n;
    const endNs = (borders[i + 1] ?? 0n) - 1n;
    const cover = all.find((one) => one.startNs <= startNs && one.endNs >= endNs);
    if (cover) merged.push({ baseNs: cover.baseNs, startNs, endNs });
  }
  return merged;
}
