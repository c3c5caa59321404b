/**
 * Fills in what a statement leaves to the request: database and retention policy of every measurement it reads or writes.
 * @see InfluxDB coordinator.StatementExecutor.NormalizeStatement
 */
import {
  type IntoTarget,
  type MeasurementSource,
  rewriteSources,
  type SelectStatement,
  type Statement,
} from '#influxql';
import type { MetaSnapshot } from '#meta';
import { CoordinatorError } from './errors.js';

/** What the request says. */
export interface StatementDefaults {
  readonly database: string;
  readonly retentionPolicy: string;
}

const SYSTEM_SOURCES: Readonly<Record<string, string>> = {
  _fieldKeys: 'SHOW FIELD KEYS',
  _measurements: 'SHOW MEASUREMENTS',
  _series: 'SHOW SERIES',
  _tagKeys: 'SHOW TAG KEYS',
  _tags: 'SHOW TAG VALUES',
};

/**
 * The statement with its measurements named in full.
 * @throws CoordinatorError `database name required`, `database not found: x`
 */
export function normaliseStatement(
  meta: MetaSnapshot,
  statement: Statement,
  defaults: StatementDefaults,
): Statement {
  switch (statement.kind) {
    case 'select':
      refuseSystemSources(statement);
      return normaliseSelect(meta, statement, defaults);
    case 'explain':
      return { ...statement, statement: normaliseSelect(meta, statement.statement, defaults) };
    case 'createContinuousQuery': {
      const own = {
        database: defaults.database || statement.database,
        retentionPolicy: defaults.retentionPolicy,
      };
      return { ...statement, source: normaliseSelect(meta, statement.source, own) };
    }
    case 'showRetentionPolicies':
      return statement.database === '' ? { ...statement, database: defaults.database } : statement;
    case 'showMeasurements':
    case 'showSeries':
    case 'showTagKeys':
    case 'showTagValues':
    case 'showFieldKeys':
    case 'showCardinality':
      return statement.database === '' ? { ...statement, database: defaults.database } : statement;
    default:
      return statement;
  }
}

function normaliseSelect(
  meta: MetaSnapshot,
  statement: SelectStatement,
  defaults: StatementDefaults,
): SelectStatement {
  // The target comes first, so that its fault is the one that is told.
  const into = statement.into && normaliseTarget(meta, statement.into, defaults);
  const named = rewriteSources(statement, (source) =>
    source.kind === 'measurement' ? [normaliseMeasurement(meta, source, defaults)] : [source],
  );
  return { ...named, into };
}

function normaliseMeasurement(
  meta: MetaSnapshot,
  source: MeasurementSource,
  defaults: StatementDefaults,
): MeasurementSource {
  if (source.name === '' && source.regex === null) {
    throw new CoordinatorError('coordinator.invalid-measurement', 'invalid measurement');
  }
  return { ...source, ...place(meta, source, defaults) };
}

function normaliseTarget(
  meta: MetaSnapshot,
  target: IntoTarget,
  defaults: StatementDefaults,
): IntoTarget {
  return { ...target, ...place(meta, target, defaults) };
}

/** Database and policy of a measurement, both known to exist or at least to be named. */
function place(
  meta: MetaSnapshot,
  named: StatementDefaults,
  defaults: StatementDefaults,
): StatementDefaults {
  const database = named.database || defaults.database;
  if (database === '') throw databaseNameRequired();
  const found = meta.database(database);
  if (found === undefined) {
    throw new CoordinatorError('coordinator.database-not-found', `database not found: ${database}`);
  }
  const retentionPolicy =
    named.retentionPolicy || defaults.retentionPolicy || found.defaultRetentionPolicy;
  if (retentionPolicy === '') {
    throw new CoordinatorError(
      'coordinator.no-default-policy',
      `default retention policy not set for: ${database}`,
    );
  }
  return { database, retentionPolicy };
}

/** The error of statements that need a database and have none. */
export function databaseNameRequired(): CoordinatorError {
  return new CoordinatorError('coordinator.database-name-required', 'database name required');
}

function refuseSystemSources(statement: SelectStatement): void {
  for (const source of statement.sources) {
    if (source.kind !== 'measurement' || SYSTEM_SOURCES[source.name] === undefined) continue;
    throw new CoordinatorError(
      'coordinator.system-source',
      `unable to use system source '${source.name}': use ${SYSTEM_SOURCES[source.name]} instead`,
    );
  }
}
