/**
 * All shards of a server, by id, and the series index of each database. Opens what is on disk; creates and removes shards as
 * the metadata says. Knows nothing of queries or protocols.
 */
import { join } from 'node:path';
import { type Clock, type FileSystem, invariant, type Logger, messageOf } from '#kernel';
import type { ShapeTable } from '#models';
import type { SeriesIndex } from '#series-index';
import { type Compactor, Engine, type Snapshotter } from '#tsm';
import type { DataConfig } from './data.config.js';
import { DatabaseIndex } from './database-index.js';
import { TsdbError } from './errors.js';
import { InfluxIndex } from './influx-index.js';
import type { SeriesGate } from './series-gate.js';
import { Shard, type ShardIdentity } from './shard.js';
import { shardContents } from './shard-contents.js';

/** What a store stands on. */
export interface StoreOptions {
  readonly files: FileSystem;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly shapes: ShapeTable;
  readonly snapshotter: Snapshotter;
  readonly compactor: Compactor;
  /** Stands before the making of series. */
  readonly gate?: SeriesGate | null;
  readonly config: Pick<
    DataConfig,
    | 'dir'
    | 'walDir'
    | 'walFsyncDelayMs'
    | 'cacheSnapshotMemorySizeBytes'
    | 'cacheSnapshotWriteColdDurationMs'
    | 'cacheMaxMemorySizeBytes'
    | 'compactFullWriteColdDurationMs'
    | 'seriesPerDatabaseMax'
    | 'valuesPerTagMax'
  > & {
    /** Directory of the stored index: empty or left out for the one beside `dir`, null for none. */
    readonly indexDir?: string | null;
    readonly indexLogFileSizeMaxBytes?: number;
  };
}

/** What stands behind the directory of the TSM files in the name of that of the index. */
const INDEX_SUFFIX = '-index';
const INDEX_LOG_BYTES_MAX = 2 ** 20;

/** Shards opened at one time while the store opens. */
const OPENING_AT_ONCE = 4;

/** Bytes of indexes of TSM files that are checked before a query needs them; the rest are when it does. */
const INDEX_BYTES_CHECKED_EARLY = 256 * 2 ** 20;

/** How often engines look whether their cache is due for a snapshot. */
const TICK_MS = 1000;

/** How far a store has come with opening: first the indexes of all databases, then shards with their logs. */
export interface StoreProgress {
  readonly isIndexLoaded: boolean;
  /** Files of the series indexes, as far as they have been looked for. */
  readonly index: { readonly doneBytes: number; readonly totalBytes: number };
  readonly shards: { readonly opened: number; readonly expected: number };
  /** Write-ahead logs of the shards that have been begun. */
  readonly log: { readonly foundBytes: number; readonly replayedBytes: number };
}

/** Shards by id and series by database. */
export class Store {
  /** Whether a query that has not ended reads a shard; whoever runs queries sets it. */
  isShardRead: (shardId: number) => boolean = () => false;
  private readonly shards = new Map<number, Shard>();
  private readonly indexes = new Map<string, DatabaseIndex>();
  private readonly influxIndexes = new Map<string, InfluxIndex>();
  private readonly creating = new Map<number, Promise<Shard>>();
  private openedCount = 0;
  private expectedCount = 0;
  private isIndexLoaded = false;
  private readonly log = { foundBytes: 0, replayedBytes: 0 };
  private areFilesChecked = false;
  private isOpen = false;
  private ticker: NodeJS.Timeout | undefined;

  constructor(private readonly options: StoreOptions) {}

  /** Opens the given shards; what they hold is readable when this resolves. */
  async open(identities: readonly ShardIdentity[]): Promise<void> {
    if (this.isOpen) return;
    this.expectedCount = identities.length;
    this.openedCount = 0;
    const databases = new Set(identities.map(({ database }) => database));
    await Promise.all([...databases].map((database) => this.databaseIndex(database).load()));
    this.isIndexLoaded = true;
    const rest = [...identities];
    const work = async (): Promise<void> => {
      for (let next = rest.shift(); next !== undefined; next = rest.shift()) {
        await this.createShard(next);
        this.openedCount++;
      }
    };
    await Promise.all(Array.from({ length: OPENING_AT_ONCE }, work));
    const opened = new Set(this.shards.keys());
    for (const index of this.indexes.values()) index.endLoading(opened);
    this.isOpen = true;
    this.ticker = setInterval(() => {
      for (const shard of this.shards.values()) shard.engine.tick();
      this.reclaimSeries();
      this.checkFiles();
    }, TICK_MS);
    this.ticker.unref();
  }

  /** Checks files that nobody has used yet, those of the latest shards first, once after opening. */
  private checkFiles(): void {
    if (this.areFilesChecked) return;
    this.areFilesChecked = true;
    const check = async (): Promise<void> => {
      const latest = [...this.shards.values()].sort((a, b) =>
        a.identity.startNs > b.identity.startNs ? -1 : 1,
      );
      let left = INDEX_BYTES_CHECKED_EARLY;
      for (const { engine } of latest) {
        if (left <= 0 || !this.isOpen) return;
        left -= await engine.fileStore.checkEarly(left);
      }
    };
    check().catch((error: unknown) =>
      this.options.logger.warn('files could not be checked early', { error: messageOf(error) }),
    );
  }

  /** Gives back the memory of series that have been gone for a while. Called every second while the store is open. */
  reclaimSeries(): void {
    const nowMs = this.options.clock.monotonicMs();
    for (const [database, index] of this.indexes) index.tick(nowMs, () => this.isRead(database));
  }

  private isRead(database: string): boolean {
    for (const { identity } of this.shards.values())
      if (identity.database === database && this.isShardRead(identity.id)) return true;
    return false;
  }

  /** How far {@link open} has come. */
  get progress(): StoreProgress {
    const index = { doneBytes: 0, totalBytes: 0 };
    for (const { progress } of this.indexes.values()) {
      index.doneBytes += progress.doneBytes;
      index.totalBytes += progress.totalBytes;
    }
    return {
      isIndexLoaded: this.isIndexLoaded,
      index,
      shards: { opened: this.openedCount, expected: this.expectedCount },
      log: { ...this.log },
    };
  }

  /** Writes every cache to TSM files, so that the next start replays nothing, and closes all shards. */
  async close(): Promise<void> {
    this.isOpen = false;
    clearInterval(this.ticker);
    for (const shard of this.shards.values()) {
      try {
        await shard.engine.snapshot();
      } catch (error) {
        // The log still has the points.
        this.options.logger.error('cache was not written to a file at shutdown', {
          shard: shard.identity.id,
          error: messageOf(error),
        });
      }
      await shard.engine.close();
    }
    // Where it was tried before and failed, it is tried once more; otherwise it is over already.
    for (const influxIndex of this.influxIndexes.values()) await influxIndex.drop();
    for (const index of this.indexes.values()) await index.close();
    this.shards.clear();
    this.indexes.clear();
    this.influxIndexes.clear();
  }

  /** The series of a database; made when there are none yet. */
  index(database: string): SeriesIndex {
    return this.databaseIndex(database).series;
  }

  private databaseIndex(database: string): DatabaseIndex {
    let index = this.indexes.get(database);
    if (index === undefined) {
      const { files, clock, logger, config } = this.options;
      const { dir, indexDir, indexLogFileSizeMaxBytes } = config;
      const root =
        indexDir === null ? null : indexDir || `${dir.replace(/\/+$/, '')}${INDEX_SUFFIX}`;
      index = new DatabaseIndex({
        files,
        clock,
        logger: logger.with({ db: database }),
        directory: root === null ? null : join(root, folder(database)),
        logBytesMax: indexLogFileSizeMaxBytes ?? INDEX_LOG_BYTES_MAX,
        limits: { seriesMax: config.seriesPerDatabaseMax, valuesPerTagMax: config.valuesPerTagMax },
      });
      this.indexes.set(database, index);
    }
    return index;
  }

  /** An open shard. */
  shard(id: number): Shard | undefined {
    return this.shards.get(id);
  }

  /** All open shards. */
  allShards(): Iterable<Shard> {
    return this.shards.values();
  }

  /** Opens a shard, making its folders when it is new. Concurrent calls for one shard share the work. */
  async createShard(identity: ShardIdentity): Promise<Shard> {
    const known = this.shards.get(identity.id);
    if (known !== undefined) return known;
    const pending = this.creating.get(identity.id) ?? this.openShard(identity);
    this.creating.set(identity.id, pending);
    try {
      return await pending;
    } finally {
      this.creating.delete(identity.id);
    }
  }

  /** Closes a shard and removes its files. */
  async deleteShard(id: number): Promise<void> {
    const shard = this.shards.get(id);
    if (shard === undefined) return;
    this.shards.delete(id);
    await shard.engine.close();
    shard.removeAllSeries();
    await this.databaseIndex(shard.identity.database).forgetShard(id);
    const { directory, walDirectory } = this.directories(shard.identity);
    await this.options.files.remove(directory);
    await this.options.files.remove(walDirectory);
  }

  /** Closes all shards of a retention policy and removes its folders. */
  async deleteRetentionPolicy(database: string, retentionPolicy: string): Promise<void> {
    await this.deleteShards(
      (shard) =>
        shard.identity.database === database && shard.identity.retentionPolicy === retentionPolicy,
    );
    for (const root of [this.options.config.dir, this.options.config.walDir]) {
      await this.options.files.remove(join(root, folder(database), folder(retentionPolicy)));
    }
  }

  /** Closes all shards of a database, forgets its series and removes its folders. */
  async deleteDatabase(database: string): Promise<void> {
    // The index goes as a whole, so that no series has to leave it by itself.
    const index = this.databaseIndex(database);
    this.indexes.delete(database);
    await index.load();
    await index.remove();
    for (const { identity, engine } of [...this.shards.values()]) {
      if (identity.database !== database) continue;
      this.shards.delete(identity.id);
      await engine.close();
    }
    this.influxIndexes.delete(database);
    for (const root of [this.options.config.dir, this.options.config.walDir]) {
      await this.options.files.remove(join(root, folder(database)));
    }
  }

  private async deleteShards(isMeant: (shard: Shard) => boolean): Promise<void> {
    for (const shard of [...this.shards.values()].filter(isMeant))
      await this.deleteShard(shard.identity.id);
  }

  private async openShard(identity: ShardIdentity): Promise<Shard> {
    const { files, clock, logger, shapes, config, snapshotter, compactor } = this.options;
    const databaseIndex = this.databaseIndex(identity.database);
    await databaseIndex.load();
    const index = databaseIndex.series;
    const { directory, walDirectory } = this.directories(identity);
    const isNew = (await files.stat(directory)) === null;
    const onSchemaChange = (): void => void this.influxIndex(identity.database).drop();
    const engine: Engine = new Engine({
      files,
      clock,
      shapes,
      snapshotter,
      compactor,
      logger: logger.with({ db: identity.database, shard: identity.id }),
      catalog: index,
      directory,
      walDirectory,
      walFsyncDelayMs: config.walFsyncDelayMs,
      snapshotBytes: config.cacheSnapshotMemorySizeBytes,
      snapshotColdMs: config.cacheSnapshotWriteColdDurationMs,
      fullCompactionColdMs: config.compactFullWriteColdDurationMs,
      cacheBytesMax: config.cacheMaxMemorySizeBytes,
      onReplay: ({ found, replayed }) => {
        this.log.foundBytes += found;
        this.log.replayedBytes += replayed;
      },
      contents: shardContents(identity.id, {
        shard: () => shard,
        engine: () => engine,
        index: databaseIndex,
        isNew,
        onSchemaChange,
      }),
    });
    const shard: Shard = new Shard(identity, engine, index, onSchemaChange, this.options.gate);
    try {
      await engine.open();
    } catch (error) {
      throw new TsdbError(
        'tsdb.open-shard',
        `cannot open shard ${identity.id} of ${identity.database}.${identity.retentionPolicy}: ${messageOf(error)}`,
        { cause: error },
      );
    }
    invariant(!this.shards.has(identity.id), 'a shard is opened once');
    this.shards.set(identity.id, shard);
    return shard;
  }

  private influxIndex(database: string): InfluxIndex {
    let found = this.influxIndexes.get(database);
    if (found === undefined) {
      const { files, config, logger } = this.options;
      found = new InfluxIndex(
        files,
        join(config.dir, folder(database)),
        logger.with({ db: database }),
      );
      this.influxIndexes.set(database, found);
    }
    return found;
  }

  /** Where a shard's files are. */
  directories(identity: ShardIdentity): { directory: string; walDirectory: string } {
    const { dir, walDir } = this.options.config;
    const parts = [
      folder(identity.database),
      folder(identity.retentionPolicy),
      String(identity.id),
    ];
    return { directory: join(dir, ...parts), walDirectory: join(walDir, ...parts) };
  }
}

/** A name as a folder: metadata refuses names that are no folder names, so this is a last check. */
function folder(name: string): string {
  invariant(
    name !== '' && name !== '.' && name !== '..' && !/[/\\]/.test(name),
    `bad folder name ${name}`,
  );
  return name;
}
