/** The scheduled jobs as a part of the server: retention, precreation and continuous queries under @nestjs/schedule. */
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { StatisticsEntry } from '#httpd';
import type { ExtensionHandler, LineWriter, WriteListener } from '#coordinator';
import type { StatementExtension } from '#influxql';
import {
  ContinuousQueries,
  cqGapsExtension,
  cqGapsHandler,
  type CqRunRecorder,
  CqStates,
  type Job,
  LatePoints,
  LeaseTaskRunner,
  Precreation,
  Retention,
  selectIntoOver,
  type StatementSource,
  StoreShards,
} from '#jobs';
import { JobScheduler, JobsModule } from '#jobs/module';
import { type Clock, type FileSystem, type Logger, messageOf } from '#kernel';
import type { MetaClient, MetaStore } from '#meta';
import { padBody } from '#models';
import type { Store } from '#tsdb';
import type { ServerConfig } from './config-registry.js';
import type { ServerPart } from './server.js';
import { nestLogger } from './server-log.js';

/** What the jobs work on. */
export interface JobsParts {
  readonly meta: MetaClient;
  readonly metaStore: MetaStore;
  readonly store: Store;
  readonly lines: Pick<LineWriter, 'write'>;
  readonly statements: StatementSource;
  readonly isShardInUse: (id: number) => boolean;
  readonly files: FileSystem;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Runs what the configuration enables. */
export class JobsPart implements ServerPart {
  readonly name = 'scheduled jobs';
  /** Statements of ours that the jobs answer, and their syntax. */
  readonly extensions: readonly ExtensionHandler[];
  readonly syntax: readonly StatementExtension[] = [cqGapsExtension];
  /** Is to be told of every write. */
  readonly writeListener: WriteListener;
  private application: INestApplicationContext | null = null;
  private readonly retention: Retention;
  private readonly precreation: Precreation;
  private readonly continuousQueries: ContinuousQueries;

  constructor(
    private readonly config: ServerConfig,
    private readonly parts: JobsParts,
  ) {
    const { meta, store, files, logger } = parts;
    this.retention = new Retention({
      meta,
      shards: new StoreShards(store, files, parts.isShardInUse),
      logger: logger.with({ service: 'retention' }),
      checkIntervalMs: config.retention.checkIntervalMs,
    });
    this.precreation = new Precreation({
      meta,
      logger: logger.with({ service: 'shard-precreation' }),
      advancePeriodMs: config.precreation.advancePeriodMs,
    });
    const { clock, metaStore, statements } = parts;
    const cqLogger = logger.with({ service: 'continuous_querier' });
    const late = new LatePoints(measurementNames(store), clock);
    const states = new CqStates(metaStore, cqLogger);
    const { isLogEnabled, areLatePointsRecomputed, areStatsEnabled } = config.continuousQueries;
    this.continuousQueries = new ContinuousQueries({
      meta,
      states,
      executor: selectIntoOver(statements),
      late,
      clock,
      logger: cqLogger,
      recorder: areStatsEnabled && config.monitor.isStoreEnabled ? this.recorder() : null,
      isLogEnabled,
      areLatePointsRecomputed,
    });
    this.writeListener = late;
    this.extensions = [cqGapsHandler({ meta, states, queries: this.continuousQueries })];
  }

  async open(): Promise<void> {
    const { metaStore, clock, logger } = this.parts;
    const set = { jobs: this.jobs(), runner: new LeaseTaskRunner(metaStore), clock, logger };
    this.application = await NestFactory.createApplicationContext(JobsModule.forJobs(set), {
      logger: nestLogger(logger),
      abortOnError: false,
    });
    for (const { name, intervalMs } of set.jobs)
      logger.info('Starting scheduled job', { service: name, intervalMs });
    if (this.config.continuousQueries.isEnabled) await this.continuousQueries.open();
    this.application.get(JobScheduler).open();
  }

  async close(): Promise<void> {
    const { application } = this;
    this.application = null;
    if (application === null) return;
    await application.get(JobScheduler).close();
    if (this.config.continuousQueries.isEnabled) await this.continuousQueries.close();
    await application.close();
  }

  /** Counters of the jobs; those that InfluxDB has bear its names. */
  collect(): readonly StatisticsEntry[] {
    return [
      { name: 'cq', tags: {}, values: { ...this.continuousQueries.statistics } },
      { name: 'retention', tags: {}, values: { ...this.retention.statistics } },
      { name: 'shard-precreation', tags: {}, values: { ...this.precreation.statistics } },
    ];
  }

  private jobs(): readonly Job[] {
    const { config } = this;
    const jobs: Job[] = [];
    if (config.precreation.isEnabled) {
      jobs.push({
        name: 'shard-precreation',
        intervalMs: config.precreation.checkIntervalMs,
        isRunAtStart: true,
        run: (nowNs) => this.precreation.run(nowNs),
      });
    }
    if (config.retention.isEnabled) {
      jobs.push({
        name: 'retention',
        intervalMs: config.retention.checkIntervalMs,
        // InfluxDB waits for a whole interval: a server that is restarted often would never get there.
        isRunAtStart: true,
        run: (nowNs, { signal }) => this.retention.run(nowNs, signal),
      });
    }
    if (config.continuousQueries.isEnabled) {
      jobs.push({
        name: 'continuous_querier',
        intervalMs: config.continuousQueries.runIntervalMs,
        isRunAtStart: false,
        run: (nowNs, { signal }) => this.continuousQueries.run(nowNs, signal),
      });
    }
    return jobs;
  }

  /** Notes runs as InfluxDB does, in the monitor's database. */
  private recorder(): CqRunRecorder {
    const { lines, logger } = this.parts;
    const { storeDatabase } = this.config.monitor;
    return {
      record: async ({ database, name, startNs, endNs, durationNs, pointsWritten }, nowNs) => {
        const line =
          `cq_query,cq=${escapeTag(name)},db=${escapeTag(database)} durationNs=${durationNs}i,` +
          `endTime=${endNs}i,pointsWrittenOK=${pointsWritten}i,startTime=${startNs}i ${nowNs}`;
        const bytes = new TextEncoder().encode(line);
        try {
          await lines.write({
            database: storeDatabase,
            retentionPolicy: '',
            precision: 'ns',
            body: padBody(bytes),
            length: bytes.length,
          });
        } catch (error) {
          logger.warn('failed to store statistics', {
            service: 'continuous_querier',
            error: messageOf(error),
          });
        }
      },
    };
  }
}

function measurementNames(store: Store): ConstructorParameters<typeof LatePoints>[0] {
  return {
    measurementOf(database, seriesId) {
      const index = store.index(database);
      return index.measurements[index.measurementIdOf[seriesId]]?.name ?? '';
    },
  };
}

/** A tag's value in line protocol. */
function escapeTag(text: string): string {
  return text.replace(/[,= ]/g, '\\$&');
}
