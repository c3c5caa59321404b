/**
 * Writes batches of one listener, one after the other (or `writers` at one time), and books what became of their points. At most
 * `batch-pending` batches wait; then the writer is busy, and who fills it holds back its senders (TCP) or drops and counts (UDP).
 */
import { type Logger, messageOf, TidegateError } from '#kernel';
import type { PointsBatch, PointSource } from '#models';
import type { IngestLedger } from './ingest-ledger.js';
import type { PointSink } from './point-sink.js';
import { RefusedPoints } from './refused-points.js';

/** Where to write. */
export interface BatchWriterConfig {
  readonly database: string;
  readonly retentionPolicy: string;
  /** Whether a retention policy that is missing is created; see PointSink.ensureDatabase. */
  readonly isRetentionPolicyCreated?: boolean;
  /** `batch-pending`: batches that may wait for the writer. */
  readonly batchPending: number;
  /** `writers`: batches that are written at one time, 1 unless given. With more, batches may be stored in another order. */
  readonly writersMax?: number;
}

/** What a writer works with. */
export interface BatchWriterParts {
  readonly sink: PointSink;
  readonly ledger: IngestLedger;
  readonly logger: Logger;
  /** Told when the writer is busy no more. */
  onRelief?(): void;
}

/** Counters with InfluxDB's names. */
export interface BatchStatistics {
  batchesTx: number;
  pointsTx: number;
  batchesTxFail: number;
}

/** Same as InfluxDB 1.x where 0 is configured. */
const PENDING_DEFAULT = 10;
/** Tries to write one batch before it is lost. */
export const WRITE_ATTEMPTS = 5;
/** Wait before the second try; doubles with each. */
const RETRY_DELAY_MS = 100;

/** A batch that waits to be written. */
interface PendingBatch {
  readonly batch: PointsBatch;
  /** Called when the batch is done with. */
  done(): void;
}

/** Writes the batches of one listener. */
export class BatchWriter {
  readonly statistics: BatchStatistics = { batchesTx: 0, pointsTx: 0, batchesTxFail: 0 };
  private readonly batchPending: number;
  /** Of batches that do not say where their points come from. */
  private readonly source: PointSource;
  private readonly refused: RefusedPoints;
  /** Batches whose turn has not come. */
  private readonly queue: PendingBatch[] = [];
  private readonly writing = new Set<Promise<void>>();
  private readonly writersMax: number;
  private isClosing = false;
  private wasBusy = false;
  /** Ends the waits before further tries. */
  private readonly wakes = new Set<() => void>();

  constructor(
    private readonly config: BatchWriterConfig,
    private readonly parts: BatchWriterParts,
  ) {
    this.batchPending = config.batchPending || PENDING_DEFAULT;
    this.writersMax = Math.max(1, config.writersMax ?? 1);
    this.source = { listener: parts.ledger.listener, peer: '' };
    this.refused = new RefusedPoints(parts.ledger, parts.sink);
  }

  /** True while as many batches wait as may: hold back or drop. What comes all the same is kept. */
  get isBusy(): boolean {
    return this.queue.length + this.writing.size >= this.batchPending + this.writersMax - 1;
  }

  /**
   * Writes a batch when its turn has come. Its points have been received by the ledger's account.
   * @param done called when the batch can be used again
   */
  push(batch: PointsBatch, done: () => void): void {
    if (batch.sources.length === 0) batch.markSource(this.source);
    batch.areRefusalsWanted = true;
    this.queue.push({ batch, done });
    this.wasBusy ||= this.isBusy;
    this.writeNext();
  }

  /** Resolves when everything is stored or lost. The writer can be used again afterwards. */
  async drain(): Promise<void> {
    this.isClosing = true;
    for (const wake of this.wakes) wake();
    while (this.writing.size > 0) await Promise.all(this.writing);
    this.isClosing = false;
  }

  /** Takes up batches that wait while there are writers. */
  private writeNext(): void {
    while (this.writing.size < this.writersMax) {
      const next = this.queue.shift();
      if (next === undefined) return;
      const written: Promise<void> = this.write(next.batch).then(() => {
        this.writing.delete(written);
        next.done();
        if (this.wasBusy && !this.isBusy) {
          this.wasBusy = false;
          this.parts.onRelief?.();
        }
        this.writeNext();
      });
      this.writing.add(written);
    }
  }

  private async write(batch: PointsBatch): Promise<void> {
    const { ledger, logger } = this.parts;
    const { statistics } = this;
    const { database, retentionPolicy } = this.config;
    const place = { database, retentionPolicy };
    const { pointCount } = batch;
    for (let attempt = 1; ; attempt++) {
      try {
        const { points, dropped, reason } = await this.tryWrite(batch);
        ledger.store(points);
        if (dropped > 0) this.refused.refuse(batch, place, dropped, reason);
        statistics.pointsTx += points;
        if (dropped === 0) statistics.batchesTx++;
        else statistics.batchesTxFail++;
        return;
      } catch (error) {
        const isFinal =
          (error instanceof TidegateError && error.code === 'inputs.write-refused') ||
          attempt >= WRITE_ATTEMPTS ||
          this.isClosing;
        const fields = { db: database, points: pointCount, error: messageOf(error) };
        if (isFinal) {
          statistics.batchesTxFail++;
          this.refused.lose(batch, place, messageOf(error));
          logger.error('Batch is lost', fields);
          return;
        }
        logger.warn('Batch could not be written; trying again', { ...fields, attempt });
        await this.pause(RETRY_DELAY_MS * 2 ** (attempt - 1));
      }
    }
  }

  private async tryWrite(batch: PointsBatch) {
    const { sink } = this.parts;
    const { database, retentionPolicy, isRetentionPolicyCreated } = this.config;
    // A batch of a database that was dropped since goes the way of what was written before it.
    if (batch.seriesSource !== null && batch.seriesSource !== sink.series(database)) {
      batch.refusals.length = 0;
      return { points: 0, dropped: batch.pointCount, reason: 'database dropped' };
    }
    await sink.ensureDatabase(database, isRetentionPolicyCreated === true ? retentionPolicy : '');
    return sink.write({ database, retentionPolicy, batch });
  }

  /** Waits, but not when closing. */
  private pause(durationMs: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.wakes.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, durationMs);
      this.wakes.add(wake);
    });
  }
}
