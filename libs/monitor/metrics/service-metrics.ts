/** Metrics of what works on its own: jobs and subscriptions. */
import { counter, gauge, type PartMetrics } from './metric-definition.js';

/** Continuous queries. */
export const cq: PartMetrics = {
  labels: {},
  fields: {
    queryOk: counter('continuous_queries', 'Runs of continuous queries.'),
    queryFail: counter('continuous_query_failures', 'Runs of continuous queries that failed.'),
    windowsCaughtUp: counter('continuous_query_windows_caught_up', 'Windows computed afterwards.'),
    lateMarks: counter('continuous_query_late_marks', 'Spans that got points behind their run.'),
    windowsExpired: counter('continuous_query_windows_expired', 'Windows that were given up.'),
  },
};

/** Removal of expired shard groups. */
export const retention: PartMetrics = {
  labels: {},
  fields: {
    checkOk: counter('retention_checks', 'Checks for expired shard groups.'),
    checkFail: counter('retention_check_failures', 'Checks that failed.'),
    shardGroupsDeleted: counter('retention_shard_groups_deleted', 'Expired shard groups.'),
    shardsDeleted: counter('retention_shards_deleted', 'Shards whose files were removed.'),
    shardDeleteFail: counter(
      'retention_shard_delete_failures',
      'Shards that could not be removed.',
    ),
    shardInUse: counter('retention_shards_in_use', 'Removals put off because a query reads.'),
  },
};

/** Shard groups made ahead. */
export const precreation: PartMetrics = {
  labels: {},
  fields: {
    shardGroupsCreated: counter('precreation_shard_groups', 'Shard groups made ahead.'),
    checkFail: counter('precreation_failures', 'Checks that failed.'),
  },
};

const subscriptionLabels = {
  database: 'database',
  retention_policy: 'retention_policy',
  name: 'subscription',
  destination: 'destination',
};

/** All subscriptions together. What is counted by destination as well is there only, so that sums are right. */
export const subscriber: PartMetrics = {
  labels: {},
  fields: {
    createFailures: counter('subscriber_create_failures', 'Subscriptions that cannot be served.'),
    memUsage: gauge('subscriber_memory_bytes', 'Bytes that wait in memory.'),
    pointsLeftOut: counter('subscriber_points_left_out', 'Points that no subscription asked for.'),
    pointsWritten: null,
    writeFailures: null,
  },
};

/** One destination. */
export const subscriberDestination: PartMetrics = {
  labels: subscriptionLabels,
  fields: {
    pointsWritten: counter('subscriber_points', 'Points that a destination took.'),
    writeFailures: counter('subscriber_write_failures', 'Deliveries that failed.'),
  },
};

const dropped = (reason: string) =>
  counter('subscriber_queue_points_dropped', 'Points lost for a destination, by why.', { reason });

/** The queue before one destination, or before several of which each point goes to one. */
export const subscriberQueue: PartMetrics = {
  labels: subscriptionLabels,
  fields: {
    pointsOffered: counter('subscriber_queue_points_offered', 'Points for the subscription.'),
    pointsDelivered: counter('subscriber_queue_points_delivered', 'Points delivered.'),
    pointsDroppedQueueFull: dropped('queue full'),
    pointsDroppedLost: dropped('lost'),
    pointsDroppedRefused: dropped('refused'),
    pointsRewound: counter('subscriber_queue_points_rewound', 'Points to be delivered again.'),
    pointsWaiting: gauge('subscriber_queue_points', 'Points that wait.'),
    writesWaiting: gauge('subscriber_queue_writes', 'Writes that wait.'),
    lagBytes: gauge('subscriber_queue_bytes', 'Bytes that wait.'),
    lagSeconds: gauge('subscriber_queue_lag_seconds', 'Age of the oldest point that waits.'),
    isPaused: gauge('subscriber_queue_paused', '1 while deliveries are paused.'),
  },
};
