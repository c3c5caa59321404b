/**
 * SELECT without functions over windows: rows of a group's series, merged by time.
 */
import type { Expr, VarRef } from '#influxql';
import { ColumnBuilder, constantColumn, hasValue, stringColumn, type Column } from '../column.js';
import { evaluate } from '../evaluate.js';
import type { Stretch } from '../scan/source-table.js';
import { StoredTable } from '../scan/stored-table.js';
import type { ValueType } from '../value-type.js';
import { EntryReader, valueType, type RowRequest } from './entry-rows.js';
import { compareNames } from '../compile/expand.js';
import type { Group, GroupEntry } from './groups.js';
import { TimeHeap, type HeapItem } from './time-heap.js';

/** Rows of one group in order, all within one stretch. Owned by the receiver. */
export interface RowChunk {
  readonly baseNs: bigint;
  readonly count: number;
  readonly offsets: Float64Array;
  readonly columns: readonly Column[];
}

/** A column to compute for each row. */
export interface RowColumn {
  readonly expr: Expr;
  readonly type: ValueType;
  /** What stands where there is no value; null for nothing. */
  readonly fill: number | bigint | null;
}

/** What to make of each series' rows. */
export interface RowPlan {
  readonly request: RowRequest;
  readonly columns: readonly RowColumn[];
  /** Text references whose values order rows at the same time; ends before the first that is no text. */
  readonly ties: readonly VarRef[];
}

/** Rows handed on at once. */
const CHUNK_ROWS = 10_000;

/** Rows of a group, chunk by chunk; null where the caller may give others their turn. */
export function* rawRows(
  group: Group,
  stretches: readonly Stretch[],
  plan: RowPlan,
): Generator<RowChunk | null> {
  const { isAscending, budget } = plan.request;
  const ordered = isAscending ? stretches : [...stretches].reverse();
  for (const stretch of ordered) {
    if (budget.isTurnOver()) yield null;
    const { entries } = group;
    if (entries.length === 1) yield* oneSeries(entries[0] as GroupEntry, stretch, plan);
    else yield* mergedSeries(entries, stretch, plan);
  }
}

function* oneSeries(
  entry: GroupEntry,
  stretch: Stretch,
  plan: RowPlan,
): Generator<RowChunk | null> {
  const reader = new EntryReader(entry, stretch, plan.request);
  for (;;) {
    const rows = reader.next();
    if (!rows) return;
    const columns = plan.columns.map((column) => owned(computed(column, rows.scope), rows.count));
    yield {
      baseNs: stretch.baseNs,
      count: rows.count,
      offsets: rows.offsets.slice(0, rows.count),
      columns,
    };
    if (plan.request.budget.isTurnOver()) yield null;
  }
}

/** A series being merged: its rows at hand, computed. */
interface MergedSeries extends HeapItem {
  readonly reader: EntryReader;
  /** Place among the series of the group. */
  readonly ordinal: number;
  readonly isStored: boolean;
  ties: readonly Column[];
  columns: readonly Column[];
  offsets: Float64Array;
  count: number;
  row: number;
}

function* mergedSeries(
  entries: readonly GroupEntry[],
  stretch: Stretch,
  plan: RowPlan,
): Generator<RowChunk | null> {
  const sign = plan.request.isAscending ? 1 : -1;
  const items: MergedSeries[] = [];
  for (const [ordinal, entry] of entries.entries()) {
    const reader = new EntryReader(entry, stretch, plan.request);
    const isStored = entry.table instanceof StoredTable;
    const none = { columns: [], ties: [], offsets: new Float64Array(0), count: 0, row: 0 };
    const item: MergedSeries = { key: 0, reader, ordinal, isStored, ...none };
    if (advance(item, plan, sign)) items.push(item);
  }
  const heap = new TimeHeap(items, plan.request.isAscending ? isBefore : isBeforeDescending);
  let out = new ChunkBuilder(plan);
  while (heap.size > 0) {
    const item = heap.pop();
    out.push(item);
    item.row++;
    if (item.row < item.count) {
      item.key = sign * (item.offsets[item.row] as number);
      heap.push(item);
    } else if (advance(item, plan, sign)) {
      heap.push(item);
    }
    if (out.count === CHUNK_ROWS) {
      yield out.build(stretch.baseNs);
      if (plan.request.budget.isTurnOver()) yield null;
      out = new ChunkBuilder(plan);
    }
  }
  if (out.count > 0) yield out.build(stretch.baseNs);
}

/**
 * Which of two rows at the same time comes first: by their text columns where all of them are there, as InfluxDB 1.x does;
 * rows of subqueries come in the order of their series.
 */
function isBefore(a: MergedSeries, b: MergedSeries): boolean {
  return a.isStored ? compareTies(a, b) < 0 : a.ordinal < b.ordinal;
}

function isBeforeDescending(a: MergedSeries, b: MergedSeries): boolean {
  return a.isStored ? compareTies(a, b) > 0 : a.ordinal < b.ordinal;
}

function compareTies(a: MergedSeries, b: MergedSeries): number {
  for (let t = 0; t < a.ties.length; t++) {
    const x = a.ties[t]?.strings[a.row] ?? null;
    const y = b.ties[t]?.strings[b.row] ?? null;
    if (x === null || y === null) return 0;
    if (x !== y) return x < y ? -1 : 1;
  }
  return 0;
}

/** Reads the series' next rows; false at its end. */
function advance(item: MergedSeries, plan: RowPlan, sign: number): boolean {
  const rows = item.reader.next();
  if (!rows) return false;
  item.columns = plan.columns.map((column) => computed(column, rows.scope));
  item.ties = plan.ties.map(
    (ref) => rows.scope.resolve(ref) ?? stringColumn(new Array<null>(rows.count).fill(null)),
  );
  item.offsets = rows.offsets;
  item.count = rows.count;
  item.row = 0;
  item.key = sign * (rows.offsets[0] as number);
  return true;
}

class ChunkBuilder {
  readonly #offsets = new Float64Array(CHUNK_ROWS);
  readonly #builders: readonly ColumnBuilder[];
  count = 0;

  constructor(plan: RowPlan) {
    this.#builders = plan.columns.map(({ type }) => new ColumnBuilder(type, 256));
  }

  push({ columns, offsets, row }: MergedSeries): void {
    this.#offsets[this.count++] = offsets[row] as number;
    for (let c = 0; c < this.#builders.length; c++) {
      (this.#builders[c] as ColumnBuilder).pushFrom(columns[c] as Column, row);
    }
  }

  build(baseNs: bigint): RowChunk {
    return {
      baseNs,
      count: this.count,
      offsets: this.#offsets.subarray(0, this.count),
      columns: this.#builders.map((builder) => builder.build()),
    };
  }
}

/** A column of the expression's values in the type that the result has everywhere. */
function computed({ expr, type, fill }: RowColumn, scope: Parameters<typeof evaluate>[1]): Column {
  const column = inType(evaluate(expr, scope), type, scope.count);
  if (fill === null || !column.present || type === 'string' || type === 'boolean') return column;
  return withFill(column, fill, scope.count);
}

/** The column as `type`; where it is of another kind no row has a value. */
export function inType(column: Column, type: ValueType, count: number): Column {
  if (column.type === type) return column;
  if (type === 'float' && column.type !== 'string' && column.type !== 'boolean')
    return { ...column, type, wide: null };
  const builder = new ColumnBuilder(type, count);
  for (let i = 0; i < count; i++) builder.pushNull();
  return builder.build();
}

/** The column with a constant where a row has no value. */
export function withFill(column: Column, fill: number | bigint, count: number): Column {
  const constant = constantColumn(
    column.type === 'float' ? Number(fill) : BigInt(Math.trunc(Number(fill))),
    column.type,
    1,
  );
  const builder = new ColumnBuilder(column.type, count);
  for (let i = 0; i < count; i++) {
    if (hasValue(column, i)) builder.pushFrom(column, i);
    else builder.pushFrom(constant, 0);
  }
  return builder.build();
}

function owned(column: Column, count: number): Column {
  if (column.type === 'string') return column;
  return {
    ...column,
    numbers: column.numbers.slice(0, count),
    present: column.present?.slice(0, count) ?? null,
    wide: column.wide?.slice(0, count) ?? null,
  };
}

/** References of text among sorted ones, up to the first that is none. */
export function tieRefs(
  refs: readonly VarRef[],
  typeOf: (ref: VarRef) => ReturnType<RowRequest['typeOf']>,
): readonly VarRef[] {
  const sorted = [...refs].sort((a, b) => compareNames(a.name, b.name));
  const end = sorted.findIndex((ref) => typeOf(ref) !== 'tag' && typeOf(ref) !== 'string');
  return end < 0 ? sorted : sorted.slice(0, end);
}

/** References among which at least one is a field somewhere; the others only accompany it. */
export function splitRefs(
  refs: readonly VarRef[],
  typeOf: (ref: VarRef) => ReturnType<RowRequest['typeOf']>,
): readonly VarRef[] {
  return refs.filter((ref) => valueType(typeOf(ref)) !== null);
}
