/**
 * Remote write and remote read together: their handlers, which apps/tidegate mounts on the HTTP server, their books and their
 * counters.
 */
import type { Clock } from '#kernel';
import type { ShapeTable } from '#models';
import type { LetterTaker } from '../dead-letters/replay-letters.js';
import { IngestLedger, ledgerOf } from '../shared/ingest-ledger.js';
import type { InputStatistics, RejectSink } from '../shared/input.js';
import { bodyTaker } from './body-taker.js';
import type { PrometheusRequest, PrometheusResult, PrometheusSink, SeriesReader } from './ports.js';
import type { PrometheusConfig } from './prometheus.config.js';
import { ReadHandler } from './read.handler.js';
import { newPrometheusStatistics } from './statistics.js';
import { WriteHandler } from './write.handler.js';

/** Name in the books. */
const LISTENER = 'prometheus';

/** What the service stands on. */
export interface PrometheusServiceParts {
  readonly config: PrometheusConfig;
  readonly sink: PrometheusSink;
  readonly reader: SeriesReader;
  /** The process' table of shapes. */
  readonly shapes: ShapeTable;
  readonly clock: Clock;
  /** Whether who reads must have READ on the database; true unless given. */
  readonly isReadAuthorized?: boolean;
  /** Keeps bodies that cannot be read, and what storage refuses. */
  readonly rejects?: RejectSink;
}

/** Serves Prometheus. Has nothing to open or close. */
export class PrometheusService {
  readonly ledger: IngestLedger;
  private readonly counters = newPrometheusStatistics();
  private readonly writes: WriteHandler;
  private readonly reads: ReadHandler;

  constructor(private readonly parts: PrometheusServiceParts) {
    const { config, sink, reader, shapes, clock } = parts;
    const { counters: statistics } = this;
    this.ledger =
      parts.rejects === undefined
        ? new IngestLedger(LISTENER, clock)
        : ledgerOf(LISTENER, clock, parts.rejects);
    this.writes = new WriteHandler({ config, sink, shapes, ledger: this.ledger, statistics });
    this.reads = new ReadHandler({
      config,
      reader,
      statistics,
      isAuthorized: parts.isReadAuthorized ?? true,
    });
  }

  /** Answers POST /api/v1/prom/write. @throws TidegateError */
  write(request: PrometheusRequest): Promise<PrometheusResult> {
    return this.writes.handle(request);
  }

  /** Answers POST /api/v1/prom/read. @throws TidegateError */
  read(request: PrometheusRequest): Promise<PrometheusResult> {
    return this.reads.handle(request);
  }

  /** Takes bodies that were rejected through a handler of its own, with books of its own. */
  newTaker(): LetterTaker {
    const { config, sink, shapes, clock } = this.parts;
    const ledger = new IngestLedger(LISTENER, clock);
    const statistics = newPrometheusStatistics();
    return bodyTaker(new WriteHandler({ config, sink, shapes, ledger, statistics }), ledger);
  }

  statistics(): readonly InputStatistics[] {
    return [{ name: 'prometheus', tags: {}, values: { ...this.counters } }];
  }
}
