/** Counters of the subscriber: InfluxDB's under its names, and those of the queues under `subscriber_queue`. */
import type { Clock } from '#kernel';
import type { RunningDelivery } from './running-delivery.js';
import type { Topic } from './topic.js';

/** Numbers of one part. */
export interface SubscriberStatistics {
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly values: Readonly<Record<string, number>>;
}

/** What is counted. */
export interface CountedParts {
  readonly running: readonly RunningDelivery[];
  /** Counts of destinations that are gone. */
  readonly past: { readonly pointsWritten: number; readonly writeFailures: number };
  readonly createFailures: number;
  readonly topics: readonly Topic[];
  readonly clock: Pick<Clock, 'nowNs'>;
}

/** The counters of all subscriptions. */
export function subscriberStatistics(parts: CountedParts): readonly SubscriberStatistics[] {
  const { running, past, createFailures, topics, clock } = parts;
  const all = running.flatMap(({ delivery }) => delivery.destinations);
  const sum = (key: 'pointsWritten' | 'writeFailures'): number =>
    all.reduce((total, { statistics }) => total + statistics[key], past[key]);
  const nowNs = clock.nowNs();
  return [
    {
      name: 'subscriber',
      tags: {},
      values: {
        createFailures,
        memUsage: topics.reduce((total, { queue }) => total + queue.memoryBytes, 0),
        pointsLeftOut: topics.reduce((total, topic) => total + topic.pointsLeftOut, 0),
        pointsWritten: sum('pointsWritten'),
        writeFailures: sum('writeFailures'),
      },
    },
    ...running.flatMap((one) =>
      one.delivery.destinations.map(({ sender, statistics }) => ({
        name: 'subscriber',
        tags: { ...tagsOf(one), destination: sender.address },
        values: { ...statistics },
      })),
    ),
    ...running.map((one) => queueStatistics(one, nowNs)),
  ];
}

function tagsOf({ database, retentionPolicy, wanted }: RunningDelivery): Record<string, string> {
  const { subscription: name, mode } = wanted;
  return { database, mode, name, retention_policy: retentionPolicy };
}

function queueStatistics(one: RunningDelivery, nowNs: bigint): SubscriberStatistics {
  const { delivery } = one;
  const { reader, destinations } = delivery;
  const { statistics, backlog, oldestTimeNs } = reader;
  const lagNs = oldestTimeNs === null ? 0 : Number(nowNs - oldestTimeNs);
  return {
    name: 'subscriber_queue',
    tags: {
      ...tagsOf(one),
      destination: destinations.map(({ sender }) => sender.address).join(' '),
    },
    values: {
      pointsOffered: statistics.offered,
      pointsDelivered: statistics.delivered,
      pointsDroppedQueueFull: statistics.droppedFull,
      pointsDroppedLost: statistics.droppedLost,
      pointsDroppedRefused: statistics.droppedRefused,
      pointsRewound: statistics.rewound,
      pointsWaiting: backlog.items,
      writesWaiting: backlog.records,
      lagBytes: backlog.bytes,
      lagSeconds: Math.max(0, lagNs / 1e9),
      isPaused: delivery.isPaused ? 1 : 0,
    },
  };
}
