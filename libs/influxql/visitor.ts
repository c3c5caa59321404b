/**
 * Walks over and rewrites expressions and statements. Trees are immutable: a rewrite shares what it did not change.
 */
import type { Expr, SelectStatement, Source } from './ast.js';

/** Calls `visit` for a node and, depth first and left to right, for everything below it. False stops at that node. */
export function walkExpr(expr: Expr, visit: (node: Expr) => boolean | void): void {
  if (visit(expr) === false) return;
  switch (expr.kind) {
    case 'binary':
      walkExpr(expr.lhs, visit);
      walkExpr(expr.rhs, visit);
      return;
    case 'paren':
      walkExpr(expr.expr, visit);
      return;
    case 'call':
      for (const argument of expr.args) walkExpr(argument, visit);
      return;
    default:
  }
}

/** The first node, in {@link walkExpr}'s order, for which `isWanted` holds. */
export function findExpr(expr: Expr, isWanted: (node: Expr) => boolean): Expr | null {
  let found: Expr | null = null;
  walkExpr(expr, (node) => {
    if (!found && isWanted(node)) found = node;
    return found === null;
  });
  return found;
}

/** A copy with every node replaced by what `replace` makes of it, children first. */
export function rewriteExpr(expr: Expr, replace: (node: Expr) => Expr): Expr {
  switch (expr.kind) {
    case 'binary': {
      const lhs = rewriteExpr(expr.lhs, replace);
      const rhs = rewriteExpr(expr.rhs, replace);
      return replace(lhs === expr.lhs && rhs === expr.rhs ? expr : { ...expr, lhs, rhs });
    }
    case 'paren': {
      const inner = rewriteExpr(expr.expr, replace);
      return replace(inner === expr.expr ? expr : { ...expr, expr: inner });
    }
    case 'call':
      return replace({
        ...expr,
        args: expr.args.map((argument) => rewriteExpr(argument, replace)),
      });
    default:
      return replace(expr);
  }
}

/** Every measurement and subquery below these sources, outer ones first. */
export function walkSources(sources: readonly Source[], visit: (source: Source) => void): void {
  for (const source of sources) {
    visit(source);
    if (source.kind === 'subquery') walkSources(source.statement.sources, visit);
  }
}

/** A SELECT with every source replaced by what `replace` makes of it (none, one or several), subqueries included. */
export function rewriteSources(
  statement: SelectStatement,
  replace: (source: Source) => readonly Source[],
): SelectStatement {
  const sources = statement.sources.flatMap((source) =>
    source.kind === 'subquery'
      ? replace({ ...source, statement: rewriteSources(source.statement, replace) })
      : replace(source),
  );
  return { ...statement, sources };
}
