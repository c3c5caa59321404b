/**
 * Subscriptions with passwords that were dropped a moment ago. Kapacitor with tokens finds no token of its own in SHOW SUBSCRIPTIONS, drops its
 * subscriptions and makes them anew with others; what waits for it must not go with them. So their place in the queue is kept for a while, and
 * nothing is sent. Pure but for the clock.
 */
import type { Clock } from '#kernel';
import type { MetaSnapshot } from '#meta';
import type { WantedDelivery, WantedTopic } from './wanted.js';

/** How long the place in the queue is kept. */
export const LEAVE_MS = 30_000;

interface Leaving {
  readonly topic: WantedTopic;
  readonly delivery: WantedDelivery;
  readonly untilMs: number;
}

/** See the header. */
export class LeavingDeliveries {
  private last: ReadonlyMap<string, WantedTopic> = new Map();
  /** By topic and reader. */
  private readonly leaving = new Map<string, Leaving>();

  constructor(private readonly clock: Pick<Clock, 'monotonicMs'>) {}

  /** What is wanted, with what left a moment ago (`isLeaving`). */
  add(
    wanted: ReadonlyMap<string, WantedTopic>,
    meta: Pick<MetaSnapshot, 'retentionPolicy'>,
  ): ReadonlyMap<string, WantedTopic> {
    const nowMs = this.clock.monotonicMs();
    const isWanted = (topic: WantedTopic, { readerName }: WantedDelivery): boolean =>
      wanted.get(topic.id)?.deliveries.some((one) => one.readerName === readerName) === true;
    for (const topic of this.last.values()) {
      for (const delivery of topic.deliveries) {
        if (isWanted(topic, delivery) || !delivery.addresses.some(hasCredentials)) continue;
        const key = keyOf(topic, delivery);
        this.leaving.set(key, { topic, delivery, untilMs: nowMs + LEAVE_MS });
      }
    }
    this.last = wanted;
    const all = new Map(wanted);
    for (const [key, { topic, delivery, untilMs }] of this.leaving) {
      const isPlaceGone = meta.retentionPolicy(topic.database, topic.retentionPolicy) === undefined;
      if (isPlaceGone || untilMs <= nowMs || isWanted(topic, delivery)) {
        this.leaving.delete(key);
        continue;
      }
      const { deliveries } = all.get(topic.id) ?? { deliveries: [] };
      const left = { ...delivery, isLeaving: true };
      all.set(topic.id, { ...topic, deliveries: [...deliveries, left] });
    }
    return all;
  }

  /** Milliseconds until somebody is gone, or null where nobody leaves. */
  nextMs(): number | null {
    const ends = [...this.leaving.values()].map(({ untilMs }) => untilMs);
    return ends.length === 0 ? null : Math.max(0, Math.min(...ends) - this.clock.monotonicMs());
  }

  /** Forgets who leaves. */
  clear(): void {
    this.leaving.clear();
    this.last = new Map();
  }
}

const hasCredentials = (address: string): boolean => /\/\/[^/?#]*@/.test(address);

const keyOf = ({ id }: WantedTopic, { readerName }: WantedDelivery): string =>
  `${id}/${readerName}`;
