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

/** Interval of `time(d)` among dimensions, 0 without; or what is wrong with it, in InfluxDB 1.x's words. */
export function groupByInterval(
  dimensions: readonly Expr[],
): { readonly intervalNs: bigint } | { readonly fault: string } {
  for (const dimension of dimensions) {
    const expr = withoutParens(dimension);
    if (expr.kind !== 'call' || expr.name !== 'time') continue;
    const [interval] = expr.args;
    if (!interval || expr.args.length > 2)
      return { fault: 'time dimension expected 1 or 2 arguments' };
    if (interval.kind !== 'duration')
      return { fault: 'time dimension must have duration argument' };
    return { intervalNs: interval.valueNs };
  }
  return { intervalNs: 0n };
}

/** Interval of a well-formed `time(d)` among dimensions; 0 without. */
export function groupByIntervalNs(dimensions: readonly Expr[]): bigint {
  const found = groupByInterval(dimensions);
  return 'fault' in found ? 0n : found.intervalNs;
}

/** What is inside any parentheses around an expression. */
export function withoutParens(expr: Expr): Expr {
  return expr.kind === 'paren' ? withoutParens(expr.expr) : expr;
}
