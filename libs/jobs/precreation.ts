/**
 * Creates the shard group that follows one which is about to end, so that no write at the boundary has to wait for it. Knows
 * no timer: {@link Precreation.run} is called with the time.
 * @see InfluxDB services/precreator/service.go
 */
import { type Logger, messageOf } from '#kernel';
import type { MetaClient } from '#meta';

/** What precreation stands on. */
export interface PrecreationParts {
  readonly meta: Pick<MetaClient, 'snapshot' | 'precreateShardGroups'>;
  readonly logger: Logger;
  /** `advance-period` */
  readonly advancePeriodMs: number;
}

/** Counters; InfluxDB has none. */
export interface PrecreationStatistics {
  shardGroupsCreated: number;
  checkFail: number;
}

/** The check of `[shard-precreation]`. */
export class Precreation {
  readonly statistics: PrecreationStatistics = { shardGroupsCreated: 0, checkFail: 0 };

  constructor(private readonly parts: PrecreationParts) {}

  /** One check. A failure is logged and counted, and the next check tries again. */
  async run(nowNs: bigint): Promise<void> {
    const { meta, logger, advancePeriodMs } = this.parts;
    const idMaxBefore = meta.snapshot.data.shardGroupIdMax;
    try {
      const after = await meta.precreateShardGroups(
        nowNs,
        nowNs + BigInt(Math.round(advancePeriodMs * 1e6)),
      );
      for (const database of after.data.databases) {
        for (const policy of database.retentionPolicies) {
          for (const group of policy.shardGroups) {
            if (group.id <= idMaxBefore) continue;
            this.statistics.shardGroupsCreated++;
            logger.info('New shard group successfully precreated', {
              shard_group: group.id,
              db: database.name,
              rp: policy.name,
            });
          }
        }
      }
    } catch (error) {
      this.statistics.checkFail++;
      logger.error('Failed to precreate successive shard group', { error: messageOf(error) });
    }
  }
}
