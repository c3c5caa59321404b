/**
 * The storage engine of one shard: write-ahead log, cache and TSM files. Knows series by id and fields by name; what they
 * mean is the shard's affair. Writes are encoded and cached synchronously and acknowledged when the log is on disk.
 */
import { join } from 'node:path';
import { type Clock, type FileSystem, type Logger, messageOf } from '#kernel';
import { allRuns, type FieldType, type PointsBatch, type RowRun, type ShapeTable } from '#models';
import { Cache } from './cache/cache.js';
import type { SeriesCatalog } from './catalog.js';
import { TsmError } from './errors.js';
import { FileStore } from './file-store.js';
import { IndexEntries } from './index-entries.js';
import { EngineView } from './series-cursor.js';
import type { Snapshotter } from './snapshot.js';
import { FIELD_SEPARATOR } from './tsm-format.js';
import type { TsmReader } from './tsm-reader.js';
import { Wal, type WalStatistics } from './wal/wal.js';
import { WalSegmentReader } from './wal/wal-decoder.js';
import { segmentName, segmentNumber } from './wal/wal-format.js';

/** What an engine stands on. */
export interface EngineOptions {
  readonly files: FileSystem;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly catalog: SeriesCatalog;
  readonly shapes: ShapeTable;
  readonly snapshotter: Snapshotter;
  /** Folder of the TSM files. */
  readonly directory: string;
  readonly walDirectory: string;
  readonly walFsyncDelayMs: number;
  /** Bytes of cache from which it is written to a TSM file; `cache-snapshot-memory-size`. */
  readonly snapshotBytes: number;
  /** A cache not written to for this long is written to a TSM file; `cache-snapshot-write-cold-duration`. */
  readonly snapshotColdMs: number;
  /** Bytes of cache from which writes are refused; `cache-max-memory-size`, 0 = no limit. */
  readonly cacheBytesMax: number;
  /** Told of each batch of the log that is replayed, its series ids filled in, before it is cached. */
  onRestore(batch: PointsBatch): void;
  /** Told of each series and field found in a TSM file at opening. */
  onFileKey(seriesId: number, field: string, type: FieldType): void;
}

/** Counters of an engine. */
export interface EngineStatistics {
  cacheCompactions: number;
  cacheCompactionErr: number;
  cacheCompactionDurationNs: number;
  writesRefused: number;
  damagedWalRecords: number;
}

/** Pause before a snapshot that failed is tried again. */
const SNAPSHOT_RETRY_MS = 1000;

/** Storage of one shard. */
export class Engine {
  readonly statistics: EngineStatistics = {
    cacheCompactions: 0,
    cacheCompactionErr: 0,
    cacheCompactionDurationNs: 0,
    writesRefused: 0,
    damagedWalRecords: 0,
  };
  readonly fileStore: FileStore;
  private active = new Cache();
  private frozen: Cache | null = null;
  /** Segments of the log whose content is in `frozen`. */
  private frozenSegments: readonly number[] = [];
  private running: Promise<void> | null = null;
  private retryAtMs = 0;
  private lastWriteMs = 0;
  private readonly wal: Wal;
  private isOpen = false;

  constructor(private readonly options: EngineOptions) {
    this.wal = new Wal({
      files: options.files,
      directory: options.walDirectory,
      logger: options.logger,
      syncDelayMs: options.walFsyncDelayMs,
    });
    this.fileStore = new FileStore(options.files, options.directory, options.logger);
  }

  /** Opens files and replays the log. */
  async open(): Promise<void> {
    if (this.isOpen) return;
    const { files, directory, walDirectory, clock } = this.options;
    await files.makeDirectory(directory);
    await files.makeDirectory(walDirectory);
    await this.fileStore.open();
    for (const reader of this.fileStore.current) this.scanKeys(reader);
    await this.replayWal();
    this.lastWriteMs = clock.monotonicMs();
    this.isOpen = true;
  }

  /** Ends writing; what was appended is committed first. */
  async close(): Promise<void> {
    if (!this.isOpen) return;
    this.isOpen = false;
    await this.running?.catch(() => undefined);
    await this.wal.close();
    await this.fileStore.close();
  }

  /** Bytes of points not in TSM files yet. */
  get cacheBytes(): number {
    return this.active.sizeBytes + (this.frozen?.sizeBytes ?? 0);
  }

  /** Bytes of files and log. */
  get diskBytes(): number {
    return this.fileStore.diskBytes + this.wal.diskBytes;
  }

  get walStatistics(): WalStatistics {
    return this.wal.statistics;
  }

  /** Caches that hold points, oldest first; values in them overwrite those of files. */
  get caches(): readonly Cache[] {
    return this.frozen === null ? [this.active] : [this.frozen, this.active];
  }

  /**
   * Appends rows, all of series that the catalog knows, to log and cache. Durable when {@link commit}, called in the same
   * turn, calls back.
   * @throws TsmError `tsm.cache-full` with InfluxDB's text, before anything is appended
   */
  append(batch: PointsBatch, runs: readonly RowRun[]): void {
    const { cacheBytesMax, catalog, clock } = this.options;
    const { cacheBytes } = this;
    if (cacheBytesMax > 0 && cacheBytes > cacheBytesMax) {
      this.statistics.writesRefused++;
      throw new TsmError(
        'tsm.cache-full',
        `engine: cache-max-memory-size exceeded: (${cacheBytes}/${cacheBytesMax})`,
      );
    }
    this.wal.append(batch, runs, catalog);
    for (const { group, from, to } of runs) this.active.append(batch, group, from, to);
    this.lastWriteMs = clock.monotonicMs();
  }

  /** Calls back when everything appended so far is on disk, or why it is not. */
  commit(done: (error: Error | null) => void): void {
    this.wal.commit(done);
    if (this.active.sizeBytes >= this.options.snapshotBytes && this.running === null) this.startSnapshot();
  }

  /** Files and caches as they are now, for reading. */
  view(): EngineView {
    return new EngineView(this.fileStore.current, this.caches, this.options.logger);
  }

  /** Writes the cache to a file when it is full, or has not been written to for long. To be called every few seconds. */
  tick(): void {
    const { clock, snapshotBytes, snapshotColdMs } = this.options;
    if (this.running !== null) return;
    const isCold = clock.monotonicMs() - this.lastWriteMs >= snapshotColdMs;
    if (this.frozen !== null || this.active.sizeBytes >= snapshotBytes || (isCold && this.active.rowCount > 0)) {
      this.startSnapshot();
    }
  }

  /** Writes all that is cached now to TSM files and removes its log; nothing to do for an empty cache. */
  async snapshot(): Promise<void> {
    await this.running?.catch(() => undefined);
    // What an earlier attempt could not write comes first.
    if (this.frozen !== null) await this.begin();
    if (this.active.rowCount > 0) await this.begin();
  }

  private startSnapshot(): void {
    if (this.options.clock.monotonicMs() < this.retryAtMs) return;
    this.begin().catch((error: unknown) => {
      this.retryAtMs = this.options.clock.monotonicMs() + SNAPSHOT_RETRY_MS;
      this.statistics.cacheCompactionErr++;
      this.options.logger.error('cache could not be written to a file; it is tried again', {
        path: this.options.directory,
        error: messageOf(error),
      });
    });
  }

  private begin(): Promise<void> {
    this.running ??= this.runSnapshot().finally(() => {
      this.running = null;
    });
    return this.running;
  }

  private async runSnapshot(): Promise<void> {
    const { snapshotter, catalog, directory, clock, logger } = this.options;
    const startedMs = clock.monotonicMs();
    if (this.frozen === null) {
      this.frozen = this.active;
      this.active = new Cache();
      // In this turn, so that the log is cut where the cache is.
      this.frozenSegments = await this.wal.rotate();
    }
    const cache = this.frozen;
    const summaries = await snapshotter.run({
      cache: cache.freeze(),
      keys: catalog.shareKeys(),
      directory,
      generation: this.fileStore.nextGeneration,
    });
    const prepared = await this.fileStore.prepare(summaries.map(({ path }) => path));
    this.fileStore.install(prepared);
    this.frozen = null;
    await this.wal.remove(this.frozenSegments);
    const durationMs = clock.monotonicMs() - startedMs;
    this.statistics.cacheCompactions++;
    this.statistics.cacheCompactionDurationNs += Math.round(durationMs * 1e6);
    logger.info('cache written to TSM files', {
      path: directory,
      rows: cache.rowCount,
      bytes: summaries.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      durationMs: Math.round(durationMs),
    });
  }

  private scanKeys(reader: TsmReader): void {
    const { catalog, onFileKey } = this.options;
    const entries = new IndexEntries();
    const scanner = reader.scan();
    let lastSeries = new Uint8Array(0);
    let seriesId = -1;
    while (scanner.next(entries)) {
      const { key } = scanner;
      const at = findSeparator(key);
      if (at < 0) continue;
      if (seriesId < 0 || !isSame(key, at, lastSeries)) {
        lastSeries = key.slice(0, at);
        seriesId = catalog.restore(lastSeries, 0, at);
      }
      onFileKey(seriesId, decoder.decode(key.subarray(at + SEPARATOR.length)), entries.type);
    }
  }

  private async replayWal(): Promise<void> {
    const { files, walDirectory, catalog, shapes, logger } = this.options;
    const entries = await files.list(walDirectory);
    const numbers = entries
      .map((entry) => segmentNumber(entry.name))
      .filter((number): number is number => number !== null)
      .sort((a, b) => a - b);
    const found: { number: number; sizeBytes: number }[] = [];
    for (const number of numbers) {
      const path = join(walDirectory, segmentName(number));
      const bytes = await files.readFile(path);
      const outcome = new WalSegmentReader(catalog, shapes).read(bytes, (batch) => this.restore(batch));
      found.push({ number, sizeBytes: bytes.length });
      if (outcome.damagedRecords > 0) {
        this.statistics.damagedWalRecords += outcome.damagedRecords;
        logger.error('log segment has damaged records', { path, records: outcome.damagedRecords });
      } else if (outcome.unreadBytes > 0) {
        logger.warn('log segment ends in a write that was cut short', {
          path,
          bytes: outcome.unreadBytes,
        });
      }
    }
    this.wal.open(found);
  }

  private restore(batch: PointsBatch): void {
    const { catalog } = this.options;
    for (const group of batch.groups) {
      for (let row = 0; row < group.rows; row++) {
        if (group.seriesIds[row] >= 0) continue;
        group.seriesIds[row] = catalog.restore(batch.extra, group.keyStart[row], group.keyLength[row]);
      }
    }
    this.options.onRestore(batch);
    for (const { group, from, to } of allRuns(batch)) this.active.append(batch, group, from, to);
  }
}

const decoder = new TextDecoder();
const SEPARATOR = new TextEncoder().encode(FIELD_SEPARATOR);

/** Where the separator of series key and field begins, or -1. */
function findSeparator(key: Uint8Array): number {
  for (let i = key.indexOf(SEPARATOR[0]); i >= 0; i = key.indexOf(SEPARATOR[0], i + 1)) {
    if (key[i + 1] === SEPARATOR[1] && key[i + 2] === SEPARATOR[2] && key[i + 3] === SEPARATOR[3]) return i;
  }
  return -1;
}

function isSame(key: Uint8Array, length: number, other: Uint8Array): boolean {
  if (other.length !== length) return false;
  for (let i = 0; i < length; i++) if (key[i] !== other[i]) return false;
  return true;
}
