/** Lines that a destination refuses, kept for a person to look at: a queue of their own, without readers. */
import type { Clock } from '#kernel';
import type { Queue } from '#queue';
import { SUBSCRIBER_KIND, type Place } from './sender.js';

/** Why lines lie here. */
export interface Refusal extends Place {
  readonly subscription: string;
  /** Without its password. */
  readonly destination: string;
  /** Of the answer; 0 where there was none. */
  readonly status: number;
  readonly reason: string;
}

/** See the header. Payloads: a line of JSON (a {@link Refusal}), then the lines as they were sent. */
export class DeadLetters {
  constructor(
    private readonly queue: Pick<Queue, 'append'>,
    private readonly clock: Pick<Clock, 'nowNs'>,
  ) {}

  /** @param count of the lines. @throws QueueError where they cannot be kept */
  keep(refusal: Refusal, lines: Uint8Array, count: number): Promise<void> {
    return this.queue.append({
      payload: [new TextEncoder().encode(`${JSON.stringify(refusal)}\n`), lines],
      timeNs: this.clock.nowNs(),
      items: count,
      kind: SUBSCRIBER_KIND,
    });
  }
}
