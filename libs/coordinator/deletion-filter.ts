/**
 * Which series a DELETE or DROP SERIES is about: its condition decided on the tags of one series after another.
 * @see InfluxDB tsdb/index.go, IndexSet.seriesByExprIterator (behaviour)
 */
import { type BinaryExpr, compileRegex, type Expr, type VarRef } from '#influxql';
import type { Measurement } from '#series-index';
import { CoordinatorError } from './errors.js';

/** What a condition says of a series: all of it, nothing, or it depends on values of fields. */
type Verdict = boolean | 'fields';

/** Decides a condition for the series of a measurement. */
export class DeletionFilter {
  /** Outcome per comparison of a tag with a literal, by id of the tag's value. */
  private readonly known = new Map<BinaryExpr, Verdict[]>();

  /**
   * @param condition without comparisons of time
   * @param isField whether the shard has a field of this name in the measurement
   */
  constructor(
    private readonly measurement: Measurement,
    private readonly condition: Expr | null,
    private readonly isField: (name: string) => boolean,
  ) {}

  /**
   * True when the series at `position` is meant.
   * @throws CoordinatorError when values would have to be looked at
   */
  matches(position: number): boolean {
    if (this.condition === null) return true;
    const verdict = this.decide(this.condition, position);
    if (verdict === 'fields') {
      throw new CoordinatorError(
        'coordinator.delete-by-field',
        'fields not supported in WHERE clause during deletion',
      );
    }
    return verdict;
  }

  private decide(expr: Expr, position: number): Verdict {
    if (expr.kind === 'boolean') return expr.value;
    if (expr.kind === 'paren') return this.decide(expr.expr, position);
    if (expr.kind !== 'binary') return 'fields';
    if (expr.op !== 'AND' && expr.op !== 'OR') return this.compare(expr, position);
    const settles = expr.op === 'OR';
    const lhs = this.decide(expr.lhs, position);
    if (lhs === settles) return lhs;
    const rhs = this.decide(expr.rhs, position);
    if (rhs === settles) return rhs;
    return lhs === 'fields' || rhs === 'fields' ? 'fields' : rhs;
  }

  private compare(expr: BinaryExpr, position: number): Verdict {
    const [ref, other] = expr.lhs.kind === 'varRef' ? [expr.lhs, expr.rhs] : [expr.rhs, expr.lhs];
    if (ref.kind !== 'varRef' || this.meansField(ref)) return 'fields';
    if (other.kind === 'varRef') {
      if (this.meansField(other)) return 'fields';
      const isEqual = this.tag(ref, position) === this.tag(other, position);
      return expr.op === '=' ? isEqual : expr.op === '!=' ? !isEqual : 'fields';
    }
    const known = this.known.get(expr) ?? [];
    this.known.set(expr, known);
    const valueId = this.measurement.column(ref.name)?.valueId(position) ?? 0;
    return (known[valueId] ??= compareLiteral(expr, this.tag(ref, position), other));
  }

  private tag(ref: VarRef, position: number): string {
    if (ref.name === '_name') return this.measurement.name;
    const column = this.measurement.column(ref.name);
    return column === undefined ? '' : column.text(column.valueId(position));
  }

  private meansField({ name, cast }: VarRef): boolean {
    if (name === '_name' || cast === 'tag') return false;
    return cast === null ? this.isField(name) : true;
  }
}

function compareLiteral({ op }: BinaryExpr, value: string, literal: Expr): Verdict {
  if (literal.kind === 'string' && (op === '=' || op === '!='))
    return (value === literal.value) === (op === '=');
  if (literal.kind === 'regex' && (op === '=~' || op === '!~')) {
    return compileRegex(literal.source)(value) === (op === '=~');
  }
  return 'fields';
}

/** True when a condition compares `time` anywhere. */
export function hasTimeComparison(condition: Expr | null): boolean {
  if (condition === null) return false;
  if (condition.kind === 'paren') return hasTimeComparison(condition.expr);
  if (condition.kind !== 'binary') return false;
  const { op, lhs, rhs } = condition;
  if (op === 'AND' || op === 'OR') return hasTimeComparison(lhs) || hasTimeComparison(rhs);
  return [lhs, rhs].some((side) => side.kind === 'varRef' && side.name.toLowerCase() === 'time');
}
