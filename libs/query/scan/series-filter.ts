/**
 * Applies a condition to series before their values are looked at: comparisons of tags are decided once per distinct
 * value, and what remains for the rows are comparisons of fields.
 */
import { compileRegex, compareValues, type BinaryExpr, type Expr, type VarRef } from '#influxql';
import type { TagRequirement } from '../ports.js';
import type { SourceTable, TableSeries } from './source-table.js';
import { StoredTable } from './stored-table.js';

/** What a condition means for one series: all rows, none, or those for which the expression holds. */
export type SeriesCondition = true | false | Expr;

/** Outcomes met on the way through a condition. They determine what remains of it, unless values of tags do too. */
interface Decisions {
  bits: string;
  isShared: boolean;
}

/** True where a reference means a field of the table, not a tag. */
export function isFieldOf(table: SourceTable, ref: VarRef): boolean {
  // A subquery's columns and tags are found by their names, whatever the cast.
  if (ref.cast !== null && table instanceof StoredTable) return ref.cast !== 'tag';
  return table.fieldType(ref.name) !== null;
}

/** Tags that must equal a value for the condition to hold at all. */
export function requiredTags(
  table: SourceTable,
  condition: Expr | null,
): readonly TagRequirement[] {
  if (!condition) return [];
  if (condition.kind === 'paren') return requiredTags(table, condition.expr);
  if (condition.kind !== 'binary') return [];
  const { op, lhs, rhs } = condition;
  if (op === 'AND') return [...requiredTags(table, lhs), ...requiredTags(table, rhs)];
  if (op === '=~' || op === '!~') {
    if (lhs.kind !== 'varRef' || rhs.kind !== 'regex' || !isTag(table, lhs)) return [];
    return [{ key: lhs.name, pattern: rhs.source, isWanted: op === '=~' }];
  }
  if (op !== '=') return [];
  const [ref, literal] = lhs.kind === 'varRef' ? [lhs, rhs] : [rhs, lhs];
  if (ref.kind !== 'varRef' || literal.kind !== 'string' || !isTag(table, ref)) return [];
  return [{ key: ref.name, value: literal.value }];
}

function isTag(table: SourceTable, ref: VarRef): boolean {
  const isOther = ref.name === '_name' || ref.name === '_seriesKey' || ref.name === '_tagKey';
  return !isFieldOf(table, ref) && ref.name.toLowerCase() !== 'time' && !isOther;
}

/** How two tags of one series are compared with each other, '' where it lacks one. */
export type TagComparison = (op: BinaryExpr['op'], a: string, b: string) => boolean;

/** In SELECT over stored points: two tags that a series lacks are not equal. */
const equalTags: TagComparison = (op, a, b) => {
  const isEqual = a !== '' && a === b;
  return op === '=' ? isEqual : op === '!=' && !isEqual;
};

/** Over rows of a subquery: as texts. */
const equalTexts: TagComparison = (op, a, b) => (op === '=' ? a === b : op === '!=' && a !== b);

/** In SHOW statements, which only look at the index: both tags are there, or the first alone. */
export const tagsPresent: TagComparison = (op, a, b) => a !== '' && (b !== '') === (op === '=');

/** Where tags are columns of rows that InfluxDB 1.x makes: no comparison holds of one that is not there. */
export const tagsAsColumns: TagComparison = (op, a, b) =>
  a !== '' && b !== '' && (op === '=' ? a === b : op === '!=' && a !== b);

/** Decides a condition for the series of one table. */
export class SeriesFilter {
  readonly #table: SourceTable;
  readonly #series: TableSeries;
  readonly #condition: Expr | null;
  /** Outcome per comparison of a tag, by value id: 0 not asked yet, 1 false, 2 true. */
  readonly #outcomes = new Map<Expr, { readonly ids: Int32Array; readonly known: Uint8Array[] }>();
  readonly #residuals = new Map<string, SeriesCondition>();
  readonly #compareTags: TagComparison;

  constructor(
    table: SourceTable,
    series: TableSeries,
    condition: Expr | null,
    compareTags: TagComparison = table instanceof StoredTable ? equalTags : equalTexts,
  ) {
    this.#compareTags = compareTags;
    this.#table = table;
    this.#series = series;
    this.#condition = condition;
  }

  /** What the condition means for series `i`. Equal expressions are the same object, so callers may cache by it. */
  of(i: number): SeriesCondition {
    if (!this.#condition) return true;
    const decided: Decisions = { bits: '', isShared: true };
    const residual = this.#decide(this.#condition, i, decided);
    if (typeof residual === 'boolean' || !decided.isShared) return residual;
    const known = this.#residuals.get(decided.bits);
    if (known !== undefined) return known;
    this.#residuals.set(decided.bits, residual);
    return residual;
  }

  #decide(expr: Expr, i: number, decided: Decisions): SeriesCondition {
    switch (expr.kind) {
      case 'boolean':
        return expr.value;
      case 'paren': {
        const inner = this.#decide(expr.expr, i, decided);
        return typeof inner === 'boolean' ? inner : { kind: 'paren', expr: inner };
      }
      case 'binary':
        if (expr.op === 'AND' || expr.op === 'OR') return this.#decideLogic(expr, i, decided);
        return this.#decideComparison(expr, i, decided);
      default:
        return expr;
    }
  }

  #decideLogic(expr: BinaryExpr, i: number, decided: Decisions): SeriesCondition {
    const isAnd = expr.op === 'AND';
    const lhs = this.#decide(expr.lhs, i, decided);
    if (lhs === !isAnd) return lhs;
    const rhs = this.#decide(expr.rhs, i, decided);
    if (rhs === !isAnd) return rhs;
    if (typeof lhs === 'boolean') return rhs;
    return typeof rhs === 'boolean' ? lhs : { ...expr, lhs, rhs };
  }

  #decideComparison(expr: BinaryExpr, i: number, decided: Decisions): SeriesCondition {
    const { op, lhs, rhs } = expr;
    if (this.#table instanceof StoredTable && !isComparison(op)) return this.#decideOdd(expr);
    const refs = [lhs, rhs].filter((side): side is VarRef => side.kind === 'varRef');
    if (
      refs.length === 0 ||
      refs.some((ref) => isFieldOf(this.#table, ref)) ||
      hasDeepRef(lhs) ||
      hasDeepRef(rhs)
    ) {
      return this.#substitute(expr, i, decided);
    }
    let holds: boolean;
    const [only] = refs;
    if (refs.length === 2) {
      const [a, b] = refs.map((ref) => this.#tag(ref, i)) as [string, string];
      holds = this.#compareTags(op, a, b);
    } else {
      holds = this.#cached(expr, only as VarRef, i);
    }
    decided.bits += holds ? '1' : '0';
    return holds;
  }

  /** `a & b` as a condition: InfluxDB 1.x finds the series that it may mean, and forgets it. */
  #decideOdd({ op, lhs, rhs }: BinaryExpr): boolean {
    if (lhs.kind === 'binary' || rhs.kind === 'binary') return true;
    const [ref, value] = lhs.kind === 'varRef' ? [lhs, rhs] : [rhs, lhs];
    // Over rows of tags it is computed: what is no tag is nothing, and no tag is a truth value.
    if (this.#compareTags === tagsAsColumns && ref.kind === 'varRef')
      return (op === '|' || op === '^') && value.kind === 'boolean' && value.value;
    if (ref.kind !== 'varRef' || isFieldOf(this.#table, ref)) return true;
    if (value.kind === 'varRef') return isFieldOf(this.#table, value);
    return value.kind !== 'string' && value.kind !== 'regex';
  }

  /** A comparison of one tag with a literal, decided once per value of the tag. */
  #cached(expr: BinaryExpr, ref: VarRef, i: number): boolean {
    if (ref.name === '_name') {
      // Rows of tags have no column for it.
      if (this.#compareTags === tagsAsColumns) return false;
      return this.#compareLiteral(expr, ref, this.#table.name);
    }
    // Same as InfluxDB 1.x, whose index has other uses for these names.
    if (ref.name === '_tagKey') return this.#compareTags !== tagsAsColumns;
    if (ref.name === '_seriesKey' && this.#table instanceof StoredTable)
      return this.#compareTags === tagsPresent;
    let entry = this.#outcomes.get(expr);
    if (!entry) {
      entry = { ids: this.#series.tagValueIds(ref.name), known: [new Uint8Array(16)] };
      this.#outcomes.set(expr, entry);
    }
    const id = entry.ids[i] ?? 0;
    let known = entry.known[0] as Uint8Array;
    if (id >= known.length) {
      const grown = new Uint8Array(Math.max(id + 1, known.length * 2));
      grown.set(known);
      entry.known[0] = known = grown;
    }
    if (known[id] === 0) {
      const value = id === 0 ? '' : this.#series.tagValueOf(ref.name, id);
      known[id] = this.#compareLiteral(expr, ref, value) ? 2 : 1;
    }
    return known[id] === 2;
  }

  #compareLiteral(expr: BinaryExpr, ref: VarRef, value: string): boolean {
    const literal = expr.lhs === ref ? expr.rhs : expr.lhs;
    if (value === '' && this.#compareTags === tagsAsColumns) return false;
    if (literal.kind === 'regex') {
      // A bound parameter may put an expression behind `=`, where nothing equals it.
      const isMatch = expr.op === '=~' || expr.op === '!~';
      return isMatch && compileRegex(literal.source)(value) === (expr.op === '=~');
    }
    if (literal.kind !== 'string') return false;
    return expr.op === '=' || expr.op === '!='
      ? (value === literal.value) === (expr.op === '=')
      : false;
  }

  #tag(ref: VarRef, i: number): string {
    return ref.name === '_name' ? this.#table.name : this.#series.tagValue(i, ref.name);
  }

  /** The comparison with tags replaced by their values of series `i`. */
  #substitute(expr: Expr, i: number, decided: Decisions): Expr {
    switch (expr.kind) {
      case 'varRef': {
        if (isFieldOf(this.#table, expr)) return expr;
        // Values differ from series to series, so such residuals are not shared.
        decided.isShared = false;
        const value = this.#tag(expr, i);
        // A stored series that lacks the tag has nothing there, a subquery's an empty text.
        const isAbsent = value === '' && this.#table instanceof StoredTable;
        return isAbsent ? { kind: 'nil' } : { kind: 'string', value };
      }
      case 'binary': {
        const lhs = this.#substitute(expr.lhs, i, decided);
        const rhs = this.#substitute(expr.rhs, i, decided);
        return lhs === expr.lhs && rhs === expr.rhs ? expr : { ...expr, lhs, rhs };
      }
      case 'paren': {
        const inner = this.#substitute(expr.expr, i, decided);
        return inner === expr.expr ? expr : { kind: 'paren', expr: inner };
      }
      case 'call':
        return {
          ...expr,
          args: expr.args.map((argument) => this.#substitute(argument, i, decided)),
        };
      default:
        return expr;
    }
  }
}

function isComparison(op: BinaryExpr['op']): boolean {
  return compareValues(op, 0, 0) !== null || op === '=~' || op === '!~';
}

function hasDeepRef(expr: Expr): boolean {
  return expr.kind === 'binary' || expr.kind === 'paren' || expr.kind === 'call';
}
