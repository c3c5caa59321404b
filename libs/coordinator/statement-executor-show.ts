/** SHOW statements over metadata, running queries and the server itself: everything that reads no stored point. */
import { formatDurationNs, redactUrl } from '#kernel';
import { formatRfc3339Seconds, type Statement } from '#influxql';
import {
  type Database,
  MetaError,
  type MetaSnapshot,
  Privilege,
  privilegeName,
  type User,
} from '#meta';
import type { ResultSeries, ResultValue } from '#query';
import { databaseNameRequired } from './normalise-statement.js';
import type { RunningQueries } from './running-queries.js';
import type { MonitorView } from './statement-ports.js';

/** What these statements look at. */
export interface ShowSources {
  readonly meta: MetaSnapshot;
  readonly queries: RunningQueries;
  readonly monitor: MonitorView;
  readonly user: User | null;
  readonly nowNs: bigint;
}

type Row = readonly ResultValue[];

/**
 * The series of a SHOW statement, or null when the statement is another.
 * @throws MetaError, CoordinatorError with InfluxDB 1.x's text
 */
export function executeShow(
  statement: Statement,
  sources: ShowSources,
): readonly ResultSeries[] | null {
  const { meta, user } = sources;
  switch (statement.kind) {
    case 'showDatabases':
      return [
        table(
          'databases',
          ['name'],
          visible(meta, user).map(({ name }) => [name]),
        ),
      ];
    case 'showRetentionPolicies':
      return [showRetentionPolicies(meta, statement.database)];
    case 'showUsers':
      return [
        table(
          '',
          ['user', 'admin'],
          meta.data.users.map(({ name, isAdmin }) => [name, isAdmin]),
        ),
      ];
    case 'showGrants':
      return [showGrants(meta, statement.user)];
    case 'showContinuousQueries':
      return meta.data.databases.map((database) =>
        table(
          database.name,
          ['name', 'query'],
          database.continuousQueries.map(({ name, query }) => [name, query]),
        ),
      );
    case 'showSubscriptions':
      return showSubscriptions(meta);
    case 'showShards':
      return meta.data.databases.map(showShards);
    case 'showShardGroups':
      return [showShardGroups(meta)];
    case 'showQueries':
      return [showQueries(sources)];
    case 'showStats':
      return showStatistics(sources.monitor, statement.module);
    case 'showDiagnostics':
      return sources.monitor
        .diagnostics()
        .filter(({ name }) => statement.module === '' || statement.module === name)
        .map(({ name, columns, rows }) => table(name, columns, rows));
    default:
      return null;
  }
}

/** A series of mixed rows. */
export function table(
  name: string,
  columns: readonly string[],
  rows: readonly Row[],
  tags: ResultSeries['tags'] = null,
): ResultSeries {
  return {
    name,
    tags,
    columns,
    rowCount: rows.length,
    data: columns.map((_, c) => ({ kind: 'any', values: rows.map((row) => row[c] ?? null) })),
    partial: false,
  };
}

function visible(meta: MetaSnapshot, user: User | null): readonly Database[] {
  if (user === null || user.isAdmin) return meta.data.databases;
  return meta.data.databases.filter(
    ({ name }) => (user.privileges.get(name) ?? Privilege.NONE) !== Privilege.NONE,
  );
}

function showRetentionPolicies(meta: MetaSnapshot, name: string): ResultSeries {
  if (name === '') throw databaseNameRequired();
  const database = meta.database(name);
  if (database === undefined) throw MetaError.databaseNotFound(name);
  return table(
    '',
    ['name', 'duration', 'shardGroupDuration', 'replicaN', 'default'],
    database.retentionPolicies.map((policy) => [
      policy.name,
      formatDurationNs(policy.durationNs),
      formatDurationNs(policy.shardGroupDurationNs),
      BigInt(policy.replicaN),
      policy.name === database.defaultRetentionPolicy,
    ]),
  );
}

function showGrants(meta: MetaSnapshot, name: string): ResultSeries {
  const user = meta.user(name);
  if (user === undefined) throw MetaError.of('user-not-found');
  const rows = [...user.privileges].map(([database, privilege]): Row => [
    database,
    privilegeName(privilege),
  ]);
  return table('', ['database', 'privilege'], rows);
}

function showSubscriptions(meta: MetaSnapshot): readonly ResultSeries[] {
  return meta.data.databases.flatMap((database) => {
    const rows = database.retentionPolicies.flatMap((policy) =>
      policy.subscriptions.map(({ name, mode, destinations }): Row => [
        policy.name,
        name,
        mode,
        destinations.map(redactUrl),
      ]),
    );
    return rows.length === 0
      ? []
      : [table(database.name, ['retention_policy', 'name', 'mode', 'destinations'], rows)];
  });
}

function showShards(database: Database): ResultSeries {
  const rows = database.retentionPolicies.flatMap((policy) =>
    policy.shardGroups
      .filter((group) => group.deletedAtNs === 0n)
      .flatMap((group) =>
        group.shards.map((shard): Row => [
          BigInt(shard.id),
          database.name,
          policy.name,
          BigInt(group.id),
          formatRfc3339Seconds(group.startNs),
          formatRfc3339Seconds(group.endNs),
          formatRfc3339Seconds(group.endNs + policy.durationNs),
          shard.ownerIds.join(','),
        ]),
      ),
  );
  const columns = [
    'id',
    'database',
    'retention_policy',
    'shard_group',
    'start_time',
    'end_time',
    'expiry_time',
    'owners',
  ];
  return table(database.name, columns, rows);
}

function showShardGroups(meta: MetaSnapshot): ResultSeries {
  const rows = meta.data.databases.flatMap((database) =>
    database.retentionPolicies.flatMap((policy) =>
      policy.shardGroups
        .filter((group) => group.deletedAtNs === 0n)
        .map((group): Row => [
          BigInt(group.id),
          database.name,
          policy.name,
          formatRfc3339Seconds(group.startNs),
          formatRfc3339Seconds(group.endNs),
          formatRfc3339Seconds(group.endNs + policy.durationNs),
        ]),
    ),
  );
  return table(
    'shard groups',
    ['id', 'database', 'retention_policy', 'start_time', 'end_time', 'expiry_time'],
    rows,
  );
}

function showQueries({ queries, nowNs }: ShowSources): ResultSeries {
  const rows = queries
    .list()
    .map((query): Row => [
      query.id,
      query.text,
      query.database,
      formatDurationNs(roundDuration(nowNs - query.startedNs)),
      query.isKilled ? 'killed' : 'running',
    ]);
  return table('', ['qid', 'query', 'database', 'duration', 'status'], rows);
}

/** Whole seconds, milliseconds or microseconds, whichever is the largest unit that it has. */
function roundDuration(durationNs: bigint): bigint {
  for (const unitNs of [1_000_000_000n, 1_000_000n, 1_000n]) {
    if (durationNs >= unitNs) return durationNs - (durationNs % unitNs);
  }
  return durationNs < 0n ? 0n : durationNs;
}

function showStatistics(monitor: MonitorView, module: string): readonly ResultSeries[] {
  return monitor
    .statistics()
    .filter(({ name }) => module === '' || module === name)
    .map(({ name, tags, values }) => {
      const columns = Object.keys(values).sort();
      const tagList = Object.keys(tags)
        .sort()
        .map((key) => ({ key, value: tags[key] ?? '' }));
      const row = columns.map((column) => {
        const value = values[column] ?? null;
        return typeof value === 'number' && Number.isInteger(value) ? BigInt(value) : value;
      });
      return table(name, columns, [row], tagList.length === 0 ? null : tagList);
    });
}
