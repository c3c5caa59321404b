/**
 * Moments written as text in a query, and back.
 */
import { ExpressionError } from './errors.js';
import { utc, type TimeZone } from './time-zone.js';

const SECOND_NS = 1_000_000_000n;

const LOCAL = /^(\d{4})-(\d{2})-(\d{2})(?: (\d{1,2}):(\d{2}):(\d{2})(?:[.,](\d+))?)?$/;
const RFC3339 =
  /^(\d{4})-(\d{2})-(\d{2})T(\d{1,2}):(\d{2}):(\d{2})(?:[.,](\d+))?(Z|[+-]\d{2}:\d{2})$/;

/** True where a string looks like a date or a date and time, hence must be one. */
export function looksLikeTime(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}(?:$|.)/.test(text);
}

/**
 * Nanoseconds since 1970 of `2006-01-02`, `2006-01-02 15:04:05.999999999` (both in `zone`) or RFC 3339. May lie beyond
 * int64.
 * @throws ExpressionError `invalid timestamp string`
 */
export function parseTimeText(text: string, zone: TimeZone = utc): bigint {
  const local = LOCAL.exec(text);
  if (local) return zone.toUtcNs(fieldsToNs(local));
  const absolute = RFC3339.exec(text);
  if (!absolute) throw new ExpressionError('invalid timestamp string');
  const offset = absolute[8] ?? 'Z';
  const sign = offset.startsWith('-') ? -1n : 1n;
  const offsetMinutes =
    offset === 'Z' ? 0n : BigInt(offset.slice(1, 3)) * 60n + BigInt(offset.slice(4, 6));
  return fieldsToNs(absolute) - sign * offsetMinutes * 60n * SECOND_NS;
}

function fieldsToNs(match: RegExpExecArray): bigint {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
    .slice(1, 7)
    .map((digits) => Number(digits ?? 0));
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const isDate = date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  if (!isDate || hour > 23 || minute > 59 || second > 59)
    throw new ExpressionError('invalid timestamp string');
  const fraction = (match[7] ?? '').slice(0, 9).padEnd(9, '0');
  const seconds = BigInt(date.getTime() / 1000) + BigInt(hour * 3600 + minute * 60 + second);
  return seconds * SECOND_NS + BigInt(fraction);
}

/** RFC 3339 in UTC with as many decimals as needed. */
export function formatRfc3339(timeNs: bigint): string {
  const fractionNs = ((timeNs % SECOND_NS) + SECOND_NS) % SECOND_NS;
  const fraction = fractionNs.toString().padStart(9, '0').replace(/0+$/, '');
  return `${formatSeconds(timeNs)}${fraction && `.${fraction}`}Z`;
}

/** RFC 3339 in UTC to the second. */
export function formatRfc3339Seconds(timeNs: bigint): string {
  return `${formatSeconds(timeNs)}Z`;
}

function formatSeconds(timeNs: bigint): string {
  const fractionNs = ((timeNs % SECOND_NS) + SECOND_NS) % SECOND_NS;
  const seconds = (timeNs - fractionNs) / SECOND_NS;
  return new Date(Number(seconds) * 1000).toISOString().slice(0, -5);
}
