/**
 * The write-ahead log of one shard: segments on disk and group commit. Writes that arrive while a sync is in flight share
 * the next one. After a failed write the log goes on in a new segment by itself, so that writes resume when the disk does.
 */
import { join } from 'node:path';
import { type FileSystem, type Logger, messageOf, type OpenFile } from '#kernel';
import type { PointsBatch, RowRun } from '#models';
import { TsmError } from '../errors.js';
import { Quarantine } from '../quarantine.js';
import { type DeletionRecord, encodeDeletion } from './deletion-record.js';
import { type SeriesKeys, WalEncoder } from './wal-encoder.js';
import { segmentName, WAL_MAGIC } from './wal-format.js';

/** A segment is closed for a new one when it is larger than this. */
export const SEGMENT_BYTES_MAX = 64 * 2 ** 20;
/** Buffers larger than this are not kept for the next group: 8 MiB. */
const SPARE_BYTES_KEPT = 8 * 2 ** 20;

/** A deletion as the engine knows it: series by id. */
interface DeletionToLog extends Omit<DeletionRecord, 'seriesKeys'> {
  readonly seriesIds: Iterable<number>;
  /** The canonical key of a series. */
  readonly keyOf: (seriesId: number) => Uint8Array;
}

/** Counters with InfluxDB's names. */
export interface WalStatistics {
  oldSegmentsDiskBytes: number;
  currentSegmentDiskBytes: number;
  writeOk: number;
  writeErr: number;
  /** Syncs; neither this nor the next is one of InfluxDB's. */
  syncs: number;
  /** Bytes of records written since the log was opened. */
  appendedBytes: number;
}

/** Series of a deletion that go into one record; more make several. */
const SERIES_PER_RECORD = 65536;

interface Segment {
  readonly number: number;
  readonly path: string;
  /** True for one found with records that do not read. */
  readonly isDamaged: boolean;
  file: OpenFile | null;
  sizeBytes: number;
}

/** Told when a record is durable, or why it is not. */
type Committed = (error: Error | null) => void;

interface WriteStep {
  readonly kind: 'write';
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly waiting: Committed[];
}

/** What the log does next: write and sync a group, or go on in a new segment. */
type Step =
  WriteStep | { readonly kind: 'rotate'; readonly done: (segments: readonly number[]) => void };

/** Log of one shard. `append` encodes at once; durability comes with the callback of `commit`. */
export class Wal {
  readonly statistics: WalStatistics = {
    oldSegmentsDiskBytes: 0,
    currentSegmentDiskBytes: 0,
    writeOk: 0,
    writeErr: 0,
    syncs: 0,
    appendedBytes: 0,
  };
  private readonly encoder = new WalEncoder();
  private spare: Uint8Array<ArrayBuffer> | null = null;
  private queue: Step[] = [];
  private waiting: Committed[] = [];
  private readonly old: Segment[] = [];
  private current: Segment | null = null;
  private nextNumber = 1;
  private isFlushing = false;
  private isScheduled = false;
  private isClosed = false;
  private isRotating = false;
  private idle: (() => void)[] = [];
  private readonly quarantine: Quarantine;

  constructor(
    private readonly options: {
      readonly files: FileSystem;
      readonly directory: string;
      readonly logger: Logger;
      /** Waits this long before a sync, to share it among more writes; `wal-fsync-delay`. */
      readonly syncDelayMs: number;
    },
  ) {
    this.quarantine = new Quarantine(options.files, options.logger);
  }

  /** Takes over segments found on disk, which have been replayed; writing starts in a new one. */
  open(found: readonly Pick<Segment, 'number' | 'sizeBytes' | 'isDamaged'>[]): void {
    for (const segment of found) {
      const { number, sizeBytes } = segment;
      const path = join(this.options.directory, segmentName(number));
      this.old.push({ ...segment, path, file: null });
      this.nextNumber = Math.max(this.nextNumber, number + 1);
      this.statistics.oldSegmentsDiskBytes += sizeBytes;
    }
  }

  /** Encodes rows as one record. Call {@link commit} in the same turn: it is durable when that calls back. */
  append(batch: PointsBatch, ranges: readonly RowRun[], keys: SeriesKeys): void {
    if (this.current !== null && this.current.sizeBytes > SEGMENT_BYTES_MAX && !this.isRotating) {
      void this.rotate();
    }
    this.encoder.encodePoints(batch, ranges, keys);
  }

  /** Encodes a deletion, like {@link append}. */
  appendDeletion({ seriesIds, keyOf, ...deletion }: DeletionToLog): void {
    let seriesKeys: Uint8Array[] = [];
    for (const seriesId of seriesIds) {
      if (seriesKeys.length === SERIES_PER_RECORD) {
        this.encoder.appendRecord(encodeDeletion({ ...deletion, seriesKeys }));
        seriesKeys = [];
      }
      seriesKeys.push(keyOf(seriesId));
    }
    // At least one record: a measurement may be without series.
    this.encoder.appendRecord(encodeDeletion({ ...deletion, seriesKeys }));
  }

  /** Calls back once everything appended so far is on disk. */
  commit(done: Committed): void {
    if (this.isClosed) {
      done(new TsmError('tsm.wal-closed', 'WAL closed'));
      return;
    }
    this.waiting.push(done);
    this.schedule();
  }

  /**
   * Makes what is appended from now on go to a new segment; resolves with the numbers of all segments before it, once
   * everything appended so far has been written.
   */
  rotate(): Promise<readonly number[]> {
    this.isRotating = true;
    this.takePending();
    this.encoder.startSegment();
    return new Promise((resolve) => {
      this.queue.push({ kind: 'rotate', done: resolve });
      this.schedule();
    });
  }

  /**
   * Removes segments whose content is in TSM files, the oldest first and each for good before the next: a deletion must not
   * go before what it deletes. Damaged ones are renamed aside.
   */
  async remove(numbers: readonly number[]): Promise<void> {
    const { files, directory } = this.options;
    for (const segment of this.old.filter(({ number }) => numbers.includes(number))) {
      const { file } = segment;
      segment.file = null;
      await file?.close();
      if (segment.isDamaged) await this.quarantine.putAside(segment.path, 'it has damaged records');
      else {
        await files.remove(segment.path);
        await files.syncDirectory(directory);
      }
      this.old.splice(this.old.indexOf(segment), 1);
      this.statistics.oldSegmentsDiskBytes -= segment.sizeBytes;
    }
  }

  /** Bytes of all segments. */
  get diskBytes(): number {
    return this.statistics.oldSegmentsDiskBytes + this.statistics.currentSegmentDiskBytes;
  }

  /** Ends after the writes in flight; later ones fail. */
  async close(): Promise<void> {
    if (this.isClosed) return;
    await this.whenIdle();
    this.isClosed = true;
    this.closeSegment();
    for (const segment of this.old) {
      await segment.file?.close();
      segment.file = null;
    }
  }

  private whenIdle(): Promise<void> {
    if (
      !this.isFlushing &&
      !this.isScheduled &&
      this.waiting.length === 0 &&
      this.queue.length === 0
    ) {
      return Promise.resolve();
    }
    return new Promise((resolve) => this.idle.push(resolve));
  }

  private closeSegment(): void {
    const segment = this.current;
    if (segment === null) return;
    this.current = null;
    this.old.push(segment);
    this.statistics.oldSegmentsDiskBytes += segment.sizeBytes;
    this.statistics.currentSegmentDiskBytes = 0;
  }

  private schedule(): void {
    if (this.isFlushing || this.isScheduled) return;
    this.isScheduled = true;
    const start = (): void => {
      this.isScheduled = false;
      this.flush();
    };
    if (this.options.syncDelayMs > 0) setTimeout(start, this.options.syncDelayMs);
    else setImmediate(start);
  }

  /** Moves what is encoded, and who waits for it, to the end of the queue. */
  private takePending(): void {
    if (this.waiting.length === 0 && this.encoder.pendingBytes === 0) return;
    const bytes = this.encoder.take(this.spare ?? new Uint8Array(65536));
    this.spare = null;
    this.queue.push({ kind: 'write', bytes, waiting: this.waiting });
    this.waiting = [];
  }

  private flush(): void {
    if (this.queue.length === 0) this.takePending();
    const step = this.queue.shift();
    if (step === undefined) {
      const idle = this.idle;
      this.idle = [];
      for (const resolve of idle) resolve();
    } else if (step.kind === 'rotate') {
      this.closeSegment();
      this.isRotating = false;
      step.done(this.old.map((segment) => segment.number));
      this.flush();
    } else {
      this.isFlushing = true;
      const finish = (error: Error | null): void => this.finish(step, error);
      this.write(step.bytes, finish).catch((error: unknown) => finish(asError(error)));
    }
  }

  private async write(bytes: Uint8Array, done: (error: Error | null) => void): Promise<void> {
    const segment = this.current ?? (await this.createSegment());
    const { file } = segment;
    if (file === null) throw new TsmError('tsm.wal-closed', 'WAL closed');
    file.write([bytes], segment.sizeBytes, (error) => {
      if (error !== null) {
        done(error);
        return;
      }
      segment.sizeBytes += bytes.length;
      this.statistics.currentSegmentDiskBytes = segment.sizeBytes;
      this.statistics.appendedBytes += bytes.length;
      this.statistics.syncs++;
      file.sync(done);
    });
  }

  private async createSegment(): Promise<Segment> {
    const { files, directory } = this.options;
    const number = this.nextNumber++;
    const path = join(directory, segmentName(number));
    const file = await files.open(path, 'create');
    const segment: Segment = {
      number,
      path,
      isDamaged: false,
      file,
      sizeBytes: WAL_MAGIC.length,
    };
    try {
      await new Promise<void>((resolve, reject) =>
        file.write([WAL_MAGIC], 0, (error) => (error ? reject(error) : resolve())),
      );
      await files.syncDirectory(directory);
    } catch (error) {
      await file.close();
      await files.remove(path).catch(() => undefined);
      throw error;
    }
    this.current = segment;
    return segment;
  }

  private finish(step: WriteStep, error: Error | null): void {
    this.isFlushing = false;
    const { bytes, waiting } = step;
    if (bytes.buffer.byteLength <= SPARE_BYTES_KEPT) this.spare = new Uint8Array(bytes.buffer);
    if (error === null) this.statistics.writeOk += waiting.length;
    else this.fail(waiting, error);
    for (const done of waiting) done(error);
    if (!this.isScheduled) this.flush();
  }

  /** What was encoded meanwhile refers to definitions that may be lost: it fails too, and a new segment starts afresh. */
  private fail(waiting: Committed[], error: Error): void {
    this.options.logger.error('write to the log failed', {
      path: this.options.directory,
      error: messageOf(error),
    });
    this.takePending();
    const rotations: Step[] = [];
    for (const step of this.queue) {
      if (step.kind === 'write') waiting.push(...step.waiting);
      else rotations.push(step);
    }
    this.queue = rotations;
    this.encoder.startSegment();
    this.closeSegment();
    this.statistics.writeErr += waiting.length;
  }
}

const asError = (thrown: unknown): Error =>
  thrown instanceof Error ? thrown : new TsmError('tsm.wal-failed', messageOf(thrown));
