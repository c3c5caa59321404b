/**
 * What to make of the rows of a SELECT without functions over windows: columns to compute, and in which type.
 */
import type { Expr, VarRef } from '#influxql';
import { compareNames } from '../compile/expand.js';
import { ColumnBuilder, constantColumn, emptyColumn, hasValue, type Column } from '../column.js';
import { evaluate, type RowScope } from '../evaluate.js';
import { isNumeric, type ValueType } from '../value-type.js';
import { valueType, type RowRequest } from './entry-rows.js';

/** Rows of one group in order, all within one stretch. Owned by the receiver. */
export interface RowChunk {
  readonly baseNs: bigint;
  readonly count: number;
  readonly offsets: Float64Array;
  readonly columns: readonly Column[];
  /** The series of each row, by its place in the group; null where the plan does not ask for it. */
  readonly ordinals: readonly number[] | null;
}

/** A column to compute for each row. */
export interface RowColumn {
  readonly expr: Expr;
  readonly type: ValueType;
}

/** What to make of each series' rows. */
export interface RowPlan {
  readonly request: RowRequest;
  readonly columns: readonly RowColumn[];
  /** What stands where a reference has no value; null for nothing. */
  readonly fill: number | bigint | null;
  /** Text references whose values order rows at the same time; ends before the first that is no text. */
  readonly ties: readonly VarRef[];
  /** Rows behind which nobody looks; 0 for all. */
  readonly rowsMax: number;
  /** What storage leaves away; null for nothing. */
  readonly shardLimit: ShardLimit | null;
  /** True where it matters which series a row is of. */
  readonly hasOrdinals?: boolean;
  /**
   * Places of sources in FROM, the one that gave a row last at the end: written and read from group to group and from shard to
   * shard, since it decides which of several sources comes first. Absent where sources are one.
   */
  readonly sourceOrder?: number[];
}

/**
 * How InfluxDB 1.x's storage cuts the rows of one group in one shard before LIMIT and OFFSET are applied to all of them.
 */
export interface ShardLimit {
  /** Rows of each series; 0 for all. */
  readonly seriesMax: number;
  /** Rows passed over, of those of all series. */
  readonly offset: number;
  /** Rows behind the offset; 0 for all. */
  readonly limit: number;
}

/** Rows of one series in one shard that count at most. */
export function seriesRowsMax({ rowsMax, shardLimit }: RowPlan): number {
  const max = rowsMax > 0 ? rowsMax : Number.POSITIVE_INFINITY;
  const seriesMax = shardLimit?.seriesMax ?? 0;
  return seriesMax > 0 ? Math.min(max, seriesMax) : max;
}

/** A column of the expression's values in the type that the result has everywhere. */
export function computed({ expr, type }: RowColumn, scope: RowScope): Column {
  return inType(evaluate(expr, scope), type, scope.count);
}

/** The scope with a number where a reference has no value; texts and booleans stay absent. */
export function filledScope(
  scope: RowScope,
  fill: number | bigint | null,
  typeOf: RowRequest['typeOf'],
): RowScope {
  if (fill === null) return scope;
  const { count } = scope;
  return {
    ...scope,
    resolve: (ref) => {
      const type = typeOf(ref);
      const column = type === 'unknown' ? null : scope.resolve(ref);
      // A measurement without the field has no numbers to fill between.
      if (column && isNumeric(type) && !isNumeric(column.type))
        return withFill(emptyColumn(type as ValueType, count), fill, count);
      if (!column)
        return constantColumn(fill, typeof fill === 'bigint' ? 'integer' : 'float', count);
      const isText = column.type === 'string' || column.type === 'boolean';
      return isText || !column.present ? column : withFill(column, fill, count);
    },
  };
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

/** The first rows of a column in memory of their own. */
export function owned(column: Column, count: number): Column {
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
