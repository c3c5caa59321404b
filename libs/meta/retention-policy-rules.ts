/**
 * How long policies and their shard groups last.
 * @see InfluxDB services/meta/data.go
 */
import type { RetentionPolicySpec } from './command.js';
import { MetaError } from './errors.js';
import type { RetentionPolicy } from './meta-data.js';

const HOUR_NS = 3_600_000_000_000n;
const DAY_NS = 24n * HOUR_NS;

/** Shortest duration of a retention policy, and shortest shard group. */
export const RETENTION_DURATION_MIN_NS = HOUR_NS;

/** Name of the policy that a new database gets. */
export const AUTOGEN_NAME = 'autogen';

/** Shard group duration that fits a policy's duration: a week, a day or an hour. Same as InfluxDB 1.x. */
export function defaultShardGroupDurationNs(durationNs: bigint): bigint {
  if (durationNs === 0n || durationNs >= 180n * DAY_NS) return 7n * DAY_NS;
  return durationNs >= 2n * DAY_NS ? DAY_NS : HOUR_NS;
}

/** A shard group duration as asked for (0 for not at all), raised to the least one. */
export function normaliseShardGroupDurationNs(wantedNs: bigint, durationNs: bigint): bigint {
  if (wantedNs === 0n) return defaultShardGroupDurationNs(durationNs);
  return wantedNs < RETENTION_DURATION_MIN_NS ? RETENTION_DURATION_MIN_NS : wantedNs;
}

/** The policy that a specification describes. */
export function policyOf(spec: RetentionPolicySpec): RetentionPolicy {
  const durationNs = spec.durationNs ?? 0n;
  return {
    name: spec.name ?? AUTOGEN_NAME,
    durationNs,
    shardGroupDurationNs: normaliseShardGroupDurationNs(
      spec.shardGroupDurationNs ?? 0n,
      durationNs,
    ),
    replicaN: spec.replicaN ?? 1,
    shardGroups: [],
    subscriptions: [],
  };
}

/** Whether an existing policy is what the specification describes, as far as it describes it. */
export function matches(spec: RetentionPolicySpec, policy: RetentionPolicy): boolean {
  return (
    (spec.name === undefined || spec.name === policy.name) &&
    (spec.durationNs === undefined || spec.durationNs === policy.durationNs) &&
    (spec.replicaN === undefined || spec.replicaN === policy.replicaN) &&
    normaliseShardGroupDurationNs(spec.shardGroupDurationNs ?? 0n, policy.durationNs) ===
      policy.shardGroupDurationNs
  );
}

/** @throws MetaError when a duration is set and below the least one */
export function checkDuration(durationNs: bigint | undefined): void {
  if (durationNs !== undefined && durationNs !== 0n && durationNs < RETENTION_DURATION_MIN_NS) {
    throw MetaError.of('retention-policy-duration-too-low');
  }
}

/** @throws MetaError when points would be kept for less than a shard group lasts */
export function checkCompatible(durationNs: bigint, shardGroupDurationNs: bigint): void {
  if (durationNs > 0n && durationNs < shardGroupDurationNs)
    throw MetaError.of('incompatible-durations');
}
