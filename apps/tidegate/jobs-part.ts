/** The scheduled jobs as a part of the server: retention, precreation and continuous queries under @nestjs/schedule. */
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { StatisticsEntry } from '#httpd';
import { type Job, LeaseTaskRunner, Precreation, Retention, StoreShards } from '#jobs';
import { JobScheduler, JobsModule } from '#jobs/module';
import type { Clock, FileSystem, Logger } from '#kernel';
import type { MetaClient, MetaStore } from '#meta';
import type { Store } from '#tsdb';
import type { ServerConfig } from './config-registry.js';
import type { ServerPart } from './server.js';
import { nestLogger } from './server-log.js';

/** What the jobs work on. */
export interface JobsParts {
  readonly meta: MetaClient;
  readonly metaStore: MetaStore;
  readonly store: Store;
  readonly files: FileSystem;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Runs what the configuration enables. */
export class JobsPart implements ServerPart {
  readonly name = 'scheduled jobs';
  private application: INestApplicationContext | null = null;
  private readonly retention: Retention;
  private readonly precreation: Precreation;

  constructor(
    private readonly config: ServerConfig,
    private readonly parts: JobsParts,
  ) {
    const { meta, store, files, logger } = parts;
    this.retention = new Retention({
      meta,
      shards: new StoreShards(store, files),
      logger: logger.with({ service: 'retention' }),
      checkIntervalMs: config.retention.checkIntervalMs,
    });
    this.precreation = new Precreation({
      meta,
      logger: logger.with({ service: 'shard-precreation' }),
      advancePeriodMs: config.precreation.advancePeriodMs,
    });
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
    this.application.get(JobScheduler).open();
  }

  async close(): Promise<void> {
    const { application } = this;
    this.application = null;
    if (application === null) return;
    await application.get(JobScheduler).close();
    await application.close();
  }

  /** Counters of the jobs; those that InfluxDB has bear its names. */
  collect(): readonly StatisticsEntry[] {
    return [
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
    return jobs;
  }
}
