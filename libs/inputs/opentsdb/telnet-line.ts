/**
 * One telnet line by InfluxDB's rules: what it says, or what is wrong with it. Texts are binary strings, one character a byte.
 * Called for lines that the fast path of the decoder does not know. @see InfluxDB services/opentsdb/service.go, handleTelnetConn
 */
import { fromBinary, parseGoFloat } from '../shared/go-text.js';

/** Why a line is no good, for the books, the log and the sender. */
export interface TelnetRefusal {
  readonly kind: 'line' | 'time' | 'value' | 'series';
  /** Fixed phrase, InfluxDB's where it has one. */
  readonly reason: string;
  /** The word that is wrong, or all of the line. */
  readonly text: string;
  /** What OpenTSDB answers. @see OpenTSDB PutDataPointRpc */
  readonly answer: string;
  /** By how much InfluxDB's counter goes up. */
  readonly count: number;
}

/** A point. */
export interface TelnetPoint {
  readonly metric: string;
  readonly seconds: number;
  readonly nanos: number;
  readonly value: number;
  readonly tags: ReadonlyMap<string, string>;
  /** Tags that cannot be read; the point is good without them. Same as InfluxDB 1.x. */
  readonly badTags: readonly string[];
}

/** Seconds since 1970 that a time in nanoseconds can hold. */
const SECONDS_MIN = -9223372036;
const SECONDS_MAX = 9223372035;

/** Reads the words of a line that begins with `put`. */
export function readPut(words: readonly string[]): TelnetPoint | TelnetRefusal {
  const [, metric = '', timeText = '', valueText = '', ...pairs] = words;
  const time = readTime(timeText);
  if ('kind' in time) return time;
  const tags = new Map<string, string>();
  const badTags: string[] = [];
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    if (at <= 0 || at === pair.length - 1) badTags.push(pair);
    else tags.set(pair.slice(0, at), pair.slice(at + 1));
  }
  const value = parseGoFloat(valueText);
  // A time that cannot be stored counts as a bad float in InfluxDB too.
  const isStorable = time.seconds >= SECONDS_MIN && time.seconds <= SECONDS_MAX;
  if (typeof value === 'string' || !Number.isFinite(value) || !isStorable) {
    return {
      kind: 'value',
      reason: 'Bad float',
      text: valueText,
      answer: isStorable
        ? `put: invalid value: ${fromBinary(valueText)}`
        : `put: illegal argument: Invalid timestamp: ${timeText}`,
      count: 1,
    };
  }
  return { metric, ...time, value, tags, badTags };
}

/** Seconds in ten characters or milliseconds in thirteen. */
function readTime(text: string): { seconds: number; nanos: number } | TelnetRefusal {
  const isNumber = /^[+-]?[0-9]+$/.test(text);
  const isLengthRight = text.length === 10 || text.length === 13;
  if (!isNumber || !isLengthRight) {
    return {
      kind: 'time',
      reason: isLengthRight ? 'Malformed time' : 'Time must be 10 or 13 chars',
      text,
      answer: `put: illegal argument: Invalid timestamp: ${fromBinary(text)}`,
      count: isNumber || isLengthRight ? 1 : 2,
    };
  }
  const number = Number(text);
  if (text.length === 10) return { seconds: number, nanos: 0 };
  const seconds = Math.floor(number / 1000);
  return { seconds, nanos: (number - seconds * 1000) * 1e6 };
}
