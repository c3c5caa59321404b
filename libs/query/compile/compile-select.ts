/**
 * Checks a SELECT with its subqueries and works out what can be known without data: time range, windows, grouping. Errors
 * come in the order and with the texts of InfluxDB 1.x.
 */
import {
  MAX_TIME_NS,
  MIN_TIME_NS,
  printExpr,
  reduceExpr,
  splitCondition,
  timeZoneOf,
  utc,
  walkExpr,
  type Expr,
  type Field,
  type Fill,
  type MeasurementSource,
  type SelectStatement,
  type TimeZone,
} from '#influxql';
import { QueryError } from '../errors.js';
import { isMathFunction, mathArgumentCount, mathOfLiterals } from '../math-functions.js';
import type { WindowSpec } from '../windows.js';
import { compileDimensions, type Grouping } from './dimension-rules.js';
import { checkFields, type FieldFacts } from './field-rules.js';

/** A SELECT that was found correct. */
export interface CompiledSelect {
  readonly statement: SelectStatement;
  /** Without `time`. */
  readonly fields: readonly Field[];
  /** Name of the time column. */
  readonly timeColumn: string;
  readonly facts: FieldFacts;
  /** What is left of WHERE besides time. */
  readonly condition: Expr | null;
  /** Lower bound, null without one. */
  readonly minNs: bigint | null;
  /** Inclusive upper bound. */
  readonly maxNs: bigint;
  /** Null without GROUP BY time, own or inherited. */
  readonly windows: WindowSpec | null;
  readonly grouping: Grouping;
  readonly zone: TimeZone;
  readonly fill: Fill;
  readonly isAscending: boolean;
  readonly slimit: number;
  readonly soffset: number;
  readonly sources: readonly (MeasurementSource | CompiledSelect)[];
}

/**
 * Checks a SELECT.
 * @param nowNs value of now(), the same for all of the query
 * @throws QueryError, ExpressionError
 */
export function compileSelect(statement: SelectStatement, nowNs: bigint): CompiledSelect {
  return compile(statement, nowNs, null);
}

function compile(
  written: SelectStatement,
  nowNs: bigint,
  parent: CompiledSelect | null,
): CompiledSelect {
  const statement = { ...written, fields: written.fields.map(reducedField) };
  const zone = timeZoneOf(statement.timeZone ?? '') ?? utc;
  const isAscending = statement.sortFields[0]?.isAscending ?? parent?.isAscending ?? true;
  const split = splitCondition(statement.condition, { nowNs, zone });
  if (split.condition) checkCondition(split.condition);
  const grouping = compileDimensions(statement.dimensions, { nowNs, zone });
  const isOwnInterval = grouping.intervalNs !== 0n;
  let windows: WindowSpec | null = null;
  if (isOwnInterval)
    windows = { intervalNs: grouping.intervalNs, offsetNs: grouping.offsetNs, zone };
  let { minNs } = split.range;
  let maxNs = split.range.maxNs ?? (windows ? nowNs : MAX_TIME_NS);
  if (parent) {
    if (parent.isAscending !== isAscending) {
      throw new QueryError('subqueries must be ordered in the same direction as the query itself');
    }
    if (parent.minNs !== null && (minNs === null || parent.minNs > minNs)) minNs = parent.minNs;
    if (parent.maxNs < maxNs) maxNs = parent.maxNs;
    windows ??= parent.windows;
  }
  // A subquery's windows without values would otherwise reach the outer query as values.
  const isUnfilled = parent !== null && statement.fill.option === 'null';
  const unfilled = { ...statement, fill: { option: 'none' as const } };
  const facts = checkFields(isUnfilled && isOwnInterval ? unfilled : statement, {
    hasInterval: windows !== null,
    isIntervalInherited: !isOwnInterval && windows !== null,
  });
  const time = statement.fields.find(({ expr }) => isTime(expr));
  const compiled: CompiledSelect = {
    statement,
    fields: statement.fields.filter(({ expr }) => !isTime(expr)),
    timeColumn: time?.alias || 'time',
    facts,
    condition: split.condition,
    minNs: minNs !== null && minNs < MIN_TIME_NS ? MIN_TIME_NS : minNs,
    maxNs: maxNs > MAX_TIME_NS ? MAX_TIME_NS : maxNs,
    windows,
    grouping,
    zone,
    fill: isUnfilled && facts.callCount > 0 ? unfilled.fill : statement.fill,
    isAscending,
    slimit: statement.slimit + (parent?.slimit ?? 0),
    soffset: statement.soffset + (parent?.soffset ?? 0),
    sources: [],
  };
  const sources = statement.sources.map((source) =>
    source.kind === 'subquery' ? compile(source.statement, nowNs, compiled) : source,
  );
  return { ...compiled, sources };
}

function isTime(expr: Expr): boolean {
  return expr.kind === 'varRef' && expr.name === 'time';
}

/** The field with its constant parts folded, and without parentheses around all of it. */
function reducedField(field: Field): Field {
  if (isTime(field.expr)) return field;
  const expr = reduceExpr(field.expr, { callOf: mathOfLiterals });
  return { ...field, expr: expr.kind === 'paren' ? expr.expr : expr };
}

/** Only functions of one row may stand in WHERE. */
function checkCondition(condition: Expr): void {
  walkExpr(condition, (node) => {
    if (node.kind !== 'call') return;
    if (!isMathFunction(node.name)) {
      throw new QueryError(`invalid function call in condition: ${printExpr(node)}`);
    }
    const count = mathArgumentCount(node.name);
    if (node.args.length === count) return;
    throw new QueryError(
      `invalid number of arguments for ${node.name}, expected ${count}, got ${node.args.length}`,
    );
  });
}
