/**
 * The numbers of a store as InfluxDB reports them: `database`, `shard`, `tsm1_engine`, `tsm1_cache`, `tsm1_filestore` and
 * `tsm1_wal`, with its tags. Gathered when asked for.
 */
import type { Shard } from './shard.js';
import type { Store } from './store.js';

/** Numbers of one part. */
export interface StorageStatistics {
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly values: Readonly<Record<string, number>>;
}

/** Numbers of all databases and shards of a store. */
export function storeStatistics(store: Store): readonly StorageStatistics[] {
  const shards = [...store.allShards()];
  const databases = new Set(shards.map(({ identity }) => identity.database));
  return [
    ...[...databases].map((database) => ofDatabase(store, database, shards)),
    ...shards.flatMap((shard) => ofShard(store, shard)),
  ];
}

function ofDatabase(store: Store, database: string, shards: readonly Shard[]): StorageStatistics {
  const index = store.index(database);
  const mine = shards.filter(({ identity }) => identity.database === database);
  const measurements = index.measurements.filter(({ id }) =>
    mine.some((shard) => shard.seriesCountOf(id) > 0),
  );
  return {
    name: 'database',
    tags: { database },
    values: { numMeasurements: measurements.length, numSeries: index.seriesCount },
  };
}

function ofShard(store: Store, shard: Shard): readonly StorageStatistics[] {
  const { engine, identity, statistics } = shard;
  const { directory, walDirectory } = store.directories(identity);
  const tags = {
    database: identity.database,
    engine: 'tsm1',
    id: String(identity.id),
    path: directory,
    retentionPolicy: identity.retentionPolicy,
    walPath: walDirectory,
  };
  const { cacheCompactions, cacheCompactionsActive, cacheCompactionErr, cacheCompactionDuration } =
    engine.statistics;
  const { cachedBytes, damagedWalRecords, writesRefused } = engine.statistics;
  const { writeOk, writeErr, syncs } = engine.walStatistics;
  const { currentSegmentDiskBytes, oldSegmentsDiskBytes, appendedBytes } = engine.walStatistics;
  const values: Readonly<Record<string, Readonly<Record<string, number>>>> = {
    shard: { ...statistics, diskBytes: engine.diskBytes, writeBytes: appendedBytes },
    tsm1_engine: {
      cacheCompactions,
      cacheCompactionsActive,
      cacheCompactionErr,
      cacheCompactionDuration,
      ...engine.compactionStatistics,
    },
    tsm1_cache: {
      memBytes: engine.cacheBytes,
      diskBytes: engine.frozenBytes,
      snapshotCount: cacheCompactionsActive,
      cacheAgeMs: engine.cacheAgeMs,
      cachedBytes,
      WALCompactionTimeMs: Math.round(cacheCompactionDuration / 1e6),
      writeOk: statistics.writeReqOk,
      writeErr: writesRefused,
      writeDropped: 0,
    },
    tsm1_filestore: {
      diskBytes: engine.fileStore.diskBytes,
      numFiles: engine.fileStore.current.length,
    },
    tsm1_wal: {
      currentSegmentDiskBytes,
      oldSegmentsDiskBytes,
      writeOk,
      writeErr,
      syncs,
      damagedRecords: damagedWalRecords,
    },
  };
  return Object.entries(values).map(([name, numbers]) => ({ name, tags, values: numbers }));
}
