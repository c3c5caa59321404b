/**
 * The storage engine of one shard: write-ahead log, cache and TSM files. Knows series by id and fields by name; what they
 * mean is the shard's affair. Writes are encoded and cached synchronously and acknowledged when the log is on disk.
 */
import { type Clock, type FileSystem, type Logger, messageOf, workInTurns } from '#kernel';
import type { PointsBatch, RowRun, ShapeTable } from '#models';
import { Cache } from './cache/cache.js';
import type { SeriesCatalog } from './catalog.js';
import type { CompactionStatistics } from './compaction/compaction-statistics.js';
import type { Compactor } from './compaction/compactors.js';
import { ShardCompactions } from './compaction/shard-compactions.js';
import { coversFile, type Deletion, deleteFromFile, seriesLeft } from './deletion.js';
import { fileKeys, replayLog, type ShardContents } from './engine-load.js';
import { TsmError } from './errors.js';
import { FileStore } from './file-store.js';
import { InfluxLog } from './influx-log.js';
import { EngineView } from './series-cursor.js';
import type { Snapshotter } from './snapshot.js';
import type { TsmReader } from './tsm-reader.js';
import { Turns } from './turns.js';
import { Wal, type WalStatistics } from './wal/wal.js';

/** What an engine stands on. */
export interface EngineOptions {
  readonly files: FileSystem;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly catalog: SeriesCatalog;
  readonly shapes: ShapeTable;
  readonly snapshotter: Snapshotter;
  readonly compactor: Compactor;
  /** Folder of the TSM files. */
  readonly directory: string;
  readonly walDirectory: string;
  readonly walFsyncDelayMs: number;
  /** Bytes of cache from which it is written to a TSM file; `cache-snapshot-memory-size`. */
  readonly snapshotBytes: number;
  /** A cache not written to for this long is written to a TSM file; `cache-snapshot-write-cold-duration`. */
  readonly snapshotColdMs: number;
  /** A shard not written to for this long is compacted fully; `compact-full-write-cold-duration`. */
  readonly fullCompactionColdMs: number;
  /** Bytes of cache from which writes are refused; `cache-max-memory-size`, 0 = no limit. */
  readonly cacheBytesMax: number;
  /** Told what the shard turns out to hold, at opening and after deletions. */
  readonly contents: ShardContents;
  /** Told at opening of bytes of the log that there are to be replayed, and of those that have been. */
  readonly onReplay?: (bytes: { readonly found: number; readonly replayed: number }) => void;
}

/** Counters of an engine; names of InfluxDB's `tsm1_engine`, apart from the last three. */
export interface EngineStatistics {
  cacheCompactions: number;
  cacheCompactionsActive: number;
  cacheCompactionErr: number;
  /** Nanoseconds. */
  cacheCompactionDuration: number;
  /** Bytes of cache that were frozen to be written to files. */
  cachedBytes: number;
  writesRefused: number;
  damagedWalRecords: number;
}

/** Pause before a snapshot that failed is tried again. */
const SNAPSHOT_RETRY_MS = 1000;

/** Storage of one shard. */
export class Engine {
  readonly statistics: EngineStatistics = {
    cacheCompactions: 0,
    cacheCompactionsActive: 0,
    cacheCompactionErr: 0,
    cacheCompactionDuration: 0,
    cachedBytes: 0,
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
  private lastFreezeMs = 0;
  private readonly wal: Wal;
  /** What changes files: snapshots and deletions, one at a time. */
  private readonly turns = new Turns();
  private readonly compactions: ShardCompactions;
  private readonly influxLog = new InfluxLog();
  private isOpen = false;

  constructor(private readonly options: EngineOptions) {
    this.wal = new Wal({
      files: options.files,
      directory: options.walDirectory,
      logger: options.logger,
      syncDelayMs: options.walFsyncDelayMs,
    });
    this.fileStore = new FileStore(options.files, options.directory, options.logger);
    this.fileStore.onCorrupt = (reader, reason) =>
      void this.turns.run(() => this.loseFile(reader, reason));
    const { files, logger, directory, compactor, clock } = options;
    this.compactions = new ShardCompactions({
      files,
      logger,
      directory,
      compactor,
      fileStore: this.fileStore,
      turns: this.turns,
      nowMs: () => clock.monotonicMs(),
      onInstalled: (isLossy) => options.contents.onFilesChanged(isLossy),
    });
  }

  /** Opens files and replays the log. */
  async open(): Promise<void> {
    if (this.isOpen) return;
    const { files, directory, walDirectory, clock, logger, catalog, shapes, contents } =
      this.options;
    await files.makeDirectory(directory);
    await files.makeDirectory(walDirectory);
    const { fileStore, active: cache } = this;
    const { areKnownThere, unknown } = await fileStore.open(contents.knownFiles);
    contents.onFilesFound(areKnownThere);
    const unread = areKnownThere ? unknown : fileStore.checked();
    if (unread.length > 0) await catalog.prepare?.();
    for (const reader of unread) await workInTurns(fileKeys(reader, catalog, contents));
    const onReplay = this.options.onReplay ?? ((): void => undefined);
    const loaded = { fileStore, cache, contents, onReplay };
    const parts = { files, logger, catalog, shapes, walDirectory, ...loaded };
    await this.influxLog.replay(parts);
    const { segments, damagedRecords } = await replayLog(parts);
    this.statistics.damagedWalRecords += damagedRecords;
    this.wal.open(segments);
    await contents.onFilesChanged(false);
    this.lastWriteMs = this.lastFreezeMs = clock.monotonicMs();
    this.isOpen = true;
  }

  /** Ends writing; what was appended is committed first. */
  async close(): Promise<void> {
    if (!this.isOpen) return;
    this.isOpen = false;
    await this.compactions.stop();
    await this.running?.catch(() => undefined);
    await this.turns.idle();
    await this.wal.close();
    await this.fileStore.close();
  }

  /** Waits for what is done to the files now, and what waits for it. */
  idle(): Promise<void> {
    return this.turns.idle();
  }

  /** Bytes of points not in TSM files yet. */
  get cacheBytes(): number {
    return this.active.sizeBytes + (this.frozen?.sizeBytes ?? 0);
  }

  /** Those of them that are being written to files. */
  get frozenBytes(): number {
    return this.frozen?.sizeBytes ?? 0;
  }

  /** Time since the cache was last begun anew. */
  get cacheAgeMs(): number {
    return this.isOpen ? Math.round(this.options.clock.monotonicMs() - this.lastFreezeMs) : 0;
  }

  /** Bytes of files and log. */
  get diskBytes(): number {
    return this.fileStore.diskBytes + this.wal.diskBytes;
  }

  get walStatistics(): WalStatistics {
    return this.wal.statistics;
  }

  get compactionStatistics(): CompactionStatistics {
    return this.compactions.statistics;
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
    if (this.active.sizeBytes >= this.options.snapshotBytes && this.running === null)
      this.startSnapshot();
  }

  /** Files and caches as they are now, for reading. */
  view(): EngineView {
    return new EngineView(this.fileStore.checked(), this.caches, this.options.logger);
  }

  /**
   * Writes the cache to a file when it is full, or has not been written to for long, and starts compactions that are due. To be
   * called every few seconds.
   */
  tick(): void {
    const { clock, snapshotBytes, snapshotColdMs, fullCompactionColdMs } = this.options;
    if (!this.isOpen) return;
    const quietMs = clock.monotonicMs() - this.lastWriteMs;
    this.compactions.start(quietMs >= fullCompactionColdMs);
    if (this.running !== null) return;
    const isCold = quietMs >= snapshotColdMs;
    const isDue =
      this.frozen !== null || this.active.sizeBytes >= snapshotBytes || this.influxLog.isPresent;
    if (isDue || (isCold && this.hasLog)) {
      this.startSnapshot();
    }
  }

  /** Writes all that is cached now to TSM files and removes its log; nothing to do for an empty cache. */
  async snapshot(): Promise<void> {
    await this.running?.catch(() => undefined);
    // What an earlier attempt could not write comes first.
    if (this.frozen !== null) await this.begin();
    if (this.hasLog) await this.begin();
  }

  /**
   * Compacts until nothing is due any more.
   * @param full true to make one generation of all, whatever is due
   */
  async compact(full: boolean): Promise<void> {
    await this.turns.idle();
    while (this.compactions.start(full)) {
      await this.compactions.settled();
      await this.turns.idle();
    }
  }

  /** True when something is not in TSM files yet, or the log says so. */
  private get hasLog(): boolean {
    return this.active.rowCount > 0 || this.wal.diskBytes > 0 || this.influxLog.isPresent;
  }

  /**
   * Deletes what there is of some series within a range of time. It stands among the writes where it was called for, once
   * snapshots in hand have ended; when it resolves, what was deleted does not come back. Concurrent calls queue.
   * @throws TsmError, errors of the file system: the deletion may then be done in part, and again after a restart
   */
  delete(deletion: Deletion): Promise<void> {
    return this.turns.run(async () => {
      this.compactions.isHeld = true;
      try {
        await this.runDeletion(deletion);
      } catch (error) {
        // It may have been done in part.
        await this.options.contents.onFilesChanged(true);
        throw error;
      } finally {
        this.compactions.isHeld = false;
      }
    });
  }

  private async runDeletion(deletion: Deletion): Promise<void> {
    if (!this.isOpen) throw new TsmError('tsm.wal-closed', 'WAL closed');
    // What an earlier snapshot could not write must not come back from it.
    if (this.frozen !== null) await this.runSnapshot();
    await this.compactions.removeObsolete();
    const { catalog, contents } = this.options;
    const { seriesIds, minNs, maxNs, measurement } = deletion;
    this.wal.appendDeletion({
      generation: this.fileStore.nextGeneration,
      minNs,
      maxNs,
      measurement,
      seriesIds,
      keyOf: (id) => catalog.keyOf(id),
    });
    this.active.delete(seriesIds, { minNs, maxNs });
    await new Promise<void>((resolve, reject) =>
      this.wal.commit((error) => (error === null ? resolve() : reject(error))),
    );
    for (const reader of this.fileStore.checked()) {
      if (
        !this.compactions.isReading(reader.path) &&
        (await coversFile(reader, catalog, deletion))
      ) {
        await this.fileStore.remove(reader);
        continue;
      }
      await deleteFromFile(reader, catalog, deletion, (made) =>
        this.compactions.noteDeletion(reader.path, made),
      );
    }
    const left = await seriesLeft(this.fileStore.checked(), catalog, seriesIds);
    contents.onSeriesChecked(seriesIds, left);
    // In this turn: a write that came meanwhile is in the cache.
    const { active } = this;
    contents.onSeriesGone([...seriesIds].filter((id) => !left.has(id) && active.lastRow(id) < 0));
    if (measurement !== '') contents.onMeasurementDropped(measurement, false);
    await contents.onFilesChanged(false);
  }

  /** Puts a file aside that turned out to be corrupt when it was first used, and finds out which series went with it. */
  private async loseFile(reader: TsmReader, reason: unknown): Promise<void> {
    const { catalog, contents, logger } = this.options;
    try {
      await this.fileStore.putAside(reader, reason);
    } catch (error) {
      logger.error('corrupt file could not be renamed aside', {
        path: reader.path,
        error: messageOf(error),
      });
    }
    const seriesIds = contents.filedSeries();
    const left = await seriesLeft(this.fileStore.checked(), catalog, seriesIds);
    contents.onSeriesChecked(seriesIds, left);
    const { caches } = this;
    const isCached = (id: number): boolean => caches.some((cache) => cache.lastRow(id) >= 0);
    contents.onSeriesGone([...seriesIds].filter((id) => !left.has(id) && !isCached(id)));
    await contents.onFilesChanged(true);
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
    this.statistics.cacheCompactionsActive = 1;
    this.running ??= this.turns
      .run(() => this.runSnapshot())
      .finally(() => {
        this.running = null;
        this.statistics.cacheCompactionsActive = 0;
      });
    return this.running;
  }

  private async runSnapshot(): Promise<void> {
    const { snapshotter, catalog, directory, clock, logger, files } = this.options;
    const startedMs = clock.monotonicMs();
    if (this.frozen === null) {
      this.frozen = this.active;
      this.active = new Cache();
      this.lastFreezeMs = startedMs;
      this.statistics.cachedBytes += this.frozen.sizeBytes;
      // In this turn, so that the log is cut where the cache is.
      this.frozenSegments = await this.wal.rotate();
    }
    const cache = this.frozen;
    const generation = this.fileStore.nextGeneration;
    const summaries =
      cache.rowCount === 0
        ? []
        : await snapshotter.run({
            cache: cache.freeze(),
            keys: catalog.shareKeys(),
            directory,
            generation,
          });
    const prepared = await this.fileStore.prepare(summaries.map(({ path }) => path));
    this.fileStore.install(prepared);
    this.frozen = null;
    this.options.contents.onCacheWritten(cache.seriesIds);
    await this.options.contents.onFilesChanged(false);
    // All of it was in the first cache of the process, and all of it is older than our own log.
    await this.influxLog.remove(files, logger);
    await this.wal.remove(this.frozenSegments);
    const durationMs = clock.monotonicMs() - startedMs;
    if (cache.rowCount === 0) return;
    this.statistics.cacheCompactions++;
    this.statistics.cacheCompactionDuration += Math.round(durationMs * 1e6);
    logger.info('cache written to TSM files', {
      path: directory,
      rows: cache.rowCount,
      bytes: summaries.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      durationMs: Math.round(durationMs),
    });
  }
}
