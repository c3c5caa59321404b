/**
 * Types of expressions, from the types of the names in them. Two kinds: the declared type, which InfluxDB 1.x works out by
 * rules that are sometimes wrong (sin() of an integer is one, and so is a quotient of two), and the type that values have.
 * What depends on the declared one are errors, fill() and what an outer query takes a subquery's column for.
 */
import {
  isLiteral,
  printExpr,
  type BinaryOperator,
  type CastType,
  type Expr,
  type VarRef,
} from '#influxql';
import { QueryError } from '../errors.js';
import { isMathFunction, keepsType } from '../math-functions.js';
import { isNumeric, type ExprType, type ValueType } from '../value-type.js';

/** Types of references as the sources know them. */
export type TypeOf = (ref: VarRef) => ExprType;

/**
 * Checks that the operators of an expression suit the types of their operands; the first that does not, from the left and
 * from the inside, is named.
 * @throws QueryError `type error: …`
 */
export function checkTypes(expr: Expr, typeOf: TypeOf): void {
  const mismatch: Mismatch[] = [];
  declared(expr, typeOf, mismatch);
  const [first] = mismatch;
  if (first?.expr === null) throw new QueryError(first.reason);
  if (first)
    throw new QueryError(
      `type error: ${printExpr(typedNames(first.expr, typeOf))}: ${first.reason}`,
    );
}

/** The declared type of an expression; `unknown` where nothing is known or types do not fit. */
export function declaredType(expr: Expr, typeOf: TypeOf): ExprType {
  const mismatch: Mismatch[] = [];
  const type = declared(expr, typeOf, mismatch);
  return mismatch.length > 0 ? 'unknown' : type;
}

interface Mismatch {
  /** Null where the reason is the whole text. */
  readonly expr: Expr | null;
  readonly reason: string;
}

function declared(expr: Expr, typeOf: TypeOf, mismatches: Mismatch[]): ExprType {
  switch (expr.kind) {
    case 'varRef':
      return refType(expr, typeOf);
    case 'distinct':
      return typeOf({ kind: 'varRef', name: expr.name, cast: null });
    case 'paren':
      return declared(expr.expr, typeOf, mismatches);
    case 'call': {
      const args = expr.args.map((argument) => declared(argument, typeOf, mismatches));
      const reason = argumentMismatch(expr.name, args);
      if (reason !== null) mismatches.push({ expr: null, reason });
      return declaredCallType(expr.name, args[0] ?? 'unknown');
    }
    case 'binary': {
      const lhs = declared(expr.lhs, typeOf, mismatches);
      const rhs = declared(expr.rhs, typeOf, mismatches);
      const reason = mismatchOf(expr, lhs, rhs);
      if (reason !== null) mismatches.push({ expr, reason });
      return reason === null ? declaredOperation(expr.op, lhs, rhs) : 'unknown';
    }
    case 'number':
      return 'float';
    case 'integer':
    case 'unsigned':
    case 'string':
    case 'boolean':
      return expr.kind;
    default:
      return 'unknown';
  }
}

/** A cast counts as it is written, also where nothing can be cast so. */
function refType(ref: VarRef, typeOf: TypeOf): ExprType {
  if (ref.cast !== null && ref.cast !== 'field') return ref.cast;
  const type = typeOf(ref);
  return ref.cast === 'field' && type === 'tag' ? 'unknown' : type;
}

/** Functions of one row have the type of their argument: only where that is unknown does the function itself count. */
function declaredCallType(name: string, argument: ExprType): ExprType {
  if (!isMathFunction(name)) return callType(name, argument);
  return argument === 'unknown' && !keepsType(name) ? 'float' : argument;
}

function argumentMismatch(name: string, [first, second]: readonly ExprType[]): string | null {
  const isChecked = (name === 'pow' || name === 'atan2') && first === 'unknown';
  if (!isChecked || second === undefined || second === 'unknown' || isNumeric(second)) return null;
  return `invalid argument type for the second argument in ${name}(): ${second}`;
}

function mismatchOf(
  { op, lhs, rhs }: Extract<Expr, { kind: 'binary' }>,
  left: ExprType,
  right: ExprType,
): string | null {
  const isSigned =
    (left === 'integer' && right === 'unsigned') || (left === 'unsigned' && right === 'integer');
  if (isSigned) {
    const [unsigned, integer] = left === 'unsigned' ? [lhs, rhs] : [rhs, lhs];
    if (isLiteral(unsigned)) return `cannot use ${op} with an integer and unsigned literal`;
    if (!isLiteral(integer))
      return `cannot use ${op} between an integer and unsigned, an explicit cast is required`;
  }
  if (left === 'unknown' || right === 'unknown' || declaredOperation(op, left, right) !== 'unknown')
    return null;
  return `incompatible types: ${left} and ${right}`;
}

function declaredOperation(op: BinaryOperator, left: ExprType, right: ExprType): ExprType {
  if (left === 'unknown' || right === 'unknown') return left === 'unknown' ? right : left;
  const isBitwise = op === '&' || op === '|' || op === '^';
  if (left === 'boolean') return isBitwise ? 'boolean' : 'unknown';
  if (!isNumeric(left) || !isNumeric(right)) return 'unknown';
  if (left === 'float' || right === 'float') return isBitwise ? 'unknown' : 'float';
  return left === 'unsigned' || right === 'unsigned' ? 'unsigned' : 'integer';
}

/** The expression with types behind its names, where they are known. */
export function typedNames(expr: Expr, typeOf: TypeOf): Expr {
  switch (expr.kind) {
    case 'varRef': {
      const type = refType(expr, typeOf);
      const cast: CastType | null = type === 'unknown' || type === 'time' ? expr.cast : type;
      return { ...expr, cast };
    }
    case 'paren':
      return { ...expr, expr: typedNames(expr.expr, typeOf) };
    case 'binary':
      return { ...expr, lhs: typedNames(expr.lhs, typeOf), rhs: typedNames(expr.rhs, typeOf) };
    case 'call':
      return { ...expr, args: expr.args.map((argument) => typedNames(argument, typeOf)) };
    case 'distinct':
      return typedNames(
        { kind: 'call', name: 'distinct', args: [{ kind: 'varRef', name: expr.name, cast: null }] },
        typeOf,
      );
    default:
      return expr;
  }
}

/** The type that an expression's values have; null where there are none. */
export function resultType(expr: Expr, typeOf: TypeOf): ValueType | null {
  switch (expr.kind) {
    case 'varRef':
      return asValueType(typeOf(expr));
    case 'distinct':
      return asValueType(typeOf({ kind: 'varRef', name: expr.name, cast: null }));
    case 'paren':
      return resultType(expr.expr, typeOf);
    case 'call': {
      const [argument] = expr.args;
      const input = argument ? resultType(argument, typeOf) : null;
      if (!isMathFunction(expr.name)) return asValueType(callType(expr.name, input ?? 'unknown'));
      if (input === null || !isNumeric(input)) return null;
      return keepsType(expr.name) ? input : 'float';
    }
    case 'binary':
      return operationType(expr.op, resultType(expr.lhs, typeOf), resultType(expr.rhs, typeOf));
    case 'number':
      return 'float';
    case 'integer':
    case 'unsigned':
    case 'string':
    case 'boolean':
      return expr.kind;
    default:
      return null;
  }
}

function asValueType(type: ExprType): ValueType | null {
  if (type === 'tag') return 'string';
  return type === 'unknown' || type === 'time' ? null : type;
}

function operationType(
  op: BinaryOperator,
  left: ValueType | null,
  right: ValueType | null,
): ValueType | null {
  const isBitwise = op === '&' || op === '|' || op === '^';
  // Nothing beside a boolean counts as false.
  if (left === 'boolean' || (left === null && right === 'boolean'))
    return isBitwise ? 'boolean' : null;
  if (left === null || right === null || !isNumeric(left) || !isNumeric(right)) return null;
  if (left === 'float' || right === 'float') return isBitwise ? null : 'float';
  if (left === 'unsigned' || right === 'unsigned') return 'unsigned';
  return op === '/' ? 'float' : 'integer';
}

/** Type of the results of a function over windows, from the type of its first argument. */
function callType(name: string, argument: ExprType): ExprType {
  switch (name) {
    case 'count':
    case 'elapsed':
      return 'integer';
    case 'mean':
    case 'median':
    case 'stddev':
    case 'integral':
    case 'derivative':
    case 'non_negative_derivative':
    case 'moving_average':
    case 'holt_winters':
    case 'holt_winters_with_fit':
      return 'float';
    default:
      return argument;
  }
}
