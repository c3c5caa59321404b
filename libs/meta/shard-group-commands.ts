/** Commands on shard groups and shards. */
import type { MetaCommand } from './command.js';
import { editPolicies, editPolicy, existingPolicy, mapChanged, type PolicyPlace } from './edit.js';
import { MetaError } from './errors.js';
import {
  effectiveEndNs,
  isDeleted,
  type MetaData,
  type RetentionPolicy,
  type ShardGroup,
} from './meta-data.js';
import { byEndThenStart } from './shard-group-index.js';
import { groupAt, newGroupSpan } from './shard-groups.js';

type CommandOf<Kind extends MetaCommand['kind']> = Extract<MetaCommand, { kind: Kind }>;

/** Idempotent: nothing changes when a live group takes the time already. */
export function createShardGroup(
  data: MetaData,
  command: CommandOf<'create-shard-group'>,
): MetaData {
  const policy = existingPolicy(data, command.database, command.retentionPolicy);
  if (groupAt(policy, command.timeNs) !== undefined) return data;
  return addGroup(data, command, command.timeNs);
}

function addGroup(data: MetaData, place: PolicyPlace, timeNs: bigint): MetaData {
  const policy = existingPolicy(data, place.database, place.retentionPolicy);
  const group: ShardGroup = {
    id: data.shardGroupIdMax + 1,
    ...newGroupSpan(policy, timeNs),
    deletedAtNs: 0n,
    truncatedAtNs: 0n,
    shards: [{ id: data.shardIdMax + 1, ownerIds: [] }],
  };
  // In order of time, as InfluxDB 1.x keeps and lists them.
  const edited = editPolicy(data, place, (found) => ({
    ...found,
    shardGroups: [...found.shardGroups, group].sort(byEndThenStart),
  }));
  return { ...edited, shardGroupIdMax: group.id, shardIdMax: data.shardIdMax + 1 };
}

/** Marks a group as deleted; its shards stay in it until storage has dropped them. */
export function deleteShardGroup(
  data: MetaData,
  command: CommandOf<'delete-shard-group'>,
): MetaData {
  const policy = existingPolicy(data, command.database, command.retentionPolicy);
  if (!policy.shardGroups.some((group) => group.id === command.id))
    throw MetaError.of('shard-group-not-found');
  return editPolicy(data, command, (found) =>
    editGroups(found, (group) =>
      group.id === command.id && !isDeleted(group)
        ? { ...group, deletedAtNs: command.nowNs }
        : group,
    ),
  );
}

/**
 * Marks every live group as deleted that ended longer ago than its policy keeps points. Decided inside the command, so that
 * a policy that was altered just before is obeyed. @see InfluxDB services/meta/data.go ExpiredShardGroups
 */
export function deleteExpiredShardGroups(data: MetaData, nowNs: bigint): MetaData {
  return editPolicies(data, (policy) => {
    if (policy.durationNs === 0n) return policy;
    return editGroups(policy, (group) =>
      !isDeleted(group) && group.endNs + policy.durationNs < nowNs
        ? { ...group, deletedAtNs: nowNs }
        : group,
    );
  });
}

/** Removes a shard; a group left without shards counts as deleted. Unknown ids change nothing. */
export function dropShard(data: MetaData, { id, nowNs }: CommandOf<'drop-shard'>): MetaData {
  return editPolicies(data, (policy) =>
    editGroups(policy, (group) => {
      if (!group.shards.some((shard) => shard.id === id)) return group;
      const shards = group.shards.filter((shard) => shard.id !== id);
      const isLast = shards.length === 0 && !isDeleted(group);
      return { ...group, shards, deletedAtNs: isLast ? nowNs : group.deletedAtNs };
    }),
  );
}

/** Forgets groups that were deleted before a time. */
export function pruneShardGroups(data: MetaData, deletedBeforeNs: bigint): MetaData {
  return editPolicies(data, (policy) => {
    const kept = policy.shardGroups.filter(
      (group) => !isDeleted(group) || group.deletedAtNs >= deletedBeforeNs,
    );
    return kept.length === policy.shardGroups.length ? policy : { ...policy, shardGroups: kept };
  });
}

/**
 * Creates the successor of every live group that ends within (from, to), where none is there. Unlike InfluxDB 1.x, which
 * looks at the last group only, a group in the far future does not stop this.
 */
export function precreateShardGroups(
  data: MetaData,
  { fromNs, toNs }: CommandOf<'precreate-shard-groups'>,
): MetaData {
  let next = data;
  for (const database of data.databases) {
    for (const policy of database.retentionPolicies) {
      for (const group of policy.shardGroups) {
        const endNs = effectiveEndNs(group);
        if (isDeleted(group) || endNs <= fromNs || endNs >= toNs) continue;
        const place = { database: database.name, retentionPolicy: policy.name };
        if (
          groupAt(existingPolicy(next, place.database, place.retentionPolicy), endNs) === undefined
        ) {
          next = addGroup(next, place, endNs);
        }
      }
    }
  }
  return next;
}

/** Ends every live group at a time, so that new groups are made for what follows. */
export function truncateShardGroups(data: MetaData, timeNs: bigint): MetaData {
  return editPolicies(data, (policy) =>
    editGroups(policy, (group) => {
      if (isDeleted(group) || effectiveEndNs(group) <= timeNs) return group;
      return { ...group, truncatedAtNs: group.startNs > timeNs ? group.startNs : timeNs };
    }),
  );
}

function editGroups(
  policy: RetentionPolicy,
  edit: (group: ShardGroup) => ShardGroup,
): RetentionPolicy {
  const shardGroups = mapChanged(policy.shardGroups, edit);
  return shardGroups === policy.shardGroups ? policy : { ...policy, shardGroups };
}
