/**
 * A small database of made-up points in a folder of its own, with the same writer, engine and executor as the server's, to
 * practise on. Half of its points are in TSM files, half in the cache.
 */
import { join } from 'node:path';
import {
  IntoWriter,
  LineWriter,
  type MonitorView,
  PointsWriter,
  type QueryWorkers,
  RunningQueries,
  StatementExecutor,
  WriteWindows,
} from '#coordinator';
import type { HttpServicePorts } from '#httpd';
import { parseQuery, type SelectStatement } from '#influxql';
import { type Clock, type FileSystem, silentLogger } from '#kernel';
import { LocalMetaStore, MetaClient } from '#meta';
import { ShapeTable } from '#models';
import { Store } from '#tsdb';
import { inPlaceCompactor, inPlaceSnapshotter } from '#tsm';
import type { ServerConfig } from '../config-registry.js';
import { createEngine, type ServerEngine } from '../engine.js';
import { ServerError } from '../errors.js';
import { storageCommands } from '../storage-commands.js';
import { writeService } from '../write-service.js';
import { PRACTICE_DATABASE } from './practice-data.js';

/** What the practice needs of the server. */
export interface PracticeParts {
  readonly config: ServerConfig;
  readonly clock: Clock;
  readonly files: FileSystem;
  readonly monitor: MonitorView;
  /** The server's query threads, null where there are none. */
  readonly workers: QueryWorkers | null;
}

/** Opened once; its folder is the caller's to remove. */
export class PracticeStore {
  private constructor(
    private readonly parts: PracticeParts,
    private readonly store: Store,
    private readonly lines: LineWriter,
    private readonly engine: ServerEngine,
    private readonly executor: StatementExecutor,
  ) {}

  /** Opens the store in a folder; the second time it finds what was written the first time in TSM files. */
  static async open(folder: string, parts: PracticeParts): Promise<PracticeStore> {
    const { config, clock, files, monitor, workers } = parts;
    const logger = silentLogger;
    const metaStore = new LocalMetaStore(files, join(folder, 'meta'), logger);
    const meta = new MetaClient({ store: metaStore, config: config.meta, clock, logger });
    const shapes = new ShapeTable();
    const store = new Store({
      ...{ files, clock, logger, shapes },
      snapshotter: inPlaceSnapshotter(files),
      compactor: inPlaceCompactor(files),
      config: {
        ...config.data,
        dir: join(folder, 'data'),
        walDir: join(folder, 'wal'),
        indexDir: join(folder, 'index'),
      },
    });
    const windows = new WriteWindows({ ...config.coordinator, windowAction: 'off' }, clock, logger);
    const { writeTimeoutMs } = config.coordinator;
    const writer = new PointsWriter({ meta, store, clock, logger, writeTimeoutMs, windows });
    const into = new IntoWriter(writer, shapes);
    const engine = createEngine({
      ...{ meta, store, clock, logger, workers },
      ...{ writer: into, cqWriter: into, config: config.coordinator },
    });
    const executor = new StatementExecutor({
      ...{ meta, engine, monitor, clock, logger },
      storage: storageCommands(store, clock),
      queries: new RunningQueries(clock, { concurrentMax: 0, timeoutMs: 0 }),
      isQueryLogged: false,
      logQueriesAfterMs: 0,
      extensions: [],
    });
    await meta.open();
    await store.open(
      meta.databases().flatMap(({ name, retentionPolicies }) =>
        retentionPolicies.flatMap((policy) =>
          policy.shardGroups.flatMap(({ shards, startNs, endNs }) =>
            shards.map(({ id }) => ({
              ...{ id, startNs, endNs },
              ...{ database: name, retentionPolicy: policy.name },
            })),
          ),
        ),
      ),
    );
    const lines = new LineWriter({ store, writer, shapes, clock });
    const practice = new PracticeStore(parts, store, lines, engine, executor);
    await meta.createDatabase(PRACTICE_DATABASE);
    return practice;
  }

  /** Takes writes and statements over HTTP, as a service of its own. */
  get ports(): Pick<HttpServicePorts, 'writer' | 'queries' | 'users'> {
    const { lines, executor } = this;
    return {
      queries: executor,
      writer: writeService(lines),
      users: {
        hasDatabase: () => true,
        hasAdmin: () => false,
        user: () => undefined,
        authenticate: () => Promise.reject(new ServerError('server.no-users', 'nobody is known')),
      },
    };
  }

  /** Runs a SELECT in the query threads, whatever it takes. */
  async askWorkers(text: string): Promise<void> {
    const { workers, clock } = this.parts;
    const [statement] = parseQuery(text) as SelectStatement[];
    if (workers === null || statement === undefined) return;
    const series = workers.over(this.engine.reader).run({
      ...{ statement, database: PRACTICE_DATABASE, retentionPolicy: '' },
      ...{ nowNs: clock.nowNs(), signal: null },
    });
    for await (const { rowCount } of series) if (rowCount < 0) return;
  }

  /** Puts what is in the cache into TSM files, and ends. */
  close(): Promise<void> {
    return this.store.close();
  }
}
