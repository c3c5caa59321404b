/**
 * `PAUSE | RESUME SUBSCRIPTION name ON db.rp` and `REWIND SUBSCRIPTION name ON db.rp TO time`: statements of Tidegate's own;
 * their words stay usable as names.
 */
import { type ExtensionHandler, table } from '#coordinator';
import {
  parseExpr,
  parseExpression,
  parseTimeText,
  printExpr,
  quoteIdent,
  reduceExpr,
  type StatementExtension,
  type TokenCursor,
} from '#influxql';
import type { Clock } from '#kernel';
import { SubscriberError } from './errors.js';
import type { Subscriber } from './subscriber.js';

const PAUSE = 'pause-subscription';
const RESUME = 'resume-subscription';
const REWIND = 'rewind-subscription';

/** Recognise the statements. */
export const subscriberExtensions: readonly StatementExtension[] = [
  extension('PAUSE', PAUSE, false),
  extension('RESUME', RESUME, false),
  extension('REWIND', REWIND, true),
];

function extension(word: string, name: string, hasTime: boolean): StatementExtension {
  return {
    word,
    isFirstWord: true,
    parse(cursor) {
      if (!cursor.accept('SUBSCRIPTION')) return null;
      const subscription = cursor.ident();
      cursor.expect('ON');
      const database = cursor.ident();
      cursor.expect('.');
      const retentionPolicy = cursor.ident();
      const time = hasTime ? timeOf(cursor) : '';
      const place = `${quoteIdent(database)}.${quoteIdent(retentionPolicy)}`;
      const text = `${word} SUBSCRIPTION ${quoteIdent(subscription)} ON ${place}`;
      return {
        kind: 'extension',
        name,
        text: time === '' ? text : `${text} TO ${time}`,
        options: { subscription, database, retentionPolicy, time },
        privileges: 'admin',
      };
    },
  };
}

/** "TO" time: nanoseconds, a text, or a sum of now() and durations. */
function timeOf(cursor: TokenCursor): string {
  cursor.expect('TO');
  return printExpr(parseExpr(cursor));
}

/** Answer the statements. */
export function subscriberHandlers(
  subscriber: Pick<Subscriber, 'pause' | 'resume' | 'rewind'>,
  clock: Pick<Clock, 'nowNs'>,
): readonly ExtensionHandler[] {
  const handler = (
    name: string,
    run: (...given: Parameters<Subscriber['pause']>) => Promise<void>,
  ): ExtensionHandler => ({
    name,
    async run({ options }) {
      const { subscription, ...place } = optionsOf(options);
      await run(place, subscription);
      return [];
    },
  });
  return [
    handler(PAUSE, (place, name) => subscriber.pause(place, name)),
    handler(RESUME, (place, name) => subscriber.resume(place, name)),
    {
      name: REWIND,
      async run({ options }) {
        const { subscription, time, ...place } = optionsOf(options);
        const timeNs = timeNsOf(time, clock.nowNs());
        const rewound = await subscriber.rewind(place, subscription, timeNs);
        const rows = rewound.map(({ destination, points }) => [destination, BigInt(points)]);
        return [table(subscription, ['destination', 'points'], rows)];
      },
    },
  ];
}

function optionsOf(options: Readonly<Record<string, string | number | boolean>>) {
  const text = (key: string): string => String(options[key]);
  return {
    subscription: text('subscription'),
    database: text('database'),
    retentionPolicy: text('retentionPolicy'),
    time: text('time'),
  };
}

/** Nanoseconds of a time as it was written. */
function timeNsOf(text: string, nowNs: bigint): bigint {
  const value = reduceExpr(parseExpression(text), { nowNs });
  if (value.kind === 'time') return value.valueNs;
  if (value.kind === 'integer') return value.value;
  if (value.kind === 'string') return parseTimeText(value.value);
  throw new SubscriberError('subscriber.bad-time', `${text} is no time`);
}
