/**
 * Series of a whole database, or of the retention policies that a SHOW statement reads: views laid over each other.
 */
import {
  MAX_TIME_NS,
  MIN_TIME_NS,
  compileRegex,
  splitCondition,
  type Expr,
  type MeasurementSource,
  type ShowClauses,
} from '#influxql';
import { compareNames } from '../compile/expand.js';
import { QueryError } from '../errors.js';
import type { SeriesList, StorageReader, StorageView, TimeRange } from '../ports.js';
import { SeriesFilter, isFieldOf, requiredTags } from '../scan/series-filter.js';
import { StoredTable } from '../scan/stored-table.js';

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
  /** Positions in `series`. */
  readonly kept: readonly number[];
}

/** Views opened for one statement; close() frees them. */
export class DatabaseViews {
  readonly views: readonly StorageView[];

  private constructor(views: readonly StorageView[]) {
    this.views = views;
  }

  /**
   * Opens views of a database.
   * @param policies `all`, or those that hold the statement's sources (the default where they name none)
   * @throws QueryError `database not found: x`
   */
  static open(
    { reader, retentionPoliciesOf }: MetadataReader,
    options: {
      readonly database: string;
      readonly policies: 'all' | readonly string[];
      readonly range: TimeRange;
    },
  ): DatabaseViews {
    const { database, policies, range } = options;
    const known = retentionPoliciesOf(database);
    if (!known) throw new QueryError(`database not found: ${database}`, 'query.database-not-found');
    const wanted = policies === 'all' ? known : policies;
    return new DatabaseViews(
      wanted.map((retentionPolicy) => reader.view({ database, retentionPolicy, range })),
    );
  }

  /** Names of the measurements that the sources mean (all without sources), in byte order. */
  measurementNames(sources: readonly MeasurementSource[]): readonly string[] {
    const names = new Set(this.views.flatMap((view) => view.measurementNames()));
    return [...names].filter((name) => isWanted(name, sources)).sort(compareNames);
  }

  /** Series of a measurement that satisfy a condition on tags; comparisons of fields hold for all. */
  series(name: string, condition: Expr | null): readonly MeasurementSeries[] {
    return this.views.map((view) => {
      const table = new StoredTable(view, name);
      const onTags = condition && withoutFields(condition, table);
      const series = table.series(requiredTags(table, onTags)) as SeriesList & {
        readonly ids: Int32Array;
      };
      const filter = new SeriesFilter(table, series, onTags);
      const kept: number[] = [];
      for (let i = 0; i < series.count; i++) if (filter.of(i) !== false) kept.push(i);
      return { table, series, kept };
    });
  }

  close(): void {
    for (const view of this.views) view.close();
  }
}

function isWanted(name: string, sources: readonly MeasurementSource[]): boolean {
  if (sources.length === 0) return true;
  return sources.some((source) =>
    source.regex === null ? source.name === name : compileRegex(source.regex)(name),
  );
}

/** A condition with comparisons of fields taken for true. */
function withoutFields(condition: Expr, table: StoredTable): Expr {
  switch (condition.kind) {
    case 'paren':
      return { kind: 'paren', expr: withoutFields(condition.expr, table) };
    case 'binary': {
      const { op, lhs, rhs } = condition;
      if (op === 'AND' || op === 'OR') {
        return { ...condition, lhs: withoutFields(lhs, table), rhs: withoutFields(rhs, table) };
      }
      const isField = [lhs, rhs].some((side) => side.kind === 'varRef' && isFieldOf(table, side));
      const isText = [lhs, rhs].some(
        (side) => side.kind === 'string' || side.kind === 'regex' || side.kind === 'varRef',
      );
      const isNumeric = [lhs, rhs].some(
        (side) => side.kind === 'integer' || side.kind === 'number' || side.kind === 'boolean',
      );
      return isField || !isText || isNumeric ? { kind: 'boolean', value: true } : condition;
    }
    default:
      return condition;
  }
}

/** The condition without time, and the time range it names. */
export function splitShowCondition(
  { condition }: Pick<ShowClauses, 'condition'>,
  nowNs: bigint,
): { readonly condition: Expr | null; readonly range: TimeRange; readonly hasTime: boolean } {
  const split = splitCondition(condition, { nowNs });
  const { minNs, maxNs } = split.range;
  return {
    condition: split.condition,
    range: { minNs: minNs ?? MIN_TIME_NS, maxNs: maxNs ?? MAX_TIME_NS },
    hasTime: minNs !== null || maxNs !== null,
  };
}

/** Rows `offset .. offset + limit` of a list; 0 as limit means all. */
export function page<T>(
  rows: readonly T[],
  { limit, offset }: Pick<ShowClauses, 'limit' | 'offset'>,
): readonly T[] {
  return rows.slice(offset, limit > 0 ? offset + limit : undefined);
}

/** Retention policies that sources name; the default where one names none. */
export function policiesOf(sources: readonly MeasurementSource[]): readonly string[] {
  return sources.length === 0
    ? ['']
    : [...new Set(sources.map(({ retentionPolicy }) => retentionPolicy))];
}
