/** The body of a remote read, `prometheus.ReadRequest`, as an object: it is small. @see prometheus/prompb/remote.proto */
import { DELIMITED, malformed, VARINT, WireCursor, wrongType } from './wire-cursor.js';

/** How a matcher compares. */
export type MatcherKind = '=' | '!=' | '=~' | '!~';

/** A matcher as it was sent. */
export interface SentMatcher {
  readonly kind: MatcherKind;
  readonly name: string;
  readonly value: string;
}

/** One query. */
export interface ReadQuery {
  /** Inclusive, milliseconds since 1970. */
  readonly startMs: bigint;
  readonly endMs: bigint;
  readonly matchers: readonly SentMatcher[];
  /** The function that gets the samples, from the hints; '' for none. `series` wants no samples. */
  readonly func: string;
}

/** What is asked for. */
export interface ReadRequest {
  readonly queries: readonly ReadQuery[];
  /** Answers that the client understands, those it likes best first. Numbers that are not known are left out. */
  readonly responseTypes: readonly ResponseType[];
}

/** Forms of an answer. */
export type ResponseType = 'samples' | 'streamed-xor-chunks';

/** Matchers of a request; nobody sends more than a dozen. */
const MATCHERS_MAX = 1000;
const KINDS: readonly MatcherKind[] = ['=', '!=', '=~', '!~'];
const RESPONSE_TYPES: readonly ResponseType[] = ['samples', 'streamed-xor-chunks'];

/** Reads a request. @throws InputError with gogo/protobuf's words */
export function decodeReadRequest(bytes: Uint8Array, length: number): ReadRequest {
  const cursor = new WireCursor();
  cursor.reset(bytes, 0, length);
  const queries: ReadQuery[] = [];
  const responseTypes: ResponseType[] = [];
  const budget = { matchers: MATCHERS_MAX };
  const addType = (value: bigint): void => {
    const type = RESPONSE_TYPES[Number(value)];
    if (type !== undefined && !responseTypes.includes(type)) responseTypes.push(type);
  };
  while (cursor.at < cursor.end) {
    const tag = cursor.tag();
    if (tag >>> 3 === 1) {
      if (queries.length >= MATCHERS_MAX) throw malformed('too many queries');
      queries.push(message(cursor, tag, 'Queries', () => readQuery(cursor, budget)));
    } else if (tag === ((2 << 3) | VARINT)) addType(cursor.wide());
    else if (tag >>> 3 === 2) {
      message(cursor, tag, 'AcceptedResponseTypes', () => {
        while (cursor.at < cursor.end) addType(cursor.wide());
      });
    } else cursor.skip(tag);
  }
  return { queries, responseTypes };
}

/** Reads a message that stands in a field. */
function message<T>(cursor: WireCursor, tag: number, field: string, read: () => T): T {
  if ((tag & 7) !== DELIMITED) throw wrongType(tag, field);
  const { end } = cursor;
  const length = cursor.length();
  cursor.end = cursor.at + length;
  const result = read();
  cursor.end = end;
  return result;
}

function readQuery(cursor: WireCursor, budget: { matchers: number }): ReadQuery {
  let startMs = 0n;
  let endMs = 0n;
  let func = '';
  const matchers: SentMatcher[] = [];
  while (cursor.at < cursor.end) {
    const tag = cursor.tag();
    switch (tag >>> 3) {
      case 1:
        startMs = number(cursor, tag, 'StartTimestampMs');
        break;
      case 2:
        endMs = number(cursor, tag, 'EndTimestampMs');
        break;
      case 3:
        if (--budget.matchers < 0) throw malformed(`more than ${MATCHERS_MAX} matchers`);
        matchers.push(message(cursor, tag, 'Matchers', () => readMatcher(cursor)));
        break;
      case 4:
        func = message(cursor, tag, 'Hints', () => readFunc(cursor));
        break;
      default:
        cursor.skip(tag);
    }
  }
  return { startMs, endMs, matchers, func };
}

function readMatcher(cursor: WireCursor): SentMatcher {
  let type = 0n;
  let name = '';
  let value = '';
  while (cursor.at < cursor.end) {
    const tag = cursor.tag();
    if (tag >>> 3 === 1) type = number(cursor, tag, 'Type');
    else if (tag >>> 3 === 2) name = text(cursor, tag, 'Name');
    else if (tag >>> 3 === 3) value = text(cursor, tag, 'Value');
    else cursor.skip(tag);
  }
  const kind = KINDS[Number(type)];
  if (kind === undefined) throw malformed(`unknown match type ${type}`);
  return { kind, name, value };
}

function readFunc(cursor: WireCursor): string {
  let func = '';
  while (cursor.at < cursor.end) {
    const tag = cursor.tag();
    if (tag >>> 3 === 2) func = text(cursor, tag, 'Func');
    else cursor.skip(tag);
  }
  return func;
}

function number(cursor: WireCursor, tag: number, field: string): bigint {
  if ((tag & 7) !== VARINT) throw wrongType(tag, field);
  return cursor.wide();
}

function text(cursor: WireCursor, tag: number, field: string): string {
  if ((tag & 7) !== DELIMITED) throw wrongType(tag, field);
  return Buffer.from(cursor.binary(cursor.length()), 'latin1').toString('utf8');
}
