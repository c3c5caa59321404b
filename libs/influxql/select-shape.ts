/**
 * Facts about a SELECT that are read off its syntax: its calls, its grouping by time.
 */
import type { Call, Expr, SelectStatement } from './ast.js';
import { walkExpr } from './visitor.js';

/** The outermost calls of the fields, `DISTINCT f` included as a call; empty for a raw query. */
export function callsIn(statement: SelectStatement): readonly Call[] {
  const calls: Call[] = [];
  for (const field of statement.fields) {
    walkExpr(field.expr, (node) => {
      if (node.kind === 'call') calls.push(node);
      if (node.kind === 'distinct') {
        calls.push({
          kind: 'call',
          name: 'distinct',
          args: [{ kind: 'varRef', name: node.name, cast: null }],
        });
      }
      return node.kind !== 'call';
    });
  }
  return calls;
}

/** Interval of `time(d)` among dimensions that are well formed; 0 without. */
export function groupByIntervalNs(dimensions: readonly Expr[]): bigint {
  for (const dimension of dimensions) {
    const expr = withoutParens(dimension);
    if (expr.kind !== 'call' || expr.name !== 'time') continue;
    const [interval] = expr.args;
    if (interval?.kind === 'duration') return interval.valueNs;
  }
  return 0n;
}

/** What is inside any parentheses around an expression. */
export function withoutParens(expr: Expr): Expr {
  return expr.kind === 'paren' ? withoutParens(expr.expr) : expr;
}
