/** Injection tokens of the HTTP server's parts. */
import type { QueryHandler } from './query-handler.js';
import type { RequestPipeline } from './request-pipeline.js';
import type { StatusHandlers } from './status-handlers.js';
import type { WriteHandler } from './write-handler.js';

/** The parts that controllers serve requests with. */
export interface HttpdParts {
  readonly pipeline: RequestPipeline;
  readonly writes: WriteHandler;
  readonly queries: QueryHandler;
  readonly status: StatusHandlers;
  /** `ping-auth-enabled`: whether /ping, /status and /metrics need a user. */
  readonly isPingGuarded: boolean;
  /** `pprof-enabled`: whether /debug/pprof is served. */
  readonly isProfilingServed: boolean;
  /** `pprof-auth-enabled`: whether all of /debug needs an administrator. */
  readonly isDebugGuarded: boolean;
}

/** Token of {@link HttpdParts}. */
export const HTTPD_PARTS = Symbol('httpd.parts');
