/**
 * SHOW MEASUREMENTS, SERIES, TAG KEYS, TAG VALUES and FIELD KEYS.
 */
import {
  compileRegex,
  MAX_TIME_NS,
  MIN_TIME_NS,
  walkExpr,
  type Expr,
  type ShowFieldKeysStatement,
  type ShowMeasurementsStatement,
  type ShowSeriesStatement,
  type ShowTagKeysStatement,
  type ShowTagValuesStatement,
  type WithKey,
} from '#influxql';
import { fieldTypeName } from '#models';
import { compareNames } from '../compile/expand.js';
import { QueryError } from '../errors.js';
import type { ResultSeries, TimeRange } from '../ports.js';
import {
  DatabaseViews,
  literalFault,
  namesTime,
  page,
  splitNames,
  splitShowCondition,
  textMatcher,
  type MeasurementSeries,
  type MetadataReader,
} from './database-views.js';

/** Statements that list what is stored. */
export type ListStatement =
  | ShowMeasurementsStatement
  | ShowSeriesStatement
  | ShowTagKeysStatement
  | ShowTagValuesStatement
  | ShowFieldKeysStatement;

/** Lists what is stored, one series of rows a measurement. `database` of the statement is filled in. */
export function* runShow(
  statement: ListStatement,
  source: MetadataReader,
  nowNs: bigint,
): Generator<ResultSeries> {
  if (statement.database === '') throw new QueryError('database name required');
  switch (statement.kind) {
    case 'showMeasurements':
      yield* showMeasurements(statement, source, nowNs);
      return;
    case 'showSeries':
      yield* showSeries(statement, source, nowNs);
      return;
    case 'showTagKeys':
      yield* showTagKeys(statement, source, nowNs);
      return;
    case 'showTagValues':
      yield* showTagValues(statement, source, nowNs);
      return;
    case 'showFieldKeys':
      yield* showFieldKeys(statement, source, nowNs);
  }
}

/** A result of text columns; nothing for no rows. */
export function* textSeries(
  name: string,
  columns: readonly string[],
  rows: readonly (readonly string[])[],
): Generator<ResultSeries> {
  if (rows.length === 0) return;
  yield {
    name,
    tags: null,
    columns,
    rowCount: rows.length,
    data: columns.map((_, c) => ({ kind: 'string', values: rows.map((row) => row[c] ?? '') })),
    partial: false,
  };
}

function* showMeasurements(
  statement: ShowMeasurementsStatement,
  source: MetadataReader,
  nowNs: bigint,
): Generator<ResultSeries> {
  const { database, sources, condition } = statement;
  if (namesTime(condition))
    throw new QueryError("SHOW MEASUREMENTS doesn't support time in WHERE clause");
  const { range } = splitShowCondition(statement, nowNs);
  if (source.retentionPoliciesOf(database) === null) return;
  if (condition && sources.length > 0) checkMatch(condition, source, { database, range });
  const views = DatabaseViews.open(source, { database, sources, scope: 'database', range });
  try {
    const names = views
      .measurementNames()
      .filter((name) => !condition || isMatch(condition, name, views.series(name, null)));
    yield* textSeries(
      'measurements',
      ['name'],
      page(names, statement).map((name) => [name]),
    );
  } finally {
    views.close();
  }
}

/** @throws QueryError where a condition is none on tags, and the database has any measurement at all */
function checkMatch(
  condition: Expr,
  source: MetadataReader,
  { database, range }: { readonly database: string; readonly range: TimeRange },
): void {
  const all = DatabaseViews.open(source, { database, sources: [], scope: 'database', range });
  const isEmpty = all.measurementNames().length === 0;
  all.close();
  if (!isEmpty) isMatch(condition, '', []);
}

/** Whether a measurement as a whole satisfies a condition on tags: `!=` asks that no series has the value. */
function isMatch(condition: Expr, name: string, tables: readonly MeasurementSeries[]): boolean {
  if (condition.kind === 'paren') return isMatch(condition.expr, name, tables);
  if (condition.kind === 'boolean') throw literalFault(condition.value);
  if (condition.kind !== 'binary') throw new QueryError('invalid tag comparison operator');
  const { op, lhs, rhs } = condition;
  if (op === 'AND' || op === 'OR') {
    const left = isMatch(lhs, name, tables);
    const right = isMatch(rhs, name, tables);
    return op === 'AND' ? left && right : left || right;
  }
  const matches = textMatcher(condition);
  const isWanted = op === '=' || op === '=~';
  if (lhs.kind !== 'varRef') return false;
  if (lhs.name === '_name') return matches(name) === isWanted;
  const values = tables.flatMap((table) => [...tagValues(table, lhs.name)]);
  return values.length > 0 && values.some(matches) === isWanted;
}

/** Distinct values of a tag among the kept series. */
function tagValues({ series, kept }: MeasurementSeries, key: string): ReadonlySet<string> {
  const ids = series.tagValueIds(key);
  const distinct = new Set<number>();
  for (const i of kept) distinct.add(ids[i] ?? 0);
  distinct.delete(0);
  return new Set([...distinct].map((id) => series.tagValueOf(key, id)));
}

function* showSeries(
  statement: ShowSeriesStatement,
  source: MetadataReader,
  nowNs: bigint,
): Generator<ResultSeries> {
  const { condition, range } = splitShowCondition(statement, nowNs);
  const hasTime = namesTime(statement.condition);
  const { database, sources } = statement;
  // With a bound of time the points are asked, else the index, which knows nothing of time.
  const mode = hasTime ? 'points' : 'index';
  // The index is that of the database, but only a retention policy with shards gives an answer at all.
  const own = DatabaseViews.open(source, { database, sources, scope: 'policies', range });
  const hasAnswer = hasShards(own);
  own.close();
  if (!hasAnswer) return;
  const scope = hasTime ? 'policies' : 'sources';
  const views = openInTime(source, { database, sources, scope, range }, hasTime);
  try {
    const names = views.measurementNames();
    // A regular expression that no measurement matches leaves nothing that a condition could be wrong about.
    const isAsked =
      names.length > 0 || sources.length === 0 || sources.some((one) => one.regex === null);
    if (!hasTime && condition && isAsked && hasShards(views)) checkEquality(condition);
    const keys: string[] = [];
    for (const name of names) {
      const own = new Set<string>();
      for (const { series, kept } of views.series(name, condition, mode))
        for (const i of kept) own.add(series.key(i));
      // One by one: there may be more of them than a call takes arguments.
      for (const key of views.views.length > 1 ? [...own].sort(compareNames) : own) keys.push(key);
    }
    yield* textSeries(
      '',
      ['key'],
      page(keys, statement).map((key) => [key]),
    );
  } finally {
    views.close();
  }
}

/** False where nothing is stored: then nothing is wrong with a condition. */
function hasShards({ views }: DatabaseViews): boolean {
  return views.some(({ shards }) => shards.length > 0);
}

/** Everything that is stored, where any of it lies in the range; nothing else. What lies in it, where `isExact`. */
function openInTime(
  source: MetadataReader,
  options: Parameters<typeof DatabaseViews.open>[1],
  isExact: boolean,
): DatabaseViews {
  const inRange = DatabaseViews.open(source, options);
  if (isExact || !hasShards(inRange)) return inRange;
  inRange.close();
  return DatabaseViews.open(source, {
    ...options,
    range: { minNs: MIN_TIME_NS, maxNs: MAX_TIME_NS },
  });
}

/** @throws QueryError where a condition compares otherwise than for equality */
function checkEquality(condition: Expr): void {
  walkExpr(condition, (node) => {
    if (node.kind !== 'binary' || ['=', '!=', '=~', '!~', 'AND', 'OR'].includes(node.op)) return;
    throw new QueryError('invalid tag comparison operator');
  });
}

/** Keys of tags that a measurement's kept series have. */
export function tagKeysOf(tables: readonly MeasurementSeries[]): readonly string[] {
  const keys = new Set<string>();
  for (const { table, series, kept } of tables) {
    for (const key of table.tagKeys) {
      if (keys.has(key)) continue;
      const ids = series.tagValueIds(key);
      if (kept.some((i) => ids[i] !== 0)) keys.add(key);
    }
  }
  return [...keys].sort(compareNames);
}

function* showTagKeys(
  statement: ShowTagKeysStatement,
  source: MetadataReader,
  nowNs: bigint,
): Generator<ResultSeries> {
  const { condition, range } = splitShowCondition(statement, nowNs);
  const { database, sources } = statement;
  const views = openInTime(source, { database, sources, scope: 'database', range }, false);
  try {
    const { isName, onTags } = splitNames(hasShards(views) ? condition : null);
    for (const name of views.measurementNames().filter(isName)) {
      const keys = tagKeysOf(views.series(name, onTags));
      yield* textSeries(
        name,
        ['tagKey'],
        page(keys, statement).map((key) => [key]),
      );
    }
  } finally {
    views.close();
  }
}

/** Whether a key is one that WITH KEY asks for. */
export function keyMatcher({ op, key }: WithKey): (name: string) => boolean {
  if (key.kind === 'list') return (name) => key.values.includes(name);
  const matches =
    key.kind === 'regex' ? compileRegex(key.source) : (name: string): boolean => name === key.value;
  const isWanted = op === '=' || op === '=~';
  return (name) => matches(name) === isWanted;
}

/** Pairs of key and value, each once, by key and value. */
export function tagPairsOf(
  tables: readonly MeasurementSeries[],
  isKey: (name: string) => boolean,
): readonly (readonly [string, string])[] {
  const pairs: (readonly [string, string])[] = [];
  for (const key of tagKeysOf(tables)) {
    if (!isKey(key)) continue;
    const values = new Set(tables.flatMap((table) => [...tagValues(table, key)]));
    for (const value of [...values].sort(compareNames)) pairs.push([key, value]);
  }
  return pairs;
}

function* showTagValues(
  statement: ShowTagValuesStatement,
  source: MetadataReader,
  nowNs: bigint,
): Generator<ResultSeries> {
  const { condition, range } = splitShowCondition(statement, nowNs);
  const isKey = keyMatcher(statement.withKey);
  const { database, sources } = statement;
  const views = openInTime(source, { database, sources, scope: 'database', range }, false);
  try {
    const { isName, onTags } = splitNames(condition);
    const names = views.measurementNames().filter(isName);
    if (condition && names.length > 0) checkLeftSides(condition);
    for (const name of names) {
      const pairs = tagPairsOf(views.series(name, onTags), isKey);
      yield* textSeries(name, ['key', 'value'], page(pairs, statement));
    }
  } finally {
    views.close();
  }
}

/** @throws QueryError where what is compared for equality is no name */
function checkLeftSides(condition: Expr): void {
  walkExpr(condition, (node) => {
    if (node.kind !== 'binary' || node.op === 'AND' || node.op === 'OR') return;
    if (node.lhs.kind !== 'varRef')
      throw new QueryError(`left side of '${node.op}' must be a tag key`);
  });
}

function* showFieldKeys(
  statement: ShowFieldKeysStatement,
  source: MetadataReader,
  nowNs: bigint,
): Generator<ResultSeries> {
  const { range } = splitShowCondition({ condition: null }, nowNs);
  const { database, sources } = statement;
  const views = DatabaseViews.open(source, { database, sources, scope: 'policies', range });
  try {
    for (const name of views.measurementNames()) {
      const rows = views
        .fieldsOf(name)
        .flatMap(([field, types]) => types.map((type) => [field, fieldTypeName(type)] as const))
        .sort((a, b) => compareNames(a[0], b[0]) || compareNames(a[1], b[1]));
      yield* textSeries(name, ['fieldKey', 'fieldType'], page(rows, statement));
    }
  } finally {
    views.close();
  }
}
