/**
 * The shards of this node as retention sees them: those that are open in the store, and folders that an interrupted removal
 * left behind. Binds the store and its directories to the port of the retention job.
 */
import { dirname } from 'node:path';
import type { FileSystem } from '#kernel';
import type { ShardIdentity, Store } from '#tsdb';

/** What retention needs of storage. */
export interface ShardRemoval {
  /** Ids of the shards of a policy that this node has anything of. */
  shardIds(database: string, retentionPolicy: string): Promise<ReadonlySet<number>>;
  /** Whether a query that has not ended reads the shard; new ones do not find it once its group is marked as deleted. */
  isShardInUse(id: number): boolean;
  /** Closes a shard where it is open and removes what the disk has of it. */
  deleteShard(shard: ShardIdentity): Promise<void>;
}

/** Shards of a store. */
export class StoreShards implements ShardRemoval {
  constructor(
    private readonly store: Pick<Store, 'shard' | 'deleteShard' | 'directories'>,
    private readonly files: FileSystem,
    readonly isShardInUse: (id: number) => boolean,
  ) {}

  async shardIds(database: string, retentionPolicy: string): Promise<ReadonlySet<number>> {
    const anyShard = { id: 0, database, retentionPolicy, startNs: 0n, endNs: 0n };
    const { directory, walDirectory } = this.store.directories(anyShard);
    const ids = new Set<number>();
    for (const folder of [dirname(directory), dirname(walDirectory)]) {
      for (const { name, isDirectory } of await this.files.list(folder)) {
        if (isDirectory && /^\d+$/.test(name)) ids.add(Number(name));
      }
    }
    return ids;
  }

  async deleteShard(shard: ShardIdentity): Promise<void> {
    if (this.store.shard(shard.id) !== undefined) return this.store.deleteShard(shard.id);
    const { directory, walDirectory } = this.store.directories(shard);
    await this.files.remove(directory);
    await this.files.remove(walDirectory);
  }
}
