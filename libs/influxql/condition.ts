/**
 * Splits a WHERE condition into a range of time and the rest.
 */
import type { BinaryExpr, Expr } from './ast.js';
import { ExpressionError } from './errors.js';
import { printExpr } from './print-expr.js';
import { reduceExpr, type ReduceContext } from './reduce.js';
import { formatRfc3339Seconds, looksLikeTime, parseTimeText } from './time-literal.js';
import type { BinaryOperator } from './token.js';
import { utc } from './time-zone.js';

/** Least time that can be stored and asked for. */
export const MIN_TIME_NS = -9223372036854775806n;
/** Greatest time that can be stored and asked for. */
export const MAX_TIME_NS = 9223372036854775806n;

/** Inclusive bounds in nanoseconds; null where the query sets none. */
export interface ConditionTimeRange {
  readonly minNs: bigint | null;
  readonly maxNs: bigint | null;
}

/** A condition without its comparisons of time. */
export interface SplitCondition {
  /** Null where nothing but time was compared. */
  readonly condition: Expr | null;
  readonly range: ConditionTimeRange;
}

const OPEN: ConditionTimeRange = { minNs: null, maxNs: null };

const MIRRORED: Readonly<Partial<Record<BinaryOperator, BinaryOperator>>> = {
  '<': '>',
  '<=': '>=',
  '>': '<',
  '>=': '<=',
};

/** Names of upstream's node types, which its error texts show. */
const GO_TYPES: Readonly<Record<Expr['kind'], string>> = {
  varRef: 'VarRef',
  call: 'Call',
  distinct: 'Distinct',
  binary: 'BinaryExpr',
  paren: 'ParenExpr',
  wildcard: 'Wildcard',
  regex: 'RegexLiteral',
  number: 'NumberLiteral',
  integer: 'IntegerLiteral',
  unsigned: 'UnsignedLiteral',
  string: 'StringLiteral',
  boolean: 'BooleanLiteral',
  duration: 'DurationLiteral',
  time: 'TimeLiteral',
  nil: 'nilLiteral',
  list: 'ListLiteral',
};

/**
 * Takes the comparisons of `time` out of a condition. Ranges are intersected whatever joins them: with OR too, as in
 * InfluxDB 1.x.
 * @throws ExpressionError with upstream's text where time is compared with what is no time, or the condition is no condition
 */
export function splitCondition(
  condition: Expr | null,
  context: ReduceContext = {},
): SplitCondition {
  if (!condition) return { condition: null, range: OPEN };
  switch (condition.kind) {
    case 'binary':
      return splitBinary(condition, context);
    case 'paren': {
      const inner = splitCondition(condition.expr, context);
      if (!inner.condition) return inner;
      return {
        condition: reduceExpr({ kind: 'paren', expr: inner.condition }),
        range: inner.range,
      };
    }
    case 'boolean':
      return { condition, range: OPEN };
    default:
      throw new ExpressionError(`invalid condition expression: ${printExpr(condition)}`);
  }
}

function splitBinary(condition: BinaryExpr, context: ReduceContext): SplitCondition {
  const { op, lhs, rhs } = condition;
  if (op === 'AND' || op === 'OR') {
    const left = splitCondition(lhs, context);
    const right = splitCondition(rhs, context);
    const range = intersect(left.range, right.range);
    if (!left.condition || !right.condition)
      return { condition: left.condition ?? right.condition, range };
    const joined: Expr = { kind: 'binary', op, lhs: left.condition, rhs: right.condition };
    return { condition: reduceExpr(joined), range };
  }
  if (isTime(lhs)) return { condition: null, range: rangeOf(op, rhs, context) };
  if (isTime(rhs)) return { condition: null, range: rangeOf(MIRRORED[op] ?? op, lhs, context) };
  return { condition: reduceExpr(condition, context), range: OPEN };
}

function isTime(expr: Expr): boolean {
  return expr.kind === 'varRef' && expr.name.toLowerCase() === 'time';
}

function rangeOf(op: BinaryOperator, operand: Expr, context: ReduceContext): ConditionTimeRange {
  const valueNs = momentOf(operand, context);
  switch (op) {
    case '=':
      return { minNs: valueNs, maxNs: valueNs };
    case '>':
      return { minNs: valueNs + 1n, maxNs: null };
    case '>=':
      return { minNs: valueNs, maxNs: null };
    case '<':
      return { minNs: null, maxNs: valueNs - 1n };
    case '<=':
      return { minNs: null, maxNs: valueNs };
    default:
      throw new ExpressionError(`invalid time comparison operator: ${op}`);
  }
}

function momentOf(operand: Expr, context: ReduceContext): bigint {
  const zone = context.zone ?? utc;
  const isText = operand.kind === 'string' && looksLikeTime(operand.value);
  const literal: Expr = isText
    ? { kind: 'time', valueNs: parseTimeText(operand.value, zone) }
    : reduceExpr(operand, context);
  switch (literal.kind) {
    case 'time': {
      const { valueNs } = literal;
      const shown = (): string => formatRfc3339Seconds(valueNs);
      if (valueNs > MAX_TIME_NS)
        throw new ExpressionError(`time ${shown()} overflows time literal`);
      if (valueNs < MIN_TIME_NS + 1n)
        throw new ExpressionError(`time ${shown()} underflows time literal`);
      return valueNs;
    }
    case 'duration':
      return literal.valueNs;
    case 'integer':
      return literal.value;
    case 'number':
      return Number.isFinite(literal.value) ? BigInt(Math.trunc(literal.value)) : MIN_TIME_NS;
    default:
      throw new ExpressionError(
        `invalid operation: time and *influxql.${GO_TYPES[literal.kind]} are not compatible`,
      );
  }
}

/** The stretch in both ranges; may be empty (min above max). */
export function intersect(a: ConditionTimeRange, b: ConditionTimeRange): ConditionTimeRange {
  const pick = (
    x: bigint | null,
    y: bigint | null,
    isFirst: (p: bigint, q: bigint) => boolean,
  ): bigint | null => {
    if (x === null || y === null) return x ?? y;
    return isFirst(x, y) ? x : y;
  };
  return {
    minNs: pick(a.minNs, b.minNs, (p, q) => p > q),
    maxNs: pick(a.maxNs, b.maxNs, (p, q) => p < q),
  };
}
