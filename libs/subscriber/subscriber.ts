/**
 * The subscriber: keeps a queue for each retention policy that somebody subscribes to, puts in what was stored, and runs a
 * delivery for each destination. Follows metadata: subscriptions come and go with CREATE and DROP SUBSCRIPTION.
 * @see InfluxDB services/subscriber
 */
import { join } from 'node:path';
import {
  type AcceptedRows,
  SubscriptionFilter,
  type WriteListener,
  type WriteRequest,
} from '#coordinator';
import { type Clock, type FileSystem, type Logger, messageOf } from '#kernel';
import type { MetaClient, MetaSnapshot, MetaStore } from '#meta';
import { LineCopier } from '#models';
import { diskQueue, memoryQueue, type Queue, type QueueLimits } from '#queue';
import type { BackOffOptions } from './back-off.js';
import { DeadLetters, type Refusal } from './dead-letters.js';
import { Delivery, type Destination } from './delivery.js';
import { SubscriberError } from './errors.js';
import { MinuteLog } from './minute-log.js';
import { PausedSubscriptions } from './paused.js';
import { RenewableSender } from './renewable-sender.js';
import type { RunningDelivery } from './running-delivery.js';
import { LeavingDeliveries } from './leaving.js';
import { linesOf } from './lines.js';
import type { Place, SenderOptions, SendOutcome } from './sender.js';
import { senderFor } from './sender-for.js';
import type { SubscriberConfig } from './subscriber.config.js';
import { type SubscriberStatistics, subscriberStatistics } from './subscriber-statistics.js';
import { type KeysOfSeries, Topic } from './topic.js';
import { type WantedDelivery, type WantedTopic, wantedTopics } from './wanted.js';

/** What the subscriber stands on. */
export interface SubscriberParts {
  readonly config: SubscriberConfig;
  readonly meta: Pick<MetaClient, 'snapshot' | 'onChange'>;
  readonly metaStore: Pick<MetaStore, 'list' | 'transact'>;
  /** The series of a database. */
  readonly keysOf: (database: string) => KeysOfSeries;
  readonly files: FileSystem;
  /** Where queues are kept, whatever the configuration says of storage. */
  readonly directory: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long a write waits for a full queue that blocks. */
  readonly blockMs: number;
  /** Authorities to trust, PEM; null for the system's. */
  readonly certificates: string | null;
  readonly backOff?: BackOffOptions;
  /** Told of lines that a destination refused, when they are kept. Must copy them, and must not throw. */
  onRefused?(refusal: Refusal, lines: Uint8Array, count: number): void;
}

const MODES = ['ALL', 'ANY'];
const DEAD_LETTERS = 'dead-letters';
const SEGMENT_BYTES_MAX = 16 * 2 ** 20;
const SEGMENT_BYTES_MIN = 64 * 1024;
/** Segments of a full queue: what is dropped at one time is a part of it. */
const SEGMENTS_PER_QUEUE = 16;
/** Newest writes of a topic kept in memory, for destinations that keep up. */
const RECENT_BYTES_MAX = 8 * 2 ** 20;
/** How long queues in memory are emptied when the server stops. */
const DRAIN_MS = 5000;
const BACK_OFF: BackOffOptions = { minMs: 100, maxMs: 10_000, random: () => Math.random() };

/** See the header. */
export class Subscriber implements WriteListener {
  private readonly topics = new Map<string, Topic>();
  private byPlace = new Map<string, readonly Topic[]>();
  private readonly leaving: LeavingDeliveries;
  private leavingTimer: NodeJS.Timeout | null = null;
  /** The senders of deliveries, by delivery; and the deliveries that leave. */
  private readonly senders = new WeakMap<Delivery, readonly RenewableSender[]>();
  private readonly held = new WeakSet<Delivery>();
  /** Those with subscriptions. */
  private databases: ReadonlySet<string> = new Set();
  private running: readonly RunningDelivery[] = [];
  private readonly paused: PausedSubscriptions;
  private readonly encoder = new LineCopier();
  private readonly log: MinuteLog;
  private readonly senderOptions: SenderOptions;
  private deadLetterQueue: Queue | null = null;
  /** While subscriptions change; writes wait, so that none is missed that comes behind a CREATE SUBSCRIPTION. */
  private changing: Promise<void> | null = null;
  private stopWatching: (() => void) | null = null;
  private createFailures = 0;
  /** Of destinations that are gone. */
  private readonly past = { pointsWritten: 0, writeFailures: 0 };

  constructor(private readonly parts: SubscriberParts) {
    this.paused = new PausedSubscriptions(parts.metaStore);
    this.log = new MinuteLog(parts.logger, parts.clock);
    this.leaving = new LeavingDeliveries(parts.clock);
    const { httpTimeoutMs, isVerificationSkipped, udpPayloadBytes } = parts.config;
    const { certificates } = parts;
    this.senderOptions = { httpTimeoutMs, isVerificationSkipped, udpPayloadBytes, certificates };
  }

  /** Takes up the subscriptions that there are, and follows their changes. */
  async open(): Promise<void> {
    if (!this.parts.config.isEnabled || this.stopWatching !== null) return;
    await this.paused.load();
    this.stopWatching = this.parts.meta.onChange((now, before) => {
      if (haveSubscriptionsChanged(now, before)) this.follow(now);
    });
    this.follow(this.parts.meta.snapshot);
    await this.changing;
    await this.reportUnknownQueues();
  }

  /** Ends all deliveries. What waits on disk stays there; what waits in memory is delivered if that goes quickly. */
  async close(): Promise<void> {
    this.stopWatching?.();
    this.stopWatching = null;
    await this.changing;
    await this.endLeaving();
    if (this.parts.config.queueStorage === 'memory') await this.drain();
    for (const topic of this.topics.values()) await this.closeTopic(topic);
    this.topics.clear();
    this.byPlace = new Map();
    this.databases = new Set();
    await this.deadLetterQueue?.close();
    this.deadLetterQueue = null;
  }

  stored(
    request: WriteRequest,
    retentionPolicy: string,
    accepted: AcceptedRows,
  ): boolean | Promise<boolean> {
    if (this.changing === null) return this.forward(request, retentionPolicy, accepted);
    return this.changing.then(() => this.forward(request, retentionPolicy, accepted));
  }

  wantsLines(database: string): boolean {
    return this.databases.has(database);
  }

  /** Deliveries of all subscriptions, in the order of metadata. */
  get deliveries(): readonly RunningDelivery[] {
    return this.running;
  }

  /** Holds a subscription back, over restarts too. @throws SubscriberError `subscription not found` */
  async pause(place: Place, name: string): Promise<void> {
    const found = await this.find(place, name);
    await this.paused.add(place, name);
    for (const { delivery } of found) delivery.pause();
  }

  /** Lets a subscription go on. @throws as {@link pause} */
  async resume(place: Place, name: string): Promise<void> {
    const found = await this.find(place, name);
    await this.paused.remove(place, name);
    for (const { delivery } of found) delivery.unpause();
  }

  /** Sends again what came in since a time, as far as it is kept; by destination, how many points. @throws as {@link pause} */
  async rewind(
    place: Place,
    name: string,
    timeNs: bigint,
  ): Promise<readonly { readonly destination: string; readonly points: number }[]> {
    const rewound: { destination: string; points: number }[] = [];
    for (const { delivery } of await this.find(place, name)) {
      rewound.push({ destination: addressesOf(delivery), points: await delivery.rewind(timeNs) });
    }
    return rewound;
  }

  /**
   * Sends lines that were refused once more, to the destination that refused them or, of an ANY, to one after the other. Beside the
   * queue: what waits is not waited for.
   * @throws as {@link pause}
   */
  async resend(
    { subscription, destination, ...place }: Omit<Refusal, 'status' | 'reason'>,
    lines: Uint8Array,
  ): Promise<SendOutcome> {
    const found = (await this.find(place, subscription)).find(
      ({ delivery }) => addressesOf(delivery) === destination,
    );
    if (found === undefined)
      throw new SubscriberError('subscriber.not-found', `destination not found: ${destination}`);
    let outcome: SendOutcome = { kind: 'failed', reason: 'not tried', retryAfterMs: 0 };
    for (const address of found.wanted.addresses) {
      const sender = senderFor(address, place, this.senderOptions);
      outcome = await sender.send(linesOf(lines), new AbortController().signal);
      sender.close();
      if (outcome.kind !== 'failed') break;
    }
    return outcome;
  }

  /** Counters, with InfluxDB's names where it has them. */
  collect(): readonly SubscriberStatistics[] {
    const { running, past, createFailures, parts } = this;
    const topics = [...this.topics.values()];
    return subscriberStatistics({ running, past, createFailures, topics, clock: parts.clock });
  }

  private async find(place: Place, name: string): Promise<readonly RunningDelivery[]> {
    if (!this.parts.config.isEnabled) {
      throw new SubscriberError('subscriber.disabled', 'subscriber is disabled');
    }
    await this.changing;
    const found = this.running.filter(
      ({ database, retentionPolicy, wanted }) =>
        database === place.database &&
        retentionPolicy === place.retentionPolicy &&
        wanted.subscription === name,
    );
    if (found.length > 0) return found;
    throw new SubscriberError('subscriber.not-found', 'subscription not found');
  }

  private forward(
    request: WriteRequest,
    retentionPolicy: string,
    accepted: AcceptedRows,
  ): boolean | Promise<boolean> {
    if (this.byPlace.size === 0) return true;
    const topics = this.byPlace.get(placeKey(request.database, retentionPolicy));
    if (topics === undefined) return true;
    const { blockMs, keysOf } = this.parts;
    const given = { encoder: this.encoder, keys: keysOf(request.database), waitMs: blockMs };
    const appended = topics.map((topic) => topic.append(request, accepted, given));
    return Promise.all(appended).then(
      () => true,
      (error: unknown) => {
        this.log.warn('Write rejected', {
          db: request.database,
          rp: retentionPolicy,
          error: messageOf(error),
        });
        return false;
      },
    );
  }

  private follow(meta: MetaSnapshot): void {
    const before = this.changing ?? Promise.resolve();
    const change = before
      .then(() => this.apply(this.leaving.add(wantedTopics(meta), meta)))
      .then(() => this.watchLeaving())
      .catch((error: unknown) => {
        this.parts.logger.error('Cannot take up subscriptions', { error: messageOf(error) });
      })
      .finally(() => {
        if (this.changing === change) this.changing = null;
      });
    this.changing = change;
  }

  /** Looks again when those that leave are gone. */
  private watchLeaving(): void {
    if (this.leavingTimer !== null) clearTimeout(this.leavingTimer);
    this.leavingTimer = null;
    const ms = this.leaving.nextMs();
    if (ms === null || this.stopWatching === null) return;
    this.leavingTimer = setTimeout(() => this.follow(this.parts.meta.snapshot), ms + 1);
    this.leavingTimer.unref();
  }

  /** The server stops: who left a moment ago does not come back. */
  private async endLeaving(): Promise<void> {
    if (this.leavingTimer !== null) clearTimeout(this.leavingTimer);
    this.leavingTimer = null;
    if (this.leaving.nextMs() !== null) await this.apply(wantedTopics(this.parts.meta.snapshot));
    this.leaving.clear();
  }

  /** Makes topics and deliveries those that are wanted. */
  private async apply(wanted: ReadonlyMap<string, WantedTopic>): Promise<void> {
    const count = [...wanted.values()].reduce((sum, topic) => sum + topic.deliveries.length, 0);
    const limits = this.limitsFor(count);
    for (const [id, topic] of this.topics) {
      if (wanted.has(id)) continue;
      await this.closeTopic(topic);
      this.topics.delete(id);
      if (topic.directory !== null) await this.parts.files.remove(topic.directory);
    }
    const running: RunningDelivery[] = [];
    const byPlace = new Map<string, readonly Topic[]>();
    for (const [id, one] of wanted) {
      const topic = this.topics.get(id) ?? (await this.openTopic(one, limits));
      if (topic === null) continue;
      this.topics.set(id, topic);
      topic.queue.setLimits(limits);
      await this.applyDeliveries(topic, one);
      for (const delivery of one.deliveries) {
        const found = topic.deliveries.get(delivery.readerName);
        if (found !== undefined && delivery.isLeaving !== true)
          running.push({ ...one, wanted: delivery, delivery: found });
      }
      const key = placeKey(one.database, one.retentionPolicy);
      byPlace.set(key, [...(byPlace.get(key) ?? []), topic]);
    }
    this.running = running;
    this.byPlace = byPlace;
    this.databases = new Set([...this.topics.keys()].map((id) => wanted.get(id)?.database ?? ''));
  }

  private async applyDeliveries(topic: Topic, wanted: WantedTopic): Promise<void> {
    const { logger } = this.parts;
    const names = new Set(wanted.deliveries.map(({ readerName }) => readerName));
    for (const [name, delivery] of topic.deliveries) {
      if (names.has(name)) continue;
      await this.closeDelivery(topic, name, delivery);
      topic.queue.removeReader(name);
    }
    for (const one of wanted.deliveries) {
      const known = topic.deliveries.get(one.readerName);
      if (known !== undefined) this.holdOrRenew(known, wanted, one);
      if (known !== undefined || one.isLeaving === true) continue;
      try {
        const delivery = this.newDelivery(topic, wanted, one);
        topic.deliveries.set(one.readerName, delivery);
        if (this.paused.has(wanted, one.subscription)) delivery.pause();
        delivery.open();
        const { subscription: name, mode } = one;
        logger.info('Added new subscription', {
          db: wanted.database,
          rp: wanted.retentionPolicy,
          name,
          mode,
        });
      } catch (error) {
        this.createFailures++;
        logger.error('Subscription creation failed', {
          name: one.subscription,
          error: messageOf(error),
        });
      }
    }
    for (const name of topic.queue.unclaimedReaders) topic.queue.removeReader(name);
  }

  /** Holds back a delivery that leaves; one that has come back goes on with the addresses of now. */
  private holdOrRenew(delivery: Delivery, place: Place, wanted: WantedDelivery): void {
    if (wanted.isLeaving === true) {
      this.held.add(delivery);
      delivery.pause();
    } else if (this.held.delete(delivery)) {
      wanted.addresses.forEach((address, i) => {
        this.senders.get(delivery)?.[i]?.renew(senderFor(address, place, this.senderOptions));
      });
      if (!this.paused.has(place, wanted.subscription)) delivery.unpause();
    }
  }

  private newDelivery(topic: Topic, place: Place, wanted: WantedDelivery): Delivery {
    const { clock, logger, backOff = BACK_OFF } = this.parts;
    // Of metadata that somebody else has written.
    if (!MODES.includes(wanted.mode)) {
      const text = `unknown balance mode ${JSON.stringify(wanted.mode)}`;
      throw new SubscriberError('subscriber.bad-mode', text);
    }
    const senders = wanted.addresses.map(
      (address) => new RenewableSender(senderFor(address, place, this.senderOptions)),
    );
    const destinations = senders.map((sender): Destination => {
      return { sender, statistics: { pointsWritten: 0, writeFailures: 0 } };
    });
    const delivery = new Delivery({
      place: { database: place.database, retentionPolicy: place.retentionPolicy },
      subscription: wanted.subscription,
      reader: topic.queue.reader(wanted.readerName),
      destinations,
      deadLetters: {
        keep: async (...given) => {
          await new DeadLetters(await this.deadLetters(), clock).keep(...given);
          this.parts.onRefused?.(...given);
        },
      },
      clock,
      logger,
      backOff,
    });
    this.senders.set(delivery, senders);
    return delivery;
  }

  private async openTopic(wanted: WantedTopic, limits: QueueLimits): Promise<Topic | null> {
    const { clock, logger } = this.parts;
    const directory = this.isOnDisk ? join(this.parts.directory, wanted.id) : null;
    try {
      const filter = wanted.condition === '' ? null : new SubscriptionFilter(wanted.condition);
      const queue = this.newQueue(directory, limits);
      await queue.open();
      return new Topic(queue, directory, filter, clock);
    } catch (error) {
      this.createFailures += wanted.deliveries.length;
      logger.error('Subscription creation failed', {
        db: wanted.database,
        rp: wanted.retentionPolicy,
        error: messageOf(error),
      });
      return null;
    }
  }

  private get isOnDisk(): boolean {
    return this.parts.config.queueStorage === 'disk';
  }

  private newQueue(directory: string | null, limits: QueueLimits): Queue {
    const { clock, logger, files, config } = this.parts;
    if (directory === null) return memoryQueue({ clock, logger, limits });
    const segmentBytes = Math.round(limits.bytesMax / SEGMENTS_PER_QUEUE);
    return diskQueue({
      files,
      directory,
      clock,
      logger,
      limits,
      segmentBytes: Math.max(SEGMENT_BYTES_MIN, Math.min(SEGMENT_BYTES_MAX, segmentBytes)),
      recentBytesMax: RECENT_BYTES_MAX,
      flushIntervalMs: config.queueSyncIntervalMs,
    });
  }

  private async deadLetters(): Promise<Queue> {
    if (this.deadLetterQueue !== null) return this.deadLetterQueue;
    const directory = this.isOnDisk ? join(this.parts.directory, DEAD_LETTERS) : null;
    const bytesMax = this.parts.config.deadLetterBytesMax;
    const whenFull = 'drop-oldest' as const;
    const queue = this.newQueue(directory, { bytesMax, recordsMax: 0, whenFull, keepMs: null });
    this.deadLetterQueue = queue;
    await queue.open();
    return queue;
  }

  private limitsFor(destinationCount: number): QueueLimits {
    const { bufferBytesMax, queueBytesMax, queueFullPolicy, writeBufferSize, queueKeepMs } =
      this.parts.config;
    const share = Math.max(1, Math.floor(bufferBytesMax / Math.max(1, destinationCount)));
    return {
      bytesMax: bufferBytesMax > 0 ? share : queueBytesMax,
      recordsMax: this.isOnDisk ? 0 : writeBufferSize,
      whenFull: queueFullPolicy,
      keepMs: this.isOnDisk ? queueKeepMs : 0,
    };
  }

  private async closeTopic(topic: Topic): Promise<void> {
    for (const [name, delivery] of topic.deliveries)
      await this.closeDelivery(topic, name, delivery);
    await topic.queue.close();
  }

  private async closeDelivery(topic: Topic, name: string, delivery: Delivery): Promise<void> {
    topic.deliveries.delete(name);
    await delivery.close();
    for (const { statistics } of delivery.destinations) {
      this.past.pointsWritten += statistics.pointsWritten;
      this.past.writeFailures += statistics.writeFailures;
    }
  }

  /** Waits until nothing waits in memory, or for a while. */
  private async drain(): Promise<void> {
    const { clock, logger } = this.parts;
    const endMs = clock.monotonicMs() + DRAIN_MS;
    const left = (): number =>
      this.running.reduce((sum, { delivery }) => sum + delivery.reader.backlog.items, 0);
    while (left() > 0 && clock.monotonicMs() < endMs)
      await new Promise((resolve) => setTimeout(resolve, 20));
    const points = left();
    if (points > 0) logger.error('Writes in memory were not forwarded before the end', { points });
  }

  private async reportUnknownQueues(): Promise<void> {
    if (!this.isOnDisk) return;
    const { files, directory, logger } = this.parts;
    for (const { name, isDirectory } of await files.list(directory)) {
      if (!isDirectory || name === DEAD_LETTERS || this.topics.has(name)) continue;
      logger.warn('Queue without a subscription', { path: join(directory, name) });
    }
  }
}

/** As refusals name them. */
const addressesOf = ({ destinations }: RunningDelivery['delivery']): string =>
  destinations.map(({ sender }) => sender.address).join(' ');

function placeKey(database: string, retentionPolicy: string): string {
  return `${database}\u001f${retentionPolicy}`;
}

/** Whether subscriptions differ between two states; most changes are about something else. */
function haveSubscriptionsChanged(now: MetaSnapshot, before: MetaSnapshot): boolean {
  const [a, b] = [now, before].map((snapshot) =>
    snapshot.data.databases.flatMap((database) =>
      database.retentionPolicies.flatMap((policy) =>
        policy.subscriptions.map((one) => [one, policy.name, database.name] as const),
      ),
    ),
  );
  return (
    a.length !== b.length ||
    a.some(([one, policy, database], i) => {
      const [other, otherPolicy, otherDatabase] = b[i];
      return one !== other || policy !== otherPolicy || database !== otherDatabase;
    })
  );
}
