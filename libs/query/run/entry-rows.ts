/**
 * Rows of one series of a group in one stretch: fields laid side by side, WHERE applied, tags as columns.
 */
import { walkExpr, type Expr, type VarRef } from '#influxql';
import {
  type Column,
  emptyColumn,
  gatherNumbers,
  gatherRows,
  sliceColumn,
  stringColumn,
} from '../column.js';
import { evaluateCondition, type RowScope } from '../evaluate.js';
import type { QueryBudget } from '../limits.js';
import { type RowFilter, RowReader } from '../scan/row-reader.js';
import { isFieldOf } from '../scan/series-filter.js';
import type { FieldReader, RowField, Rows, RowSource, Stretch } from '../scan/source-table.js';
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
}

/** Rows after WHERE, with a scope to evaluate expressions in. Valid until the next are asked for. */
export interface EntryRows {
  readonly count: number;
  readonly offsets: Float64Array;
  /** See {@link Rows.places}. */
  readonly places: Int32Array | null;
  /** See {@link Rows.keys}. */
  readonly keys: Float64Array | null;
  readonly scope: RowScope;
}

/** Reads one series in one stretch, block by block. */
export class EntryReader {
  readonly #entry: GroupEntry;
  readonly #reader: FieldReader | null;
  readonly #rows: RowSource | null;
  readonly #fields: readonly RowField[];
  readonly #budget: QueryBudget;
  readonly #typeOf: RowRequest['typeOf'];
  /** What the filter last found: 1 where WHERE holds. */
  #mask: Uint8Array = new Uint8Array(0);

  constructor(entry: GroupEntry, stretch: Stretch, request: RowRequest) {
    const { table } = entry;
    this.#entry = entry;
    this.#budget = request.budget;
    this.#typeOf = request.typeOf;
    const fields: RowField[] = [];
    const add = (ref: VarRef): void => {
      if (!isFieldOf(table, ref)) return;
      const type = valueType(request.typeOf(ref));
      if (type && !fields.some((one) => one.name === ref.name && one.type === type)) {
        fields.push({ name: ref.name, type });
      }
    };
    request.leading.forEach(add);
    const leading = fields.length;
    request.beside.forEach(add);
    if (entry.condition !== true)
      refsOf(entry.condition).forEach((ref) => addCondition(entry, ref, fields));
    this.#fields = fields;
    const { series, i } = entry;
    const { isAscending } = request;
    if (table.openRows) {
      this.#reader = null;
      this.#rows = table.openRows({ series, i, fields, stretch, isAscending });
      return;
    }
    const names = fields.map(({ name }) => name);
    const reader =
      leading === 0 ? null : table.open({ series, i, fields: names, stretch, isAscending });
    this.#reader = reader;
    const filter = reader?.skip ? this.#filter() : null;
    this.#rows = reader && new RowReader(reader, fields, { leading, isAscending, filter });
  }

  /** WHERE as far as its fields alone tell; null where rows without any of them may be wanted. */
  #filter(): RowFilter | null {
    const { condition, table } = this.#entry;
    if (condition === true) return null;
    const refs = refsOf(condition).filter((ref) => isFieldOf(table, ref));
    const fields = [...new Set(refs.map((ref) => this.#fieldOf(ref)))];
    if (fields.length === 0 || fields.includes(-1)) return null;
    const keeps = (count: number, columns: readonly Column[]): Uint8Array =>
      evaluateCondition(condition, this.#scopeOf({ count, columns }), 'points');
    const absent: Column[] = [];
    for (const field of fields)
      absent[field] = emptyColumn((this.#fields[field] as RowField).type, 1);
    if (keeps(1, absent)[0] === 1) return null;
    const firstWanted = (count: number, columns: readonly Column[]): number =>
      (this.#mask = keeps(count, columns)).indexOf(1);
    return { fields, firstWanted };
  }

  /** Number of the field that a reference is read from, or -1. */
  #fieldOf(ref: VarRef): number {
    const isCast = ref.cast !== null && ref.cast !== 'field';
    const wanted = isCast ? ref.cast : valueType(this.#typeOf(ref));
    const at = this.#fields.findIndex(({ name, type }) => name === ref.name && type === wanted);
    if (at >= 0 || (isCast && this.#entry.table instanceof StoredTable)) return at;
    return this.#fields.findIndex(({ name }) => name === ref.name);
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
    const rows = this.#next();
    if (!rows || rows.count <= rowsMax) return rows;
    const count = rowsMax;
    this.#budget.countPoints(count - rows.count);
    const { offsets, places, keys, scope } = rows;
    return {
      count,
      offsets: offsets.subarray(0, count),
      places: places?.subarray(0, count) ?? null,
      keys: keys?.subarray(0, count) ?? null,
      scope: cutScope(scope, count),
    };
  }

  #next(): EntryRows | null {
    const rows = this.#rows?.next();
    if (!rows) return null;
    const { count, offsets, places = null, keys = null, skipped = 0 } = rows;
    this.#budget.countPoints(count + skipped);
    const scope = this.#scopeOf(rows);
    const { condition } = this.#entry;
    if (condition === true || count === 0) return { count, offsets, places, keys, scope };
    const where = this.#entry.table instanceof StoredTable ? 'points' : 'rows';
    const { isTold = false } = rows;
    const kept = selected(
      isTold && this.#mask.length >= skipped + count
        ? this.#mask.subarray(skipped, skipped + count)
        : evaluateCondition(condition, scope, where),
    );
    if (kept.length === count) return { count, offsets, places, keys, scope };
    const narrowed: Rows = {
      count: kept.length,
      offsets: gatherNumbers(offsets, kept),
      columns: rows.columns.map((column) => gatherRows(column, kept)),
    };
    return {
      count: kept.length,
      offsets: narrowed.offsets,
      places: places && Int32Array.from(kept, (row) => places[row] as number),
      keys: keys && gatherNumbers(keys, kept),
      scope: this.#scopeOf(narrowed),
    };
  }

  #scopeOf({ count, columns }: Pick<Rows, 'count' | 'columns'>): RowScope {
    return {
      count,
      resolve: (ref) => {
        const { table, series, i } = this.#entry;
        if (isFieldOf(table, ref)) {
          const column = columns[this.#fieldOf(ref)];
          return column ? sliceColumn(column, 0, count) : null;
        }
        const isOther = table instanceof StoredTable && ref.cast !== null && ref.cast !== 'tag';
        const value = isOther ? '' : series.tagValue(i, ref.name);
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

/** A field of a condition is read in the type it is stored with in this table, or in that of its cast. */
function addCondition({ table }: GroupEntry, ref: VarRef, fields: RowField[]): void {
  if (!isFieldOf(table, ref)) return;
  const isCast = ref.cast !== null && ref.cast !== 'field';
  const stored = valueType(table.fieldType(ref.name) ?? 'unknown');
  const type = isCast ? valueType(ref.cast ?? 'unknown') : stored;
  if (!type || !stored || fields.some((one) => one.name === ref.name && one.type === type)) return;
  if (!isCast && fields.some(({ name }) => name === ref.name)) return;
  fields.push({ name: ref.name, type });
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
