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
import type { QueryBudget } from '../limits.js';
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
  type SeriesCondition,
} from './database-views.js';
import { sortedTexts, textPieces, textSeries } from './text-rows.js';

/** What a value costs while values are sorted. */
const TEXT_BYTES = 64;

/** Statements that list what is stored. */
export type ListStatement =
  | ShowMeasurementsStatement
  | ShowSeriesStatement
  | ShowTagKeysStatement
  | ShowTagValuesStatement
  | ShowFieldKeysStatement;

/** What a SHOW statement is run with. */
export interface ShowContext {
  readonly source: MetadataReader;
  readonly nowNs: bigint;
  readonly budget: QueryBudget;
}

/**
 * Lists what is stored, one series of rows a measurement. `database` of the statement is filled in. Null where others may have
 * their turn.
 */
export function* runShow(
  statement: ListStatement,
  context: ShowContext,
): Generator<ResultSeries | null> {
  if (statement.database === '') throw new QueryError('database name required');
  switch (statement.kind) {
    case 'showMeasurements':
      yield* showMeasurements(statement, context);
      return;
    case 'showSeries':
      yield* showSeries(statement, context);
      return;
    case 'showTagKeys':
      yield* showTagKeys(statement, context);
      return;
    case 'showTagValues':
      yield* showTagValues(statement, context);
      return;
    case 'showFieldKeys':
      yield* showFieldKeys(statement, context);
  }
}

function* showMeasurements(
  statement: ShowMeasurementsStatement,
  { source, nowNs }: ShowContext,
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
      .filter(
        (name) => !condition || isMatch(condition, name, (key) => views.tagValues(name, key)),
      );
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
  if (!isEmpty) isMatch(condition, '', () => new Set());
}

/** Whether a measurement as a whole satisfies a condition on tags: `!=` asks that no series has the value. */
function isMatch(
  condition: Expr,
  name: string,
  valuesOf: (key: string) => ReadonlySet<string>,
): boolean {
  if (condition.kind === 'paren') return isMatch(condition.expr, name, valuesOf);
  if (condition.kind === 'boolean') throw literalFault(condition.value);
  if (condition.kind !== 'binary') throw new QueryError('invalid tag comparison operator');
  const { op, lhs, rhs } = condition;
  if (op === 'AND' || op === 'OR') {
    const left = isMatch(lhs, name, valuesOf);
    const right = isMatch(rhs, name, valuesOf);
    return op === 'AND' ? left && right : left || right;
  }
  const matches = textMatcher(condition);
  const isWanted = op === '=' || op === '=~';
  if (lhs.kind !== 'varRef') return false;
  if (lhs.name === '_name') return matches(name) === isWanted;
  const values = [...valuesOf(lhs.name)];
  return values.length > 0 && values.some(matches) === isWanted;
}

/** Distinct values of a tag among the kept series. */
function tagValues({ series, kept }: MeasurementSeries, key: string): ReadonlySet<string> {
  const ids = series.tagValueIds(key);
  const distinct = new Set<number>();
  for (let n = 0; n < kept.length; n++) distinct.add(ids[kept[n] as number] as number);
  distinct.delete(0);
  return new Set([...distinct].map((id) => series.tagValueOf(key, id)));
}

function* showSeries(
  statement: ShowSeriesStatement,
  { source, nowNs, budget }: ShowContext,
): Generator<ResultSeries | null> {
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
    yield* textPieces(
      { name: '', columns: ['key'] },
      keysOf(views, names, { condition, mode }, budget),
      { ...statement, budget },
    );
  } finally {
    views.close();
  }
}

/** Keys of the series that a condition leaves, measurement by measurement; null where others may have their turn. */
function* keysOf(
  views: DatabaseViews,
  names: readonly string[],
  condition: SeriesCondition,
  budget: QueryBudget,
): Generator<readonly string[] | null> {
  for (const name of names) {
    const tables = yield* views.series(name, condition, budget);
    for (const key of mergedKeys(tables)) yield [key];
  }
}

/** Keys of the kept series of several views, in byte order, each once. */
function* mergedKeys(tables: readonly MeasurementSeries[]): Generator<string> {
  const lists = tables.map(({ series, kept }) => ({ series, kept, at: 0, key: '' }));
  const step = (list: (typeof lists)[number]): boolean => {
    if (list.at === list.kept.length) return false;
    list.key = list.series.key(list.kept[list.at++] as number);
    return true;
  };
  let open = lists.filter(step);
  while (open.length > 0) {
    const { key } = open.reduce((a, b) => (compareNames(b.key, a.key) < 0 ? b : a));
    yield key;
    open = open.filter((list) => list.key !== key || step(list));
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

/** Keys of tags that a measurement's kept series have; null where others may have their turn. */
export function* tagKeysOf(
  tables: readonly MeasurementSeries[],
  budget: QueryBudget,
): Generator<null, readonly string[]> {
  const keys = new Set<string>();
  for (const { table, series, kept } of tables) {
    for (const key of table.tagKeys) {
      if (keys.has(key)) continue;
      if (budget.isTurnOver()) yield null;
      if (hasAny(series.tagValueIds(key), kept)) keys.add(key);
    }
  }
  return [...keys].sort(compareNames);
}

function hasAny(valueIds: Int32Array, positions: Int32Array): boolean {
  for (let n = 0; n < positions.length; n++)
    if (valueIds[positions[n] as number] !== 0) return true;
  return false;
}

function* showTagKeys(
  statement: ShowTagKeysStatement,
  { source, nowNs, budget }: ShowContext,
): Generator<ResultSeries | null> {
  const { condition, range } = splitShowCondition(statement, nowNs);
  const { database, sources } = statement;
  const views = openInTime(source, { database, sources, scope: 'database', range }, false);
  try {
    const { isName, onTags } = splitNames(hasShards(views) ? condition : null);
    for (const name of views.measurementNames().filter(isName)) {
      const keys =
        onTags === null
          ? views.tagKeys(name)
          : yield* tagKeysOf(yield* views.series(name, onIndex(onTags), budget), budget);
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

function onIndex(condition: Expr): SeriesCondition {
  return { condition, mode: 'index' };
}

/** Whether a key is one that WITH KEY asks for. */
export function keyMatcher({ op, key }: WithKey): (name: string) => boolean {
  if (key.kind === 'list') return (name) => key.values.includes(name);
  const matches =
    key.kind === 'regex' ? compileRegex(key.source) : (name: string): boolean => name === key.value;
  const isWanted = op === '=' || op === '=~';
  return (name) => matches(name) === isWanted;
}

/** Pairs of key and value of kept series, each once, by key and value; null where others may have their turn. */
export function* tagPairsOf(
  tables: readonly MeasurementSeries[],
  isKey: (name: string) => boolean,
  budget: QueryBudget,
): Generator<readonly [string, string] | null> {
  const keys = yield* tagKeysOf(tables, budget);
  for (const key of keys.filter(isKey)) {
    const values = new Set<string>();
    for (const table of tables) {
      if (budget.isTurnOver()) yield null;
      for (const value of tagValues(table, key)) values.add(value);
    }
    for (const value of yield* sortedTexts(values, budget)) yield [key, value];
  }
}

/** The same of all series of a measurement. */
function* allTagPairs(
  views: DatabaseViews,
  name: string,
  isKey: (name: string) => boolean,
  budget: QueryBudget,
): Generator<readonly [string, string] | null> {
  for (const key of views.tagKeys(name).filter(isKey)) {
    if (budget.isTurnOver()) yield null;
    const values = views.tagValues(name, key);
    budget.charge(values.size * TEXT_BYTES);
    for (const value of yield* sortedTexts(values, budget)) yield [key, value];
    budget.release(values.size * TEXT_BYTES);
  }
}

function* showTagValues(
  statement: ShowTagValuesStatement,
  { source, nowNs, budget }: ShowContext,
): Generator<ResultSeries | null> {
  const { condition, range } = splitShowCondition(statement, nowNs);
  const isListed = keyMatcher(statement.withKey);
  const { database, sources } = statement;
  const views = openInTime(source, { database, sources, scope: 'database', range }, false);
  try {
    const { isName, isKey: isAskedKey, onTags } = splitNames(condition);
    const names = views.measurementNames().filter(isName);
    if (condition && names.length > 0) checkLeftSides(condition);
    const isKey = (key: string): boolean => isListed(key) && isAskedKey(key);
    for (const name of names) {
      const pairs =
        onTags === null
          ? allTagPairs(views, name, isKey, budget)
          : tagPairsOf(yield* views.series(name, onIndex(onTags), budget), isKey, budget);
      yield* textPieces({ name, columns: ['key', 'value'] }, pairs, { ...statement, budget });
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
  { source, nowNs }: ShowContext,
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
