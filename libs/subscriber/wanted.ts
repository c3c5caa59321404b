/** What metadata wants of the subscriber: which topics, and who reads them. */
import { createHash } from 'node:crypto';
import type { MetaSnapshot } from '#meta';
import type { Place } from './sender.js';

/** A subscription's destinations that are served together: one, or all of an ANY. */
export interface WantedDelivery {
  /** Name of its reader; says nothing of passwords. */
  readonly readerName: string;
  readonly subscription: string;
  readonly mode: string;
  readonly addresses: readonly string[];
  /** True where it was dropped a moment ago: its place in the queue is kept, nothing is sent. */
  readonly isLeaving?: boolean;
}

/** Writes to a retention policy, and who wants them. */
export interface WantedTopic extends Place {
  readonly id: string;
  /** '' for all points. */
  readonly condition: string;
  readonly deliveries: readonly WantedDelivery[];
}

/** Topics by id. */
export function wantedTopics(meta: MetaSnapshot): ReadonlyMap<string, WantedTopic> {
  const topics = new Map<string, WantedTopic & { readonly deliveries: WantedDelivery[] }>();
  for (const database of meta.data.databases) {
    for (const policy of database.retentionPolicies) {
      for (const { name, mode, destinations, condition } of policy.subscriptions) {
        const id = hashOf(database.name, policy.name, condition);
        const place = { database: database.name, retentionPolicy: policy.name };
        const topic = topics.get(id) ?? { ...place, id, condition, deliveries: [] };
        topics.set(id, topic);
        const groups = mode === 'ANY' ? [destinations] : destinations.map((one) => [one]);
        groups.forEach((addresses, i) => {
          // The place in the list tells twice the same address apart.
          const isRepeated = mode !== 'ANY' && destinations.indexOf(addresses[0]) < i;
          const own = addresses.map(withoutCredentials);
          const readerName = hashOf(name, mode, ...own, ...(isRepeated ? [`${i}`] : []));
          topic.deliveries.push({ readerName, subscription: name, mode, addresses });
        });
      }
    }
  }
  return topics;
}

/** A short name for several, which may hold anything. */
function hashOf(...names: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(names)).digest('hex').slice(0, 24);
}

function withoutCredentials(address: string): string {
  return address.replace(/(\/\/)[^/?#@]*@/, '$1');
}
