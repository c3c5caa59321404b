/**
 * OpenTSDB's telnet lines into a batch. The fast path reads a `put` of a series seen before, a plain number and a plain time;
 * everything else is read again by InfluxDB's rules (telnet-line.ts), whose phrases say what is wrong. Metric and tags are copied
 * into one piece of memory while they are scanned, which is the raw name of the series.
 */
import {
  finishKeyHash,
  hashKey,
  KEY_HASH_SEED,
  parseLongDecimal,
  type PointsBuilder,
  POWERS_OF_TEN,
} from '#models';
import type { Batcher } from '../shared/batcher.js';
import { fromBinary, goFields } from '../shared/go-text.js';
import type { IngestLedger, Rejection } from '../shared/ingest-ledger.js';
import { LINE_PADDING, type LineScratch } from '../shared/line-assembler.js';
import { nameSeries } from './series-name.js';
import { readPut, type TelnetPoint, type TelnetRefusal } from './telnet-line.js';

/** Counters with InfluxDB's names. */
export interface TelnetCounters {
  tlPointsRx: number;
  tlBytesRx: number;
  tlBadLine: number;
  tlBadTime: number;
  tlBadTag: number;
  tlBadFloat: number;
}

/** The sender of lines. */
export interface TelnetSender {
  readonly peer: string;
  /** Sends an answer. */
  answer(text: string): void;
  /** Says what is wrong with a line; may be left out. */
  complain(text: string): void;
  /** Ends the connection. */
  close(): void;
}

/** What a decoder works with. */
export interface TelnetDecoderParts {
  readonly batcher: Batcher;
  readonly ledger: IngestLedger;
  readonly counters: TelnetCounters;
  readonly lineBytesMax: number;
  /** Answers a line that is no `put`; false where it is no command either. */
  command(words: readonly string[], sender: TelnetSender): boolean;
  /** Told of what is no good: InfluxDB's phrase, and the word or line. */
  onReject(phrase: string, kind: TelnetRefusal['kind'] | 'tag', text: string, peer: string): void;
}

/** The fast path gave up on a line. */
const GIVE_UP = -1;
const NEWLINE = 10;
const CARRIAGE_RETURN = 13;
const BLANK = 32;
/** `put ` as a word. */
const PUT = 0x20747570;
const WORD_BYTES = 4;
/** Names beyond this never get into the cache. */
const NAME_BYTES_MAX = 65535;
/** Seconds that a time in nanoseconds can hold. */
const SECONDS_MAX = 9223372035;

const latin1 = new TextDecoder('latin1');

/** Reads lines into a batcher. */
export class TelnetDecoder {
  private readonly builder: PointsBuilder;
  /** The raw name being scanned: metric, filled up to a whole word; its length as a word; the tags as they were sent. */
  private readonly name = new Uint8Array(NAME_BYTES_MAX + 32);
  private readonly nameView = new DataView(this.name.buffer);
  /** The series of the line before; by series, the one that came behind it or -1, and the length of its metric. */
  private last = 0;
  private followers = new Int32Array(64).fill(-1);
  private metricLengths = new Int32Array(64);
  /** What the last line says. */
  private seconds = 0;
  private nanos = 0;
  private value = 0;

  constructor(private readonly parts: TelnetDecoderParts) {
    this.builder = parts.batcher.builder;
  }

  /**
   * Reads whole lines.
   * @param lines `bytes[0..length)`, the last byte a newline
   */
  decode(lines: LineScratch, length: number, sender: TelnetSender): void {
    const { counters, ledger, batcher } = this.parts;
    const { batchSize } = batcher;
    let fast = 0;
    for (let p = 0; p < length;) {
      const start = p;
      let next = this.fastLine(lines, p, length);
      if (next === GIVE_UP) {
        const end = lines.bytes.indexOf(NEWLINE, p);
        this.line(lines.bytes.subarray(p, end), sender);
        next = end + 1;
      } else {
        fast++;
      }
      p = next;
      // Without the end of the line. Same as InfluxDB 1.x.
      counters.tlPointsRx++;
      counters.tlBytesRx +=
        p - start - (p - start > 1 && lines.bytes[p - 2] === CARRIAGE_RETURN ? 2 : 1);
      if (this.builder.pointCount >= batchSize) {
        ledger.receive(fast);
        fast = 0;
        batcher.flush();
      }
    }
    ledger.receive(fast);
    batcher.added();
  }

  /** Books a line that is no good. */
  reject(
    raw: Uint8Array,
    refusal: TelnetRefusal,
    sender: TelnetSender,
    target: Rejection['target'] = {},
  ): void {
    const { counters, ledger, onReject } = this.parts;
    if (refusal.kind === 'time') counters.tlBadTime += refusal.count;
    else if (refusal.kind === 'value') counters.tlBadFloat += refusal.count;
    else counters.tlBadLine += refusal.count;
    const text = fromBinary(refusal.text.slice(0, SHOWN_LENGTH_MAX));
    const { peer } = sender;
    ledger.receive(1);
    const { reason } = refusal;
    ledger.reject({ reason, text: `${reason}: ${text}`, peer, raw, target });
    onReject(refusal.reason, refusal.kind, text, peer);
    sender.complain(`${refusal.answer}\n`);
  }

  /** Reads the line at `start`, or gives up on it; the start of the next line. */
  private fastLine(lines: LineScratch, start: number, length: number): number {
    if (lines.view.getInt32(start, true) !== PUT) return GIVE_UP;
    // Senders send their series in the same order again and again.
    const guess = this.followers[this.last];
    if (guess >= 0) {
      const next = this.guessedLine(lines, start, guess);
      if (next !== GIVE_UP) return next;
    }
    return this.scannedLine(lines, start, length);
  }

  /** Reads the line at `start` if it is of the series `guess`. */
  private guessedLine({ bytes, view }: LineScratch, start: number, guess: number): number {
    const { builder } = this;
    const metricLength = this.metricLengths[guess];
    const tagsPlace = ((metricLength + 3) & ~3) + WORD_BYTES;
    const tagsLength = builder.nameLength(guess) - tagsPlace;
    let p = start + WORD_BYTES;
    if (
      tagsLength < 0 ||
      bytes[p + metricLength] !== BLANK ||
      p + metricLength + tagsLength > bytes.length - LINE_PADDING ||
      !builder.nameContinues(guess, 0, view, p, metricLength)
    ) {
      return GIVE_UP;
    }
    this.nameView.setInt32(0, metricLength, true);
    if (!builder.nameContinues(guess, tagsPlace - WORD_BYTES, this.nameView, 0, WORD_BYTES)) {
      return GIVE_UP;
    }
    p = this.numbers(bytes, p + metricLength + 1);
    if (p === GIVE_UP) return GIVE_UP;
    if (bytes[p] === BLANK) p++;
    else if (tagsLength > 0) return GIVE_UP;
    if (p + tagsLength > bytes.length - LINE_PADDING) return GIVE_UP;
    if (!builder.nameContinues(guess, tagsPlace, view, p, tagsLength)) return GIVE_UP;
    p += tagsLength;
    if (bytes[p] === CARRIAGE_RETURN) p++;
    if (bytes[p] !== NEWLINE) return GIVE_UP;
    this.last = guess;
    builder.addFloat(guess, this.value, this.seconds, this.nanos);
    return p + 1;
  }

  /** Reads the line at `start` if its series is known. */
  private scannedLine({ bytes, view }: LineScratch, start: number, length: number): number {
    const { nameView } = this;
    // The metric, up to a blank.
    let h = KEY_HASH_SEED;
    let w = 0;
    let q = 0;
    let p = start + WORD_BYTES;
    for (;;) {
      w = view.getInt32(p, true);
      const flags = (w - 0x21212121) & ~w & 0x80808080;
      if (flags !== 0) {
        const size =
          (flags & 0x80) !== 0 ? 0 : (flags & 0x8000) !== 0 ? 1 : (flags & 0x800000) !== 0 ? 2 : 3;
        p += size;
        if (size > 0) {
          w &= (1 << (8 * size)) - 1;
          nameView.setInt32(q, w, true);
          h = Math.imul(h ^ w, 0x9e3779b1);
          h = (h << 13) | (h >>> 19);
          q += 4;
        }
        break;
      }
      nameView.setInt32(q, w, true);
      h = Math.imul(h ^ w, 0x9e3779b1);
      h = (h << 13) | (h >>> 19);
      p += 4;
      q += 4;
      if (p >= length || q >= NAME_BYTES_MAX) return GIVE_UP;
    }
    const metricLength = p - start - WORD_BYTES;
    if (p >= length || metricLength === 0 || bytes[p] !== BLANK) return GIVE_UP;
    nameView.setInt32(q, metricLength, true);
    h = Math.imul(h ^ metricLength, 0x9e3779b1);
    h = (h << 13) | (h >>> 19);
    q += 4;
    p = this.numbers(bytes, p + 1);
    if (p === GIVE_UP) return GIVE_UP;
    // The tags, as they are, up to the end of the line.
    if (bytes[p] === BLANK) {
      p++;
      for (;;) {
        w = view.getInt32(p, true);
        const flags = (w - 0x20202020) & ~w & 0x80808080;
        if (flags !== 0) {
          const size =
            (flags & 0x80) !== 0
              ? 0
              : (flags & 0x8000) !== 0
                ? 1
                : (flags & 0x800000) !== 0
                  ? 2
                  : 3;
          w &= (1 << (8 * size)) - 1;
          nameView.setInt32(q, w, true);
          p += size;
          q += size;
          break;
        }
        nameView.setInt32(q, w, true);
        h = Math.imul(h ^ w, 0x9e3779b1);
        h = (h << 13) | (h >>> 19);
        p += 4;
        q += 4;
        if (p >= length || q >= NAME_BYTES_MAX) return GIVE_UP;
      }
    } else {
      w = 0;
    }
    if (bytes[p] === CARRIAGE_RETURN) p++;
    if (p >= length || bytes[p] !== NEWLINE) return GIVE_UP;
    const series = this.builder.find(this.name, 0, q, finishKeyHash(h, w));
    if (series < 0) return GIVE_UP;
    this.follow(series, metricLength);
    this.builder.addFloat(series, this.value, this.seconds, this.nanos);
    return p + 1;
  }

  /** Reads a plain time, a blank and a plain value; the place behind them, or gives up. */
  private numbers(bytes: Uint8Array, start: number): number {
    let p = start;
    let seconds = 0;
    let nanos = 0;
    let d = bytes[p] - 48;
    while (d >= 0 && d <= 9) {
      seconds = seconds * 10 + d;
      d = bytes[++p] - 48;
    }
    if (bytes[p] !== BLANK) return GIVE_UP;
    if (p - start === 13) {
      const ms = seconds;
      seconds = Math.floor(ms / 1000);
      nanos = (ms - seconds * 1000) * 1e6;
    } else if (p - start !== 10) {
      return GIVE_UP;
    }
    if (seconds > SECONDS_MAX) return GIVE_UP;
    p++;
    const isNegative = bytes[p] === 45;
    if (isNegative) p++;
    const digitsStart = p;
    let value = 0;
    d = bytes[p] - 48;
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
    if (digits === 0 || digits > 23) return GIVE_UP;
    if (digits > 15) value = parseLongDecimal(bytes, digitsStart, p);
    this.seconds = seconds;
    this.nanos = nanos;
    this.value = isNegative ? -value : value;
    return p;
  }

  /** Remembers which series came behind the last one. A wrong memory is noticed. */
  private follow(series: number, metricLength: number): void {
    if (series >= this.followers.length || this.last >= this.followers.length) {
      const count = 2 * (Math.max(series, this.last) + 1);
      const followers = new Int32Array(count).fill(-1);
      const metricLengths = new Int32Array(count);
      followers.set(this.followers);
      metricLengths.set(this.metricLengths);
      this.followers = followers;
      this.metricLengths = metricLengths;
    }
    this.metricLengths[series] = metricLength;
    this.followers[this.last] = series;
    this.last = series;
  }

  /** Reads one line by the grammar. */
  private line(raw: Uint8Array, sender: TelnetSender): void {
    const text = latin1.decode(raw.at(-1) === CARRIAGE_RETURN ? raw.subarray(0, -1) : raw);
    const { lineBytesMax, ledger } = this.parts;
    if (raw.length > lineBytesMax) return this.reject(raw, lineTooLong(lineBytesMax), sender);
    const words = goFields(text);
    if (words[0] !== 'put' || words.length < 4) {
      if (!this.parts.command(words, sender)) this.reject(raw, malformedLine(text, words), sender);
      return;
    }
    const point = readPut(words);
    if ('kind' in point) return this.reject(raw, point, sender);
    const refused = this.add(text, words, point);
    if (refused !== null) return this.reject(raw, refused, sender);
    ledger.receive(1);
    for (const tag of point.badTags) {
      this.parts.counters.tlBadTag++;
      this.parts.onReject('Malformed tag data', 'tag', fromBinary(tag), sender.peer);
      sender.complain(`put: left out invalid tag: ${fromBinary(tag)}\n`);
    }
  }

  /** Adds a point, or says why its series is not possible. */
  private add(line: string, words: readonly string[], point: TelnetPoint): TelnetRefusal | null {
    const { builder } = this;
    const name = rawName(line, words, point);
    let series: number | string = builder.find(name, 0, name.length, hashKey(name, 0, name.length));
    if (series < 0) series = builder.addSeries(name, nameSeries(point.metric, point.tags));
    if (typeof series === 'string') {
      const answer = `put: illegal argument: ${series}`;
      return { kind: 'series', reason: 'Series not possible', text: series, answer, count: 1 };
    }
    builder.addFloat(series, point.value, point.seconds, point.nanos);
    return null;
  }
}

/** Characters of a bad line that are logged. */
const SHOWN_LENGTH_MAX = 1024;

/** The refusal of a line beyond `max-line-size`. */
export const lineTooLong = (lineBytesMax: number): TelnetRefusal => ({
  kind: 'line',
  reason: 'Line too long',
  text: `longer than ${lineBytesMax} bytes`,
  answer: `line is longer than ${lineBytesMax} bytes`,
  count: 1,
});

function malformedLine(text: string, words: readonly string[]): TelnetRefusal {
  const [command = ''] = words;
  const answer =
    command === 'put'
      ? `put: illegal argument: not enough arguments (need least 4, got ${words.length - 1})`
      : `unknown command: ${fromBinary(command.slice(0, SHOWN_LENGTH_MAX))}.  Try \`help'.`;
  return { kind: 'line', reason: 'Malformed line', text, answer, count: 1 };
}

/** A line as senders write it: the fast path can find its series. */
const PLAIN = /^put ([!-\xff]+) ([!-\xff]+) ([!-\xff]+)(?: ([ -\xff]*))?$/;

/**
 * The name under which the series of a line is remembered. That of a line which the fast path cannot read begins with a word
 * of zeros, which no metric does.
 */
function rawName(
  line: string,
  words: readonly string[],
  { metric, tags, badTags }: TelnetPoint,
): Uint8Array {
  const plain = badTags.length === 0 ? PLAIN.exec(line) : null;
  // Words may also be parted by spaces beyond ASCII.
  if (plain !== null && [1, 2, 3].every((n) => plain[n] === words[n])) {
    const padded = metric.padEnd((metric.length + 3) & ~3, '\0');
    return Buffer.from(`${padded}${lengthWord(metric)}${plain[4] ?? ''}`, 'latin1');
  }
  const pairs = [...tags].map(([key, value]) => `${key}=${value}`).join(' ');
  return Buffer.from(`\0\0\0\0${lengthWord(metric)}${metric}${pairs}`, 'latin1');
}

function lengthWord(text: string): string {
  const word = Buffer.alloc(4);
  word.writeInt32LE(text.length);
  return word.toString('latin1');
}
