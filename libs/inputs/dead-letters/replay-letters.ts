/**
 * Takes dead letters through the decoder of their listener once more. Each listener's letters go through an input of their own, which
 * never listens; what is good is stored when it closes, and only then forgotten. Letters that are rejected again, or whose points
 * storage does not take, stay.
 */
import { messageOf } from '#kernel';
import { FORM, type LedgerSnapshot, UNREPLAYABLE } from '../shared/ingest-ledger.js';
import type { DeadLetter, DeadLetters, LetterFilter } from './dead-letters.js';

/** Takes letters of one listener. */
export interface LetterTaker {
  /** @throws TidegateError where it cannot */
  take(letter: DeadLetter): Promise<void>;
  /** Its books so far. */
  books(): LedgerSnapshot;
  /** Stores what is good. */
  close(): Promise<void>;
}

/**
 * Makes takers: null where a listener is not there, or cannot take anything again.
 * @param form what the bytes are, where they are not what the listener received ({@link FORM}); else ''
 */
export type TakerSource = (listener: string, form: string) => LetterTaker | null;

/** Why a letter cannot be taken once more, or '' where it can be tried. */
export async function whyUnreplayable(
  { listener, target }: Pick<DeadLetter, 'listener' | 'target'>,
  takerFor: TakerSource,
): Promise<string> {
  const why = target[UNREPLAYABLE];
  if (why !== undefined) return why;
  const taker = takerFor(listener, target[FORM] ?? '');
  if (taker === null) return NOBODY;
  await taker.close();
  return '';
}

const NOBODY = 'no such listener, or it cannot replay';

/** What became of letters, by number. */
export interface ReplayReport {
  readonly replayed: number;
  /** Rejected again, by the decoder or by storage. */
  readonly rejected: number;
  /** Not stored for storage's fault; or nobody takes them. */
  readonly failed: number;
  /** Why some stayed, a few of the texts. */
  readonly reasons: readonly string[];
}

/** Letters that go through one input before it stores them. */
const TOGETHER = 500;
const REASONS_MAX = 10;

interface Tally {
  readonly replayed: number[];
  rejected: number;
  failed: number;
  readonly reasons: Set<string>;
}

/** Replays what the filter names, oldest first. */
export async function replayLetters(
  letters: DeadLetters,
  filter: LetterFilter,
  takerFor: TakerSource,
): Promise<ReplayReport> {
  const tally: Tally = { replayed: [], rejected: 0, failed: 0, reasons: new Set() };
  const ids: number[] = [];
  await letters.forEach(filter, ({ id }) => void ids.push(id));
  for (let from = 0; from < ids.length; from += TOGETHER) {
    const some: DeadLetter[] = [];
    const wanted = { ids: ids.slice(from, from + TOGETHER) };
    await letters.forEach(wanted, (letter) => void some.push(letter));
    const before = tally.replayed.length;
    for (const group of byTaker(some, tally))
      await replayGroup(
        group,
        () => takerFor(group[0]?.listener ?? '', group[0]?.target[FORM] ?? ''),
        tally,
      );
    await letters.remove(tally.replayed.slice(before), 'replayed');
  }
  const { rejected, failed, reasons } = tally;
  return { replayed: tally.replayed.length, rejected, failed, reasons: [...reasons] };
}

/** Letters that go through one taker together; those that none can take are tallied. */
function byTaker(letters: readonly DeadLetter[], tally: Tally): Iterable<DeadLetter[]> {
  const groups = new Map<string, DeadLetter[]>();
  for (const letter of letters) {
    const why = letter.target[UNREPLAYABLE];
    if (why !== undefined) {
      tally.failed++;
      note(tally, `${letter.listener}: ${why}`);
      continue;
    }
    const key = `${letter.listener}\n${letter.target[FORM] ?? ''}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [letter]);
    else group.push(letter);
  }
  return groups.values();
}

async function replayGroup(
  letters: readonly DeadLetter[],
  newTaker: () => LetterTaker | null,
  tally: Tally,
): Promise<void> {
  const taker = newTaker();
  if (taker === null) {
    tally.failed += letters.length;
    note(tally, `${letters[0]?.listener}: ${NOBODY}`);
    return;
  }
  const good: DeadLetter[] = [];
  for (const letter of letters) {
    const before = countOf(taker.books().rejected);
    try {
      await taker.take(letter);
    } catch (error) {
      tally.failed++;
      note(tally, messageOf(error));
      continue;
    }
    if (countOf(taker.books().rejected) === before) good.push(letter);
    else {
      tally.rejected++;
      const { offenders, rejected: counts } = taker.books();
      // What storage refuses is no offender: then all reasons so far.
      if (offenders[0] !== undefined) note(tally, offenders[0].text);
      else for (const { name } of counts) note(tally, name);
    }
  }
  const rejected = countOf(taker.books().rejected);
  await taker.close();
  const books = taker.books();
  const isStored = countOf(books.rejected) === rejected && countOf(books.dropped) === 0;
  if (isStored) tally.replayed.push(...good.map(({ id }) => id));
  else if (good.length === 1) {
    if (countOf(books.dropped) > 0) tally.failed++;
    else tally.rejected++;
    for (const { name } of [...books.dropped, ...books.rejected]) note(tally, name);
  } else {
    // One by one, to find out which it was; what was stored is stored again, which changes nothing.
    for (const letter of good) await replayGroup([letter], newTaker, tally);
  }
}

const countOf = (counts: LedgerSnapshot['rejected']): number =>
  counts.reduce((sum, { count }) => sum + count, 0);

function note({ reasons }: Tally, text: string): void {
  if (text !== '' && reasons.size < REASONS_MAX) reasons.add(text);
}
