/**
 * The series of one database, and where they are kept on disk: the index, its storage, and what the storage said of each shard
 * when it was read.
 */
import { type Clock, type FileSystem, type Logger, workInTurns } from '#kernel';
import {
  IndexStorage,
  type LoadedShards,
  SeriesIndex,
  type SeriesLimits,
  type ShardChange,
  type StoredShard,
} from '#series-index';

/** What it stands on. */
export interface DatabaseIndexParts {
  readonly files: FileSystem;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Folder of the stored index; null where it is not stored. */
  readonly directory: string | null;
  readonly logBytesMax: number;
  readonly limits: SeriesLimits;
}

/** Gone series from which their memory is given back, and where they are one part in so many of those in memory. */
const GONE_SERIES_MIN = 10_000;
const GONE_PART = 4;
/** How long a series has to be gone: longer than any batch that was parsed before it went is on its way. */
const GONE_FOR_MS = 5 * 60_000;
/** Pause where queries or new series were in the way. */
const RETRY_MS = 10_000;

/** The index of one database. */
export class DatabaseIndex {
  readonly series: SeriesIndex;
  private readonly storage: IndexStorage | null;
  private readonly logger: Logger;
  private isReclaiming = false;
  private isSorting = false;
  private lastIdCount = 0;
  private reclaimAtMs = 0;
  private loading: Promise<void> | null = null;
  private loaded: LoadedShards = { shards: new Map(), wasClosed: false };
  /** What an image says of each shard: what was read, until the shard itself knows. */
  private readonly shards = new Map<number, { readonly stored: StoredShard }>();

  constructor({ directory, limits, ...parts }: DatabaseIndexParts) {
    this.series = new SeriesIndex(limits);
    this.logger = parts.logger;
    this.storage =
      directory === null
        ? null
        : new IndexStorage(this.series, {
            ...parts,
            directory,
            shards: () => new Map([...this.shards].map(([id, { stored }]) => [id, stored])),
          });
  }

  /** Reads what is stored, once; before the first shard is opened. Never rejects. */
  load(): Promise<void> {
    this.loading ??= (this.storage?.load() ?? Promise.resolve(this.loaded)).then((loaded) => {
      this.loaded = loaded;
      for (const [id, stored] of loaded.shards) this.shards.set(id, { stored });
    });
    return this.loading;
  }

  /** Takes note of a shard, which knows from now on what is to be stored of it. */
  addShard(id: number, shard: { readonly stored: StoredShard }): void {
    this.shards.set(id, shard);
  }

  /** What has been read of the stored index at loading, and its size. */
  get progress(): { readonly doneBytes: number; readonly totalBytes: number } {
    return this.storage?.progress ?? { doneBytes: 0, totalBytes: 0 };
  }

  /** What is stored of a shard. */
  storedShard(id: number): StoredShard | undefined {
    return this.loaded.shards.get(id);
  }

  /** True when the stored index was closed in an orderly way. */
  get wasClosed(): boolean {
    return this.loaded.wasClosed;
  }

  /** Stored files put aside because they did not read. */
  get badFileCount(): number {
    return this.storage?.badFileCount ?? 0;
  }

  /** Takes note of what has become of a shard. Never rejects. */
  async record(change: ShardChange): Promise<void> {
    await this.storage?.record(change);
  }

  /** Takes note that a shard is no more. */
  async forgetShard(id: number): Promise<void> {
    this.shards.delete(id);
    await this.storage?.forgetShard(id);
  }

  /** All shards have been opened: what was read is not needed any more, and what was not opened is no more. */
  endLoading(opened: ReadonlySet<number>): void {
    for (const id of this.shards.keys()) if (!opened.has(id)) this.shards.delete(id);
    this.loaded = { shards: new Map(), wasClosed: this.loaded.wasClosed };
    void this.series.prepare();
  }

  /**
   * Gives back the memory of series that have been gone for a while, once it is worth it, and puts series in order when none
   * have come since the last call. To be called now and then.
   * @param isRead whether a query holds positions of series
   */
  tick(nowMs: number, isRead: () => boolean): void {
    const { series } = this;
    const isQuiet = series.idCount === this.lastIdCount;
    this.lastIdCount = series.idCount;
    if (isQuiet && !this.isSorting) {
      this.isSorting = true;
      void workInTurns(series.sortInTurns()).then(() => (this.isSorting = false));
    }
    const { keptGoneCount } = series;
    const heldCount = series.seriesCount + keptGoneCount;
    const isDue = keptGoneCount >= GONE_SERIES_MIN && keptGoneCount * GONE_PART >= heldCount;
    if (this.isReclaiming || nowMs < this.reclaimAtMs || (!isDue && series.doomedCount === 0))
      return;
    this.reclaimAtMs = nowMs + GONE_FOR_MS;
    if (series.doomedCount === 0) {
      series.doomGone();
      return;
    }
    this.isReclaiming = true;
    void this.reclaim(isRead).then((isDone) => {
      this.isReclaiming = false;
      // What came in between comes again.
      if (!isDone) this.reclaimAtMs = nowMs + RETRY_MS;
    });
  }

  private async reclaim(isRead: () => boolean): Promise<boolean> {
    const { series } = this;
    const { doomedCount } = series;
    if (isRead()) return false;
    const keys = await workInTurns(series.keysWithoutDoomed());
    if (isRead() || !series.forget(keys, doomedCount)) return false;
    this.logger.info('memory of dropped series given back', { series: doomedCount });
    return true;
  }

  /** Notes an orderly end. */
  async close(): Promise<void> {
    await this.storage?.close();
  }

  /** Removes it from disk. */
  async remove(): Promise<void> {
    await this.storage?.remove();
  }
}
