/**
 * Folds what is constant in an expression: arithmetic on literals, now(), times written as text. What cannot be folded
 * stays as it is. Same rules as InfluxDB 1.x, odd ones included (`1/0` is 0, an integer plus a duration is a moment).
 */
import type { Expr, Literal } from './ast.js';
import { ExpressionError } from './errors.js';
import { looksLikeTime, parseTimeText } from './time-literal.js';
import { utc, type TimeZone } from './time-zone.js';
import type { BinaryOperator } from './token.js';

/** What folding may know. */
export interface ReduceContext {
  /** Value of now(); without it now() stays a call. */
  readonly nowNs?: bigint;
  /** Zone of times written as text without one; default UTC. */
  readonly zone?: TimeZone;
  /** The value of a function of literals, or null where it is none of those that may be folded; absent for none at all. */
  readonly callOf?: (name: string, args: readonly Literal[]) => Literal | null;
}

/** The expression with its constant parts folded. */
export function reduceExpr(expr: Expr, context: ReduceContext = {}): Expr {
  switch (expr.kind) {
    case 'binary': {
      const lhs = reduceExpr(expr.lhs, context);
      const rhs = reduceExpr(expr.rhs, context);
      return (
        reduceLogic(expr.op, lhs, rhs) ??
        fold(expr.op, lhs, rhs, context.zone ?? utc) ?? { ...expr, lhs, rhs }
      );
    }
    case 'paren': {
      const inner = reduceExpr(expr.expr, context);
      return inner.kind === 'binary' ? { ...expr, expr: inner } : inner;
    }
    case 'call': {
      if (expr.name === 'now' && expr.args.length === 0 && context.nowNs !== undefined) {
        return { kind: 'time', valueNs: context.nowNs };
      }
      const args = expr.args.map((argument) => reduceExpr(argument, context));
      const value = args.every(isLiteral) ? context.callOf?.(expr.name, args) : null;
      return value ?? { ...expr, args };
    }
    default:
      return expr;
  }
}

/** True for constants; a regular expression counts among them. */
export function isLiteral(expr: Expr): expr is Literal {
  switch (expr.kind) {
    case 'varRef':
    case 'call':
    case 'distinct':
    case 'binary':
    case 'paren':
    case 'wildcard':
      return false;
    default:
      return true;
  }
}

function reduceLogic(op: BinaryOperator, lhs: Expr, rhs: Expr): Expr | null {
  if (op !== 'AND' && op !== 'OR') return null;
  const decisive = op === 'OR';
  const known = (side: Expr): boolean | null => (side.kind === 'boolean' ? side.value : null);
  if (known(lhs) === decisive || known(rhs) === decisive)
    return { kind: 'boolean', value: decisive };
  if (known(lhs) === !decisive) return rhs;
  return known(rhs) === !decisive ? lhs : null;
}

/** The value of an operation on two literals, or null where it has none. */
function fold(op: BinaryOperator, lhs: Expr, rhs: Expr, zone: TimeZone): Expr | null {
  if (rhs.kind === 'nil') return foldNil(op, lhs);
  switch (lhs.kind) {
    case 'boolean':
      return rhs.kind === 'boolean' ? foldBoolean(op, lhs.value, rhs.value) : null;
    case 'duration':
      return foldDuration(op, lhs.valueNs, rhs, zone);
    case 'integer':
      return foldInteger(op, lhs.value, rhs, zone);
    case 'unsigned':
      return foldUnsigned(op, lhs.value, rhs);
    case 'number':
      return rhs.kind === 'number' || rhs.kind === 'integer' || rhs.kind === 'unsigned'
        ? foldNumber(op, lhs.value, Number(rhs.value))
        : null;
    case 'string':
      return foldString(op, lhs.value, rhs, zone);
    case 'time':
      return foldTime(op, lhs.valueNs, rhs, zone);
    default:
      return null;
  }
}

/** An operation of a literal with nothing. */
function foldNil(op: BinaryOperator, lhs: Expr): Literal | null {
  const isEquality = op === '=' || op === '!=';
  const isAlwaysFalse = ['boolean', 'duration', 'integer', 'number', 'time'].includes(lhs.kind);
  const isFalse = isAlwaysFalse || (isEquality && (lhs.kind === 'string' || lhs.kind === 'nil'));
  return isFalse ? { kind: 'boolean', value: false } : null;
}

function compare<T>(op: BinaryOperator, lhs: T, rhs: T): Literal | null {
  const value = compareValues(op, lhs, rhs);
  return value === null ? null : { kind: 'boolean', value };
}

/** The outcome of a comparison, or null where `op` is none. */
export function compareValues<T>(op: BinaryOperator, lhs: T, rhs: T): boolean | null {
  switch (op) {
    case '=':
      return lhs === rhs;
    case '!=':
      return lhs !== rhs;
    case '<':
      return lhs < rhs;
    case '<=':
      return lhs <= rhs;
    case '>':
      return lhs > rhs;
    case '>=':
      return lhs >= rhs;
    default:
      return null;
  }
}

function foldBoolean(op: BinaryOperator, lhs: boolean, rhs: boolean): Literal | null {
  const value = {
    '=': lhs === rhs,
    '!=': lhs !== rhs,
    '&': lhs && rhs,
    '|': lhs || rhs,
    '^': lhs !== rhs,
  }[op as string];
  return value === undefined ? null : { kind: 'boolean', value };
}

function foldDuration(op: BinaryOperator, lhs: bigint, rhs: Expr, zone: TimeZone): Literal | null {
  const duration = (ns: bigint): Literal => ({ kind: 'duration', valueNs: BigInt.asIntN(64, ns) });
  switch (rhs.kind) {
    case 'duration':
      if (op === '+') return duration(lhs + rhs.valueNs);
      if (op === '-') return duration(lhs - rhs.valueNs);
      return compare(op, lhs, rhs.valueNs);
    case 'number':
    case 'integer': {
      const factor = truncated(Number(rhs.value));
      if (op === '*')
        return duration(
          rhs.kind === 'integer' ? lhs * rhs.value : truncated(Number(lhs) * rhs.value),
        );
      if (op === '/') return duration(factor === 0n ? 0n : lhs / factor);
      return null;
    }
    case 'time':
      return op === '+' ? { kind: 'time', valueNs: lhs + rhs.valueNs } : null;
    case 'string': {
      const timeNs = timeOf(rhs.value, zone);
      return op === '+' && timeNs !== null ? { kind: 'time', valueNs: lhs + timeNs } : null;
    }
    default:
      return null;
  }
}

function foldInteger(op: BinaryOperator, lhs: bigint, rhs: Expr, zone: TimeZone): Literal | null {
  switch (rhs.kind) {
    case 'number':
      return foldNumber(op, Number(lhs), rhs.value);
    case 'integer': {
      const value = wholeArithmetic(op, lhs, rhs.value);
      if (value !== null) return { kind: 'integer', value: BigInt.asIntN(64, value) };
      if (op === '/')
        return { kind: 'number', value: rhs.value === 0n ? 0 : Number(lhs) / Number(rhs.value) };
      return compare(op, lhs, rhs.value);
    }
    case 'unsigned':
      return foldUnsigned(op, BigInt.asUintN(64, lhs), rhs);
    case 'duration':
      if (op === '+') return { kind: 'time', valueNs: lhs + rhs.valueNs };
      return op === '-' ? { kind: 'time', valueNs: lhs - rhs.valueNs } : null;
    case 'time':
    case 'string':
      return foldDuration(op, lhs, rhs, zone);
    default:
      return null;
  }
}

function foldUnsigned(op: BinaryOperator, lhs: bigint, rhs: Expr): Literal | null {
  if (rhs.kind === 'number') return foldNumber(op, Number(lhs), rhs.value);
  if (rhs.kind !== 'unsigned' && rhs.kind !== 'integer') return null;
  const other = BigInt.asUintN(64, rhs.value);
  if (op === '/') return { kind: 'unsigned', value: other === 0n ? 0n : lhs / other };
  const isBitwise = op === '&' || op === '|' || op === '^';
  const value = isBitwise ? null : wholeArithmetic(op, lhs, other);
  return value === null
    ? compare(op, lhs, other)
    : { kind: 'unsigned', value: BigInt.asUintN(64, value) };
}

/** Operators whose result stays whole; null for the others. */
function wholeArithmetic(op: BinaryOperator, lhs: bigint, rhs: bigint): bigint | null {
  switch (op) {
    case '+':
      return lhs + rhs;
    case '-':
      return lhs - rhs;
    case '*':
      return lhs * rhs;
    case '%':
      return rhs === 0n ? 0n : lhs % rhs;
    case '&':
      return lhs & rhs;
    case '|':
      return lhs | rhs;
    case '^':
      return lhs ^ rhs;
    default:
      return null;
  }
}

function foldNumber(op: BinaryOperator, lhs: number, rhs: number): Literal | null {
  const number = (value: number): Literal => ({ kind: 'number', value });
  switch (op) {
    case '+':
      return number(lhs + rhs);
    case '-':
      return number(lhs - rhs);
    case '*':
      return number(lhs * rhs);
    case '/':
      return number(rhs === 0 ? 0 : lhs / rhs);
    case '%':
      return number(lhs % rhs);
    default:
      return compare(op, lhs, rhs);
  }
}

function foldString(op: BinaryOperator, lhs: string, rhs: Expr, zone: TimeZone): Expr | null {
  if (rhs.kind === 'string') {
    if (op === '=' || op === '!=') return compare(op, lhs, rhs.value);
    if (op === '+') return { kind: 'string', value: lhs + rhs.value };
  }
  const timeNs = rhs.kind === 'string' || isTimely(rhs) ? timeOf(lhs, zone) : null;
  return timeNs === null ? null : foldTime(op, timeNs, rhs, zone);
}

function isTimely(expr: Expr): boolean {
  return expr.kind === 'duration' || expr.kind === 'time' || expr.kind === 'integer';
}

function foldTime(op: BinaryOperator, lhs: bigint, rhs: Expr, zone: TimeZone): Literal | null {
  switch (rhs.kind) {
    case 'duration':
    case 'integer': {
      const shift = rhs.kind === 'duration' ? rhs.valueNs : rhs.value;
      if (op === '+') return { kind: 'time', valueNs: lhs + shift };
      return op === '-' ? { kind: 'time', valueNs: lhs - shift } : null;
    }
    case 'time':
      return op === '-'
        ? { kind: 'duration', valueNs: lhs - rhs.valueNs }
        : compare(op, lhs, rhs.valueNs);
    case 'string': {
      const timeNs = timeOf(rhs.value, zone);
      return timeNs === null ? null : foldTime(op, lhs, { kind: 'time', valueNs: timeNs }, zone);
    }
    default:
      return null;
  }
}

/** The moment that a string stands for, or null where it stands for none. */
function timeOf(text: string, zone: TimeZone): bigint | null {
  if (!looksLikeTime(text)) return null;
  try {
    return parseTimeText(text, zone);
  } catch (thrown) {
    if (thrown instanceof ExpressionError) return null;
    throw thrown;
  }
}

function truncated(value: number): bigint {
  if (!Number.isFinite(value)) return -(2n ** 63n);
  return BigInt(Math.trunc(value));
}
