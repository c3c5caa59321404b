/** Prometheus' remote write and remote read bound to metadata, storage and the HTTP server. Wiring only. */
import type { PointsWriter, StoreReader } from '#coordinator';
import type { HttpRoute } from '#httpd';
import {
  type IngestLedger,
  type InputStatistics,
  type LetterTaker,
  type PrometheusConfig,
  PrometheusService,
  READ_BODY_MAX_BYTES,
  type RejectSink,
} from '#inputs';
import type { Clock } from '#kernel';
import type { MetaClient } from '#meta';
import type { ShapeTable } from '#models';
import type { Store } from '#tsdb';

/** What remote write and read stand on. */
export interface PrometheusPartOptions {
  readonly meta: MetaClient;
  readonly store: Store;
  readonly writer: PointsWriter;
  /** Knows which shards are being read. */
  readonly reader: StoreReader;
  readonly shapes: ShapeTable;
  readonly clock: Clock;
  /** `prom-read-auth-enabled` */
  readonly isReadAuthorized: boolean;
  /** Keeps bodies that cannot be read. */
  readonly rejects: RejectSink;
}

/** Routes and counters. */
export class PrometheusPart {
  readonly routes: readonly HttpRoute[];
  private readonly service: PrometheusService;

  constructor(config: PrometheusConfig, options: PrometheusPartOptions) {
    const { meta, store, writer, reader, shapes, clock, rejects } = options;
    const service = new PrometheusService({
      config,
      sink: {
        series: (name) => (meta.database(name) === undefined ? null : store.index(name)),
        keyOf: (name, seriesId) => store.index(name).keyOf(seriesId),
        write: (write) => writer.write(write),
      },
      reader: {
        hasDatabase: (name) => meta.database(name) !== undefined,
        hasRetentionPolicy: (name, policy) => meta.retentionPolicy(name, policy) !== undefined,
        view: (source) => reader.view(source),
      },
      shapes,
      clock,
      isReadAuthorized: options.isReadAuthorized,
      rejects,
    });
    this.service = service;
    this.routes = [
      {
        method: 'POST',
        path: '/api/v1/prom/write',
        privilege: 'user',
        isThrottled: true,
        trackedAs: 'writes',
        ...(config.writeBodySizeMaxBytes > 0 && { bodySizeMaxBytes: config.writeBodySizeMaxBytes }),
        handle: (request) => service.write(request),
      },
      {
        method: 'POST',
        path: '/api/v1/prom/read',
        privilege: 'user',
        trackedAs: 'queries',
        bodySizeMaxBytes: READ_BODY_MAX_BYTES,
        handle: (request) => service.read(request),
      },
    ];
  }

  /** The books of remote write. */
  get ledger(): IngestLedger {
    return this.service.ledger;
  }

  /** Takes bodies that were rejected once more. */
  readonly newTaker = (): LetterTaker => this.service.newTaker();

  statistics(): readonly InputStatistics[] {
    return this.service.statistics();
  }
}
