/**
 * Removes what is older than its retention policy keeps: marks expired shard groups as deleted in metadata, then removes
 * their shards from this node. What could not be removed is tried again at the next check, also after a restart. Knows no
 * timer: {@link Retention.run} is called with the time.
 * @see InfluxDB services/retention/service.go
 */
import { type Logger, messageOf } from '#kernel';
import type { MetaClient, ShardGroup } from '#meta';
import type { ShardRemoval } from './store-shards.js';

/** What retention stands on. */
export interface RetentionParts {
  readonly meta: Pick<MetaClient, 'snapshot' | 'deleteExpiredShardGroups' | 'pruneShardGroups'>;
  readonly shards: ShardRemoval;
  readonly logger: Logger;
  /** `check-interval`, for the log. */
  readonly checkIntervalMs: number;
}

/** Counters; InfluxDB 1.6 has none. */
export interface RetentionStatistics {
  /** Checks that ran to their end. */
  checkOk: number;
  /** Checks after which something is left to be tried again. */
  checkFail: number;
  shardGroupsDeleted: number;
  shardsDeleted: number;
  shardDeleteFail: number;
  /** Shards left for the next check because a query read them. */
  shardInUse: number;
}

/** A group with where it belongs. */
interface PlacedGroup {
  readonly database: string;
  readonly retentionPolicy: string;
  readonly group: ShardGroup;
}

/** The check of `[retention]`. */
export class Retention {
  readonly statistics: RetentionStatistics = {
    checkOk: 0,
    checkFail: 0,
    shardGroupsDeleted: 0,
    shardsDeleted: 0,
    shardDeleteFail: 0,
    shardInUse: 0,
  };

  constructor(private readonly parts: RetentionParts) {}

  /** One check. Failures are logged and counted, and tried again by the next one. Not to be called while it runs. */
  async run(nowNs: bigint, signal: AbortSignal): Promise<void> {
    const { logger, checkIntervalMs } = this.parts;
    logger.info('Retention policy deletion check (start)');
    const areGroupsDone = await this.attempt('Failed to delete shard group', () =>
      this.markExpired(nowNs),
    );
    const areShardsDone = await this.removeShards(signal);
    // A group is forgotten when nothing of it is left here, else nobody would know that its files may go.
    const isDone =
      areGroupsDone &&
      areShardsDone &&
      (await this.attempt('Problem pruning shard groups', () =>
        this.parts.meta.pruneShardGroups(nowNs),
      ));
    if (isDone) this.statistics.checkOk++;
    else {
      this.statistics.checkFail++;
      logger.warn(
        'One or more errors occurred during shard deletion and will be retried on the next check',
        { checkIntervalMs },
      );
    }
    logger.info('Retention policy deletion check (end)');
  }

  private async markExpired(nowNs: bigint): Promise<void> {
    const { meta, logger } = this.parts;
    const livedBefore = new Set(
      placedGroups(meta)
        .filter(({ group }) => group.deletedAtNs === 0n)
        .map(({ group }) => group.id),
    );
    await meta.deleteExpiredShardGroups(nowNs);
    for (const { database, retentionPolicy, group } of placedGroups(meta)) {
      if (group.deletedAtNs === 0n || !livedBefore.has(group.id)) continue;
      this.statistics.shardGroupsDeleted++;
      logger.info('Deleted shard group', {
        db: database,
        shard_group: group.id,
        rp: retentionPolicy,
      });
    }
  }

  /** Removes the shards of all groups that are deleted, whoever deleted them. False when something is left. */
  private async removeShards(signal: AbortSignal): Promise<boolean> {
    const { meta, shards } = this.parts;
    const known = new Map<string, ReadonlySet<number>>();
    let isDone = true;
    for (const { database, retentionPolicy, group } of placedGroups(meta)) {
      if (group.deletedAtNs === 0n) continue;
      if (signal.aborted) return false;
      const place = `${database}/${retentionPolicy}`;
      let ids = known.get(place);
      if (ids === undefined) {
        const listed = await this.attempt('Failed to list shards', async () => {
          ids = await shards.shardIds(database, retentionPolicy);
        });
        ids ??= new Set();
        known.set(place, ids);
        isDone &&= listed;
      }
      for (const { id } of group.shards) {
        if (ids.has(id))
          isDone = (await this.removeShard(id, { database, retentionPolicy, group })) && isDone;
      }
    }
    return isDone;
  }

  private async removeShard(id: number, place: PlacedGroup): Promise<boolean> {
    const { shards, logger } = this.parts;
    const { database, retentionPolicy, group } = place;
    const fields = { db: database, rp: retentionPolicy, shard: id };
    if (shards.isShardInUse(id)) {
      this.statistics.shardInUse++;
      logger.info('can not delete an in-use shard', fields);
      return false;
    }
    try {
      const { startNs, endNs } = group;
      await shards.deleteShard({ id, database, retentionPolicy, startNs, endNs });
      this.statistics.shardsDeleted++;
      logger.info('Deleted shard', fields);
      return true;
    } catch (error) {
      this.statistics.shardDeleteFail++;
      logger.error('Failed to delete shard', { ...fields, error: messageOf(error) });
      return false;
    }
  }

  private async attempt(phrase: string, action: () => Promise<void>): Promise<boolean> {
    try {
      await action();
      return true;
    } catch (error) {
      this.parts.logger.error(phrase, { error: messageOf(error) });
      return false;
    }
  }
}

function placedGroups(meta: Pick<MetaClient, 'snapshot'>): readonly PlacedGroup[] {
  return meta.snapshot.data.databases.flatMap((database) =>
    database.retentionPolicies.flatMap((policy) =>
      policy.shardGroups.map((group) => ({
        database: database.name,
        retentionPolicy: policy.name,
        group,
      })),
    ),
  );
}
