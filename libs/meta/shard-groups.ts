/**
 * Which span of time a new shard group gets.
 * @see InfluxDB services/meta/data.go CreateShardGroup
 */
import { effectiveEndNs, isDeleted, type RetentionPolicy, type ShardGroup } from './meta-data.js';

/** Earliest time of a point. */
export const TIME_MIN_NS = -9223372036854775806n;
/** Latest time of a point. */
export const TIME_MAX_NS = 9223372036854775806n;

/** Go counts from the first of January of the year 1, a Monday; so weeks begin on Mondays. */
const YEAR_ONE_TO_EPOCH_NS = 62_135_596_800n * 1_000_000_000n;

/** The greatest multiple of `durationNs`, counted from year 1, that is not after `timeNs`. */
export function truncateTimeNs(timeNs: bigint, durationNs: bigint): bigint {
  const shifted = timeNs + YEAR_ONE_TO_EPOCH_NS;
  const rest = shifted % durationNs;
  return timeNs - (rest < 0n ? rest + durationNs : rest);
}

/**
 * The span of a new group for `timeNs`: the policy's grid, cut so that it overlaps no live group.
 * @returns start inclusive, end exclusive
 */
export function newGroupSpan(
  policy: RetentionPolicy,
  timeNs: bigint,
): { startNs: bigint; endNs: bigint } {
  let startNs = truncateTimeNs(timeNs, policy.shardGroupDurationNs);
  let endNs = startNs + policy.shardGroupDurationNs;
  if (startNs < TIME_MIN_NS) startNs = TIME_MIN_NS;
  if (endNs > TIME_MAX_NS) endNs = TIME_MAX_NS + 1n;
  for (const group of policy.shardGroups) {
    if (isDeleted(group)) continue;
    const groupEndNs = effectiveEndNs(group);
    if (groupEndNs <= timeNs && groupEndNs > startNs) startNs = groupEndNs;
    if (group.startNs > timeNs && group.startNs < endNs) endNs = group.startNs;
  }
  return { startNs, endNs };
}

/** The live group that takes points of a time, or undefined. */
export function groupAt(policy: RetentionPolicy, timeNs: bigint): ShardGroup | undefined {
  return policy.shardGroups.find(
    (group) => !isDeleted(group) && group.startNs <= timeNs && timeNs < effectiveEndNs(group),
  );
}
