/** The query engine bound to metadata, storage and the writer. */
import {
  type CoordinatorConfig,
  QueryWorkers,
  type SeriesGrain,
  type StatementEngine,
  StoreReader,
} from '#coordinator';
import { type Statement, type TimeZone, timeZoneOf } from '#influxql';
import type { Clock, Logger } from '#kernel';
import type { Database, MetaClient } from '#meta';
import { QueryEngine, QueryMemory, type ResultSeries, type ResultWriter } from '#query';
import type { Store } from '#tsdb';

/** What the engine stands on. */
export interface EngineParts {
  readonly meta: MetaClient;
  readonly store: Store;
  readonly writer: ResultWriter;
  /** Takes what continuous queries write. */
  readonly cqWriter: ResultWriter;
  readonly config: CoordinatorConfig;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The engine, and the end of its threads. */
export interface ServerEngine extends StatementEngine {
  /** Whether a query that has not ended reads a shard. */
  isShardInUse(id: number): boolean;
  /** Opens stored data, also for readers beside the engine. */
  readonly reader: StoreReader;
  /** Starts the first of its threads. */
  open(): void;
  close(): Promise<void>;
}

/** The engine behind SELECT and its like. */
export function createEngine(parts: EngineParts): ServerEngine {
  const { meta, store, writer, cqWriter, config, clock, logger } = parts;
  const reader = new StoreReader(meta, store);
  const memory = new QueryMemory(new Int32Array(new SharedArrayBuffer(4)));
  const workersMax = config.queryWorkersMax;
  const workers =
    workersMax > 0
      ? new QueryWorkers({ reader, logger, limits: config, memory, workersMax })
      : null;
  const engineInto = (into: ResultWriter): QueryEngine =>
    new QueryEngine({
      reader,
      retentionPoliciesOf: (name) => policyNames(meta.database(name)),
      writer: into,
      clock,
      limits: config,
      memory,
      ...(workers && { offload: workers }),
    });
  // They differ in where INTO goes, and share everything that has a limit.
  const engines = { client: engineInto(writer), 'continuous query': engineInto(cqWriter) };
  return {
    isShardInUse: (id) => reader.isShardInUse(id),
    reader,
    open: () => workers?.open(),
    close: () => workers?.close() ?? Promise.resolve(),
    async *execute(statement, { database, retentionPolicy, signal, origin = 'client' }) {
      const grain = grainOf(statement);
      const zone =
        statement.kind === 'select' && statement.timeZone !== null
          ? timeZoneOf(statement.timeZone)
          : null;
      const engine = engines[origin];
      for await (const series of engine.execute(statement, { database, retentionPolicy, signal })) {
        yield { grain, series: zone === null ? series : inZone(series, zone) };
      }
    },
  };
}

/** The series with its times as clocks of a zone show them. */
function inZone(series: ResultSeries, zone: TimeZone): ResultSeries {
  return {
    ...series,
    data: series.data.map((column) => (column.kind === 'time' ? { ...column, zone } : column)),
  };
}

/** Names of the policies of a database, the default first. */
function policyNames(database: Database | undefined): readonly string[] | null {
  if (database === undefined) return null;
  const names = database.retentionPolicies.map(({ name }) => name);
  const isDefault = (name: string): number => (name === database.defaultRetentionPolicy ? 0 : 1);
  return names.sort((a, b) => isDefault(a) - isDefault(b));
}

/** Same as InfluxDB 1.x, where some SHOW statements are SELECTs underneath and are cut by rows. */
function grainOf(statement: Statement): SeriesGrain {
  switch (statement.kind) {
    case 'showMeasurements':
      return 'statement';
    case 'showTagKeys':
    case 'showTagValues':
      return 'series';
    default:
      return 'rows';
  }
}
