/**
 * Takes what waits for one destination (or for the destinations of an ANY) out of its queue and sends it, in order, one
 * request at a time: again and again until it is taken, and what is refused for good cut in halves until the lines that
 * nobody wants are found. Talks to a reader of the queue, to senders and to the dead letters.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { type Clock, type Logger, messageOf } from '#kernel';
import type { QueueReader } from '#queue';
import { BackOff, type BackOffOptions } from './back-off.js';
import type { DeadLetters } from './dead-letters.js';
import { joinLines, lineEnds, linesOf } from './lines.js';
import { MinuteLog } from './minute-log.js';
import type { Lines, Place, Sender, SendOutcome } from './sender.js';

/** Counters of a destination, with InfluxDB's names. */
export interface DestinationStatistics {
  pointsWritten: number;
  /** Tries in which nobody took the points; they are tried again. */
  writeFailures: number;
}

/** A destination and its counters. */
export interface Destination {
  readonly sender: Sender;
  readonly statistics: DestinationStatistics;
}

/** What a delivery is made of. */
export interface DeliveryParts {
  readonly place: Place;
  readonly subscription: string;
  readonly reader: QueueReader;
  /** One, or those of an ANY. */
  readonly destinations: readonly Destination[];
  readonly deadLetters: Pick<DeadLetters, 'keep'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly backOff: BackOffOptions;
}

/** Bytes sent together where more than one write waits. */
const CHUNK_BYTES = 2 ** 20;
/** Requests for finding the refused lines of one chunk; what is not found by then goes to the dead letters as it is. */
const BISECT_REQUESTS_MAX = 512;

/** What became of a chunk: how many of its lines were refused, or that the try was given up. */
type ChunkOutcome = number | 'interrupted';

type Refused = Extract<SendOutcome, { kind: 'refused' }>;

/** Some of the lines of a body. */
interface LineSpan {
  readonly from: number;
  readonly to: number;
}

/** See the header. */
export class Delivery {
  readonly destinations: readonly Destination[];
  readonly reader: QueueReader;
  private readonly log: MinuteLog;
  private readonly backOffs: readonly { readonly backOff: BackOff; readyMs: number }[];
  private running: Promise<void> | null = null;
  private isClosed = false;
  private isHeld = false;
  private resume: (() => void) | null = null;
  private interruption = new AbortController();
  private nextDestination = 0;

  constructor(private readonly parts: DeliveryParts) {
    this.reader = parts.reader;
    this.destinations = parts.destinations;
    this.log = new MinuteLog(parts.logger, parts.clock);
    this.backOffs = parts.destinations.map(() => ({
      backOff: new BackOff(parts.backOff),
      readyMs: 0,
    }));
  }

  get isPaused(): boolean {
    return this.isHeld;
  }

  /** Starts sending. */
  open(): void {
    this.running ??= this.run();
  }

  /** Ends at once what is under way; it waits in the queue. */
  async close(): Promise<void> {
    this.isClosed = true;
    this.reader.close();
    this.interrupt();
    this.resume?.();
    await this.running;
    for (const { sender } of this.destinations) sender.close();
  }

  /** Sends nothing until {@link unpause}; what comes in waits. */
  pause(): void {
    this.isHeld = true;
    this.interrupt();
  }

  unpause(): void {
    this.isHeld = false;
    this.resume?.();
  }

  /** Goes back to a time; see QueueReader. @returns points that are sent once more */
  async rewind(timeNs: bigint): Promise<number> {
    const again = await this.reader.rewind(timeNs);
    this.interrupt();
    return again;
  }

  private interrupt(): void {
    this.interruption.abort();
  }

  private async run(): Promise<void> {
    while (!this.isClosed) {
      if (this.isHeld) {
        await new Promise<void>((resolve) => (this.resume = resolve));
        continue;
      }
      await this.reader.waitForRecords();
      if (this.isClosed || this.isHeld) continue;
      if (this.interruption.signal.aborted) this.interruption = new AbortController();
      try {
        await this.next();
      } catch (error) {
        // The queue's own trouble: a file that cannot be opened, dead letters that cannot be kept.
        this.log.warn('Cannot forward writes', { ...this.fields(), error: messageOf(error) });
        await this.sleep(this.parts.backOff.maxMs);
      }
    }
  }

  private async next(): Promise<void> {
    const records = await this.reader.read(CHUNK_BYTES);
    if (records.length === 0) return;
    const points = records.reduce((sum, record) => sum + record.items, 0);
    const lines = linesOf(joinLines({ pieces: records.map(({ payload }) => payload) }));
    const outcome = await this.sendAll(lines, points);
    if (outcome !== 'interrupted') this.reader.acknowledge(Math.min(points, outcome));
  }

  private async sendAll(lines: Lines, points: number): Promise<ChunkOutcome> {
    const sent = await this.sendUntilSettled(lines, points);
    if (sent === 'interrupted') return sent;
    return sent.kind === 'refused' ? this.bisect(joinLines(lines), sent) : 0;
  }

  /** Sends lines of which some are refused: halves, and halves of these. */
  private async bisect(body: Uint8Array, first: Refused): Promise<ChunkOutcome> {
    const ends = lineEnds(body);
    const startOf = (line: number): number => (line === 0 ? 0 : ends[line - 1] + 1);
    /** What is to be sent, the next one last: order holds also among halves. */
    const left: LineSpan[] = [];
    let requests = 0;
    let refused = 0;
    let part: LineSpan = { from: 0, to: ends.length };
    let refusal: Refused | null = first;
    for (;;) {
      const { from, to } = part;
      if (refusal !== null && (to - from <= 1 || requests >= BISECT_REQUESTS_MAX)) {
        const { status, reason } = refusal;
        await this.keep(body.subarray(startOf(from), startOf(to)), to - from, { status, reason });
        refused += to - from;
      } else if (refusal !== null) {
        const middle = (from + to) >>> 1;
        left.push({ from: middle, to }, { from, to: middle });
      }
      const next = left.pop();
      if (next === undefined) return refused;
      part = next;
      requests++;
      const half = linesOf(body.subarray(startOf(part.from), startOf(part.to)));
      const sent = await this.sendUntilSettled(half, part.to - part.from);
      if (sent === 'interrupted') return sent;
      refusal = sent.kind === 'refused' ? sent : null;
    }
  }

  private async keep(
    lines: Uint8Array,
    count: number,
    { status, reason }: { readonly status: number; readonly reason: string },
  ): Promise<void> {
    const { place, subscription, deadLetters } = this.parts;
    const destination = this.destinations.map(({ sender }) => sender.address).join(' ');
    await deadLetters.keep({ ...place, subscription, destination, status, reason }, lines, count);
    this.log.warn('Lines refused by a subscriber are kept as dead letters', {
      ...this.fields(),
      lines: count,
      error: reason,
    });
  }

  /** Tries until somebody takes the lines or refuses them. */
  private async sendUntilSettled(
    lines: Lines,
    points: number,
  ): Promise<Exclude<SendOutcome, { kind: 'failed' }> | 'interrupted'> {
    for (;;) {
      const { signal } = this.interruption;
      if (signal.aborted) return 'interrupted';
      const sent = await this.sendRound(lines, points, signal);
      if (sent.kind !== 'failed') return sent;
      // Given up on purpose: no failure of the destination.
      if (this.interruption.signal.aborted) return 'interrupted';
      for (const { statistics } of this.destinations) statistics.writeFailures++;
      this.log.warn('Write failed', { ...this.fields(), error: sent.reason });
      const nowMs = this.parts.clock.monotonicMs();
      await this.sleep(Math.max(0, Math.min(...this.backOffs.map((one) => one.readyMs)) - nowMs));
    }
  }

  /** One try: the destination whose turn it is, then the others. Those that failed lately come last, or wait. */
  private async sendRound(lines: Lines, points: number, signal: AbortSignal): Promise<SendOutcome> {
    const { destinations, backOffs } = this;
    const { clock } = this.parts;
    const turn = destinations.map((_, i) => (this.nextDestination + i) % destinations.length);
    const isReady = (i: number): boolean => backOffs[i].readyMs <= clock.monotonicMs();
    const order = turn.filter(isReady);
    let last: SendOutcome = { kind: 'failed', reason: 'not tried', retryAfterMs: 0 };
    for (const i of order.length > 0 ? order : turn) {
      const { sender, statistics } = destinations[i];
      const { backOff } = backOffs[i];
      last = await sender.send(lines, signal);
      if (last.kind === 'failed') {
        if (signal.aborted) return last;
        backOffs[i].readyMs = clock.monotonicMs() + backOff.next(last.retryAfterMs);
        continue;
      }
      backOff.reset();
      backOffs[i].readyMs = 0;
      this.nextDestination = (i + 1) % destinations.length;
      if (last.kind === 'delivered') statistics.pointsWritten += points;
      return last;
    }
    return last;
  }

  private async sleep(ms: number): Promise<void> {
    try {
      await wait(ms, undefined, { signal: this.interruption.signal });
    } catch {
      // Interrupted.
    }
  }

  private fields(): Readonly<Record<string, string>> {
    const { place, subscription } = this.parts;
    const destination = this.destinations.map(({ sender }) => sender.address).join(' ');
    return { db: place.database, rp: place.retentionPolicy, name: subscription, destination };
  }
}
