/**
 * Graphite's plaintext protocol, `path value [time]` a line, into a batch. The fast path reads a path seen before, a plain number
 * and whole seconds; everything else is read again by the grammar of InfluxDB's parser, whose texts say what is wrong.
 * @see InfluxDB services/graphite/parser.go
 */
import {
  FieldType,
  finishKeyHash,
  hashKey,
  KEY_HASH_SEED,
  parseLongDecimal,
  type PointsBuilder,
  POWERS_OF_TEN,
} from '#models';
import type { ArrivalClock } from '../shared/arrival-clock.js';
import type { Batcher } from '../shared/batcher.js';
import { fromBinary, goFields, goQuote, parseGoFloat } from '../shared/go-text.js';
import type { IngestLedger } from '../shared/ingest-ledger.js';
import type { LineScratch } from '../shared/line-assembler.js';
import type { PathNamer } from './path-namer.js';

/** Counters with InfluxDB's names. */
export interface GraphiteCounters {
  pointsRx: number;
  bytesRx: number;
  pointsParseFail: number;
  pointsNaNFail: number;
}

/** What a decoder works with. */
export interface GraphiteDecoderParts {
  readonly namer: PathNamer;
  readonly batcher: Batcher;
  readonly ledger: IngestLedger;
  readonly arrivals: ArrivalClock;
  readonly counters: GraphiteCounters;
  readonly lineBytesMax: number;
  /** Told of lines that are no good. */
  onReject(raw: Uint8Array, text: string): void;
}

/** 1901-12-13 and 2038-01-19, seconds since 1970, inclusive. @see InfluxDB graphite.MinDate, MaxDate */
const SECONDS_MIN = -2147558400;
const SECONDS_MAX = 2147472000;
/** Carbon's word for "now". */
const NOW = -1;
/** The fast path gave up on a line. */
const GIVE_UP = -1;
const NEWLINE = 10;

const latin1 = new TextDecoder('latin1');

/** A refusal: what all such lines have in common, and InfluxDB's words for this one. */
interface LineRefusal {
  readonly reason: string;
  readonly text: string;
  /** See RejectedInput.target. */
  readonly target?: Readonly<Record<string, string>>;
}

/** Reads lines into a batcher. */
export class GraphiteDecoder {
  private readonly builder: PointsBuilder;
  private seconds = 0;
  private nanos = 0;

  constructor(private readonly parts: GraphiteDecoderParts) {
    this.builder = parts.batcher.builder;
  }

  /**
   * Reads whole lines.
   * @param lines `bytes[0..length)`, the last byte a newline
   * @param peer for the ledger
   */
  decode(lines: LineScratch, length: number, peer: string): void {
    const { counters, ledger, batcher } = this.parts;
    const { batchSize } = batcher;
    counters.bytesRx += length;
    let fast = 0;
    for (let p = 0; p < length;) {
      let next = this.fastLine(lines, p, length);
      counters.pointsRx++;
      if (next === GIVE_UP) {
        const end = lines.bytes.indexOf(NEWLINE, p);
        this.line(lines.bytes.subarray(p, end), peer);
        next = end + 1;
      } else {
        fast++;
      }
      p = next;
      if (this.builder.pointCount >= batchSize) {
        ledger.receive(fast);
        fast = 0;
        batcher.flush();
      }
    }
    ledger.receive(fast);
    batcher.added();
  }

  /**
   * Adds one value that came without a line.
   * @param path bytes without white space
   * @param unixTime seconds, -1 for now
   * @returns why not, or null
   */
  addValue(path: Uint8Array, value: number, unixTime: number): LineRefusal | null {
    if (path.length === 0) return { reason: 'missing fields', text: 'the path is empty' };
    if (!Number.isFinite(value)) return infiniteValue(latin1.decode(path), value);
    if (!this.setTime(unixTime)) {
      return { reason: 'timestamp out of range', text: 'timestamp out of range' };
    }
    const series = this.series(path);
    if (typeof series !== 'number') return series;
    this.builder.addFloat(series, value, this.seconds, this.nanos);
    return null;
  }

  /** Books a piece of input that is no good. */
  reject(raw: Uint8Array, peer: string, refusal: LineRefusal): void {
    const { counters, ledger, onReject } = this.parts;
    counters.pointsParseFail++;
    ledger.receive(1);
    ledger.reject({ ...refusal, peer, raw });
    onReject(raw, refusal.text);
  }

  /** Books a value that is not a number. */
  ignoreNaN(): void {
    const { counters, ledger } = this.parts;
    counters.pointsNaNFail++;
    ledger.receive(1);
    ledger.refuse(1, 'NaN');
  }

  /** Reads the line at `p`, or gives up on it; the start of the next line. */
  private fastLine({ bytes, view }: LineScratch, start: number, length: number): number {
    // The path: bytes up to the first blank, hashed in the same pass.
    let h = KEY_HASH_SEED;
    let w = 0;
    let p = start;
    for (;;) {
      w = view.getInt32(p, true);
      const flags = (w - 0x21212121) & ~w & 0x80808080;
      if (flags !== 0) {
        if ((flags & 0x80) !== 0) w = 0;
        else if ((flags & 0x8000) !== 0) {
          w &= 0xff;
          p += 1;
        } else if ((flags & 0x800000) !== 0) {
          w &= 0xffff;
          p += 2;
        } else {
          w &= 0xffffff;
          p += 3;
        }
        break;
      }
      h = Math.imul(h ^ w, 0x9e3779b1);
      h = (h << 13) | (h >>> 19);
      p += 4;
      if (p >= length) return GIVE_UP;
    }
    if (p >= length || bytes[p] !== 32) return GIVE_UP;
    const series = this.builder.find(bytes, start, p - start, finishKeyHash(h, w));
    if (series < 0) return GIVE_UP;
    // The value.
    p++;
    const isNegative = bytes[p] === 45;
    if (isNegative) p++;
    const digitsStart = p;
    let value = 0;
    let d = bytes[p] - 48;
    while (d >= 0 && d <= 9) {
      value = value * 10 + d;
      d = bytes[++p] - 48;
    }
    let digits = p - digitsStart;
    if (d === -2) {
      const fractionStart = ++p;
      d = bytes[p] - 48;
      while (d >= 0 && d <= 9) {
        value = value * 10 + d;
        d = bytes[++p] - 48;
      }
      const fraction = p - fractionStart;
      digits += fraction;
      if (digits <= 15) value /= POWERS_OF_TEN[fraction];
    }
    if (digits === 0 || digits > 23 || bytes[p] !== 32) return GIVE_UP;
    if (digits > 15) value = parseLongDecimal(bytes, digitsStart, p);
    // The time.
    const secondsStart = ++p;
    let seconds = 0;
    d = bytes[p] - 48;
    while (d >= 0 && d <= 9) {
      seconds = seconds * 10 + d;
      d = bytes[++p] - 48;
    }
    if (p === secondsStart || p - secondsStart > 10 || seconds > SECONDS_MAX) return GIVE_UP;
    if (bytes[p] === 13) p++;
    if (bytes[p] !== NEWLINE) return GIVE_UP;
    this.builder.addFloat(series, isNegative ? -value : value, seconds, 0);
    return p + 1;
  }

  /** Reads one line by the grammar. */
  private line(raw: Uint8Array, peer: string): void {
    const words = goFields(latin1.decode(raw));
    if (words.length === 0) return;
    const refused = this.words(raw, words);
    if (refused === null) this.parts.ledger.receive(1);
    else if (refused === 'NaN') this.ignoreNaN();
    else this.reject(raw, peer, refused);
  }

  /** Adds the point of a line, or says why not. */
  private words(raw: Uint8Array, words: readonly string[]): LineRefusal | 'NaN' | null {
    const { lineBytesMax } = this.parts;
    if (raw.length > lineBytesMax)
      return { reason: 'line too long', text: lineTooLong(lineBytesMax) };
    if (words.length !== 2 && words.length !== 3) {
      const line = goQuote(trimmed(latin1.decode(raw)));
      return {
        reason: 'missing fields',
        text: `received ${line} which doesn't have required fields`,
      };
    }
    const [path = '', valueText = '', timeText] = words;
    const name = Buffer.from(path, 'latin1');
    const series = this.series(name);
    if (typeof series !== 'number') return series;
    const shown = fromBinary(path);
    const value = parseGoFloat(valueText);
    if (typeof value === 'string') {
      const text = `field "${shown}" value: strconv.ParseFloat: parsing ${goQuote(valueText)}: ${value}`;
      return { reason: 'bad value', text };
    }
    if (Number.isNaN(value)) return 'NaN';
    if (!Number.isFinite(value)) return infiniteValue(path, value);
    let unixTime = NOW;
    if (timeText !== undefined) {
      const parsed = parseGoFloat(timeText);
      if (typeof parsed === 'string') {
        const text = `field "${shown}" time: strconv.ParseFloat: parsing ${goQuote(timeText)}: ${parsed}`;
        return { reason: 'bad timestamp', text };
      }
      unixTime = parsed;
    }
    if (!this.setTime(unixTime)) {
      return { reason: 'timestamp out of range', text: 'timestamp out of range' };
    }
    this.builder.addFloat(series, value, this.seconds, this.nanos);
    return null;
  }

  /** Sets the time of the next point; false where InfluxDB refuses it. */
  private setTime(unixTime: number): boolean {
    if (unixTime === NOW) {
      const nowNs = this.parts.arrivals.nextNs();
      this.seconds = Number(nowNs / 1_000_000_000n);
      this.nanos = Number(nowNs % 1_000_000_000n);
      return true;
    }
    // Same as InfluxDB: whole seconds towards zero, the fraction counted from below.
    const seconds = Math.trunc(unixTime);
    const nanos = Math.trunc((unixTime - Math.floor(unixTime)) * 1e9);
    if (!(seconds >= SECONDS_MIN && seconds <= SECONDS_MAX)) return false;
    if (seconds === SECONDS_MAX && nanos > 0) return false;
    this.seconds = seconds;
    this.nanos = nanos;
    return true;
  }

  /** The number of a path's series, or why it has none. */
  private series(path: Uint8Array): number | LineRefusal {
    const known = this.builder.find(path, 0, path.length, hashKey(path, 0, path.length));
    if (known >= 0) return known;
    const named = this.parts.namer.name(latin1.decode(path));
    if (typeof named === 'string') return { reason: 'template does not fit', text: named };
    const added = this.builder.addSeries(path, {
      key: Buffer.from(named.key, 'latin1'),
      fields: [{ name: fromBinary(named.field), type: FieldType.FLOAT }],
    });
    return typeof added === 'number' ? added : { reason: 'series not possible', text: added };
  }
}

/** The text for a line beyond `max-line-size`. */
export const lineTooLong = (lineBytesMax: number): string =>
  `line is longer than ${lineBytesMax} bytes`;

/** @param path a binary string */
function infiniteValue(path: string, value: number): LineRefusal {
  const text = `field "${fromBinary(path)}" value: "${value > 0 ? '+Inf' : '-Inf'}" is unsupported`;
  return { reason: 'infinite value', text };
}

/** A binary string without white space around it. */
const trimmed = (text: string): string => text.replace(/^[\t-\r ]+|[\t-\r ]+$/g, '');
