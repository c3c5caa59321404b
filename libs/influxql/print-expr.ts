/**
 * Prints expressions in InfluxDB 1.x's normal form.
 */
import type { Expr } from './ast.js';
import {
  formatInfluxqlDuration,
  formatNumber,
  quoteIdent,
  quoteRegex,
  quoteString,
} from './text-form.js';
import { formatRfc3339 } from './time-literal.js';

/** An expression's text. */
export function printExpr(expr: Expr): string {
  switch (expr.kind) {
    case 'varRef':
      return quoteIdent(expr.name) + (expr.cast ? `::${expr.cast}` : '');
    case 'call':
      return `${expr.name}(${expr.args.map(printExpr).join(', ')})`;
    case 'distinct':
      return `DISTINCT ${expr.name}`;
    case 'binary':
      return `${printExpr(expr.lhs)} ${expr.op} ${printExpr(expr.rhs)}`;
    case 'paren':
      return `(${printExpr(expr.expr)})`;
    case 'wildcard':
      return expr.only ? `*::${expr.only}` : '*';
    case 'regex':
      return quoteRegex(expr.source);
    case 'number':
      return formatNumber(expr.value);
    case 'integer':
    case 'unsigned':
      return expr.value.toString();
    case 'string':
      return quoteString(expr.value);
    case 'boolean':
      return expr.value ? 'true' : 'false';
    case 'duration':
      return formatInfluxqlDuration(expr.valueNs);
    case 'time':
      return quoteString(formatRfc3339(expr.valueNs));
    case 'nil':
      return 'nil';
    case 'list':
      return `(${expr.values.map((value) => quoteIdent(value)).join(', ')})`;
  }
}
