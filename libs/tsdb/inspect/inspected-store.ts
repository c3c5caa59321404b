/**
 * Opens shards for offline tools as the server would open them, log replayed and deletions applied, and writes nothing: what
 * opening changes is changed in memory.
 */
import type { Clock, FileSystem, Logger } from '#kernel';
import { ShapeTable } from '#models';
import type { SeriesIndex } from '#series-index';
import type { Shard } from '../shard.js';
import { Store } from '../store.js';
import { ReadOnlyFiles } from './read-only-files.js';
import type { ShardFolder } from './shard-folders.js';

/** Where and with what. */
export interface InspectedStoreOptions {
  readonly files: FileSystem;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly dataDir: string;
  readonly walDir: string;
}

/** A shard opened for reading. */
export interface InspectedShard {
  readonly folder: ShardFolder;
  readonly shard: Shard;
}

/** Shards opened for reading. Use one a database, or a shard where the series of all need not be known together. */
export class InspectedStore {
  private readonly store: Store;

  constructor(options: InspectedStoreOptions) {
    this.store = new Store({
      files: new ReadOnlyFiles(options.files),
      clock: options.clock,
      logger: options.logger,
      shapes: new ShapeTable(),
      snapshotter: {
        run: () => Promise.reject(new TypeError('nothing is written')),
        close: () => Promise.resolve(),
      },
      compactor: { start: () => null, close: () => Promise.resolve() },
      config: {
        dir: options.dataDir,
        // What is inspected is the files.
        indexDir: null,
        walDir: options.walDir,
        walFsyncDelayMs: 0,
        cacheSnapshotMemorySizeBytes: Number.POSITIVE_INFINITY,
        cacheSnapshotWriteColdDurationMs: Number.POSITIVE_INFINITY,
        cacheMaxMemorySizeBytes: 0,
        compactFullWriteColdDurationMs: Number.POSITIVE_INFINITY,
        seriesPerDatabaseMax: 0,
        valuesPerTagMax: 0,
      },
    });
  }

  /** Opens one shard; it stays open until {@link close}. @throws TsdbError `tsdb.open-shard` */
  async open(folder: ShardFolder): Promise<InspectedShard> {
    const { id, database, retentionPolicy } = folder;
    const shard = await this.store.createShard({
      id,
      database,
      retentionPolicy,
      startNs: 0n,
      endNs: 0n,
    });
    return { folder, shard };
  }

  /** The series of a database, as far as its shards have been opened. */
  index(database: string): SeriesIndex {
    return this.store.index(database);
  }

  /** Closes all shards without writing their caches. */
  async close(): Promise<void> {
    for (const shard of this.store.allShards()) await shard.engine.close();
  }
}
