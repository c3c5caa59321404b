/**
 * Rows of one series of a group in one stretch: fields laid side by side, WHERE applied, tags as columns.
 */
import { walkExpr, type Expr, type VarRef } from '#influxql';
import { emptyColumn, gatherNumbers, gatherRows, sliceColumn, stringColumn } from '../column.js';
import { evaluateCondition, type RowScope } from '../evaluate.js';
import type { QueryBudget } from '../limits.js';
import { RowReader, type RowField, type Rows } from '../scan/row-reader.js';
import { isFieldOf } from '../scan/series-filter.js';
import type { FieldReader, Stretch } from '../scan/source-table.js';
import { StoredTable } from '../scan/stored-table.js';
import type { ExprType, ValueType } from '../value-type.js';
import type { GroupEntry } from './groups.js';

/** What to read of each series. */
export interface RowRequest {
  /** References whose values make rows. */
  readonly leading: readonly VarRef[];
  /** References looked up beside them. */
  readonly beside: readonly VarRef[];
  readonly typeOf: (ref: VarRef) => ExprType;
  readonly isAscending: boolean;
  readonly budget: QueryBudget;
  /** Rows left to each series that may not give all; absent for no limit. Counted down as rows are read. */
  readonly rowsLeft?: Map<GroupEntry, number>;
}

/** Rows after WHERE, with a scope to evaluate expressions in. Valid until the next are asked for. */
export interface EntryRows {
  readonly count: number;
  readonly offsets: Float64Array;
  readonly scope: RowScope;
}

/** Reads one series in one stretch, block by block. */
export class EntryReader {
  readonly #entry: GroupEntry;
  readonly #reader: FieldReader | null;
  readonly #rows: RowReader | null;
  readonly #fields: readonly RowField[];
  readonly #budget: QueryBudget;
  readonly #rowsLeft: Map<GroupEntry, number> | null;

  constructor(entry: GroupEntry, stretch: Stretch, request: RowRequest) {
    const { table } = entry;
    this.#entry = entry;
    this.#budget = request.budget;
    this.#rowsLeft = request.rowsLeft ?? null;
    const fields: RowField[] = [];
    const add = (ref: VarRef): void => {
      if (!isFieldOf(table, ref)) return;
      const isOwn = ref.cast === 'field' && !(table instanceof StoredTable);
      const type = valueType(
        isOwn ? (table.fieldType(ref.name) ?? 'unknown') : request.typeOf(ref),
      );
      if (type && !fields.some((one) => one.name === ref.name && one.type === type)) {
        fields.push({ name: ref.name, type });
      }
    };
    request.leading.forEach(add);
    // Every row of a subquery is a row, also where it has none of these values.
    if (!(table instanceof StoredTable) && fields.length > 0) {
      for (const name of table.fieldNames) add({ kind: 'varRef', name, cast: 'field' });
    }
    const leading = fields.length;
    request.beside.forEach(add);
    if (entry.condition !== true)
      refsOf(entry.condition).forEach((ref) => addCondition(entry, ref, fields));
    this.#fields = fields;
    const reader =
      leading === 0
        ? null
        : table.open({
            series: entry.series,
            i: entry.i,
            fields: fields.map(({ name }) => name),
            stretch,
            isAscending: request.isAscending,
          });
    this.#reader = reader;
    this.#rows = reader && new RowReader(reader, fields, leading, request.isAscending);
  }

  /** Ends reading before the end, so that storage can use its buffers again. Rows are not valid any more. */
  close(): void {
    this.#reader?.close();
  }

  /**
   * The next rows for which WHERE holds, or null at the end. None where a block has none, so that others can get a turn.
   * @param rowsMax rows that the caller takes; those behind them are lost
   */
  next(rowsMax = Number.POSITIVE_INFINITY): EntryRows | null {
    const left = this.#rowsLeft?.get(this.#entry) ?? Number.POSITIVE_INFINITY;
    const rows = left > 0 ? this.#next() : null;
    if (!rows) return null;
    const count = Math.min(left, rowsMax, rows.count);
    this.#rowsLeft?.set(this.#entry, left - count);
    if (count === rows.count) return rows;
    this.#budget.countPoints(count - rows.count);
    return { count, offsets: rows.offsets.subarray(0, count), scope: cutScope(rows.scope, count) };
  }

  #next(): EntryRows | null {
    const rows = this.#rows?.next();
    if (!rows) return null;
    this.#budget.countPoints(rows.count);
    const scope = this.#scopeOf(rows);
    const { condition } = this.#entry;
    if (condition === true) return { count: rows.count, offsets: rows.offsets, scope };
    const kept = selected(evaluateCondition(condition, scope));
    if (kept.length === rows.count) return { count: rows.count, offsets: rows.offsets, scope };
    const narrowed: Rows = {
      count: kept.length,
      offsets: gatherNumbers(rows.offsets, kept),
      columns: rows.columns.map((column) => gatherRows(column, kept)),
    };
    return { count: narrowed.count, offsets: narrowed.offsets, scope: this.#scopeOf(narrowed) };
  }

  #scopeOf({ count, columns }: Rows): RowScope {
    return {
      count,
      resolve: (ref) => {
        const { table, series, i } = this.#entry;
        if (isFieldOf(table, ref)) {
          const wanted =
            ref.cast !== null && ref.cast !== 'field' && ref.cast !== 'tag' ? ref.cast : null;
          const at = this.#fields.findIndex(
            ({ name, type }) => name === ref.name && (!wanted || type === wanted),
          );
          const column = columns[at];
          return column ? sliceColumn(column, 0, count) : null;
        }
        const value = ref.cast !== null && ref.cast !== 'tag' ? '' : series.tagValue(i, ref.name);
        if (value === '') return emptyColumn('string', count);
        return stringColumn(new Array<string>(count).fill(value));
      },
    };
  }
}

/** The first rows of a scope. */
function cutScope(scope: RowScope, count: number): RowScope {
  return {
    count,
    resolve: (ref) => {
      const column = scope.resolve(ref);
      return column && sliceColumn(column, 0, count);
    },
  };
}

/** A field of a condition is read in the type it is stored with in this table. */
function addCondition({ table }: GroupEntry, ref: VarRef, fields: RowField[]): void {
  if (!isFieldOf(table, ref) || fields.some(({ name }) => name === ref.name)) return;
  const type = valueType(table.fieldType(ref.name) ?? 'unknown');
  if (type) fields.push({ name: ref.name, type });
}

/** The type of the column for a reference of this type, or null where it has none. */
export function valueType(type: ExprType): ValueType | null {
  if (type === 'tag') return 'string';
  return type === 'time' || type === 'unknown' ? null : type;
}

function refsOf(expr: Expr): readonly VarRef[] {
  const refs: VarRef[] = [];
  walkExpr(expr, (node) => {
    if (node.kind === 'varRef') refs.push(node);
  });
  return refs;
}

function selected(mask: Uint8Array): Int32Array {
  let count = 0;
  for (let i = 0; i < mask.length; i++) count += mask[i] as number;
  const rows = new Int32Array(count);
  let at = 0;
  for (let i = 0; i < mask.length; i++) if (mask[i] === 1) rows[at++] = i;
  return rows;
}
