/**
 * From a prepared SELECT without functions over windows to the plan of its rows, and the columns that come of them.
 */
import { MIN_TIME_NS, type VarRef } from '#influxql';
import { concatColumns, gatherRows, sliceColumn, type Column } from '../column.js';
import { evaluate } from '../evaluate.js';
import type { QueryBudget } from '../limits.js';
import { mergeStretches, type Stretch } from '../scan/source-table.js';
import { StoredTable } from '../scan/stored-table.js';
import { valueType } from './entry-rows.js';
import type { Group } from './groups.js';
import type { PreparedSelect } from './prepared-select.js';
import {
  inType,
  splitRefs,
  tieRefs,
  type RowColumn,
  type RowPlan,
  type ShardLimit,
} from './row-plan.js';

/** True where a row without a value takes that of the row before it, which is known only when LIMIT has been applied. */
export function isCarried({ compiled, calls }: PreparedSelect): boolean {
  return compiled.fill.option === 'previous' && calls.length === 0;
}

/**
 * The plan of a group's rows. Where values are carried (see {@link isCarried}) its columns are the references, else the
 * columns of the result.
 * @param isUneven true where InfluxDB 1.x takes the group for several: it then limits each series by itself, and the
 * group's rows of each shard
 */
export function rawPlan(
  prepared: PreparedSelect,
  group: Group,
  { isUneven, budget }: { readonly isUneven: boolean; readonly budget: QueryBudget },
): RowPlan {
  const { compiled, typeOf, refs } = prepared;
  const { fill, statement } = compiled;
  const { limit, offset } = statement;
  return {
    request: {
      leading: splitRefs(refs, typeOf),
      beside: [],
      typeOf,
      isAscending: compiled.isAscending,
      budget,
    },
    columns: isCarried(prepared) ? refColumns(prepared) : resultColumns(prepared),
    fill: fill.option === 'number' ? fill.value.value : null,
    ties: tieRefs(refs, typeOf),
    rowsMax: limit > 0 && !isUneven ? offset + limit : 0,
    shardLimit: shardLimitOf(group, { limit, offset, isUneven }),
  };
}

function resultColumns({ columns }: PreparedSelect): readonly RowColumn[] {
  return columns.map(({ expr, type }) => ({ expr, type: type ?? 'float' }));
}

function refColumns({ refs, typeOf }: PreparedSelect): readonly RowColumn[] {
  return refs.map((ref) => ({ expr: ref, type: valueType(typeOf(ref)) ?? 'float' }));
}

function shardLimitOf(
  { tables }: Group,
  { limit, offset, isUneven }: { limit: number; offset: number; isUneven: boolean },
): ShardLimit | null {
  const isStored = tables.every((table) => table instanceof StoredTable);
  if ((limit === 0 && offset === 0) || !isStored) return null;
  if (isUneven) return { seriesMax: offset + limit + 1, offset, limit };
  // With a limit, storage gives enough.
  return limit > 0 ? null : { seriesMax: 0, offset: 0, limit: offset + 1 };
}

/** How storage cuts the input of top() and bottom(): one point more than LIMIT and OFFSET let through. */
export function rankingLimit(
  { compiled, hasRepeatedTags }: PreparedSelect,
  group: Group,
  isLimitedLater: boolean,
): ShardLimit | null {
  const { limit, offset } = compiled.statement;
  const isUneven = hasRepeatedTags || isLimitedLater;
  const cut = shardLimitOf(group, { limit, offset, isUneven });
  const isStored = group.tables.every((table) => table instanceof StoredTable);
  if (cut || !isStored || limit === 0) return cut;
  return { seriesMax: 0, offset: 0, limit: offset + limit + 1 };
}

/** The stretches of time that a group's rows may lie in, ascending. */
export function rawStretches({ compiled }: PreparedSelect, { tables }: Group): readonly Stretch[] {
  return mergeStretches(tables, { minNs: compiled.minNs ?? MIN_TIME_NS, maxNs: compiled.maxNs });
}

/** Makes a result's columns of references' columns, part by part, for fill(previous). */
export class CarriedColumns {
  readonly #prepared: PreparedSelect;
  /** The last value of each reference so far, one row each; null where there is none. */
  readonly #last: (Column | null)[];

  constructor(prepared: PreparedSelect) {
    this.#prepared = prepared;
    this.#last = prepared.refs.map(() => null);
  }

  /** Columns of the next rows of the same series. */
  next(columns: readonly Column[], count: number): readonly Column[] {
    const carried = columns.map((column, r) => this.#carry(column, r, count));
    const { refs } = this.#prepared;
    const at = (ref: VarRef): number =>
      refs.findIndex((one) => one.name === ref.name && one.cast === ref.cast);
    const scope = { count, resolve: (ref: VarRef) => carried[at(ref)] ?? null };
    return resultColumns(this.#prepared).map(({ expr, type }) =>
      inType(evaluate(expr, scope), type, count),
    );
  }

  #carry(column: Column, r: number, count: number): Column {
    const last = this.#last[r] ?? null;
    const all = last ? concatColumns(column.type, [last, column], [1, count]) : column;
    const before = last ? 1 : 0;
    const order = new Int32Array(count);
    let row = before - 1;
    for (let i = 0; i < count; i++) {
      if (all.present === null || all.present[i + before] === 1) row = i + before;
      order[i] = row;
    }
    if (row >= 0) this.#last[r] = gatherRows(all, Int32Array.of(row));
    return all.present === null ? sliceColumn(all, before, before + count) : gatherRows(all, order);
  }
}
