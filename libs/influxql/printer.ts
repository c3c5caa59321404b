/**
 * Prints statements in InfluxDB 1.x's normal form: upper-case keywords, quotes only where needed, passwords hidden. The
 * text shows up in messages, errors and the lists of queries, and continuous queries are stored as it.
 */
import { formatDurationNs, redactUrl } from '#kernel';
import type {
  Expr,
  IntoTarget,
  MeasurementSource,
  SelectStatement,
  ShowCardinalityStatement,
  ShowClauses,
  SortField,
  Source,
  Statement,
  WithKey,
} from './ast.js';
import { printExpr } from './print-expr.js';
import {
  formatInfluxqlDuration,
  formatShortest,
  quoteIdent,
  quoteRegex,
  quoteString,
} from './text-form.js';

/** A statement's normal text. Passwords are printed as `[REDACTED]`. */
export function printStatement(statement: Statement): string {
  switch (statement.kind) {
    case 'select':
      return printSelect(statement);
    case 'explain':
      return `EXPLAIN ${statement.isAnalyze ? 'ANALYZE ' : ''}${printSelect(statement.statement)}`;
    case 'delete':
      return `DELETE${printFrom(statement.sources)}${printWhere(statement.condition)}`;
    case 'dropSeries':
      return `DROP SERIES${printFrom(statement.sources)}${printWhere(statement.condition)}`;
    case 'showMeasurements':
    case 'showSeries':
    case 'showTagKeys':
    case 'showFieldKeys':
    case 'showTagValues':
    case 'showCardinality':
      return printShow(statement);
    case 'extension':
      return statement.text;
    case 'killQuery':
      return `KILL QUERY ${statement.queryId}${statement.host && ` ON ${quoteIdent(statement.host)}`}`;
    default:
      return printPlainShow(statement) ?? printAccess(statement) ?? printSchema(statement) ?? '';
  }
}

/** A SELECT's normal text. */
export function printSelect(statement: SelectStatement): string {
  const fields = statement.fields
    .map(({ expr, alias }) => printExpr(expr) + (alias && ` AS ${quoteIdent(alias)}`))
    .join(', ');
  const into = statement.into ? ` INTO ${printTarget(statement.into)}` : '';
  const sources = ` FROM ${statement.sources.map(printSource).join(', ')}`;
  return (
    `SELECT ${fields}${into}${sources}${printWhere(statement.condition)}` +
    printGroupBy(statement.dimensions) +
    printFill(statement) +
    printOrderBy(statement.sortFields) +
    printCount('LIMIT', statement.limit) +
    printCount('OFFSET', statement.offset) +
    printCount('SLIMIT', statement.slimit) +
    printCount('SOFFSET', statement.soffset) +
    (statement.timeZone === null ? '' : ` TZ('${statement.timeZone || 'UTC'}')`)
  );
}

/** A source's normal text. */
export function printSource(source: Source): string {
  return source.kind === 'subquery'
    ? `(${printSelect(source.statement)})`
    : printMeasurement(source);
}

function printMeasurement(source: MeasurementSource): string {
  const name = source.regex === null ? quoteIdent(source.name) : quoteRegex(source.regex);
  return printQualifier(source) + name;
}

function printTarget(target: IntoTarget): string {
  return printQualifier(target) + (target.name === '' ? ':MEASUREMENT' : quoteIdent(target.name));
}

function printQualifier(source: {
  readonly database: string;
  readonly retentionPolicy: string;
}): string {
  const { database, retentionPolicy } = source;
  const policy = retentionPolicy && quoteIdent(retentionPolicy);
  if (database !== '') return `${quoteIdent(database)}.${policy}.`;
  return policy && `${policy}.`;
}

function printFill({ fill }: SelectStatement): string {
  if (fill.option === 'null') return '';
  if (fill.option !== 'number') return ` fill(${fill.option})`;
  const { value } = fill;
  return ` fill(${value.kind === 'number' ? formatShortest(value.value) : value.value.toString()})`;
}

function printFrom(sources: readonly Source[]): string {
  return sources.length === 0 ? '' : ` FROM ${sources.map(printSource).join(', ')}`;
}

function printWhere(condition: Expr | null): string {
  return condition ? ` WHERE ${printExpr(condition)}` : '';
}

function printGroupBy(dimensions: readonly Expr[]): string {
  return dimensions.length === 0 ? '' : ` GROUP BY ${dimensions.map(printExpr).join(', ')}`;
}

function printOrderBy(fields: readonly SortField[]): string {
  if (fields.length === 0) return '';
  const keys = fields.map(
    ({ name, isAscending }) => (name && `${quoteIdent(name)} `) + (isAscending ? 'ASC' : 'DESC'),
  );
  return ` ORDER BY ${keys.join(', ')}`;
}

function printCount(keyword: string, count: number): string {
  return count > 0 ? ` ${keyword} ${count}` : '';
}

type ShowStatement = Extract<Statement, ShowClauses>;

const CARDINALITY_WORDS: Readonly<Record<ShowCardinalityStatement['of'], string>> = {
  series: 'SERIES',
  measurement: 'MEASUREMENT',
  tagKey: 'TAG KEY',
  tagValues: 'TAG VALUES',
  fieldKey: 'FIELD KEY',
};

function printShow(statement: ShowStatement): string {
  const on = statement.database && ` ON ${quoteIdent(statement.database)}`;
  const where = printWhere(statement.condition);
  const from = printFrom(statement.sources);
  const tail =
    printGroupBy(statement.dimensions) +
    printOrderBy(statement.sortFields) +
    printCount('LIMIT', statement.limit) +
    printCount('OFFSET', statement.offset) +
    printCount('SLIMIT', statement.slimit) +
    printCount('SOFFSET', statement.soffset);
  switch (statement.kind) {
    case 'showMeasurements': {
      const [source] = statement.sources;
      const operator = source?.regex === null ? '=' : '=~';
      const clause = source ? ` WITH MEASUREMENT ${operator} ${printSource(source)}` : '';
      return `SHOW MEASUREMENTS${on}${clause}${where}${tail}`;
    }
    case 'showSeries':
      return `SHOW SERIES${on}${from}${where}${tail}`;
    case 'showTagKeys':
      return `SHOW TAG KEYS${on}${from}${where}${tail}`;
    case 'showFieldKeys':
      return `SHOW FIELD KEYS${on}${from}${where}${tail}`;
    case 'showTagValues':
      return `SHOW TAG VALUES${on}${from}${printWithKey(statement.withKey)}${where}${tail}`;
    case 'showCardinality': {
      const words = `SHOW ${CARDINALITY_WORDS[statement.of]}${statement.isExact ? ' EXACT' : ''} CARDINALITY`;
      const withKey = statement.withKey ? printWithKey(statement.withKey) : '';
      return `${words}${on}${from}${withKey}${where}${tail}`;
    }
  }
}

function printWithKey({ op, key }: WithKey): string {
  return ` WITH KEY ${op} ${key.kind === 'string' ? quoteIdent(key.value) : printExpr(key)}`;
}

function printPlainShow(statement: Statement): string | null {
  switch (statement.kind) {
    case 'showContinuousQueries':
      return 'SHOW CONTINUOUS QUERIES';
    case 'showDatabases':
      return 'SHOW DATABASES';
    case 'showQueries':
      return 'SHOW QUERIES';
    case 'showShardGroups':
      return 'SHOW SHARD GROUPS';
    case 'showShards':
      return 'SHOW SHARDS';
    case 'showSubscriptions':
      return 'SHOW SUBSCRIPTIONS';
    case 'showUsers':
      return 'SHOW USERS';
    case 'showRetentionPolicies':
      return `SHOW RETENTION POLICIES${statement.database && ` ON ${quoteIdent(statement.database)}`}`;
    case 'showGrants':
      return `SHOW GRANTS FOR ${quoteIdent(statement.user)}`;
    case 'showStats':
      return `SHOW STATS${statement.module && ` FOR ${quoteString(statement.module)}`}`;
    case 'showDiagnostics':
      return `SHOW DIAGNOSTICS${statement.module && ` FOR ${quoteString(statement.module)}`}`;
    default:
      return null;
  }
}

function printAccess(statement: Statement): string | null {
  switch (statement.kind) {
    case 'createUser': {
      const admin = statement.isAdmin ? ' WITH ALL PRIVILEGES' : '';
      return `CREATE USER ${quoteIdent(statement.name)} WITH PASSWORD [REDACTED]${admin}`;
    }
    case 'setPassword':
      return `SET PASSWORD FOR ${quoteIdent(statement.name)} = [REDACTED]`;
    case 'grant':
      return `GRANT ${statement.privilege} ON ${quoteIdent(statement.database)} TO ${quoteIdent(statement.user)}`;
    case 'revoke':
      return `REVOKE ${statement.privilege} ON ${quoteIdent(statement.database)} FROM ${quoteIdent(statement.user)}`;
    case 'grantAdmin':
      return `GRANT ALL PRIVILEGES TO ${quoteIdent(statement.user)}`;
    case 'revokeAdmin':
      return `REVOKE ALL PRIVILEGES FROM ${quoteIdent(statement.user)}`;
    default:
      return null;
  }
}

function printSchema(statement: Statement): string | null {
  switch (statement.kind) {
    case 'createDatabase':
      return `CREATE DATABASE ${quoteIdent(statement.name)}${printDatabasePolicy(statement.policy)}`;
    case 'createRetentionPolicy':
    case 'alterRetentionPolicy': {
      const verb = statement.kind === 'createRetentionPolicy' ? 'CREATE' : 'ALTER';
      return (
        `${verb} RETENTION POLICY ${quoteIdent(statement.name)} ON ${quoteIdent(statement.database)}` +
        printDuration(' DURATION ', statement.durationNs) +
        (statement.replication === null ? '' : ` REPLICATION ${statement.replication}`) +
        printDuration(' SHARD DURATION ', statement.shardDurationNs) +
        (statement.isDefault ? ' DEFAULT' : '')
      );
    }
    case 'createContinuousQuery': {
      const every = statement.resampleEveryNs;
      const until = statement.resampleForNs;
      const resample =
        (every > 0n || until > 0n ? ' RESAMPLE' : '') +
        (every > 0n ? printDuration(' EVERY ', every) : '') +
        (until > 0n ? printDuration(' FOR ', until) : '');
      return (
        `CREATE CONTINUOUS QUERY ${quoteIdent(statement.name)} ON ${quoteIdent(statement.database)}` +
        `${resample} BEGIN ${printSelect(statement.source)} END`
      );
    }
    case 'createSubscription': {
      const { mode, condition } = statement;
      const destinations = statement.destinations
        .map((url) => quoteString(redactUrl(url)))
        .join(', ');
      const where = condition === null ? '' : ` WHERE ${printExpr(condition)}`;
      return `CREATE SUBSCRIPTION ${printSubscription(statement)} DESTINATIONS ${mode} ${destinations}${where}`;
    }
    case 'dropSubscription':
      return `DROP SUBSCRIPTION ${printSubscription(statement)}`;
    case 'dropDatabase':
      return `DROP DATABASE ${quoteIdent(statement.name)}`;
    case 'dropMeasurement':
      return `DROP MEASUREMENT ${quoteIdent(statement.name)}`;
    case 'dropUser':
      return `DROP USER ${quoteIdent(statement.name)}`;
    case 'dropContinuousQuery':
      return `DROP CONTINUOUS QUERY ${quoteIdent(statement.name)} ON ${quoteIdent(statement.database)}`;
    case 'dropRetentionPolicy':
      return `DROP RETENTION POLICY ${quoteIdent(statement.name)} ON ${quoteIdent(statement.database)}`;
    case 'dropShard':
      return `DROP SHARD ${statement.id}`;
    default:
      return null;
  }
}

/** Durations here are in Go's form, unlike everywhere else: same as InfluxDB 1.x. */
function printDatabasePolicy(
  policy: Extract<Statement, { kind: 'createDatabase' }>['policy'],
): string {
  if (!policy) return '';
  const go = (label: string, ns: bigint | null): string =>
    ns === null ? '' : `${label}${formatDurationNs(ns)}`;
  return (
    ` WITH${go(' DURATION ', policy.durationNs)}` +
    (policy.replication === null ? '' : ` REPLICATION ${policy.replication}`) +
    go(' SHARD DURATION ', policy.shardDurationNs) +
    (policy.name && ` NAME ${quoteIdent(policy.name)}`)
  );
}

function printDuration(label: string, durationNs: bigint | null): string {
  return durationNs === null ? '' : label + formatInfluxqlDuration(durationNs);
}

function printSubscription(statement: {
  readonly name: string;
  readonly database: string;
  readonly retentionPolicy: string;
}): string {
  const policy = `${quoteIdent(statement.database)}.${quoteIdent(statement.retentionPolicy)}`;
  return `${quoteIdent(statement.name)} ON ${policy}`;
}
