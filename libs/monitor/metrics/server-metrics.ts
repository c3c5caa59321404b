/**
 * Everything that /metrics says: the parts' counters, distributions of durations, and Node's own metrics. Observing a duration
 * is for once a request, a sync or a compaction, not for once a point.
 */
import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { StatisticsRegistry } from '../statistics.js';
import { StatisticsMetrics } from './statistics-metrics.js';

/** From a fast write to a slow query. */
const REQUEST_BUCKETS = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
];
const SYNC_BUCKETS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1,
];
const FILE_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800];
const LAG_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5];

/** How often the lag of the event loop is measured: a ten-thousandth of a core at most. */
const LAG_INTERVAL_MS = 100;

/** Gauges of prom-client whose names Prometheus' linter refuses; others have the same numbers. */
const MISNAMED = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
];

/** What a request is counted as. */
export type RequestKind = 'write' | 'query' | 'other';

interface Observer {
  observe(seconds: number): void;
}

/** The metrics of a server. */
export class ServerMetrics {
  private readonly registry = new Registry();
  private readonly statistics = new StatisticsMetrics();
  private readonly requests: Histogram<'handler' | 'code'>;
  /** By kind and class of status, so that no label is looked up for a request. */
  private readonly requestObservers = new Map<string, Observer>();
  /** Syncs of the write-ahead log. */
  readonly sync: Observer;
  /** Caches written to files. */
  readonly snapshot: Observer;
  readonly compaction: Observer;
  private readonly lag: Histogram;
  private lagTimer: NodeJS.Timeout | undefined;
  private isOpen = false;

  constructor(
    private readonly source: Pick<StatisticsRegistry, 'collect'>,
    version: string,
  ) {
    const registers = [this.registry];
    const histogram = (name: string, help: string, buckets: number[]): Histogram =>
      new Histogram({ name: `tidegate_${name}_duration_seconds`, help, buckets, registers });
    this.requests = new Histogram({
      name: 'tidegate_http_request_duration_seconds',
      help: 'Time from the request to the end of its answer.',
      labelNames: ['handler', 'code'],
      buckets: REQUEST_BUCKETS,
      registers,
    });
    this.sync = histogram('wal_sync', 'Time of a sync of the write-ahead log.', SYNC_BUCKETS);
    this.snapshot = histogram(
      'cache_snapshot',
      'Time of writing a cache to TSM files, the wait for the thread included.',
      FILE_BUCKETS,
    );
    this.compaction = histogram('compaction', 'Time of a compaction.', FILE_BUCKETS);
    this.lag = new Histogram({
      name: 'tidegate_event_loop_lag_seconds',
      help: 'How late timers of the main thread are.',
      buckets: LAG_BUCKETS,
      registers,
    });
    new Gauge({
      name: 'tidegate_build_info',
      help: 'The version that clients are told.',
      labelNames: ['version'],
      registers,
    }).set({ version }, 1);
  }

  /** Begins to watch the runtime. Idempotent. */
  open(): void {
    if (this.isOpen) return;
    this.isOpen = true;
    collectDefaultMetrics({ register: this.registry });
    for (const name of MISNAMED) this.registry.removeSingleMetric(name);
    let dueMs = performance.now() + LAG_INTERVAL_MS;
    this.lagTimer = setInterval(() => {
      const nowMs = performance.now();
      this.lag.observe(Math.max(0, nowMs - dueMs) / 1000);
      dueMs = nowMs + LAG_INTERVAL_MS;
    }, LAG_INTERVAL_MS);
    this.lagTimer.unref();
  }

  close(): void {
    this.isOpen = false;
    clearInterval(this.lagTimer);
  }

  /** Takes note of a request that has been answered. */
  observeRequest(handler: RequestKind, status: number, seconds: number): void {
    const code = `${Math.floor(status / 100)}xx`;
    const key = handler + code;
    let observer = this.requestObservers.get(key);
    if (observer === undefined) {
      observer = this.requests.labels(handler, code);
      this.requestObservers.set(key, observer);
    }
    observer.observe(seconds);
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  /** The text of all metrics. */
  async render(): Promise<string> {
    const own = this.statistics.render(this.source.collect());
    return `${own}${await this.registry.metrics()}`;
  }
}
