/**
 * Collects points of a stream into batches: hands one to the writer when `batch-size` points are there, or `batch-timeout` after
 * the first of them. @see InfluxDB tsdb.PointBatcher
 */
import { PointsBuilder, type ShapeTable } from '#models';
import {
  type BatchStatistics,
  BatchWriter,
  type BatchWriterConfig,
  type BatchWriterParts,
} from './batch-writer.js';
import { PeerSources } from './peer-sources.js';

/** How to collect and where to write. Names are those of the configuration. */
export interface BatcherConfig extends BatchWriterConfig {
  /** `batch-size`: points. */
  readonly batchSize: number;
  /** `batch-timeout` */
  readonly batchTimeoutMs: number;
}

/** What a batcher works with. */
export interface BatcherParts extends BatchWriterParts {
  readonly shapes: ShapeTable;
}

/** Same as InfluxDB 1.x where a size or time is configured as 0. */
export const BATCH_SIZE_DEFAULT = 5000;
export const BATCH_TIMEOUT_DEFAULT_MS = 1000;

/** Collects and writes the points of one listener. */
export class Batcher {
  /** What points are added to; call {@link added} after each, or after a few. */
  readonly builder: PointsBuilder;
  /** Points that make a batch. */
  readonly batchSize: number;
  private readonly batchTimeoutMs: number;
  private readonly writer: BatchWriter;
  private readonly peers: PeerSources;
  private timer: NodeJS.Timeout | null = null;

  constructor(
    private readonly config: BatcherConfig,
    private readonly parts: BatcherParts,
  ) {
    this.builder = new PointsBuilder(parts.shapes);
    this.batchSize = config.batchSize || BATCH_SIZE_DEFAULT;
    this.batchTimeoutMs = config.batchTimeoutMs || BATCH_TIMEOUT_DEFAULT_MS;
    this.writer = new BatchWriter(config, parts);
    this.peers = new PeerSources(parts.ledger.listener);
  }

  get statistics(): BatchStatistics {
    return this.writer.statistics;
  }

  /** See {@link BatchWriter.isBusy}. */
  get isBusy(): boolean {
    return this.writer.isBusy;
  }

  /** Says who sent what is added from now on. */
  from(peer: string): void {
    this.builder.markSource(this.peers.of(peer));
  }

  /** Writes a full batch, or sees to it that the points added do not wait too long. */
  added(): void {
    const { pointCount } = this.builder;
    if (pointCount >= this.batchSize) this.flush();
    else if (pointCount > 0) this.timer ??= setTimeout(() => this.flush(), this.batchTimeoutMs);
  }

  /** Hands the points collected so far to the writer. */
  flush(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    if (this.builder.pointCount === 0) return;
    const batch = this.builder.take(this.parts.sink.series(this.config.database));
    this.writer.push(batch, () => this.builder.recycle(batch));
  }

  /** Writes everything, and resolves when it is stored or lost. The batcher can be used again afterwards. */
  async close(): Promise<void> {
    this.flush();
    await this.writer.drain();
  }
}
