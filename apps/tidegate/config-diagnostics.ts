/** The configuration as SHOW DIAGNOSTICS tells it: InfluxDB's tables, columns and order. Nothing secret is among them. */
import { formatDurationNs } from '#kernel';
import { type Diagnostics, type DiagnosticsValue, singleRow } from '#monitor';
import type { ServerConfig } from './config-registry.js';

const duration = (ms: number): string => formatDurationNs(BigInt(Math.round(ms * 1e6)));

type Row = Readonly<Record<string, DiagnosticsValue>>;

/** The values, or just that it is off. Same as InfluxDB 1.x. */
const ifEnabled = (isEnabled: boolean, values: Row): Row =>
  isEnabled ? values : { enabled: false };

/** All tables. */
export function configDiagnostics(config: ServerConfig): readonly Diagnostics[] {
  const { http, meta, monitor, precreation, retention, subscriber, continuousQueries } = config;
  return [
    singleRow('config', {
      'bind-address': config.top.bindAddress,
      'reporting-enabled': false,
    }),
    singleRow('config-coordinator', coordinatorValues(config)),
    singleRow(
      'config-cqs',
      ifEnabled(continuousQueries.isEnabled, {
        enabled: true,
        'query-stats-enabled': continuousQueries.areStatsEnabled,
        'run-interval': duration(continuousQueries.runIntervalMs),
      }),
    ),
    singleRow('config-data', dataValues(config)),
    singleRow(
      'config-httpd',
      ifEnabled(http.isEnabled, {
        'access-log-path': http.accessLogPath,
        'bind-address': http.bindAddress,
        enabled: true,
        'https-enabled': http.isHttpsEnabled,
        'max-connection-limit': http.connectionLimitMax,
        'max-row-limit': http.rowLimitMax,
      }),
    ),
    singleRow('config-meta', { dir: meta.dir }),
    singleRow(
      'config-monitor',
      monitor.isStoreEnabled
        ? {
            'store-database': monitor.storeDatabase,
            'store-enabled': true,
            'store-interval': duration(monitor.storeIntervalMs),
          }
        : { 'store-enabled': false },
    ),
    singleRow(
      'config-precreator',
      ifEnabled(precreation.isEnabled, {
        'advance-period': duration(precreation.advancePeriodMs),
        'check-interval': duration(precreation.checkIntervalMs),
        enabled: true,
      }),
    ),
    singleRow(
      'config-retention',
      ifEnabled(retention.isEnabled, {
        'check-interval': duration(retention.checkIntervalMs),
        enabled: true,
      }),
    ),
    singleRow(
      'config-subscriber',
      ifEnabled(subscriber.isEnabled, {
        enabled: true,
        'http-timeout': duration(subscriber.httpTimeoutMs),
        'write-buffer-size': subscriber.writeBufferSize,
        'write-concurrency': subscriber.writeConcurrency,
      }),
    ),
    ...inputTables(config),
  ];
}

function coordinatorValues({ coordinator }: ServerConfig): Row {
  return {
    'log-queries-after': duration(coordinator.logQueriesAfterMs),
    'max-concurrent-queries': coordinator.concurrentQueriesMax,
    'max-select-buckets': coordinator.selectBucketsMax,
    'max-select-point': coordinator.selectPointsMax,
    'max-select-series': coordinator.selectSeriesMax,
    'query-timeout': duration(coordinator.queryTimeoutMs),
    'write-timeout': duration(coordinator.writeTimeoutMs),
  };
}

function dataValues({ data }: ServerConfig): Row {
  return {
    'cache-max-memory-size': data.cacheMaxMemorySizeBytes,
    'cache-snapshot-memory-size': data.cacheSnapshotMemorySizeBytes,
    'cache-snapshot-write-cold-duration': duration(data.cacheSnapshotWriteColdDurationMs),
    'compact-full-write-cold-duration': duration(data.compactFullWriteColdDurationMs),
    dir: data.dir,
    'max-concurrent-compactions': data.concurrentCompactionsMax,
    'max-series-per-database': data.seriesPerDatabaseMax,
    'max-values-per-tag': data.valuesPerTagMax,
    'wal-dir': data.walDir,
    'wal-fsync-delay': duration(data.walFsyncDelayMs),
  };
}

/** What the tables of all listeners begin with. */
interface InputConfig {
  readonly isEnabled: boolean;
  readonly bindAddress: string;
  readonly database: string;
  readonly retentionPolicy: string;
  readonly batchSize: number;
  readonly batchPending: number;
  readonly batchTimeoutMs: number;
}

/** A table for each kind of listener, a row for each that is enabled. */
function inputTables({ collectd, graphite, opentsdb, udp }: ServerConfig): readonly Diagnostics[] {
  return [
    inputTable('config-collectd', collectd),
    inputTable('config-graphite', graphite, 'protocol'),
    inputTable('config-opentsdb', opentsdb),
    inputTable('config-udp', udp, 'precision'),
  ].filter(({ rows }) => rows.length > 0);
}

function inputTable(
  name: string,
  tables: readonly (InputConfig & { readonly protocol?: string; readonly precision?: string })[],
  extra?: 'protocol' | 'precision',
): Diagnostics {
  const columns = [
    'enabled',
    'bind-address',
    ...(extra === 'protocol' ? ['protocol'] : []),
    'database',
    'retention-policy',
    'batch-size',
    'batch-pending',
    'batch-timeout',
    ...(extra === 'precision' ? ['precision'] : []),
  ];
  const rows = tables
    .filter(({ isEnabled }) => isEnabled)
    .map((table) => [
      true,
      table.bindAddress,
      ...(extra === 'protocol' ? [table.protocol ?? ''] : []),
      table.database,
      table.retentionPolicy,
      table.batchSize,
      table.batchPending,
      duration(table.batchTimeoutMs),
      ...(extra === 'precision' ? [table.precision ?? ''] : []),
    ]);
  return { name, columns, rows };
}
