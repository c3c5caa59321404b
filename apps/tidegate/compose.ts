/**
 * Puts the server together: makes every part from the configuration and binds ports to what fills them. Wiring only.
 */
import { availableParallelism } from 'node:os';
import {
  IntoWriter,
  type LineBooks,
  lineWriteErrorText,
  LineWriter,
  PointsWriter,
  RunningQueries,
  StatementExecutor,
  WriteWindows,
} from '#coordinator';
import { HttpService, type QueryService, type UserDirectory, type WriteService } from '#httpd';
import {
  type Clock,
  type FileSystem,
  type Logger,
  NodeFileSystem,
  silentLogger,
  SystemClock,
} from '#kernel';
import { LocalMetaStore, MetaClient } from '#meta';
import { ShapeTable } from '#models';
import { Store, storeStatistics } from '#tsdb';
import { WorkerCompactor, WorkerSnapshotter } from '#tsm';
import type { ServerConfig } from './config-registry.js';
import { DeadLettersPart } from './dead-letters-part.js';
import { createEngine } from './engine.js';
import { HttpPart } from './http-part.js';
import { JobsPart } from './jobs-part.js';
import { IngestPart } from './ingest-part.js';
import { InputsPart } from './inputs-part.js';
import { MonitorPart } from './monitor-part.js';
import { PrometheusPart } from './prometheus-part.js';
import { warnOfOpenKeys } from './open-keys.js';
import type { ServerPart } from './server.js';
import { StartProgress, storePhase } from './start-progress.js';
import { storageCommands } from './storage-commands.js';
import { SubscriberPart } from './subscriber-part.js';

/** The parts of a server that others look at. */
export interface Composition {
  /** In the order in which they open. */
  readonly parts: readonly ServerPart[];
  readonly progress: StartProgress;
  readonly http: HttpPart;
  readonly inputs: InputsPart;
}

/**
 * Makes all parts; nothing is opened yet.
 * @param configFolder where relative paths of plugins start
 */
export function compose(
  config: ServerConfig,
  logger: Logger,
  configFolder = process.cwd(),
): Composition {
  const clock: Clock = new SystemClock();
  const files: FileSystem = new NodeFileSystem();
  const progress = new StartProgress();
  const metaLogger = config.meta.isLoggingEnabled ? logger.with({ service: 'meta' }) : silentLogger;
  const metaStore = new LocalMetaStore(files, config.meta.dir, metaLogger);
  const meta = new MetaClient({
    store: metaStore,
    config: config.meta,
    clock,
    logger: metaLogger,
  });
  const shapes = new ShapeTable();
  const deadLetters = new DeadLettersPart(config, { files, clock, logger });
  const rejects = deadLetters.letters;
  const ingest = new IngestPart(clock, deadLetters.httpRejects);
  const snapshotter = new WorkerSnapshotter();
  const compactor = new WorkerCompactor({
    concurrentMax:
      config.data.concurrentCompactionsMax || Math.max(1, Math.floor(availableParallelism() / 2)),
    throughputBytes: config.data.compactThroughputBytes,
    burstBytes: config.data.compactThroughputBurstBytes,
  });
  const monitor: MonitorPart = new MonitorPart(config, {
    meta,
    store: { index: (database) => store.index(database) },
    lines: { write: (request) => lines.write({ ...request, books: ingest.monitor }) },
    clock,
    logger,
  });
  const store: Store = new Store({
    files: monitor.timedFiles(files),
    clock,
    logger: logger.with({ service: 'store' }),
    shapes,
    snapshotter: monitor.timedSnapshots(snapshotter),
    compactor: monitor.timedCompactions(compactor),
    gate: monitor.gate,
    config: config.data,
  });
  const writer = new PointsWriter({
    meta,
    store,
    clock,
    logger: logger.with({ service: 'write' }),
    writeTimeoutMs: config.coordinator.writeTimeoutMs,
    windows: new WriteWindows(config.coordinator, clock, logger.with({ service: 'write' })),
  });
  const lines: LineWriter = new LineWriter({ store, writer, shapes, clock });
  const jobs: JobsPart = new JobsPart(config, {
    meta,
    metaStore,
    store,
    lines: { write: (request) => lines.write({ ...request, books: ingest.monitor }) },
    statements: { run: (request) => executor.run(request) },
    isShardInUse: (id) => engine.isShardInUse(id),
    files,
    clock,
    logger,
  });
  writer.addListener(jobs.writeListener);
  for (const listener of monitor.writeListeners) writer.addListener(listener);
  const subscriber = new SubscriberPart(config, {
    meta,
    metaStore,
    store,
    files,
    clock,
    logger,
    rejects,
  });
  writer.addListener(subscriber);
  const inputs = new InputsPart(config, {
    meta,
    store,
    writer,
    shapes,
    clock,
    files,
    logger,
    configFolder,
    rejects,
  });
  const queries = new RunningQueries(clock, {
    concurrentMax: config.coordinator.concurrentQueriesMax,
    timeoutMs: config.coordinator.queryTimeoutMs,
  });
  const engine = createEngine({
    meta,
    store,
    writer: new IntoWriter(writer, shapes, ingest.into),
    cqWriter: new IntoWriter(writer, shapes, ingest.continuousQueries),
    config: config.coordinator,
    clock,
    logger: logger.with({ service: 'query' }),
  });
  store.isShardRead = (id) => engine.isShardInUse(id);
  const prometheus = new PrometheusPart(config.prometheus, {
    meta,
    store,
    writer,
    reader: engine.reader,
    shapes,
    clock,
    isReadAuthorized: config.http.isPromReadAuthEnabled,
    rejects,
  });
  ingest.sheet.add(() => [...inputs.ledgers(), prometheus.ledger]);
  const executor = new StatementExecutor({
    meta,
    engine,
    storage: storageCommands(store, clock),
    monitor: monitor.view,
    queries,
    clock,
    logger,
    isQueryLogged: config.data.isQueryLogEnabled,
    logQueriesAfterMs: config.coordinator.logQueriesAfterMs,
    extensions: [
      ...ingest.extensions,
      ...jobs.extensions,
      ...monitor.extensions,
      ...subscriber.extensions,
    ],
  });
  const service = new HttpService(
    config.http,
    {
      writer: writeService(lines, ingest.http),
      queries: executor satisfies QueryService,
      users: userDirectory(meta),
      readiness: progress,
      self: monitor.self,
    },
    {
      clock,
      logger: logger.with({ service: 'httpd' }),
      readyTimeoutMs: config.coordinator.writeTimeoutMs,
      extensions: [...ingest.syntax, ...jobs.syntax, ...monitor.syntax, ...subscriber.syntax],
    },
  );
  const letterRoutes = deadLetters.routes({
    store,
    writer,
    shapes,
    inputs: inputs.takerFor,
    prometheus: prometheus.newTaker,
    subscriber: subscriber.newTaker,
    books: ingest.replays,
  });
  const http = new HttpPart(
    config.http,
    config.tls,
    service,
    [...prometheus.routes, ...letterRoutes],
    logger.with({ service: 'httpd' }),
  );
  // In InfluxDB's order.
  const { registry } = monitor;
  registry.register('queryExecutor', () => [
    { name: 'queryExecutor', tags: {}, values: { ...executor.statistics } },
  ]);
  registry.register('store', () => storeStatistics(store));
  registry.register('write', () => [{ name: 'write', tags: {}, values: { ...writer.statistics } }]);
  registry.register('subscriber', () => subscriber.collect());
  registry.register('jobs', () => jobs.collect());
  registry.register('httpd', () => service.collect());
  registry.register('inputs', () => inputs.statistics());
  registry.registerDiagnostics('inputs', () => inputs.diagnostics());
  registry.register('prometheus', () => prometheus.statistics());
  registry.register('ingest', () => ingest.statistics());
  registry.register('deadletters', () => deadLetters.letters.statistics());
  const parts: ServerPart[] = [
    {
      name: 'private keys',
      open: () => warnOfOpenKeys(config, logger),
      close: () => undefined,
    },
    monitor.runtimeWatch,
    inputs.preparation,
    // Listening comes first: /ping and /ready answer while the store loads, and writes wait for it.
    http,
    { name: 'meta client', open: () => meta.open(), close: () => meta.close() },
    // Its thread loads while the store does; it is closed before the store.
    { name: 'query threads', open: () => engine.open(), close: () => Promise.resolve() },
    storePart(config, { meta, store, workers: [snapshotter, compactor], progress, logger }),
    {
      name: 'query engine',
      open: () => undefined,
      close: async () => {
        queries.close();
        await engine.close();
      },
    },
    subscriber,
    jobs,
    monitor,
    deadLetters,
    // Last to open, so that what they receive can be stored; first of these to close.
    inputs,
  ];
  return { parts, progress, http, inputs };
}

interface StorePieces {
  readonly meta: MetaClient;
  readonly store: Store;
  /** Ended when the store has closed. */
  readonly workers: readonly { close(): Promise<void> }[];
  readonly progress: StartProgress;
  readonly logger: Logger;
}

function storePart(
  config: ServerConfig,
  { meta, store, workers, progress, logger }: StorePieces,
): ServerPart {
  return {
    name: 'tsdb store',
    open: async () => {
      const log = logger.with({ service: 'store' });
      log.info('Using data dir', { path: config.data.dir });
      progress.detail = () => storePhase(store.progress);
      const startedMs = performance.now();
      await store.open(shardIdentities(meta));
      progress.detail = () => ({});
      log.info('Open store (end)', {
        shards: store.progress.shards.opened,
        durationMs: Math.round(performance.now() - startedMs),
      });
    },
    close: async () => {
      await store.close();
      for (const worker of workers) await worker.close();
    },
  };
}

/** The shards that metadata knows, groups under deletion apart. */
function shardIdentities(meta: MetaClient) {
  return meta.databases().flatMap((database) =>
    database.retentionPolicies.flatMap((policy) =>
      policy.shardGroups
        .filter((group) => group.deletedAtNs === 0n)
        .flatMap((group) =>
          group.shards.map((shard) => ({
            id: shard.id,
            database: database.name,
            retentionPolicy: policy.name,
            startNs: group.startNs,
            endNs: group.endNs,
          })),
        ),
    ),
  );
}

function writeService(lines: LineWriter, books: LineBooks): WriteService {
  return {
    async write(request) {
      const source = { listener: 'http', peer: request.peer };
      const outcome = await lines.write({ ...request, source, books });
      const { points, values, dropped, rejectedCount, verdicts } = outcome;
      const errorText = lineWriteErrorText(outcome);
      return { points, values, dropped, rejectedCount, errorText, verdicts };
    },
  };
}

function userDirectory(meta: MetaClient): UserDirectory {
  return {
    hasDatabase: (name) => meta.database(name) !== undefined,
    hasAdmin: () => meta.snapshot.hasAdmin(),
    user: (name) => meta.snapshot.user(name),
    authenticate: (name, password) => meta.authenticate(name, password),
  };
}
