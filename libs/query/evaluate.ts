/**
 * Evaluates expressions over columns, a whole column at a time. Rules of types and of missing values are InfluxDB 1.x's:
 * a comparison with nothing is false, arithmetic with nothing is nothing, integers divide to floats and wrap at 64 bits.
 */
import { compileRegex, type BinaryOperator, type Expr, type VarRef } from '#influxql';
import {
  constantColumn,
  emptyColumn,
  exactInteger,
  hasValue,
  numberColumn,
  ColumnBuilder,
  type Column,
} from './column.js';
import { applyMath, isMathFunction } from './math-functions.js';
import type { ValueType } from './value-type.js';

/** Rows over which an expression is evaluated. */
export interface RowScope {
  readonly count: number;
  /** The column of a reference, or null where it is unknown: no row has a value. */
  resolve(ref: VarRef): Column | null;
  /** The column of a call that was computed before, by its printed text. */
  resolveCall?(call: Expr): Column | null;
  /**
   * In WHERE, a quotient of integers is an integer. Over stored points nothing beside a boolean does not count as false
   * there; over a subquery's rows functions of one row give nothing. Absent for columns of a result.
   */
  readonly where?: 'points' | 'rows';
}

const SAFE = Number.MAX_SAFE_INTEGER;

/** The values of an expression. */
export function evaluate(expr: Expr, scope: RowScope): Column {
  const { count } = scope;
  switch (expr.kind) {
    case 'varRef':
      return scope.resolve(expr) ?? emptyColumn('float', count);
    case 'paren':
      return evaluate(expr.expr, scope);
    case 'binary':
      return evaluateBinary(expr.op, expr.lhs, expr.rhs, scope);
    case 'call':
    case 'distinct':
      if (expr.kind === 'call' && isMathFunction(expr.name)) {
        if (scope.where === 'rows') return emptyColumn('float', count);
        const args = expr.args.map((argument) => evaluate(argument, scope));
        return applyMath(expr.name, args, count);
      }
      return scope.resolveCall?.(expr) ?? emptyColumn('float', count);
    case 'number':
      return constantColumn(expr.value, 'float', count);
    case 'integer':
      return constantColumn(expr.value, 'integer', count);
    case 'unsigned':
      return constantColumn(expr.value, 'unsigned', count);
    case 'string':
      return constantColumn(expr.value, 'string', count);
    case 'boolean':
      return constantColumn(expr.value, 'boolean', count);
    default:
      return emptyColumn('float', count);
  }
}

/** Byte i is 1 where the condition holds in row i. */
export function evaluateCondition(
  expr: Expr,
  scope: RowScope,
  where: 'points' | 'rows' = 'points',
): Uint8Array {
  const column = evaluate(expr, { ...scope, where });
  const mask = new Uint8Array(scope.count);
  if (column.type !== 'boolean') return mask;
  for (let i = 0; i < mask.length; i++)
    mask[i] = hasValue(column, i) && column.numbers[i] !== 0 ? 1 : 0;
  return mask;
}

function evaluateBinary(op: BinaryOperator, lhs: Expr, rhs: Expr, scope: RowScope): Column {
  const { count } = scope;
  const left = withoutValue(lhs, rhs, scope) ?? evaluate(lhs, scope);
  if (op === '=~' || op === '!~') {
    return rhs.kind === 'regex'
      ? matchRegex(left, rhs.source, op === '=~', count)
      : booleans(new Float64Array(count));
  }
  const right = withoutValue(rhs, lhs, scope) ?? evaluate(rhs, scope);
  if (op === 'AND' || op === 'OR') return logic(op, left, right, count);
  const isComparison = comparisonOf(op) !== 0;
  if (left.type === 'boolean' || right.type === 'boolean')
    return combineBooleans(op, left, right, scope);
  if (left.type === 'string' || right.type === 'string')
    return compareStrings(op, left, right, count);
  if (isComparison) return compareNumbers(op, left, right, count);
  return calculate(op, left, right, scope);
}

/** A literal that has no value, beside a boolean: that is false, while a stored value that is missing is not. */
function withoutValue(expr: Expr, other: Expr, scope: RowScope): Column | null {
  if (expr.kind !== 'duration' && expr.kind !== 'time') return null;
  return evaluate(other, scope).type === 'boolean'
    ? constantColumn(false, 'boolean', scope.count)
    : null;
}

function booleans(numbers: Float64Array, present: Uint8Array | null = null): Column {
  return numberColumn('boolean', numbers, present);
}

function logic(op: 'AND' | 'OR', left: Column, right: Column, count: number): Column {
  const out = new Float64Array(count);
  const isTrue = (column: Column, i: number): boolean =>
    column.type === 'boolean' && hasValue(column, i) && column.numbers[i] !== 0;
  for (let i = 0; i < count; i++) {
    const holds =
      op === 'AND' ? isTrue(left, i) && isTrue(right, i) : isTrue(left, i) || isTrue(right, i);
    if (holds) out[i] = 1;
  }
  return booleans(out);
}

function matchRegex(column: Column, source: string, isWanted: boolean, count: number): Column {
  const matches = compileRegex(source);
  const out = new Float64Array(count);
  if (column.type !== 'string') return booleans(out);
  // Texts repeat, and some expressions are slow.
  const known = new Map<string, boolean>();
  for (let i = 0; i < count; i++) {
    const text = column.strings[i];
    if (text === null || text === undefined) continue;
    let isMatch = known.get(text);
    if (isMatch === undefined) {
      isMatch = matches(text);
      known.set(text, isMatch);
    }
    if (isMatch === isWanted) out[i] = 1;
  }
  return booleans(out);
}

function compareStrings(op: BinaryOperator, left: Column, right: Column, count: number): Column {
  if (comparisonOf(op) === 0) {
    if (op !== '+' || left.type !== right.type) return emptyColumn('string', count);
    const joined = new ColumnBuilder('string');
    for (let i = 0; i < count; i++) joined.pushNull();
    return joined.build();
  }
  const out = new Float64Array(count);
  if (left.type !== right.type || (op !== '=' && op !== '!=')) return booleans(out);
  for (let i = 0; i < count; i++) {
    const a = left.strings[i] ?? null;
    const b = right.strings[i] ?? null;
    if (a !== null && b !== null && (a === b) === (op === '=')) out[i] = 1;
  }
  return booleans(out);
}

/**
 * At least one side is boolean. Nothing beside a boolean counts as false; a boolean on the left with something else gives
 * false, one on the right nothing.
 */
function combineBooleans(op: BinaryOperator, left: Column, right: Column, scope: RowScope): Column {
  const { count } = scope;
  const isAbsentFalse = scope.where !== 'points';
  const out = new Float64Array(count);
  const isEquality = op === '=' || op === '!=';
  if (!isEquality && op !== '&' && op !== '|' && op !== '^')
    return comparisonOf(op) === 0 ? emptyColumn('boolean', count) : booleans(out);
  const present = new Uint8Array(count).fill(1);
  for (let i = 0; i < count; i++) {
    const hasLeft = hasValue(left, i);
    const hasRight = hasValue(right, i);
    const isLeftTrueOrFalse = hasLeft && left.type === 'boolean';
    const isRightTrueOrFalse = hasRight && right.type === 'boolean';
    const isLeft = isLeftTrueOrFalse || (!hasLeft && isRightTrueOrFalse && isAbsentFalse);
    const isRight = isRightTrueOrFalse || (!hasRight && isLeftTrueOrFalse && isAbsentFalse);
    if (!isLeft && !isEquality) present[i] = 0;
    if (!isLeft || !isRight) continue;
    const a = hasLeft ? (left.numbers[i] as number) : 0;
    const b = hasRight ? (right.numbers[i] as number) : 0;
    let value = a === b ? 1 : 0;
    if (op === '!=' || op === '^') value = 1 - value;
    else if (op === '&') value = a * b;
    else if (op === '|') value = Math.max(a, b);
    out[i] = value;
  }
  return booleans(out, isEquality ? null : present);
}

/** Which outcomes of a comparison hold: bit 1 less, bit 2 equal, bit 4 greater; 0 for other operators. */
function comparisonOf(op: BinaryOperator): number {
  switch (op) {
    case '<':
      return 1;
    case '<=':
      return 3;
    case '=':
      return 2;
    case '>=':
      return 6;
    case '>':
      return 4;
    case '!=':
      return 5;
    default:
      return 0;
  }
}

function compareNumbers(op: BinaryOperator, left: Column, right: Column, count: number): Column {
  const wanted = comparisonOf(op);
  const out = new Float64Array(count);
  const isExact = (left.wide || right.wide) && left.type !== 'float' && right.type !== 'float';
  const a = left.numbers;
  const b = right.numbers;
  for (let i = 0; i < count; i++) {
    let order: number;
    if (isExact) {
      const x = exactInteger(left, i);
      const y = exactInteger(right, i);
      order = x < y ? 1 : x === y ? 2 : 4;
    } else {
      const x = a[i] as number;
      const y = b[i] as number;
      order = x < y ? 1 : x === y ? 2 : x > y ? 4 : 0;
    }
    if ((order & wanted) !== 0) out[i] = 1;
  }
  clearAbsent(out, left.present);
  clearAbsent(out, right.present);
  return booleans(out);
}

function clearAbsent(out: Float64Array, present: Uint8Array | null): void {
  if (!present) return;
  for (let i = 0; i < out.length; i++) if (present[i] === 0) out[i] = 0;
}

function bothPresent(left: Column, right: Column, count: number): Uint8Array | null {
  if (!left.present) return right.present;
  if (!right.present) return left.present;
  const present = new Uint8Array(count);
  for (let i = 0; i < count; i++) present[i] = (left.present[i] ?? 0) & (right.present[i] ?? 0);
  return present;
}

function calculate(op: BinaryOperator, left: Column, right: Column, scope: RowScope): Column {
  const { count } = scope;
  const isWhole = scope.where !== undefined;
  const present = bothPresent(left, right, count);
  const isFloat = left.type === 'float' || right.type === 'float';
  const isBitwise = op === '&' || op === '|' || op === '^';
  if (isFloat && isBitwise) return emptyColumn('float', count);
  if (
    isFloat ||
    (op === '/' && !isWhole && left.type !== 'unsigned' && right.type !== 'unsigned')
  ) {
    const numbers = calculateFloats(op, left.numbers, right.numbers, count);
    return numberColumn('float', numbers, withoutNaN(numbers, present));
  }
  const type: ValueType =
    left.type === 'unsigned' || right.type === 'unsigned' ? 'unsigned' : 'integer';
  if (!isBitwise && op !== '/' && type === 'integer' && !left.wide && !right.wide) {
    const numbers = calculateFloats(op, left.numbers, right.numbers, count);
    if (op === '%') zeroNaN(numbers);
    if (allSafe(numbers)) return numberColumn(type, numbers, present);
  }
  return calculateExact(op, left, right, type, count);
}

/** A float that is no number shows as nothing. */
function withoutNaN(numbers: Float64Array, present: Uint8Array | null): Uint8Array | null {
  let mask = present;
  for (let i = 0; i < numbers.length; i++) {
    if (!Number.isNaN(numbers[i])) continue;
    if (mask === present) mask = present?.slice() ?? new Uint8Array(numbers.length).fill(1);
    (mask as Uint8Array)[i] = 0;
  }
  return mask;
}

/** The remainder of a division of integers by 0 is 0. */
function zeroNaN(numbers: Float64Array): void {
  for (let i = 0; i < numbers.length; i++) if (Number.isNaN(numbers[i])) numbers[i] = 0;
}

function allSafe(numbers: Float64Array): boolean {
  for (let i = 0; i < numbers.length; i++) {
    const value = numbers[i] as number;
    if (value > SAFE || value < -SAFE) return false;
  }
  return true;
}

function calculateFloats(
  op: BinaryOperator,
  a: Float64Array,
  b: Float64Array,
  count: number,
): Float64Array {
  const out = new Float64Array(count);
  switch (op) {
    case '+':
      for (let i = 0; i < count; i++) out[i] = (a[i] as number) + (b[i] as number);
      break;
    case '-':
      for (let i = 0; i < count; i++) out[i] = (a[i] as number) - (b[i] as number);
      break;
    case '*':
      for (let i = 0; i < count; i++) out[i] = (a[i] as number) * (b[i] as number);
      break;
    case '/':
      for (let i = 0; i < count; i++) out[i] = b[i] === 0 ? 0 : (a[i] as number) / (b[i] as number);
      break;
    case '%':
      for (let i = 0; i < count; i++) out[i] = (a[i] as number) % (b[i] as number);
      break;
    default:
  }
  return out;
}

function calculateExact(
  op: BinaryOperator,
  left: Column,
  right: Column,
  type: ValueType,
  count: number,
): Column {
  const builder = new ColumnBuilder(type, count);
  for (let i = 0; i < count; i++) {
    if (!hasValue(left, i) || !hasValue(right, i)) {
      builder.pushNull();
      continue;
    }
    const value = exactResult(
      op,
      exactInteger(left, i),
      exactInteger(right, i),
      type === 'unsigned',
    );
    builder.pushInteger(type === 'unsigned' ? BigInt.asUintN(64, value) : BigInt.asIntN(64, value));
  }
  return builder.build();
}

function exactResult(op: BinaryOperator, x: bigint, y: bigint, isUnsigned: boolean): bigint {
  const a = isUnsigned ? BigInt.asUintN(64, x) : x;
  const b = isUnsigned ? BigInt.asUintN(64, y) : y;
  switch (op) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      return b === 0n ? 0n : a / b;
    case '%':
      return b === 0n ? 0n : a % b;
    case '&':
      return a & b;
    case '|':
      return a | b;
    case '^':
      return a ^ b;
    default:
      return 0n;
  }
}
