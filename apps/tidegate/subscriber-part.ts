/** The subscriber as a part of the server: made through Nest, opened before anything is stored, closed after the last write. */
import { readFileSync } from 'node:fs';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { AcceptedRows, ExtensionHandler, WriteListener, WriteRequest } from '#coordinator';
import type { StatementExtension } from '#influxql';
import type { LetterTaker, RejectSink } from '#inputs';
import type { Clock, FileSystem, Logger } from '#kernel';
import type { MetaClient, MetaStore } from '#meta';
import type { Subscriber } from '#subscriber';
import { subscriberExtensions, subscriberHandlers, type SubscriberStatistics } from '#subscriber';
import { SUBSCRIBER, SubscriberModule } from '#subscriber/module';
import type { Store } from '#tsdb';
import type { ServerConfig } from './config-registry.js';
import { ServerError } from './errors.js';
import { letterOfRefusal, refusedLinesTaker } from './refused-lines.js';
import type { ServerPart } from './server.js';
import { nestLogger } from './server-log.js';

/** What the subscriber works on. */
export interface SubscriberPartOptions {
  readonly meta: MetaClient;
  readonly metaStore: MetaStore;
  readonly store: Store;
  readonly files: FileSystem;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Shows lines that destinations refuse. */
  readonly rejects: RejectSink;
}

/** Forwards what was stored. */
export class SubscriberPart implements ServerPart, WriteListener {
  readonly name = 'subscriber';
  readonly syntax: readonly StatementExtension[] = subscriberExtensions;
  readonly extensions: readonly ExtensionHandler[];
  private application: INestApplicationContext | null = null;
  private subscriber: Subscriber | null = null;

  constructor(
    private readonly config: ServerConfig,
    private readonly options: SubscriberPartOptions,
  ) {
    this.extensions = subscriberHandlers(
      {
        pause: (...given) => this.opened().pause(...given),
        resume: (...given) => this.opened().resume(...given),
        rewind: (...given) => this.opened().rewind(...given),
      },
      options.clock,
    );
  }

  async open(): Promise<void> {
    const { meta, metaStore, store, files, clock, logger, rejects } = this.options;
    const { subscriber: config, coordinator, meta: metaConfig } = this.config;
    this.application = await NestFactory.createApplicationContext(
      SubscriberModule.forSubscriber({
        config,
        meta,
        metaStore,
        keysOf: (database) => store.index(database),
        files,
        directory: config.queueDir || `${metaConfig.dir.replace(/\/+$/, '')}-queue`,
        clock,
        logger: logger.with({ service: 'subscriber' }),
        blockMs: coordinator.writeTimeoutMs,
        certificates: config.caCertsPath === '' ? null : readFileSync(config.caCertsPath, 'utf8'),
        onRefused: (refusal, lines) =>
          rejects.reject(letterOfRefusal(refusal, lines, clock.nowNs())),
      }),
      { logger: nestLogger(logger), abortOnError: false },
    );
    this.subscriber = this.application.get<Subscriber>(SUBSCRIBER);
    await this.subscriber.open();
  }

  async close(): Promise<void> {
    const { application, subscriber } = this;
    this.application = null;
    this.subscriber = null;
    await subscriber?.close();
    await application?.close();
  }

  wantsLines(database: string): boolean {
    return this.subscriber?.wantsLines(database) === true;
  }

  stored(
    request: WriteRequest,
    retentionPolicy: string,
    accepted: AcceptedRows,
  ): boolean | Promise<boolean> {
    return this.subscriber?.stored(request, retentionPolicy, accepted) ?? true;
  }

  /** Sends lines that were refused once more. */
  readonly newTaker = (): LetterTaker => refusedLinesTaker(this.opened(), this.options.clock);

  /** Counters, with InfluxDB's names where it has them. */
  collect(): readonly SubscriberStatistics[] {
    return this.subscriber?.collect() ?? [];
  }

  private opened(): Subscriber {
    if (this.subscriber === null) throw ServerError.opening(this.name, 'it is not open yet');
    return this.subscriber;
  }
}
