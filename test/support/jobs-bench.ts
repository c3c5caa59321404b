/**
 * Metadata, storage, writer, statements and scheduled jobs over any file system and a clock that stands still: what a server
 * is without its listeners and timers. Tests move the clock and call the jobs.
 */
import {
  IntoWriter,
  type LineWriteOutcome,
  LineWriter,
  PointsWriter,
  RunningQueries,
  type StatementEvent,
  StatementExecutor,
  StoreReader,
  type WriteWindowConfig,
  WriteWindows,
} from '#coordinator';
import { parseQuery, type SelectStatement } from '#influxql';
import {
  ContinuousQueries,
  type ContinuousQueriesParts,
  cqGapsExtension,
  cqGapsHandler,
  CqStates,
  LatePoints,
  Precreation,
  Retention,
  type SelectIntoExecutor,
  selectIntoOver,
  StoreShards,
} from '#jobs';
import { type FileSystem, type Logger, silentLogger } from '#kernel';
import { LocalMetaStore, MetaClient } from '#meta';
import { padBody, type Precision, ShapeTable } from '#models';
import { QueryEngine, type ResultSeries } from '#query';
import { Store } from '#tsdb';
import { inPlaceCompactor, inPlaceSnapshotter } from '#tsm';
import type { ManualClock } from './manual-clock.js';

/** Where and how. */
export interface JobsBenchOptions {
  readonly files: FileSystem;
  readonly folder: string;
  readonly clock: ManualClock;
  readonly logger?: Logger;
  readonly continuousQueries?: Partial<
    Pick<ContinuousQueriesParts, 'areLatePointsRecomputed' | 'isLogEnabled'>
  >;
  readonly advancePeriodMs?: number;
  readonly writeWindows?: WriteWindowConfig;
}

/** One SELECT INTO that a continuous query ran. */
export interface BenchRun {
  readonly select: SelectStatement;
  readonly error: string | null;
}

/** A row of an answer, columns by name. */
export type BenchRow = Readonly<Record<string, unknown>>;

/** See the header. */
export class JobsBench {
  readonly meta: MetaClient;
  readonly store: Store;
  readonly writer: PointsWriter;
  readonly retention: Retention;
  readonly precreation: Precreation;
  readonly continuousQueries: ContinuousQueries;
  /** What continuous queries ran, in order. */
  readonly runs: BenchRun[] = [];
  /** Called before each run of a continuous query; what it throws is the run's error. */
  beforeRun: (select: SelectStatement) => void = () => undefined;
  private readonly metaStore: LocalMetaStore;
  private readonly lines: LineWriter;
  private readonly statements: StatementExecutor;
  private readonly reader: StoreReader;

  constructor(private readonly options: JobsBenchOptions) {
    const { files, folder, clock, logger = silentLogger } = options;
    this.metaStore = new LocalMetaStore(files, `${folder}/meta`, logger);
    this.meta = new MetaClient({
      store: this.metaStore,
      config: { isRetentionAutocreated: true },
      clock,
      logger,
    });
    const shapes = new ShapeTable();
    this.store = new Store({
      files,
      clock,
      logger,
      shapes,
      snapshotter: inPlaceSnapshotter(files),
      compactor: inPlaceCompactor(files),
      config: {
        dir: `${folder}/data`,
        walDir: `${folder}/wal`,
        walFsyncDelayMs: 0,
        cacheSnapshotMemorySizeBytes: 2 ** 30,
        cacheSnapshotWriteColdDurationMs: 1e12,
        cacheMaxMemorySizeBytes: 0,
        compactFullWriteColdDurationMs: 1e12,
        seriesPerDatabaseMax: 0,
        valuesPerTagMax: 0,
      } as ConstructorParameters<typeof Store>[0]['config'],
    });
    const { meta, store } = this;
    const { writeWindows } = options;
    this.writer = new PointsWriter({
      meta,
      store,
      clock,
      logger,
      writeTimeoutMs: 0,
      ...(writeWindows && { windows: new WriteWindows(writeWindows, clock, logger) }),
    });
    this.lines = new LineWriter({ store, writer: this.writer, shapes, clock });
    const late = new LatePoints(
      {
        measurementOf: (database, seriesId) => {
          const index = store.index(database);
          return index.measurements[index.measurementIdOf[seriesId]].name;
        },
      },
      clock,
    );
    this.writer.addListener(late);
    const states = new CqStates(this.metaStore, logger);
    this.reader = new StoreReader(meta, store);
    this.retention = new Retention({
      meta,
      shards: new StoreShards(store, files, (id) => this.reader.isShardInUse(id)),
      logger,
      checkIntervalMs: 1_800_000,
    });
    this.precreation = new Precreation({
      meta,
      logger,
      advancePeriodMs: options.advancePeriodMs ?? 1_800_000,
    });
    const executor = selectIntoOver({ run: (request) => this.statements.run(request) });
    this.continuousQueries = new ContinuousQueries({
      meta,
      states,
      executor: this.recorded(executor),
      late,
      clock,
      logger,
      recorder: null,
      isLogEnabled: false,
      areLatePointsRecomputed: false,
      ...options.continuousQueries,
    });
    this.statements = this.makeStatements(shapes, states);
  }

  async open(): Promise<void> {
    await this.meta.open();
    const identities = this.meta.databases().flatMap((database) =>
      database.retentionPolicies.flatMap((policy) =>
        policy.shardGroups
          .filter((group) => group.deletedAtNs === 0n)
          .flatMap(({ shards, startNs, endNs }) =>
            shards.map(({ id }) => ({
              id,
              database: database.name,
              retentionPolicy: policy.name,
              startNs,
              endNs,
            })),
          ),
      ),
    );
    await this.store.open(identities);
    await this.continuousQueries.open();
  }

  /** An orderly end. */
  async close(): Promise<void> {
    await this.continuousQueries.close();
    await this.store.close();
    await this.meta.close();
  }

  /** Writes line protocol with times in nanoseconds. @returns points that were not stored */
  async write(
    database: string,
    retentionPolicy: string,
    lines: readonly string[],
  ): Promise<number> {
    const outcome = await this.writeLines({ database, retentionPolicy, lines });
    return outcome.dropped + outcome.rejectedCount;
  }

  /** Writes line protocol and asks for the verdict on each line. */
  writeLines(request: {
    readonly database: string;
    readonly retentionPolicy: string;
    readonly lines: readonly string[];
    readonly precision?: Precision;
  }): Promise<LineWriteOutcome> {
    const { database, retentionPolicy, lines, precision = 'ns' } = request;
    const body = new TextEncoder().encode(lines.join('\n'));
    return this.lines.write({
      database,
      retentionPolicy,
      precision,
      body: padBody(body),
      length: body.length,
      areVerdictsWanted: true,
    });
  }

  /** Runs statements; the answer as it comes. */
  stream(text: string, database = ''): AsyncIterable<StatementEvent> {
    return this.statements.run({
      statements: parseQuery(text, { extensions: [cqGapsExtension] }),
      database,
      retentionPolicy: '',
      isReadOnly: false,
      chunkRows: 0,
      user: null,
      signal: new AbortController().signal,
    });
  }

  /** Runs statements; the series of the answer. @throws TypeError with the text of the first error */
  async query(text: string, database = ''): Promise<readonly ResultSeries[]> {
    const series: ResultSeries[] = [];
    for await (const event of this.stream(text, database)) {
      if (event.kind === 'series') series.push(event.series);
      else if (event.error !== null) throw new TypeError(event.error);
    }
    return series;
  }

  /** The rows of an answer; times and integers as bigint. */
  async rows(text: string, database = ''): Promise<readonly BenchRow[]> {
    return (await this.query(text, database)).flatMap((series) =>
      Array.from({ length: series.rowCount }, (_, row) => {
        const tags = (series.tags ?? []).map(({ key, value }): [string, unknown] => [key, value]);
        const cells = series.columns.map((name, c): [string, unknown] => [
          name,
          cellOf(series.data[c], row),
        ]);
        return Object.fromEntries([...tags, ...cells]);
      }),
    );
  }

  private recorded(executor: SelectIntoExecutor): SelectIntoExecutor {
    return {
      selectInto: async (select, database, signal) => {
        try {
          this.beforeRun(select);
          const written = await executor.selectInto(select, database, signal);
          this.runs.push({ select, error: null });
          return written;
        } catch (error) {
          this.runs.push({ select, error: String((error as Error).message) });
          throw error;
        }
      },
    };
  }

  private makeStatements(shapes: ShapeTable, states: CqStates): StatementExecutor {
    const { meta, store, writer } = this;
    const { clock, logger = silentLogger } = this.options;
    const engine = new QueryEngine({
      reader: this.reader,
      retentionPoliciesOf: (name) =>
        meta.database(name)?.retentionPolicies.map((policy) => policy.name) ?? null,
      writer: new IntoWriter(writer, shapes),
      clock,
    });
    return new StatementExecutor({
      meta,
      engine: {
        async *execute(statement, { database, retentionPolicy, signal }) {
          for await (const series of engine.execute(statement, {
            database,
            retentionPolicy,
            signal,
          }))
            yield { grain: 'rows', series };
        },
      },
      storage: {
        deleteDatabase: (name) => store.deleteDatabase(name),
        deleteRetentionPolicy: (database, policy) => store.deleteRetentionPolicy(database, policy),
        deleteShard: (id) => store.deleteShard(id),
        dropMeasurement: () => Promise.resolve(),
        dropSeries: () => Promise.resolve(),
        deletePoints: () => Promise.resolve(),
      },
      monitor: { statistics: () => [], diagnostics: () => [] },
      queries: new RunningQueries(clock, { concurrentMax: 0, timeoutMs: 0 }),
      clock,
      logger,
      isQueryLogged: false,
      logQueriesAfterMs: 0,
      extensions: [cqGapsHandler({ meta, states, queries: this.continuousQueries })],
    });
  }
}

function cellOf(column: ResultSeries['data'][number], row: number): unknown {
  switch (column.kind) {
    case 'time':
      return column.ns[row];
    case 'any':
    case 'string':
      return column.values[row];
    default:
      if (column.present !== null && column.present[row] === 0) return null;
      if (column.kind === 'float') return column.values[row];
      if (column.kind === 'boolean') return column.values[row] === 1;
      return column.wide === null ? BigInt(column.values[row]) : column.wide[row];
  }
}
