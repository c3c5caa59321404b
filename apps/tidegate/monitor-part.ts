/**
 * What the server knows of itself, as a part: the registry that the other parts register with, metrics, the gate before new
 * series, who writes most, and the recorder of statistics under @nestjs/schedule.
 */
import { hostname } from 'node:os';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { ExtensionHandler, LineWriter, MonitorView, WriteListener } from '#coordinator';
import { REPORTED_VERSION, type SelfKnowledge } from '#httpd';
import type { StatementExtension } from '#influxql';
import type { Clock, FileSystem, Logger } from '#kernel';
import type { MetaClient } from '#meta';
import {
  CardinalityFirewall,
  IngressCounters,
  RuntimeStatistics,
  serverDiagnostics,
  ServerMetrics,
  showTopExtension,
  showTopHandler,
  StatisticsRecorder,
  StatisticsRegistry,
  TopTalkers,
  withTimedCompactions,
  withTimedSnapshots,
  withTimedSyncs,
} from '#monitor';
import { MonitorModule, RecorderScheduler } from '#monitor/module';
import type { SeriesGate, Store } from '#tsdb';
import type { Compactor, Snapshotter } from '#tsm';
import { configDiagnostics } from './config-diagnostics.js';
import type { ServerConfig } from './config-registry.js';
import type { ServerPart } from './server.js';
import { nestLogger } from './server-log.js';

/** What it stands on. */
export interface MonitorParts {
  readonly meta: MetaClient;
  readonly store: Pick<Store, 'index'>;
  readonly lines: Pick<LineWriter, 'write'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** See the header. */
export class MonitorPart implements ServerPart {
  readonly name = 'monitor service';
  /** Statistics and diagnostics of all parts. */
  readonly registry: StatisticsRegistry;
  readonly extensions: readonly ExtensionHandler[];
  readonly syntax: readonly StatementExtension[] = [showTopExtension];
  /** Are to be told of every write. */
  readonly writeListeners: readonly WriteListener[];
  /** Stands before the making of series. */
  readonly gate: SeriesGate;
  private readonly runtime = new RuntimeStatistics();
  private readonly metrics: ServerMetrics;
  private application: INestApplicationContext | null = null;

  constructor(
    private readonly config: ServerConfig,
    private readonly parts: MonitorParts,
  ) {
    const { store, clock, logger } = parts;
    const registry = new StatisticsRegistry(logger.with({ service: 'monitor' }));
    this.registry = registry;
    const { runtime } = this;
    const talkers = new TopTalkers(store, clock);
    const firewall = new CardinalityFirewall(
      config.cardinality,
      clock,
      logger.with({ service: 'cardinality' }),
    );
    this.metrics = new ServerMetrics(registry, REPORTED_VERSION);
    const ingress = new IngressCounters(config.data, store);
    this.writeListeners = [talkers, ingress];
    this.extensions = [showTopHandler(talkers)];
    this.gate = {
      isLimiting: firewall.isLimiting,
      admit: (candidate) => firewall.admit(candidate),
      made: (series) => {
        talkers.made(series);
        ingress.made(series);
      },
    };
    registry.register('runtime', () => runtime.collect());
    registry.register('ingress', () => ingress.collect());
    registry.register('cardinality', () => firewall.collect());
    const build = { version: REPORTED_VERSION, commit: '', branch: '' };
    registry.registerDiagnostics('server', serverDiagnostics(build, clock));
    registry.registerDiagnostics('config', () => configDiagnostics(config));
    registry.registerDiagnostics('cardinality', () => firewall.diagnostics());
  }

  /** What SHOW STATS and SHOW DIAGNOSTICS show. */
  get view(): MonitorView {
    const { registry } = this;
    return {
      statistics: () => registry.collect(),
      diagnostics: () => registry.diagnostics(),
    };
  }

  /** What the HTTP server shows and tells. */
  get self(): SelfKnowledge {
    const { metrics, registry } = this;
    return {
      collect: () => registry.collect(),
      metricsContentType: metrics.contentType,
      renderMetrics: () => metrics.render(),
      observeRequest: (kind, status, seconds) => metrics.observeRequest(kind, status, seconds),
    };
  }

  /** The same file system, with syncs of the log timed. */
  timedFiles(files: FileSystem): FileSystem {
    const { walDir } = this.config.data;
    return withTimedSyncs(
      files,
      (path) => path.startsWith(walDir),
      (seconds) => this.metrics.sync.observe(seconds),
    );
  }

  timedSnapshots(snapshotter: Snapshotter): Snapshotter {
    return withTimedSnapshots(snapshotter, (seconds) => this.metrics.snapshot.observe(seconds));
  }

  timedCompactions(compactor: Compactor): Compactor {
    return withTimedCompactions(compactor, (seconds) => this.metrics.compaction.observe(seconds));
  }

  /** Watches the runtime; before anything else opens. */
  readonly runtimeWatch: ServerPart = {
    name: 'runtime statistics',
    open: () => {
      this.runtime.open();
      this.metrics.open();
    },
    close: () => {
      this.metrics.close();
      this.runtime.close();
    },
  };

  async open(): Promise<void> {
    const { isStoreEnabled, storeDatabase: database, storeIntervalMs } = this.config.monitor;
    const { meta, lines, clock } = this.parts;
    const logger = this.parts.logger.with({ service: 'monitor' });
    const { isReportingEnabled, isReportingDisabled } = this.config.top;
    if (isReportingEnabled || !isReportingDisabled)
      logger.info('Usage is reported to nobody; keys about reporting are ignored');
    if (!isStoreEnabled) return;
    const recorder = new StatisticsRecorder({
      registry: this.registry,
      meta,
      lines,
      logger,
      database,
      intervalMs: storeIntervalMs,
      hostname: hostname(),
    });
    this.application = await NestFactory.createApplicationContext(
      MonitorModule.forRecorder({ recorder, clock }),
      { logger: nestLogger(logger), abortOnError: false },
    );
    logger.info('Storing statistics', { db: database, rp: 'monitor', intervalMs: storeIntervalMs });
    this.application.get(RecorderScheduler).open();
  }

  async close(): Promise<void> {
    const { application } = this;
    this.application = null;
    if (application === null) return;
    await application.get(RecorderScheduler).close();
    await application.close();
  }
}
