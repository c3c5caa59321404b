/**
 * The parts of the HTTP server put together from its configuration and ports, without the framework.
 */
import { type Clock, type Logger } from '#kernel';
import type { StatementExtension } from '#influxql';
import { AccessLog } from './access-log.js';
import { Authenticator } from './authenticator.js';
import { BufferPool } from './buffer-pool.js';
import type { HttpConfig } from './httpd.config.js';
import type {
  QueryService,
  Readiness,
  SelfKnowledge,
  StatisticsEntry,
  UserDirectory,
  WriteService,
} from './ports.js';
import { QueryHandler } from './query-handler.js';
import { RequestPipeline } from './request-pipeline.js';
import { RequestTracker } from './request-tracker.js';
import type { RouteMountParts } from './route-mount.js';
import { newHttpdStatistics } from './statistics.js';
import { StatusHandlers } from './status-handlers.js';
import { Throttle } from './throttle.js';
import type { HttpdParts } from './tokens.js';
import { WriteHandler } from './write-handler.js';

/** What the server needs of the rest. */
export interface HttpServicePorts {
  readonly writer: WriteService;
  readonly queries: QueryService;
  readonly users: UserDirectory;
  readonly readiness: Readiness;
  readonly self: SelfKnowledge;
}

/** What it runs on. */
export interface HttpServiceContext {
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long requests wait for the store at the start: `write-timeout`. */
  readonly readyTimeoutMs: number;
  readonly extensions: readonly StatementExtension[];
}

/** The server's parts and counters. */
export class HttpService {
  readonly parts: HttpdParts;
  readonly mount: RouteMountParts;
  private readonly statistics = newHttpdStatistics();
  private readonly accessLog: AccessLog | null;
  private readonly bytesByUser: Map<string, number> | null;
  private readonly bindAddress: string;

  constructor(config: HttpConfig, ports: HttpServicePorts, context: HttpServiceContext) {
    const { statistics } = this;
    const { clock, logger } = context;
    const { users, readiness, self } = ports;
    const pool = new BufferPool();
    const { bodySizeMaxBytes } = config;
    const authenticator = new Authenticator({
      users,
      isEnabled: config.isAuthEnabled,
      sharedSecret: config.sharedSecret,
      clock,
    });
    this.bindAddress = config.bindAddress;
    this.bytesByUser = config.areQueryBytesPerUser ? new Map() : null;
    this.accessLog = config.isLogEnabled
      ? new AccessLog({
          path: config.accessLogPath,
          statusFilters: config.accessLogStatusFilters,
          isWriteLogSuppressed: config.isWriteLogSuppressed,
        })
      : null;
    const throttle = new Throttle({
      activeMax: config.concurrentWritesMax,
      waitingMax: config.enqueuedWritesMax,
      waitTimeoutMs: config.enqueuedWriteTimeoutMs,
    });
    this.mount = { authenticator, throttle, statistics, pool, bodySizeMaxBytes };
    const tracker = new RequestTracker();
    this.parts = {
      pipeline: new RequestPipeline({
        authenticator,
        readiness,
        accessLog: this.accessLog,
        statistics,
        tracker,
        self,
        logger,
        clock,
        realm: config.realm,
        headers: config.headers,
        readyTimeoutMs: context.readyTimeoutMs,
      }),
      writes: new WriteHandler({
        writer: ports.writer,
        users,
        authenticator,
        throttle,
        pool,
        statistics,
        bodySizeMaxBytes,
        tracer: config.isWriteTraced ? logger : null,
      }),
      queries: new QueryHandler({
        queries: ports.queries,
        authenticator,
        pool,
        statistics,
        logger,
        bodySizeMaxBytes,
        rowsMax: config.rowLimitMax,
        extensions: context.extensions,
        bytesByUser: this.bytesByUser,
      }),
      status: new StatusHandlers({
        readiness,
        self,
        statistics,
        tracker,
        logger,
        clock,
      }),
      isPingGuarded: config.isPingAuthEnabled,
      isProfilingServed: config.isPprofEnabled,
      isDebugGuarded: config.isPprofAuthEnabled,
    };
  }

  /** Requests that have not been answered yet. */
  get requestsActive(): number {
    return this.statistics.reqActive;
  }

  open(): void {
    this.accessLog?.open();
  }

  async close(): Promise<void> {
    await this.accessLog?.close();
  }

  /** The server's own counters. */
  collect(): readonly StatisticsEntry[] {
    const perUser = [...(this.bytesByUser ?? [])].map(([user, bytes]) => ({
      name: 'userquerybytes',
      tags: { bind: this.bindAddress, user },
      values: { userQueryRespBytes: bytes },
    }));
    return [
      { name: 'httpd', tags: { bind: this.bindAddress }, values: { ...this.statistics } },
      ...perUser,
    ];
  }
}
