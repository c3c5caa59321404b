/**
 * What every request goes through, whatever its route: id, common headers, cross-origin headers, waiting for the store,
 * authentication, the handler, errors, counters, access log.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Clock, type Logger, messageOf, TidegateError } from '#kernel';
import type { AccessLog } from './access-log.js';
import type { Authenticator, Identity } from './authenticator.js';
import { HttpError } from './errors.js';
import { Exchange } from './exchange.js';
import type { Readiness, RoutePrivilege, SelfKnowledge } from './ports.js';
import { newRequestId } from './request-id.js';
import type { RequestTracker } from './request-tracker.js';
import type { HttpdStatistics } from './statistics.js';
import { REPORTED_VERSION } from './version.js';

/** What the pipeline stands on. */
export interface RequestPipelineParts {
  readonly authenticator: Authenticator;
  readonly readiness: Readiness;
  /** Null where requests are not logged. */
  readonly accessLog: AccessLog | null;
  readonly statistics: HttpdStatistics;
  readonly tracker: RequestTracker;
  readonly self: Pick<SelfKnowledge, 'observeRequest'>;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly realm: string;
  /** Headers of `[http.headers]`. */
  readonly headers: Readonly<Record<string, string>>;
  /** How long requests that need the store wait for it at the start. */
  readonly readyTimeoutMs: number;
}

/** How a route wants to be served. */
export interface RouteSpec {
  readonly privilege: RoutePrivilege;
  /** Whether it has to wait until the store is open. */
  readonly needsStore: boolean;
  /** Content type unless the handler sets another. */
  readonly contentType: string | null;
  /** What /debug/requests counts it as; absent for neither. */
  readonly trackedAs?: 'writes' | 'queries';
  /** True for what no route of InfluxDB 1.x serves: its answers have neither ids nor cross-origin headers. */
  readonly isBare?: boolean;
  /** Whether 2.x's `Token user:password` counts. */
  readonly isTokenAllowed?: boolean;
  handle(exchange: Exchange, identity: Identity): Promise<void> | void;
}

const ALLOWED_METHODS = 'DELETE, GET, OPTIONS, POST, PUT';
const ALLOWED_HEADERS =
  'Accept, Accept-Encoding, Authorization, Content-Length, Content-Type, X-CSRF-Token, X-HTTP-Method-Override';
const EXPOSED_HEADERS = 'Date, X-InfluxDB-Version, X-InfluxDB-Build';

const KINDS = { writes: 'write', queries: 'query', other: 'other' } as const;

/** Serves requests. */
export class RequestPipeline {
  constructor(private readonly parts: RequestPipelineParts) {}

  /** Serves one request; never rejects. */
  async serve(request: IncomingMessage, response: ServerResponse, route: RouteSpec): Promise<void> {
    const { statistics, accessLog, self } = this.parts;
    const startedMs = performance.now();
    const nowMs = Number(this.parts.clock.nowNs() / 1_000_000n);
    const exchange = new Exchange(request, response, requestIdOf(request, nowMs));
    statistics.req++;
    statistics.reqActive++;
    this.setHeaders(exchange, route);
    try {
      const identity = await this.admit(exchange, route);
      if (route.trackedAs !== undefined) {
        this.parts.tracker.note(route.trackedAs, exchange.username, exchange.peer);
      }
      await route.handle(exchange, identity);
    } catch (error) {
      this.fail(exchange, error);
    }
    const durationMs = performance.now() - startedMs;
    statistics.reqActive--;
    statistics.reqDurationNs += Math.round(durationMs * 1e6);
    if (response.statusCode >= 500) statistics.serverError++;
    else if (response.statusCode >= 400) statistics.clientError++;
    self.observeRequest(KINDS[route.trackedAs ?? 'other'], response.statusCode, durationMs / 1000);
    accessLog?.add(exchange, nowMs, durationMs);
  }

  private async admit(exchange: Exchange, route: RouteSpec): Promise<Identity> {
    const { authenticator, readiness, readyTimeoutMs, statistics } = this.parts;
    if (
      route.needsStore &&
      readiness.pending() !== null &&
      !(await readiness.waitUntilReady(readyTimeoutMs))
    ) {
      throw HttpError.notReady();
    }
    if (route.privilege === 'none' || !authenticator.isEnabled) return { kind: 'open' };
    try {
      const identity = await authenticator.identify(
        exchange.url,
        exchange.request.headers.authorization,
        route.isTokenAllowed,
      );
      if (identity.kind === 'user') exchange.username = identity.user.name;
      if (route.privilege === 'admin') authenticator.authorizeAdmin(identity);
      return identity;
    } catch (error) {
      statistics.authFail++;
      throw error;
    }
  }

  private setHeaders({ request, response, requestId }: Exchange, route: RouteSpec): void {
    const { headers } = this.parts;
    response.setHeader('X-Influxdb-Version', REPORTED_VERSION);
    response.setHeader('X-Influxdb-Build', 'OSS');
    if (route.isBare !== true) {
      response.setHeader('Request-Id', requestId);
      response.setHeader('X-Request-Id', requestId);
    }
    if (route.contentType !== null) response.setHeader('Content-Type', route.contentType);
    for (const name in headers) response.setHeader(name, headers[name]);
    const { origin } = request.headers;
    if (origin === undefined || route.isBare === true) return;
    response.setHeader('Access-Control-Allow-Origin', origin);
    response.setHeader('Access-Control-Allow-Methods', ALLOWED_METHODS);
    response.setHeader('Access-Control-Allow-Headers', ALLOWED_HEADERS);
    response.setHeader('Access-Control-Expose-Headers', EXPOSED_HEADERS);
  }

  private fail(exchange: Exchange, error: unknown): void {
    const { logger, realm, statistics } = this.parts;
    if (!(error instanceof TidegateError)) {
      statistics.recoveredPanics++;
      logger.error('Request failed unexpectedly', {
        error: messageOf(error),
        stack: error instanceof Error ? error.stack : undefined,
        requestId: exchange.requestId,
      });
    }
    exchange.sendError(error, realm);
  }
}

/** The client's own id where it is a plain one, else a new one. */
function requestIdOf(request: IncomingMessage, nowMs: number): string {
  const given = request.headers['x-request-id'] ?? request.headers['request-id'];
  return typeof given === 'string' && /^[\x21-\x7e]{1,128}$/.test(given)
    ? given
    : newRequestId(nowMs);
}
