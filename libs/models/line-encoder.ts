/**
 * Rows of a batch as line protocol in nanoseconds, such that a parser stores exactly the same: integers and floats to the
 * last bit, strings byte by byte. Spelt as InfluxDB spells points that it makes itself (fields by name, floats without exponent).
 * For whoever passes points on; what the protocol cannot say is left out and counted.
 * @see InfluxDB models.NewPoint, Fields.MarshalBinary
 */
import { FieldType } from './field-type.js';
import { int64ToBigInt } from './int64.js';
import type { PointsBatch } from './points-batch.js';
import { bigIntegerPosition, type PointsGroup } from './points-batch.js';
import type { RowRun } from './row-runs.js';
import { compareBytes, compareUtf8, encodeSeriesKey, parseSeriesKey } from './series-key.js';
import { escapeFieldName, type Shape } from './shape.js';

/** What {@link LineEncoder.encode} gives. */
export interface EncodedLines {
  /** Lines, each with its newline; valid until the next call. */
  readonly bytes: Uint8Array;
  readonly points: number;
  /** Points whose names cannot be said in line protocol: with a newline, or a backslash where it would escape what follows. */
  readonly leftOut: number;
}

const NEWLINE = 10;
const SPACE = 32;
const QUOTE = 34;
const HASH = 35;
const COMMA = 44;
const BACKSLASH = 92;
/** Longest text of a number, with its suffix. */
const NUMBER_BYTES_MAX = 32;
/** Buffers larger than this are not kept between calls. */
const KEPT_BYTES_MAX = 8 * 2 ** 20;

const encoder = new TextEncoder();

/** Field names of a shape as lines spell them, or null where one cannot be spelt. */
interface Prefixes {
  /** Fields in the order of their names. */
  readonly order: readonly number[];
  readonly bytes: readonly Uint8Array[];
  readonly sizeBytes: number;
}

/** Encodes one batch after another into a buffer of its own. */
export class LineEncoder {
  private out: Uint8Array = new Uint8Array(64 * 1024);
  private length = 0;
  private readonly prefixes = new WeakMap<Shape, Prefixes | null>();
  private timeLo = 0;
  private timeHi = 0;
  private timeText: Uint8Array = encoder.encode('0');

  /** @param keyOf the canonical key of a series; rows without a series id have theirs in the batch */
  encode(
    batch: PointsBatch,
    runs: readonly RowRun[],
    keyOf: (seriesId: number) => Uint8Array,
  ): EncodedLines {
    if (this.out.length > KEPT_BYTES_MAX) this.out = new Uint8Array(64 * 1024);
    this.length = 0;
    let points = 0;
    let leftOut = 0;
    for (const { group, from, to } of runs) {
      const prefixes = this.prefixesOf(group.shape);
      for (let row = from; row < to; row++) {
        const seriesId = group.seriesIds[row];
        const key = seriesId >= 0 ? keyOf(seriesId) : keyInBatch(batch, group, row);
        if (prefixes === null || !isSayable(key)) {
          leftOut++;
          continue;
        }
        this.line(batch, group, row, { key, prefixes });
        points++;
      }
    }
    return { bytes: this.out.subarray(0, this.length), points, leftOut };
  }

  private line(
    batch: PointsBatch,
    group: PointsGroup,
    row: number,
    { key, prefixes }: { readonly key: Uint8Array; readonly prefixes: Prefixes },
  ): void {
    const { shape, values, capacity, times } = group;
    const { fieldCount, types } = shape;
    const { order } = prefixes;
    // What a line needs besides its key and strings; those reserve it again for what follows them.
    const restBytes = prefixes.sizeBytes + (fieldCount + 2) * NUMBER_BYTES_MAX;
    this.reserve(key.length + restBytes);
    this.put(key);
    for (let i = 0; i < fieldCount; i++) {
      const f = order[i];
      const cell = f * capacity + row;
      this.out[this.length++] = i === 0 ? SPACE : COMMA;
      this.put(prefixes.bytes[f]);
      const value = values[cell];
      const type = types[f];
      if (type === FieldType.FLOAT) this.float(value, restBytes);
      else if (type === FieldType.BOOLEAN) this.text(value === 0 ? 'false' : 'true');
      else if (type === FieldType.STRING) this.string(batch.stringBytes(value), restBytes);
      else {
        const isUnsigned = type === FieldType.UNSIGNED;
        const big = value === value ? null : batch.bigIntegers[bigIntegerPosition(values, cell)];
        const text = big === null ? value : isUnsigned ? BigInt.asUintN(64, big) : big;
        this.text(`${text}${isUnsigned ? 'u' : 'i'}`);
      }
    }
    this.out[this.length++] = SPACE;
    const lo = times[2 * row];
    const hi = times[2 * row + 1];
    // Neighbouring points mostly share their time.
    if (lo !== this.timeLo || hi !== this.timeHi) {
      this.timeLo = lo;
      this.timeHi = hi;
      this.timeText = encoder.encode(String(int64ToBigInt(lo, hi)));
    }
    this.put(this.timeText);
    this.out[this.length++] = NEWLINE;
  }

  private float(value: number, restBytes: number): void {
    const text = Object.is(value, -0) ? '-0' : String(value);
    if (!text.includes('e')) return this.text(text);
    const plain = withoutExponent(text);
    this.reserve(plain.length + restBytes);
    this.text(plain);
  }

  private string(bytes: Uint8Array, restBytes: number): void {
    this.reserve(2 * bytes.length + restBytes);
    this.out[this.length++] = QUOTE;
    for (const c of bytes) {
      if (c === QUOTE || c === BACKSLASH) this.out[this.length++] = BACKSLASH;
      this.out[this.length++] = c;
    }
    this.out[this.length++] = QUOTE;
  }

  private text(text: string): void {
    for (let i = 0; i < text.length; i++) this.out[this.length++] = text.charCodeAt(i);
  }

  private put(bytes: Uint8Array): void {
    this.out.set(bytes, this.length);
    this.length += bytes.length;
  }

  private reserve(sizeBytes: number): void {
    const needed = this.length + sizeBytes;
    if (needed <= this.out.length) return;
    const wider = new Uint8Array(Math.max(needed, 2 * this.out.length));
    wider.set(this.out.subarray(0, this.length));
    this.out = wider;
  }

  private prefixesOf(shape: Shape): Prefixes | null {
    const known = this.prefixes.get(shape);
    if (known !== undefined) return known;
    const made = prefixesOf(shape);
    this.prefixes.set(shape, made);
    return made;
  }
}

function prefixesOf({ names }: Shape): Prefixes | null {
  if (names.some((name) => /\n|\\$|\\[,= "\\]/.test(name))) return null;
  const bytes = names.map((name) => encoder.encode(`${escapeFieldName(name)}=`));
  const order = names.map((_, f) => f).sort((a, b) => compareUtf8(names[a], names[b]));
  return { order, bytes, sizeBytes: bytes.reduce((sum, { length }) => sum + length + 1, 0) };
}

/** Digits of a number whose text has an exponent. Same as Go's FormatFloat(v, 'f', -1, 64). */
function withoutExponent(text: string): string {
  const [mantissa = '', exponent = '0'] = text.split('e');
  const sign = mantissa.startsWith('-') ? '-' : '';
  const [whole = '', fraction = ''] = mantissa.slice(sign.length).split('.');
  const digits = whole + fraction;
  const point = whole.length + Number(exponent);
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  return sign + digits.padEnd(point, '0');
}

function keyInBatch(batch: PointsBatch, group: PointsGroup, row: number): Uint8Array {
  const start = group.keyStart[row];
  return batch.extra.subarray(start, start + group.keyLength[row]);
}

/** Whether a line can begin with a key and be read as that key. */
function isSayable(key: Uint8Array): boolean {
  const first = key[0];
  if (key.length === 0 || first <= SPACE || first === HASH || first === COMMA) return false;
  if (key.indexOf(NEWLINE) >= 0 || key[key.length - 1] === BACKSLASH) return false;
  if (key.indexOf(BACKSLASH) < 0) return true;
  const { measurement, tags } = parseSeriesKey(key);
  return compareBytes(encodeSeriesKey(measurement, tags), key) === 0;
}
