/**
 * Types of expressions, from the types of the names in them.
 */
import type { Expr, VarRef } from '#influxql';
import { isMathFunction, keepsType } from '../math-functions.js';
import type { ExprType } from '../value-type.js';

/** Type of an expression; `unknown` where a name in it is. */
export function exprType(expr: Expr, typeOf: (ref: VarRef) => ExprType): ExprType {
  switch (expr.kind) {
    case 'varRef':
      return typeOf(expr);
    case 'distinct':
      return typeOf({ kind: 'varRef', name: expr.name, cast: null });
    case 'paren':
      return exprType(expr.expr, typeOf);
    case 'call': {
      const argument = expr.args[0] ? exprType(expr.args[0], typeOf) : 'unknown';
      return callType(expr.name, argument);
    }
    case 'binary': {
      const lhs = exprType(expr.lhs, typeOf);
      const rhs = exprType(expr.rhs, typeOf);
      if ('&|^'.includes(expr.op))
        return lhs === 'boolean' ? 'boolean' : lhs === 'unsigned' ? lhs : rhs;
      if (lhs === 'unknown' || rhs === 'unknown') return lhs === 'unknown' ? rhs : lhs;
      if (lhs === 'float' || rhs === 'float') return 'float';
      if (lhs === 'unsigned' || rhs === 'unsigned') return 'unsigned';
      return expr.op === '/' ? 'float' : 'integer';
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

/** Type of a call's results, from the type of its first argument. */
export function callType(name: string, argument: ExprType): ExprType {
  if (isMathFunction(name)) {
    return keepsType(name) && (argument === 'integer' || argument === 'unsigned')
      ? argument
      : 'float';
  }
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
