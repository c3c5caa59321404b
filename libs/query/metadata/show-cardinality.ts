/**
 * SHOW … CARDINALITY. Our index knows exact numbers, so estimates are exact; their answers keep InfluxDB 1.x's column names.
 */
import type { Expr, ShowCardinalityStatement } from '#influxql';
import { compileDimensions } from '../compile/dimension-rules.js';
import { compareNames } from '../compile/expand.js';
import { typedNames } from '../compile/expr-types.js';
import { utc } from '#influxql';
import { QueryError } from '../errors.js';
import type { QueryBudget } from '../limits.js';
import type { ResultSeries, TagPair } from '../ports.js';
import {
  DatabaseViews,
  namesTime,
  splitShowCondition,
  type MeasurementSeries,
} from './database-views.js';
import { keyMatcher, type ShowContext, tagKeysOf, tagPairsOf } from './show.js';
import { ROWS_PER_LOOK } from './text-rows.js';

const NAMES: Readonly<Record<ShowCardinalityStatement['of'], string>> = {
  series: 'SERIES EXACT',
  measurement: 'MEASUREMENT EXACT',
  tagKey: 'TAG KEY EXACT',
  tagValues: 'TAG VALUES',
  fieldKey: 'FIELD KEY',
};

/** Counts what is stored: over the database, or a measurement, and tags. Null where others may have their turn. */
export function* runShowCardinality(
  statement: ShowCardinalityStatement,
  { source, nowNs, budget }: ShowContext,
): Generator<ResultSeries | null> {
  const { database, of, sources, limit, offset } = statement;
  if (database === '') throw new QueryError('database name required');
  const isOverall = of === 'series' || of === 'measurement';
  const isPlain = sources.length === 0 && !statement.condition && statement.dimensions.length === 0;
  if (of !== 'tagValues' && namesTime(statement.condition))
    throw new QueryError(`SHOW ${NAMES[of]} CARDINALITY doesn't support time in WHERE clause`);
  const { condition, range } = splitShowCondition(statement, nowNs);
  const isEstimate = isOverall && isPlain && !statement.isExact && limit === 0 && offset === 0;
  if (isEstimate && source.retentionPoliciesOf(database) === null) {
    yield count('', null, 'cardinality estimation', 0);
    return;
  }
  const scope = isEstimate ? 'database' : 'policies';
  const views = DatabaseViews.open(source, { database, sources, scope, range });
  try {
    if (isEstimate) yield estimate(statement, views);
    // What is counted stands at time 0, and each count is a series of one row.
    else if (offset === 0 && range.minNs <= 0n && range.maxNs >= 0n)
      yield* counts(statement, views, condition, budget);
  } finally {
    views.close();
  }
}

function count(
  name: string,
  tags: readonly TagPair[] | null,
  column: string,
  value: number,
): ResultSeries {
  return {
    name,
    tags,
    columns: [column],
    rowCount: 1,
    data: [{ kind: 'integer', values: Float64Array.of(value), wide: null, present: null }],
    partial: false,
  };
}

function estimate({ of }: ShowCardinalityStatement, views: DatabaseViews): ResultSeries {
  const names = views.measurementNames();
  if (of === 'measurement') return count('', null, 'cardinality estimation', names.length);
  const total = names.reduce((sum, name) => sum + views.distinctSeries(name), 0);
  return count('', null, 'cardinality estimation', total);
}

function* counts(
  statement: ShowCardinalityStatement,
  views: DatabaseViews,
  condition: Expr | null,
  budget: QueryBudget,
): Generator<ResultSeries | null> {
  const names = views.measurementNames();
  if (condition === null && statement.dimensions.length === 0) {
    yield* plainCounts(statement, views, names, budget);
    return;
  }
  // A name is a field where it is one of any measurement.
  const fields = new Set(names.flatMap((name) => views.fieldsOf(name).map(([field]) => field)));
  const typed =
    condition && typedNames(condition, ({ name }) => (fields.has(name) ? 'float' : 'unknown'));
  const mode = statement.of === 'tagValues' ? 'rows' : 'points';
  const measured: { readonly name: string; readonly tables: readonly MeasurementSeries[] }[] = [];
  for (const name of names) {
    const asked = { condition: typed, mode } as const;
    measured.push({ name, tables: yield* views.series(name, asked, budget) });
  }
  const keys = [
    ...new Set(measured.flatMap(({ tables }) => tables.flatMap(({ table }) => table.tagKeys))),
  ].sort(compareNames);
  const grouping = compileDimensions(statement.dimensions, { nowNs: 0n, zone: utc });
  const tags = keys.filter(
    (key) => grouping.hasWildcard || grouping.regexes.some((matches) => matches(key)),
  );
  const dimensions = [...new Set([...grouping.tags, ...tags])].sort(compareNames);
  if (statement.of === 'measurement') {
    yield* measurementCounts(measured, dimensions, budget);
    return;
  }
  for (const { name, tables } of measured) {
    for (const [label, group] of yield* groupsOf(tables, dimensions, budget)) {
      const value = yield* countOf(statement, group, budget);
      if (value > 0) yield count(name, label, 'count', value);
    }
  }
}

function* measurementCounts(
  measured: readonly { readonly name: string; readonly tables: readonly MeasurementSeries[] }[],
  dimensions: readonly string[],
  budget: QueryBudget,
): Generator<ResultSeries | null> {
  const totals = new Map<string, { readonly label: readonly TagPair[] | null; names: number }>();
  for (const { tables } of measured) {
    for (const [label, group] of yield* groupsOf(tables, dimensions, budget)) {
      if (group.every(({ kept }) => kept.length === 0)) continue;
      const key = JSON.stringify(label);
      const total = totals.get(key) ?? { label, names: 0 };
      total.names++;
      totals.set(key, total);
    }
  }
  const sorted = [...totals].sort((a, b) => compareNames(a[0], b[0]));
  for (const [, { label, names }] of sorted) yield count('', label, 'count', names);
}

/** Series by the values of the dimensions' tags, in their order; one group without dimensions. */
function* groupsOf(
  tables: readonly MeasurementSeries[],
  dimensions: readonly string[],
  budget: QueryBudget,
): Generator<
  null,
  readonly (readonly [readonly TagPair[] | null, readonly MeasurementSeries[]])[]
> {
  if (dimensions.length === 0) return [[null, tables]];
  const groups = new Map<
    string,
    { readonly label: readonly TagPair[]; readonly tables: MeasurementSeries[] }
  >();
  for (const { table, series, kept, view } of tables) {
    const own = new Map<string, number[]>();
    for (const [n, i] of kept.entries()) {
      if ((n + 1) % ROWS_PER_LOOK === 0 && budget.isTurnOver()) yield null;
      const label = dimensions.map((key): TagPair => ({ key, value: series.tagValue(i, key) }));
      const key = label.map(({ value }) => value).join('\0');
      const rows = own.get(key) ?? [];
      own.set(key, rows);
      rows.push(i);
      if (!groups.has(key)) groups.set(key, { label, tables: [] });
    }
    for (const [key, rows] of own)
      groups.get(key)?.tables.push({ table, series, kept: Int32Array.from(rows), view });
  }
  return [...groups]
    .sort((a, b) => compareNames(a[0], b[0]))
    .map(([, { label, tables: found }]) => [label, found]);
}

/** Counts of all series, for which nothing need be listed. */
function* plainCounts(
  { of, withKey }: ShowCardinalityStatement,
  views: DatabaseViews,
  names: readonly string[],
  budget: QueryBudget,
): Generator<ResultSeries | null> {
  if (of === 'measurement') {
    if (names.length > 0) yield count('', null, 'count', names.length);
    return;
  }
  for (const name of names) {
    let value = 0;
    if (of === 'tagKey') value = views.tagKeys(name).length;
    else if (of === 'fieldKey') value = new Set(views.fieldsOf(name).map(([field]) => field)).size;
    else if (of === 'series') value = views.seriesInShards(name);
    else if (withKey) {
      for (const key of views.tagKeys(name).filter(keyMatcher(withKey)))
        value += views.tagValues(name, key).size;
    }
    if (value > 0) yield count(name, null, 'count', value);
    if (budget.isTurnOver()) yield null;
  }
}

function* countOf(
  statement: ShowCardinalityStatement,
  tables: readonly MeasurementSeries[],
  budget: QueryBudget,
): Generator<null, number> {
  switch (statement.of) {
    case 'tagKey':
      return (yield* tagKeysOf(tables, budget)).length;
    case 'tagValues': {
      if (!statement.withKey) return 0;
      let total = 0;
      for (const pair of tagPairsOf(tables, keyMatcher(statement.withKey), budget)) {
        if (pair === null) yield null;
        else total++;
      }
      return total;
    }
    case 'fieldKey':
      return new Set(tables.flatMap(({ table, kept }) => (kept.length > 0 ? table.fieldNames : [])))
        .size;
    default:
      return yield* seriesInShards(tables, budget);
  }
}

/** Series, each once a shard that has it: InfluxDB 1.x counts them so where it does not estimate. */
function* seriesInShards(
  tables: readonly MeasurementSeries[],
  budget: QueryBudget,
): Generator<null, number> {
  let total = 0;
  for (const { series, kept, view } of tables)
    for (const shard of view.shards) {
      if (budget.isTurnOver()) yield null;
      for (const i of kept) if (shard.hasSeries(series.ids[i] ?? -1)) total++;
    }
  return total;
}
