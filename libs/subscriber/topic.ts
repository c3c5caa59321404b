/**
 * The writes to a retention policy (those that fit a condition, where there is one): kept once, in one queue, for all
 * destinations that want them. Encodes what was stored, or takes the bytes that the client sent where they say the same.
 */
import type { AcceptedRows, SubscriptionFilter, WriteRequest } from '#coordinator';
import type { Clock } from '#kernel';
import { type LineCopier, type PointsBatch, type RowRun } from '#models';
import type { Queue } from '#queue';
import type { Delivery } from './delivery.js';
import { SUBSCRIBER_KIND } from './sender.js';

/** Keys of series by id, of one database. */
export interface KeysOfSeries {
  keyOf(seriesId: number): Uint8Array;
}

const NEWLINE = 10;
const END_OF_LINE = Uint8Array.of(NEWLINE);

/** See the header. */
export class Topic {
  /** By name of their readers. */
  readonly deliveries = new Map<string, Delivery>();
  /** Points that line protocol cannot say. */
  pointsLeftOut = 0;

  constructor(
    readonly queue: Queue,
    readonly directory: string | null,
    private readonly filter: SubscriptionFilter | null,
    private readonly clock: Pick<Clock, 'nowNs'>,
  ) {}

  /**
   * Takes what was stored. The batch's body must not change before it ends.
   * @throws QueueError, later
   */
  append(
    request: WriteRequest,
    accepted: AcceptedRows,
    { encoder, keys, waitMs }: { encoder: LineCopier; keys: KeysOfSeries; waitMs: number },
  ): Promise<void> {
    const { batch } = request;
    const { filter } = this;
    let items = accepted.points;
    let runs: readonly RowRun[] | null = null;
    if (filter !== null) {
      runs = matchingRuns(accepted.runs(), filter, keys);
      items = runs.reduce((sum, { from, to }) => sum + to - from, 0);
      if (items === 0) return Promise.resolve();
    }
    let payload: readonly Uint8Array[];
    if (accepted.isWhole && items === batch.pointCount && batch.verbatimLength > 0) {
      payload = verbatim(batch);
    } else {
      const keyOf = (id: number): Uint8Array => keys.keyOf(id);
      const lines = encoder.encode(batch, runs ?? accepted.runs(), keyOf);
      this.pointsLeftOut += lines.leftOut;
      items = lines.points;
      if (items === 0) return Promise.resolve();
      // The encoder's own memory: the next write has it again.
      payload = [lines.bytes.slice()];
    }
    const timeNs = this.clock.nowNs();
    return this.queue.append({ payload, timeNs, items, kind: SUBSCRIBER_KIND }, waitMs);
  }
}

/** The body of a batch, with a newline behind its last line. */
function verbatim({ body, verbatimLength }: PointsBatch): readonly Uint8Array[] {
  const lines = body.subarray(0, verbatimLength);
  return lines[lines.length - 1] === NEWLINE ? [lines] : [lines, END_OF_LINE];
}

/** The parts of runs that a filter lets through. */
function matchingRuns(
  runs: readonly RowRun[],
  filter: SubscriptionFilter,
  keys: KeysOfSeries,
): RowRun[] {
  const found: RowRun[] = [];
  for (const { group, from, to } of runs) {
    let start = -1;
    for (let row = from; row < to; row++) {
      const isMeant = filter.matches(group.seriesIds[row], keys);
      if (isMeant && start < 0) start = row;
      if (!isMeant && start >= 0) {
        found.push({ group, from: start, to: row });
        start = -1;
      }
    }
    if (start >= 0) found.push({ group, from: start, to });
  }
  return found;
}
