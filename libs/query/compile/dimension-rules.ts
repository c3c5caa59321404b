/**
 * The GROUP BY clause: time interval and offset, tags, wildcards and regular expressions.
 */
import {
  parseTimeText,
  printExpr,
  reduceExpr,
  type Expr,
  type RegexMatcher,
  type TimeZone,
  compileRegex,
} from '#influxql';
import { QueryError } from '../errors.js';

/** A GROUP BY clause taken apart. */
export interface Grouping {
  /** 0 without time(). */
  readonly intervalNs: bigint;
  readonly offsetNs: bigint;
  /** Why there is no offset, to be said when everything else has been found correct; null where there is. */
  readonly offsetFault: QueryError | null;
  /** Tags by name, in order of mention. */
  readonly tags: readonly string[];
  readonly hasWildcard: boolean;
  readonly regexes: readonly RegexMatcher[];
}

/**
 * Checks and takes apart the dimensions of a SELECT.
 * @throws QueryError
 */
export function compileDimensions(
  dimensions: readonly Expr[],
  context: { readonly nowNs: bigint; readonly zone: TimeZone },
): Grouping {
  let intervalNs = 0n;
  let offsetNs = 0n;
  let offsetFault: QueryError | null = null;
  const tags: string[] = [];
  const regexes: RegexMatcher[] = [];
  let hasWildcard = false;
  for (const dimension of dimensions) {
    const expr = reduceExpr(dimension);
    switch (expr.kind) {
      case 'varRef':
        if (expr.name.toLowerCase() === 'time') {
          throw new QueryError('time() is a function and expects at least one argument');
        }
        tags.push(expr.name);
        break;
      case 'call':
        if (expr.name !== 'time') throw new QueryError('only time() calls allowed in dimensions');
        if (expr.args.length < 1 || expr.args.length > 2) {
          throw new QueryError('time dimension expected 1 or 2 arguments');
        }
        if (expr.args[0]?.kind !== 'duration') {
          throw new QueryError('time dimension must have duration argument');
        }
        if (intervalNs !== 0n) throw new QueryError('multiple time dimensions not allowed');
        intervalNs = expr.args[0].valueNs;
        if (expr.args[1]) {
          const offset = offsetOf(expr.args[1], intervalNs, context);
          if (offset instanceof QueryError) offsetFault = offset;
          else offsetNs = offset;
        }
        break;
      case 'wildcard':
        hasWildcard = true;
        break;
      case 'regex':
        regexes.push(compileRegex(expr.source));
        break;
      case 'paren':
        return compileDimensions(
          dimensions.map((one) => (one === dimension ? expr.expr : one)),
          context,
        );
      default:
        throw new QueryError('only time and tag dimensions allowed');
    }
  }
  return { intervalNs, offsetNs, offsetFault, tags, hasWildcard, regexes };
}

function offsetOf(
  expr: Expr,
  intervalNs: bigint,
  { nowNs, zone }: { readonly nowNs: bigint; readonly zone: TimeZone },
): bigint | QueryError {
  const inWindow = (ns: bigint): bigint => (intervalNs === 0n ? 0n : ns % intervalNs);
  switch (expr.kind) {
    case 'duration':
      return inWindow(expr.valueNs);
    case 'time':
      return inWindow(expr.valueNs);
    case 'call':
      if (expr.name !== 'now') throw new QueryError('time dimension offset function must be now()');
      if (expr.args.length > 0) {
        throw new QueryError('time dimension offset now() function requires no arguments');
      }
      return inWindow(nowNs);
    case 'string':
      if (/^\d{4}-\d{2}-\d{2}/.test(expr.value)) {
        parseTimeText(expr.value, zone);
        return new QueryError(`invalid time dimension offset: ${printExpr(expr)}`);
      }
      break;
    default:
  }
  throw new QueryError('time dimension offset must be duration or now()');
}
