/**
 * `SHOW TOP MEASUREMENTS | SOURCES BY POINTS | NEW SERIES [OVER 5m] [LIMIT 10]`: who does this. A statement of Tidegate's own;
 * its words stay usable as names.
 */
import { type ExtensionHandler, table } from '#coordinator';
import { formatDurationNs } from '#kernel';
import { type StatementExtension, type TokenCursor } from '#influxql';
import {
  MINUTES_KEPT,
  NAME_SEPARATOR,
  type TopOrder,
  type TopSubject,
  type TopTalkers,
} from './top-talkers.js';

const NAME = 'top';
const MINUTE_NS = 60_000_000_000n;
const MINUTES_DEFAULT = 5;
const LIMIT_DEFAULT = 10;
/** Rows of an answer. */
const LIMIT_MAX = 1000;

const COLUMNS: Readonly<Record<TopSubject, readonly string[]>> = {
  measurements: ['database', 'measurement'],
  sources: ['listener', 'peer'],
};

/** Recognises the statement. */
export const showTopExtension: StatementExtension = {
  word: 'TOP',
  parse(cursor) {
    const subject = oneOf(cursor, { MEASUREMENTS: 'measurements', SOURCES: 'sources' } as const);
    if (subject === null) return null;
    cursor.expect('BY');
    const first = oneOf(cursor, { POINTS: 'points', NEW: 'newSeries' } as const);
    if (first === null) return null;
    if (first === 'newSeries') cursor.expect('SERIES');
    let minutes = 0;
    let limit = 0;
    // In either order.
    for (let i = 0; i < 2; i++) {
      if (minutes === 0 && isWord(cursor, 'OVER')) minutes = minutesOf(cursor.duration());
      if (limit === 0) limit = Math.min(LIMIT_MAX, cursor.optionalCount('LIMIT'));
    }
    minutes ||= MINUTES_DEFAULT;
    limit ||= LIMIT_DEFAULT;
    const order = first === 'points' ? 'POINTS' : 'NEW SERIES';
    const over = formatDurationNs(BigInt(minutes) * MINUTE_NS);
    return {
      kind: 'extension',
      name: NAME,
      text: `SHOW TOP ${subject.toUpperCase()} BY ${order} OVER ${over} LIMIT ${limit}`,
      options: { subject, order: first, minutes, limit },
      privileges: 'admin',
    };
  },
};

/** Answers the statement: one row a name, the largest first. */
export function showTopHandler(talkers: Pick<TopTalkers, 'top'>): ExtensionHandler {
  return {
    name: NAME,
    run({ options }) {
      const subject = options['subject'] as TopSubject;
      const order = options['order'] as TopOrder;
      const found = talkers.top(
        subject,
        order,
        Number(options['minutes']),
        Number(options['limit']),
      );
      if (found.length === 0) return [];
      const count = order === 'points' ? 'points' : 'new_series';
      const rows = found.map(({ name, count: value, errorMax }) => {
        const [first = '', second = ''] = name.split(NAME_SEPARATOR);
        return [first, second, BigInt(value), BigInt(errorMax)];
      });
      return [table(subject, [...COLUMNS[subject], count, 'error'], rows)];
    },
  };
}

/** Whole minutes, at least one. */
const minutesOf = (durationNs: bigint): number =>
  Number(
    durationNs <= 0n || durationNs > BigInt(MINUTES_KEPT) * MINUTE_NS
      ? MINUTES_KEPT
      : (durationNs + MINUTE_NS - 1n) / MINUTE_NS,
  );

/** What the next word stands for; null, and the word given back, where it is another. */
function oneOf<Value>(cursor: TokenCursor, words: Readonly<Record<string, Value>>): Value | null {
  const { kind, literal } = cursor.scanSkippingSpace();
  const word = (kind === 'IDENT' ? literal : kind).toUpperCase();
  const value = Object.hasOwn(words, word) ? words[word] : undefined;
  if (value === undefined) cursor.unscan();
  return value ?? null;
}

const isWord = (cursor: TokenCursor, word: string): boolean =>
  oneOf(cursor, { [word]: true }) === true;
