/**
 * Reads OpenTSDB's data points, `{"metric":…,"timestamp":…,"value":…,"tags":{…}}`, out of JSON bytes, without objects for those
 * that are written plainly. Accepts and refuses what Go's `encoding/json` does for InfluxDB's struct: names in any case, null for
 * nothing, unknown members skipped, no number in the place of a string or the other way round.
 * @see InfluxDB services/opentsdb/handler.go
 */
import { parseLongDecimal, POWERS_OF_TEN } from '#models';

/** Longest data point: more than the key of a series can take. */
export const DATAPOINT_BYTES_MAX = 256 * 1024;
/** Nesting of what is skipped. Go's limit is 10000; the stack does not grow with it. */
const DEPTH_MAX = 10_000;

const QUOTE = 34;
const BACKSLASH = 92;
const OPEN = 123;
const CLOSE = 125;
const COMMA = 44;
const COLON = 58;

/** Metric and tags of a data point that is not plain. Binary strings. */
export interface DatapointNames {
  readonly metric: string;
  readonly tags: ReadonlyMap<string, string>;
}

/** Reads one data point after the other; what it read last stands in its fields. */
export class DatapointReader {
  /** Place of the metric without quotes; both 0 where there is none. */
  metricStart = 0;
  metricEnd = 0;
  /** Place of the tags with braces; both 0 where there are none. */
  tagsStart = 0;
  tagsEnd = 0;
  /** Seconds or milliseconds as it was sent; beyond 2^53 not exact. */
  timestamp = 0;
  value = 0;
  private bytes: Uint8Array = new Uint8Array(0);
  private length = 0;

  /** @param bytes lent until the next call */
  start(bytes: Uint8Array): void {
    this.bytes = bytes;
    this.length = bytes.length;
  }

  /** The first place from `p` on that is no white space. */
  skipSpace(p: number): number {
    const { bytes } = this;
    for (;;) {
      const c = bytes[p];
      if (p >= this.length || (c !== 32 && c !== 10 && c !== 13 && c !== 9)) return p;
      p++;
    }
  }

  /** Reads the data point at `p`; the place behind it, or -1 where it is none. */
  read(p: number): number {
    const { bytes } = this;
    const start = p;
    this.metricStart = this.metricEnd = this.tagsStart = this.tagsEnd = 0;
    this.timestamp = 0;
    this.value = 0;
    if (bytes[p] !== OPEN) return this.readNull(p);
    p = this.skipSpace(p + 1);
    if (bytes[p] === CLOSE) return p + 1;
    for (;;) {
      const nameStart = p + 1;
      p = this.skipString(p);
      if (p < 0) return -1;
      const member = this.member(nameStart, p - 1);
      p = this.skipSpace(p);
      if (bytes[p] !== COLON || p >= this.length) return -1;
      p = this.readMember(member, this.skipSpace(p + 1));
      if (p < 0 || p - start > DATAPOINT_BYTES_MAX) return -1;
      p = this.skipSpace(p);
      if (p >= this.length) return -1;
      if (bytes[p] === CLOSE) return p + 1;
      if (bytes[p] !== COMMA) return -1;
      p = this.skipSpace(p + 1);
    }
  }

  /** Metric and tags of the data point read last. */
  names(): DatapointNames {
    const { bytes, metricStart, metricEnd, tagsStart, tagsEnd } = this;
    const tags = new Map<string, string>();
    let metric = '';
    if (metricEnd > 0) metric = parseString(bytes, metricStart - 1, metricEnd + 1);
    if (tagsEnd > 0) {
      const parsed = JSON.parse(utf8(bytes, tagsStart, tagsEnd)) as Record<string, string | null>;
      for (const [key, value] of Object.entries(parsed)) {
        tags.set(binary(key), binary(value ?? ''));
      }
    }
    return { metric, tags };
  }

  /** The place behind any value at `p`, or -1. */
  skipValue(p: number): number {
    const { bytes, length } = this;
    const start = p;
    let depth = 0;
    do {
      p = this.skipSpace(p);
      if (p >= length || p - start > DATAPOINT_BYTES_MAX) return -1;
      const c = bytes[p];
      if (c === QUOTE) {
        p = this.skipString(p);
        if (p < 0) return -1;
      } else if (c === OPEN || c === 91) {
        if (++depth > DEPTH_MAX) return -1;
        p++;
      } else if (c === CLOSE || c === 93) {
        depth--;
        p++;
      } else if (c === COMMA || c === COLON) {
        if (depth === 0) return -1;
        p++;
      } else {
        if (!isScalar(c)) return -1;
        while (p < length && isScalar(bytes[p])) p++;
      }
    } while (depth > 0);
    return depth < 0 ? -1 : p;
  }

  private readMember(member: Member, p: number): number {
    switch (member) {
      case 'metric':
        return this.readMetric(p);
      case 'timestamp':
        return this.readNumber(p, true);
      case 'value':
        return this.readNumber(p, false);
      case 'tags':
        return this.readTags(p);
      default:
        return this.skipUnknown(p);
    }
  }

  private readMetric(p: number): number {
    if (this.bytes[p] !== QUOTE) return this.readNull(p);
    const end = this.skipString(p);
    if (end < 0) return -1;
    this.metricStart = p + 1;
    this.metricEnd = end - 1;
    return end;
  }

  /** Reads a number into `timestamp` or `value`. */
  private readNumber(p: number, isTimestamp: boolean): number {
    const { bytes } = this;
    const start = p;
    const isNegative = bytes[p] === 45;
    if (isNegative) p++;
    const digitsStart = p;
    let number = 0;
    let d = bytes[p] - 48;
    while (d >= 0 && d <= 9) {
      number = number * 10 + d;
      d = bytes[++p] - 48;
    }
    let digits = p - digitsStart;
    if (digits === 0) return isNegative ? -1 : this.readNull(p);
    // JSON knows no leading zeros.
    if (digits > 1 && bytes[digitsStart] === 48) return -1;
    if (isTimestamp) {
      if (d === -2 || bytes[p] === 101 || bytes[p] === 69 || p > this.length) return -1;
      if (number > 2 ** 63) return -1;
      this.timestamp = isNegative ? -number : number;
      return p;
    }
    if (d === -2) {
      const fractionStart = ++p;
      d = bytes[p] - 48;
      while (d >= 0 && d <= 9) {
        number = number * 10 + d;
        d = bytes[++p] - 48;
      }
      const fraction = p - fractionStart;
      if (fraction === 0) return -1;
      digits += fraction;
      if (digits <= 15) number /= POWERS_OF_TEN[fraction];
    }
    if (bytes[p] === 101 || bytes[p] === 69 || digits > 23) {
      while (p < this.length && isNumberByte(bytes[p])) p++;
      const text = utf8(bytes, start, p);
      if (!/^-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/.test(text)) return -1;
      this.value = Number(text);
      return Number.isFinite(this.value) ? p : -1;
    }
    if (p > this.length) return -1;
    if (digits > 15) number = parseLongDecimal(bytes, digitsStart, p);
    this.value = isNegative ? -number : number;
    return p;
  }

  /** Reads an object of strings. */
  private readTags(p: number): number {
    const { bytes } = this;
    if (bytes[p] !== OPEN) return this.readNull(p);
    const start = p;
    p = this.skipSpace(p + 1);
    if (bytes[p] !== CLOSE) {
      for (;;) {
        p = this.skipString(p);
        if (p < 0) return -1;
        p = this.skipSpace(p);
        if (bytes[p] !== COLON) return -1;
        p = this.skipSpace(p + 1);
        if (bytes[p] === QUOTE) p = this.skipString(p);
        else p = this.readNull(p);
        if (p < 0 || p - start > DATAPOINT_BYTES_MAX) return -1;
        p = this.skipSpace(p);
        if (bytes[p] === CLOSE) break;
        if (bytes[p] !== COMMA) return -1;
        p = this.skipSpace(p + 1);
      }
    }
    if (p >= this.length) return -1;
    this.tagsStart = start;
    this.tagsEnd = p + 1;
    return p + 1;
  }

  /** The place behind `null`, which stands for nothing. */
  private readNull(p: number): number {
    const { bytes } = this;
    const isNull =
      bytes[p] === 110 && bytes[p + 1] === 117 && bytes[p + 2] === 108 && bytes[p + 3] === 108;
    return isNull && p + 4 <= this.length ? p + 4 : -1;
  }

  private skipUnknown(p: number): number {
    const end = this.skipValue(p);
    return end >= 0 && isJson(utf8(this.bytes, p, end)) ? end : -1;
  }

  /** The place behind the string at `p`, or -1. */
  private skipString(p: number): number {
    const { bytes, length } = this;
    const start = p;
    if (bytes[p] !== QUOTE) return -1;
    let hasEscapes = false;
    for (p++; p < length; p++) {
      const c = bytes[p];
      if (c === QUOTE) {
        if (hasEscapes && !isJson(utf8(bytes, start, p + 1))) return -1;
        return p + 1;
      }
      if (c === BACKSLASH) {
        hasEscapes = true;
        p++;
      } else if (c < 32) return -1;
    }
    return -1;
  }

  /** Which member a name is; the case does not matter. */
  private member(start: number, end: number): Member {
    const { bytes } = this;
    // 'tags', 'value', 'metric', 'timestamp' differ in length.
    const name = MEMBERS[end - start];
    if (name !== undefined) {
      let i = 0;
      while (i < name.length && bytes[start + i] === name.charCodeAt(i)) i++;
      if (i === name.length) return name;
    }
    const text = parseString(bytes, start - 1, end + 1).toLowerCase();
    return MEMBERS.find((each) => each === text);
  }
}

type Member = 'metric' | 'timestamp' | 'value' | 'tags' | undefined;
/** By length of the name. */
const MEMBERS: readonly Member[] = Array.from({ length: 10 }, (_, length) =>
  (['metric', 'timestamp', 'value', 'tags'] as const).find((name) => name.length === length),
);

const isNumberByte = (c: number): boolean =>
  (c >= 48 && c <= 57) || c === 43 || c === 45 || c === 46 || c === 69 || c === 101;
/** Bytes that numbers and words are made of. */
const isScalar = (c: number): boolean =>
  isNumberByte(c) || (c >= 97 && c <= 122) || (c >= 65 && c <= 90);

function utf8(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8');
}

const binary = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

/** A string with its quotes, which has been checked, as a binary string. */
function parseString(bytes: Uint8Array, start: number, end: number): string {
  return binary(JSON.parse(utf8(bytes, start, end)) as string);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
