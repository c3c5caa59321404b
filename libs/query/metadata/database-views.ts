/**
 * Series of a whole database, or of the retention policies that a SHOW statement reads: views laid over each other.
 */
import {
  MAX_TIME_NS,
  MIN_TIME_NS,
  compileRegex,
  splitCondition,
  walkExpr,
  type BinaryExpr,
  type Expr,
  type MeasurementSource,
  type ShowClauses,
} from '#influxql';
import type { FieldType } from '#models';
import { compareNames } from '../compile/expand.js';
import { QueryError } from '../errors.js';
import type { QueryBudget } from '../limits.js';
import type { SeriesList, StorageReader, StorageView, TimeRange } from '../ports.js';
import {
  SeriesFilter,
  isFieldOf,
  requiredTags,
  tagsAsColumns,
  tagsPresent,
} from '../scan/series-filter.js';
import { StoredTable } from '../scan/stored-table.js';
import { ROWS_PER_LOOK } from './text-rows.js';

/** What a list of series costs for each: its id and position. */
const SERIES_BYTES = 8;

/** What SHOW statements read from. */
export interface MetadataReader {
  readonly reader: StorageReader;
  /** Names of a database's retention policies, the default first; null for an unknown database. */
  readonly retentionPoliciesOf: (database: string) => readonly string[] | null;
}

/** One measurement of one view, with the series that a condition leaves. */
export interface MeasurementSeries {
  readonly table: StoredTable;
  readonly series: SeriesList;
  /** Positions in `series`, ascending. */
  readonly kept: Int32Array;
  readonly view: StorageView;
}

/** Where a statement looks: the whole database; the databases of its sources; the retention policies of its sources. */
export type ViewScope = 'database' | 'sources' | 'policies';

/**
 * Whether conditions see series as the index does, for which comparisons of fields hold; or as points, without values; or as
 * rows of tags, of which no comparison holds with one that is absent.
 */
type ConditionMode = 'index' | 'points' | 'rows';

/** Which series of a measurement are wanted. */
export interface SeriesCondition {
  readonly condition: Expr | null;
  readonly mode: ConditionMode;
}

const TAG_COMPARISONS = { index: tagsPresent, points: undefined, rows: tagsAsColumns } as const;

interface ScopedView {
  readonly view: StorageView;
  /** What is looked for there; everything where there are none. */
  readonly sources: readonly MeasurementSource[];
}

/** Views opened for one statement; close() frees them. */
export class DatabaseViews {
  readonly #views: readonly ScopedView[];

  private constructor(views: readonly ScopedView[]) {
    this.#views = views;
  }

  get views(): readonly StorageView[] {
    return this.#views.map(({ view }) => view);
  }

  /**
   * Opens the views of a statement.
   * @throws QueryError `database not found: x`, `retention policy not found: x`
   */
  static open(
    source: MetadataReader,
    options: {
      readonly database: string;
      readonly sources: readonly MeasurementSource[];
      readonly scope: ViewScope;
      readonly range: TimeRange;
    },
  ): DatabaseViews {
    const views: ScopedView[] = [];
    try {
      for (const part of partsOf(source, options)) {
        const { database, retentionPolicy, sources } = part;
        const { range } = options;
        views.push({ view: source.reader.view({ database, retentionPolicy, range }), sources });
      }
    } catch (thrown) {
      for (const { view } of views) view.close();
      throw thrown;
    }
    return new DatabaseViews(views);
  }

  /** Names of the measurements that the statement means, in byte order. */
  measurementNames(): readonly string[] {
    const names = this.#views.flatMap(({ view, sources }) =>
      view.measurementNames().filter((name) => isWanted(name, sources)),
    );
    return [...new Set(names)].sort(compareNames);
  }

  /** Series of a measurement that satisfy a condition; null where others may have their turn. */
  *series(
    name: string,
    { condition, mode }: SeriesCondition,
    budget: QueryBudget,
  ): Generator<null, readonly MeasurementSeries[]> {
    const found: MeasurementSeries[] = [];
    for (const view of this.#viewsOf(name)) {
      const table = new StoredTable(view, name);
      const isIndex = mode === 'index';
      const asked = condition && isIndex ? onIndex(condition, table) : condition;
      const series = table.series(requiredTags(table, asked)) as SeriesList & {
        readonly ids: Int32Array;
      };
      if (budget.isTurnOver()) yield null;
      budget.charge(series.count * SERIES_BYTES);
      const kept = new Int32Array(series.count);
      let count = 0;
      const filter = new SeriesFilter(table, series, asked, TAG_COMPARISONS[mode]);
      for (let i = 0; i < series.count; i++) {
        if ((i + 1) % ROWS_PER_LOOK === 0 && budget.isTurnOver()) yield null;
        const outcome = filter.of(i);
        // What is left to the points does not hold for a point without fields.
        if (isIndex ? outcome !== false : outcome === true) kept[count++] = i;
      }
      found.push({ table, series, kept: kept.subarray(0, count), view });
    }
    return found;
  }

  /** Keys of tags that a measurement's series have, in byte order. */
  tagKeys(name: string): readonly string[] {
    const keys = new Set<string>();
    for (const view of this.#viewsOf(name)) for (const key of view.tagKeys(name)) keys.add(key);
    return [...keys].sort(compareNames);
  }

  /** Values that a tag has among a measurement's series, each once, in no particular order. */
  tagValues(name: string, key: string): ReadonlySet<string> {
    const views = this.#viewsOf(name);
    return new Set(
      views.flatMap((view) => view.tagValues?.(name, key) ?? valuesOf(view, name, key)),
    );
  }

  /** Series of a measurement, one that several shards have once for each. */
  seriesInShards(name: string): number {
    let total = 0;
    for (const view of this.#viewsOf(name))
      total += view.seriesInShards?.(name) ?? seriesInShards(view, view.series(name, []));
    return total;
  }

  /** Series of a measurement of one database, each once. */
  distinctSeries(name: string): number {
    const views = this.#viewsOf(name).filter(({ shards }) => shards.length > 0);
    const [only] = views;
    if (only !== undefined && views.length === 1 && only.shards.length === 1)
      return only.seriesInShards?.(name) ?? only.series(name, []).count;
    const ids = new Set<number>();
    for (const view of views) for (const id of view.series(name, []).ids) ids.add(id);
    return ids.size;
  }

  #viewsOf(name: string): readonly StorageView[] {
    return this.#views.filter(({ sources }) => isWanted(name, sources)).map(({ view }) => view);
  }

  /** Fields of a measurement with their types, those of several views one after another. */
  fieldsOf(name: string): readonly (readonly [string, readonly FieldType[]])[] {
    return this.#views
      .filter(({ sources }) => isWanted(name, sources))
      .flatMap(({ view }) => [...view.fields(name)]);
  }

  close(): void {
    for (const { view } of this.#views) view.close();
  }
}

function valuesOf(view: StorageView, name: string, key: string): readonly string[] {
  const series = view.series(name, []);
  const ids = new Set(series.tagValueIds(key));
  ids.delete(0);
  return [...ids].map((id) => series.tagValueOf(key, id));
}

/** Series of a list, one that several of a view's shards have once for each. */
function seriesInShards({ shards }: StorageView, { ids }: SeriesList): number {
  let total = 0;
  for (const shard of shards) for (const id of ids) if (shard.hasSeries(id)) total++;
  return total;
}

function* partsOf(
  { retentionPoliciesOf }: MetadataReader,
  {
    database,
    sources,
    scope,
  }: { database: string; sources: readonly MeasurementSource[]; scope: ViewScope },
): Generator<{
  readonly database: string;
  readonly retentionPolicy: string;
  readonly sources: readonly MeasurementSource[];
}> {
  const policiesOf = (name: string): readonly string[] => {
    const known = retentionPoliciesOf(name);
    if (!known) throw new QueryError(`database not found: ${name}`, 'query.database-not-found');
    return known;
  };
  if (scope === 'database' || sources.length === 0) {
    const known = policiesOf(database);
    const policies = scope === 'policies' ? [''] : known;
    for (const retentionPolicy of policies) yield { database, retentionPolicy, sources };
    return;
  }
  const byPlace = new Map<string, MeasurementSource[]>();
  for (const one of sources) {
    const name = one.database || database;
    const known = policiesOf(name);
    if (one.retentionPolicy !== '' && !known.includes(one.retentionPolicy))
      throw new QueryError(`retention policy not found: ${one.retentionPolicy}`);
    const policies = scope === 'policies' ? [one.retentionPolicy] : known;
    for (const policy of policies) {
      const key = JSON.stringify([name, policy]);
      const list = byPlace.get(key) ?? [];
      byPlace.set(key, list);
      list.push(one);
    }
  }
  for (const [key, list] of byPlace) {
    const [name, retentionPolicy] = JSON.parse(key) as [string, string];
    yield { database: name, retentionPolicy, sources: list };
  }
}

function isWanted(name: string, sources: readonly MeasurementSource[]): boolean {
  if (sources.length === 0) return true;
  return sources.some((source) =>
    source.regex === null ? source.name === name : compileRegex(source.regex)(name),
  );
}

/** A condition as the index sees it: comparisons of fields, and with what is no text, hold. */
function onIndex(condition: Expr, table: StoredTable): Expr {
  switch (condition.kind) {
    case 'paren':
      return { kind: 'paren', expr: onIndex(condition.expr, table) };
    case 'binary': {
      const { op, lhs, rhs } = condition;
      if (op === 'AND' || op === 'OR') {
        return { ...condition, lhs: onIndex(lhs, table), rhs: onIndex(rhs, table) };
      }
      const isField = [lhs, rhs].some((side) => side.kind === 'varRef' && isFieldOf(table, side));
      const isOther = [lhs, rhs].some(
        ({ kind }) => kind !== 'string' && kind !== 'regex' && kind !== 'varRef',
      );
      return isField || isOther ? { kind: 'boolean', value: true } : condition;
    }
    default:
      return condition;
  }
}

/** The condition without time, and the time range it names. */
export function splitShowCondition(
  { condition }: Pick<ShowClauses, 'condition'>,
  nowNs: bigint,
): { readonly condition: Expr | null; readonly range: TimeRange } {
  const split = splitCondition(condition, { nowNs });
  const { minNs, maxNs } = split.range;
  return {
    condition: split.condition,
    range: { minNs: minNs ?? MIN_TIME_NS, maxNs: maxNs ?? MAX_TIME_NS },
  };
}

/** True where time is compared, standing on the left: on the right InfluxDB 1.x does not see it. */
export function namesTime(condition: Expr | null): boolean {
  if (condition === null) return false;
  if (condition.kind === 'paren') return namesTime(condition.expr);
  if (condition.kind !== 'binary') return false;
  const { op, lhs, rhs } = condition;
  if (op === 'AND' || op === 'OR') return namesTime(lhs) || namesTime(rhs);
  return lhs.kind === 'varRef' && lhs.name.toLowerCase() === 'time';
}

const EQUALITY: readonly string[] = ['=', '!=', '=~', '!~'];

/**
 * What a condition of SHOW TAG KEYS or TAG VALUES asks of names of measurements, of keys of tags, and of tags.
 * @throws QueryError where it compares otherwise than for equality
 */
export function splitNames(condition: Expr | null): {
  readonly isName: (name: string) => boolean;
  readonly isKey: (key: string) => boolean;
  readonly onTags: Expr | null;
} {
  const isAny = (): boolean => true;
  const isAll = condition === null || (condition.kind === 'boolean' && condition.value);
  if (isAll) return { isName: isAny, isKey: isAny, onTags: null };
  const names = pruned(condition, (name) => name === '_name');
  const keys = asksKeys(condition) ? pruned(condition, (name) => name === '_tagKey') : null;
  const onTags = pruned(condition, (name) => name !== '_name' && name !== '_tagKey');
  return {
    isName: names ? nameMatcher(names) : isAny,
    isKey: keys ? nameMatcher(keys) : isAny,
    onTags,
  };
}

function asksKeys(condition: Expr): boolean {
  let isAsked = false;
  walkExpr(condition, (node) => {
    isAsked ||= node.kind === 'varRef' && node.name === '_tagKey';
  });
  return isAsked;
}

/** The condition without the comparisons for equality of other names, or of what is no name. */
function pruned(expr: Expr, isKept: (name: string) => boolean): Expr | null {
  if (expr.kind === 'paren') {
    const inner = pruned(expr.expr, isKept);
    return inner && { kind: 'paren', expr: inner };
  }
  if (expr.kind !== 'binary') return expr;
  const { op, lhs, rhs } = expr;
  if (EQUALITY.includes(op)) return lhs.kind === 'varRef' && isKept(lhs.name) ? expr : null;
  if (op !== 'AND' && op !== 'OR') return expr;
  const left = pruned(lhs, isKept);
  const right = pruned(rhs, isKept);
  return left && right ? { ...expr, lhs: left, rhs: right } : (left ?? right);
}

function nameMatcher(expr: Expr): (name: string) => boolean {
  if (expr.kind === 'paren') return nameMatcher(expr.expr);
  if (expr.kind === 'boolean') throw literalFault(expr.value);
  if (expr.kind !== 'binary') throw new QueryError('invalid tag comparison operator');
  const { op, lhs, rhs } = expr;
  if (op === 'AND' || op === 'OR') {
    const left = nameMatcher(lhs);
    const right = nameMatcher(rhs);
    return (name) => (op === 'AND' ? left(name) && right(name) : left(name) || right(name));
  }
  const matches = textMatcher(expr);
  return (name) => matches(name) === (op === '=' || op === '=~');
}

/** A truth value where a comparison should be, as InfluxDB 1.x tells it. */
export function literalFault(value: boolean): QueryError {
  return new QueryError(`&influxql.BooleanLiteral{Val:${value}}`);
}

/**
 * Whether a text is the one on the right side, or matches the expression there.
 * @throws QueryError where the comparison is none of a tag with a text or an expression
 */
export function textMatcher({ op, lhs, rhs }: BinaryExpr): (text: string) => boolean {
  if (!EQUALITY.includes(op)) throw new QueryError('invalid tag comparison operator');
  if (lhs.kind !== 'varRef') throw new QueryError(`left side of '${op}' must be a tag key`);
  if (op === '=~' || op === '!~') {
    if (rhs.kind !== 'regex')
      throw new QueryError(`right side of '${op}' must be a regular expression`);
    return compileRegex(rhs.source);
  }
  if (rhs.kind !== 'string')
    throw new QueryError(`right side of '${op}' must be a tag value string`);
  return (text) => text === rhs.value;
}

/** Rows `offset .. offset + limit` of a list; 0 as limit means all. */
export function page<T>(
  rows: readonly T[],
  { limit, offset }: Pick<ShowClauses, 'limit' | 'offset'>,
): readonly T[] {
  return rows.slice(offset, limit > 0 ? offset + limit : undefined);
}
