/** /ping, /status, /health, /ready, /metrics and /debug: what the server says of itself. */
import type { Clock, Logger } from '#kernel';
import { debugVarsText } from '#monitor';
import { HttpError } from './errors.js';
import type { Exchange } from './exchange.js';
import type { Readiness, SelfKnowledge } from './ports.js';
import type { RequestTracker } from './request-tracker.js';
import { Profiler } from './profiler.js';
import type { HttpdStatistics } from './statistics.js';
import { REPORTED_VERSION } from './version.js';

/** What the handlers stand on. */
export interface StatusHandlerParts {
  readonly readiness: Readiness;
  readonly self: SelfKnowledge;
  readonly statistics: HttpdStatistics;
  readonly tracker: RequestTracker;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** Longest look at requests. */
const LOOK_SECONDS_MAX = 3600;

/** Answers questions about the server. */
export class StatusHandlers {
  private readonly startedNs: bigint;
  private readonly profiler = new Profiler();

  constructor(private readonly parts: StatusHandlerParts) {
    this.startedNs = parts.clock.nowNs();
  }

  /** 204; a body with the version for clients that ask for JSON and `verbose`. */
  ping(exchange: Exchange): void {
    this.parts.statistics.pingReq++;
    const verbose = exchange.url.get('verbose');
    const wantsBody = verbose !== '' && verbose !== '0' && verbose !== 'false';
    exchange.response.setHeader('Content-Type', 'application/json');
    if (wantsBody && (exchange.request.headers.accept ?? '').includes('application/json')) {
      exchange.send(200, 'application/json', `${JSON.stringify({ version: REPORTED_VERSION })}\n`);
    } else exchange.sendEmpty(204);
  }

  /** The same as ping, deprecated. */
  status(exchange: Exchange): void {
    this.parts.statistics.statusReq++;
    this.parts.logger.warn('WARNING: /status has been deprecated.  Use /ping instead.');
    exchange.response.setHeader('Content-Type', 'application/json');
    exchange.sendEmpty(204);
  }

  /** Liveness, as 1.8 has it. */
  health(exchange: Exchange): void {
    const body = {
      name: 'influxdb',
      message: 'ready for queries and writes',
      status: 'pass',
      checks: [],
      version: REPORTED_VERSION,
    };
    exchange.send(200, 'application/json', `${JSON.stringify(body)}\n`);
  }

  /** 200 once everything is open; 503 with what is under way until then. */
  ready(exchange: Exchange): void {
    const pending = this.parts.readiness.pending();
    const uptimeSeconds = Number((this.parts.clock.nowNs() - this.startedNs) / 1_000_000_000n);
    if (pending === null) {
      exchange.send(
        200,
        'application/json',
        `${JSON.stringify({ status: 'ready', uptimeSeconds })}\n`,
      );
      return;
    }
    exchange.response.setHeader('Retry-After', '5');
    exchange.send(
      503,
      'application/json',
      `${JSON.stringify({ status: 'starting', ...pending, uptimeSeconds })}\n`,
    );
  }

  /** Who writes and queries, over the next `seconds` (10). Same as InfluxDB 1.x. */
  async debugRequests(exchange: Exchange): Promise<void> {
    const asked = exchange.url.get('seconds');
    const seconds = asked === '' ? 10 : Number(asked);
    if (!Number.isInteger(seconds) || seconds <= 0 || seconds > LOOK_SECONDS_MAX) {
      throw HttpError.badParameters('invalid seconds');
    }
    const ended = new AbortController();
    exchange.response.on('close', () => ended.abort());
    const text = await this.parts.tracker.look(seconds * 1000, ended.signal);
    exchange.send(200, 'application/json; charset=utf-8', text);
  }

  /** A CPU or heap profile, over `seconds`. */
  async profile(exchange: Exchange): Promise<void> {
    const path = (exchange.request.url ?? '').split('?')[0] ?? '';
    const ended = new AbortController();
    exchange.response.on('close', () => ended.abort());
    const profile = await this.profiler.take(
      path.slice('/debug/pprof/'.length),
      exchange.url.get('seconds'),
      ended.signal,
    );
    if (profile === null) {
      const text =
        'profiles of Tidegate, for the developer tools of Chromium:\n  profile?seconds=30\n  heap?seconds=5\n';
      exchange.send(path === '/debug/pprof/' ? 200 : 404, 'text/plain; charset=utf-8', text);
      return;
    }
    exchange.response.setHeader(
      'Content-Disposition',
      `attachment; filename="${profile.fileName}"`,
    );
    exchange.send(200, 'application/octet-stream', profile.text);
  }

  /** Prometheus' text format. */
  async metrics(exchange: Exchange): Promise<void> {
    const { self } = this.parts;
    exchange.send(200, self.metricsContentType, await self.renderMetrics());
  }

  /** All counters as JSON in 1.x's layout: `system`, `cmdline`, `memstats`, then one object a part. */
  debugVars(exchange: Exchange): void {
    const now = this.parts.clock.nowNs();
    const toIso = (ns: bigint): string => new Date(Number(ns / 1_000_000n)).toISOString();
    const times = {
      currentTime: toIso(now),
      started: toIso(this.startedNs),
      uptime: Number((now - this.startedNs) / 1_000_000_000n),
    };
    const text = debugVarsText(times, this.parts.self.collect());
    exchange.send(200, 'application/json; charset=utf-8', text);
  }
}
