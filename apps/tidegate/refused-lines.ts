/** Lines that a subscriber refuses as dead letters among those of the inputs, and back to the subscriber when they are replayed. */
import { type DeadLetter, FORM, IngestLedger, type LetterTaker, type RejectedInput } from '#inputs';
import type { Clock } from '#kernel';
import { type Refusal, type Subscriber, SubscriberError } from '#subscriber';

/** What their bytes are: lines as they were sent, of a retention policy's subscription. */
export const FORWARDED_FORM = 'forwarded lines';

/** The dead letter of refused lines. */
export function letterOfRefusal(
  { database, retentionPolicy, subscription, destination, reason }: Refusal,
  lines: Uint8Array,
  timeNs: bigint,
): RejectedInput {
  return {
    listener: `subscriber ${database}.${retentionPolicy}.${subscription}`,
    peer: destination,
    reason: 'refused by subscriber',
    text: reason,
    raw: lines,
    timeNs,
    target: { [FORM]: FORWARDED_FORM, database, retentionPolicy, subscription },
  };
}

/** Sends letters to the destinations that refused them. */
export function refusedLinesTaker(
  subscriber: Pick<Subscriber, 'resend'>,
  clock: Clock,
): LetterTaker {
  const ledger = new IngestLedger('subscriber', clock);
  return {
    async take({ raw, peer: destination, target }: DeadLetter) {
      const { database = '', retentionPolicy = '', subscription = '' } = target;
      const refusal = { database, retentionPolicy, subscription, destination };
      const outcome = await subscriber.resend(refusal, raw);
      if (outcome.kind === 'failed')
        throw new SubscriberError('subscriber.not-delivered', outcome.reason);
      ledger.receive(1);
      if (outcome.kind === 'delivered') ledger.store(1);
      else ledger.reject({ reason: 'refused', text: outcome.reason, peer: destination, raw });
    },
    books: () => ledger.snapshot(),
    close: () => Promise.resolve(),
  };
}
