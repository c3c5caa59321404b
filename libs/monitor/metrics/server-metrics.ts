/**
 * Everything that /metrics says: the parts' counters, distributions of durations, and Node's own metrics. Observing a duration
 * is for once a request, a sync or a compaction, not for once a point.
 */
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { StatisticsRegistry } from '../statistics.js';
import { DurationHistogram } from './duration-histogram.js';
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

/** The metrics of a server. */
export class ServerMetrics {
  private readonly registry = new Registry();
  private readonly statistics = new StatisticsMetrics();
  /** By the text of their labels. */
  private readonly requests = new Map<string, DurationHistogram>();
  /** By kind and the first digit of the status: no text is made for a request. */
  private readonly observers: Readonly<Record<RequestKind, (DurationHistogram | undefined)[]>> = {
    write: [],
    query: [],
    other: [],
  };
  /** Syncs of the write-ahead log. */
  readonly sync = new DurationHistogram(SYNC_BUCKETS);
  /** Caches written to files. */
  readonly snapshot = new DurationHistogram(FILE_BUCKETS);
  readonly compaction = new DurationHistogram(FILE_BUCKETS);
  private readonly lag = new DurationHistogram(LAG_BUCKETS);
  private lagTimer: NodeJS.Timeout | undefined;
  private isOpen = false;

  constructor(
    private readonly source: Pick<StatisticsRegistry, 'collect'>,
    version: string,
  ) {
    new Gauge({
      name: 'tidegate_build_info',
      help: 'The version that clients are told.',
      labelNames: ['version'],
      registers: [this.registry],
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
    const classes = this.observers[handler];
    const digit = Math.floor(status / 100);
    let histogram = classes[digit];
    if (histogram === undefined) {
      histogram = new DurationHistogram(REQUEST_BUCKETS);
      classes[digit] = histogram;
      this.requests.set(`handler="${handler}",code="${digit}xx",`, histogram);
    }
    histogram.observe(seconds);
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  /** The text of all metrics. */
  async render(): Promise<string> {
    const own = this.statistics.render(this.source.collect());
    return `${own}${this.durations()}${await this.registry.metrics()}`;
  }

  private durations(): string {
    const one = (
      name: string,
      help: string,
      histograms: Iterable<readonly [labels: string, DurationHistogram]>,
    ): string => {
      let text = `# HELP tidegate_${name}_seconds ${help}\n# TYPE tidegate_${name}_seconds histogram\n`;
      for (const [labels, histogram] of histograms)
        text += histogram.samples(`tidegate_${name}_seconds`, labels);
      return text;
    };
    const { requests, sync, snapshot, compaction, lag } = this;
    return [
      one('http_request_duration', 'Time from the request to the end of its answer.', requests),
      one('wal_sync_duration', 'Time of a sync of the write-ahead log.', [['', sync]]),
      one(
        'cache_snapshot_duration',
        'Time of writing a cache to TSM files, the wait for the thread included.',
        [['', snapshot]],
      ),
      one('compaction_duration', 'Time of a compaction.', [['', compaction]]),
      one('event_loop_lag', 'How late timers of the main thread are.', [['', lag]]),
    ].join('');
  }
}
