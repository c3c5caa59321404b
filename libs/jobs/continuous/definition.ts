/**
 * A continuous query as the job needs it: its SELECT, the grid of its windows, and when it wants to run. Read from the
 * statement that metadata keeps.
 * @see InfluxDB services/continuous_querier/service.go NewContinuousQuery
 */
import {
  type BinaryExpr,
  callsIn,
  type Expr,
  groupByIntervalNs,
  parseStatement,
  printExpr,
  rewriteExpr,
  type SelectStatement,
  type TimeZone,
  timeZoneOf,
  utc,
  withoutParens,
} from '#influxql';
import type { ContinuousQuery } from '#meta';
import { JobsError } from '../errors.js';

/** What a continuous query is and when it runs. */
export interface CqDefinition {
  readonly database: string;
  readonly name: string;
  /** The statement as metadata keeps it. */
  readonly text: string;
  readonly select: SelectStatement;
  /** GROUP BY time(interval, offset); the interval is above 0, the offset smaller than it. */
  readonly intervalNs: bigint;
  readonly offsetNs: bigint;
  /** RESAMPLE EVERY and FOR; 0 where not given. */
  readonly everyNs: bigint;
  readonly forNs: bigint;
  readonly zone: TimeZone;
}

/**
 * Reads the definition of a continuous query; null for one without GROUP BY time, which never runs. Same as InfluxDB 1.x.
 * @throws JobsError, ParseError where it cannot run
 */
export function definitionOf(database: string, query: ContinuousQuery): CqDefinition | null {
  const statement = parseStatement(query.query);
  if (statement.kind !== 'createContinuousQuery' || statement.source.into === null)
    throw new JobsError('jobs.invalid-cq', "query isn't a valid continuous query");
  const select = statement.source;
  const intervalNs = groupByIntervalNs(select.dimensions);
  if (intervalNs <= 0n) return null;
  const offsetNs = offsetOf(select, intervalNs);
  if (callsIn(select).length === 0)
    throw new JobsError('jobs.raw-cq', 'continuous queries must be aggregate queries');
  return {
    database,
    name: query.name,
    text: query.query,
    select,
    intervalNs,
    offsetNs,
    everyNs: statement.resampleEveryNs,
    forNs: statement.resampleForNs,
    zone: (select.timeZone === null ? null : timeZoneOf(select.timeZone)) ?? utc,
  };
}

/** The offset in `time(interval, offset)`. */
function offsetOf(select: SelectStatement, intervalNs: bigint): bigint {
  for (const dimension of select.dimensions) {
    const expr = withoutParens(dimension);
    if (expr.kind !== 'call' || expr.name !== 'time') continue;
    const offset = expr.args[1];
    if (offset === undefined) return 0n;
    if (offset.kind === 'duration' || offset.kind === 'time') return offset.valueNs % intervalNs;
    throw new JobsError('jobs.cq-offset', `invalid time dimension offset: ${printExpr(offset)}`);
  }
  return 0n;
}

/** The SELECT over [startNs, endNs), whatever times its own condition named. @see InfluxDB SelectStatement.SetTimeRange */
export function selectOver(
  { select }: CqDefinition,
  startNs: bigint,
  endNs: bigint,
): SelectStatement {
  const range = and(compareTime('>=', startNs), compareTime('<', endNs));
  if (select.condition === null) return { ...select, condition: range };
  const rest = rewriteExpr(select.condition, (node) =>
    node.kind === 'binary' && isTime(node.lhs) ? { kind: 'boolean', value: true } : node,
  );
  return { ...select, condition: and({ kind: 'paren', expr: rest }, range) };
}

function and(lhs: Expr, rhs: Expr): BinaryExpr {
  return { kind: 'binary', op: 'AND', lhs, rhs };
}

function compareTime(op: '>=' | '<', valueNs: bigint): BinaryExpr {
  const lhs: Expr = { kind: 'varRef', name: 'time', cast: null };
  return { kind: 'binary', op, lhs, rhs: { kind: 'time', valueNs } };
}

function isTime(expr: Expr): boolean {
  return expr.kind === 'varRef' && expr.name.toLowerCase() === 'time';
}
