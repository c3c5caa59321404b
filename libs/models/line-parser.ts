/**
 * Line protocol to PointsBatch. The fast path reads what senders usually send (a series key seen before, the fields that
 * the series had last time, plain numbers) straight into columns; a line with anything else is read again by the full
 * grammar in line-slow-path.ts. Both accept and refuse the same lines.
 */
import { parseLongDecimal, POWERS_OF_TEN } from './decimal.js';
import { FieldType } from './field-type.js';
import type { KnownSeries, LineContext, NewKey } from './line-context.js';
import { addLine } from './line-slow-path.js';
import { findLineEnd, skipBlanks } from './line-scanner.js';
import { precisionNs, type Precision } from './precision.js';
import {
  type PointsBatch,
  type PointsGroup,
  STRING_LENGTH_MAX,
  stringInBody,
} from './points-batch.js';
import { finishKeyHash, KEY_HASH_SEED, KEY_LENGTH_MAX } from './series-key.js';
import type { ShapeTable } from './shape.js';

/** A line that was refused. */
export interface RejectedLine {
  /** Counting from 1. */
  readonly lineNumber: number;
  readonly text: string;
  readonly reason: string;
}

/** Bytes that must follow a body in its buffer: the parser reads whole words, and puts a newline behind the last line. */
export const BODY_PADDING = 16;

/** Refused lines of one body whose texts are kept (1,000) and their bytes (1 MiB); more are only counted. */
export const REJECTED_LINES_KEPT = 1000;
export const REJECTED_BYTES_KEPT = 2 ** 20;

/** What became of a body. */
export interface ParseOutcome {
  /** The first of the refused lines. */
  readonly rejected: readonly RejectedLine[];
  readonly rejectedCount: number;
}

/** A request to read a body. */
export interface ParseRequest {
  /** Holds {@link BODY_PADDING} spare bytes behind `length`, which the parser overwrites. Kept by the batch. */
  readonly body: Uint8Array;
  /** Where to start, 0 unless given: a batch may be filled from one body piece by piece. */
  readonly start?: number;
  /** Where to end, exclusive. */
  readonly length: number;
  readonly known: KnownSeries;
  readonly precision: Precision;
  /** The time of points without one, already truncated to the precision; asked for at most once. */
  defaultTime(): bigint;
}

const utf8 = new TextDecoder();
const NO_ALTERNATE = -1;
/** New keys remembered within a body; a power of two. Others are taken apart again, which is only slower. */
const NEW_KEYS = 4096;
/** Where {@link LineParser.fields} gives up on a line. */
const GIVE_UP = -1;

/** Reads bodies one after another; one parser per thread. Not re-entrant. */
export class LineParser {
  /** By shape id: the shape that a series of this shape last changed to. */
  private alternates = new Int32Array(64).fill(NO_ALTERNATE);
  private lastShapeId = -1;
  private lastSeconds = -1;
  private lastNanos = -1;
  private lastLo = 0;
  private lastHi = 0;
  /** New keys of the body in hand, by the low bits of their hash. */
  private readonly newKeys = new Array<NewKey | null>(NEW_KEYS).fill(null);
  private hasNewKeys = false;
  private rejected: RejectedLine[] = [];
  private rejectedCount = 0;
  private rejectedBytes = 0;
  /** Where the body in hand starts. */
  private start = 0;
  private context: BodyContext | null = null;

  constructor(readonly shapes: ShapeTable) {}

  /** Adds all good lines of a body to a batch, which is empty or has been filled from the same body with the same series. */
  parse(request: ParseRequest, batch: PointsBatch): ParseOutcome {
    const { body, length, start = 0 } = request;
    this.start = start;
    body[length] = 10;
    batch.body = body;
    batch.seriesSource = request.known;
    this.rejected = [];
    this.rejectedCount = 0;
    this.rejectedBytes = 0;
    let { context } = this;
    if (start === 0 || context?.continues(request, batch) !== true) {
      context = new BodyContext(request, batch, this);
      this.context = context;
      if (this.hasNewKeys) this.newKeys.fill(null);
      this.hasNewKeys = false;
    }
    const { aliasHits } = request.known;
    let position = start;
    while (position < length) position = this.run(context, position, length);
    if (request.known.aliasHits !== aliasHits) context.noteOtherSpelling();
    const isJoined = start === 0 || (body[start - 1] === 10 && start - batch.verbatimLength <= 1);
    const isVerbatim = isJoined && context.isVerbatim && this.rejectedCount === 0;
    batch.verbatimLength = isVerbatim ? length : 0;
    if (context.unknownRows > 0 && batch.groups.length > 1) batch.hasMixedShapes = true;
    return { rejected: this.rejected, rejectedCount: this.rejectedCount };
  }

  /** Reads lines on the fast path from `position` until one does not fit, then that line by the grammar; the next position. */
  private run(context: LineContext, position: number, length: number): number {
    const { body, view, batch, known } = context;
    const hints = known.shapeHints;
    while (position < length) {
      const start = position;
      const first = body[start];
      if (first <= 32 || first === 35 || first === 44) return this.slowLine(context, start, length);
      // The series key: bytes up to the first space, hashed in the same pass.
      let h = KEY_HASH_SEED;
      let w = 0;
      let p = start;
      for (;;) {
        w = view.getInt32(p, true);
        const x = w ^ 0x20202020;
        if (((x - 0x01010101) & ~x & 0x80808080) !== 0) break;
        h = Math.imul(h ^ w, 0x9e3779b1);
        h = (h << 13) | (h >>> 19);
        p += 4;
        if (p >= length) return this.slowLine(context, start, length);
      }
      if ((w & 0xff) === 0x20) w = 0;
      else if ((w & 0xff00) === 0x2000) {
        w &= 0xff;
        p += 1;
      } else if ((w & 0xff0000) === 0x200000) {
        w &= 0xffff;
        p += 2;
      } else {
        w &= 0xffffff;
        p += 3;
      }
      if (p >= length || body[p - 1] === 92) return this.slowLine(context, start, length);
      const keyLength = p - start;
      const hash = finishKeyHash(h, w);
      const seriesId = known.find(body, start, keyLength, hash);
      let shapeId: number;
      let newKey: NewKey | null = null;
      if (seriesId >= 0) shapeId = hints[seriesId];
      else if ((newKey = this.findNewKey(body, start, keyLength, hash)) !== null)
        shapeId = newKey.shapeId;
      else if (isCanonicalKey(body, start, p)) shapeId = this.lastShapeId;
      else return this.slowLine(context, start, length);
      if (shapeId < 0) return this.slowLine(context, start, length);

      let group = batch.group(this.shapes.get(shapeId));
      let end = this.fields(context, group, p + 1, length);
      if (end === GIVE_UP) {
        const other = shapeId < this.alternates.length ? this.alternates[shapeId] : NO_ALTERNATE;
        if (other === NO_ALTERNATE) return this.slowLine(context, start, length);
        shapeId = other;
        group = batch.group(this.shapes.get(shapeId));
        end = this.fields(context, group, p + 1, length);
        if (end === GIVE_UP) return this.slowLine(context, start, length);
      }
      if (keyLength + group.shape.prefixLengthMax + 4 > KEY_LENGTH_MAX) {
        return this.slowLine(context, start, length);
      }
      const next = this.time(context, group, end);
      if (next === GIVE_UP) return this.slowLine(context, start, length);

      const row = group.rows++;
      if (batch.lineStarts !== null) batch.noteLine(start);
      group.seriesIds[row] = seriesId;
      group.pointNumbers[row] = batch.pointCount++;
      batch.valueCount += group.shape.fieldCount;
      this.lastShapeId = shapeId;
      if (seriesId < 0) {
        if (newKey === null) {
          newKey = {
            start,
            length: keyLength,
            hash,
            keyStart: batch.addExtra(body.subarray(start, p)),
            keyLength,
            shapeId,
          };
          this.noteNewKey(newKey);
        }
        group.keyStart[row] = newKey.keyStart;
        group.keyLength[row] = newKey.keyLength;
        context.unknownRows++;
      } else if (hints[seriesId] !== shapeId) {
        this.noteShape(context, seriesId, shapeId);
      }
      position = next;
    }
    return position;
  }

  /** A key that this body has spelt the same way before. */
  private findNewKey(body: Uint8Array, start: number, length: number, hash: number): NewKey | null {
    const key = this.newKeys[hash & (NEW_KEYS - 1)];
    if (key === null || key.hash !== hash || key.length !== length) return null;
    for (let i = 0; i < length; i++) if (body[start + i] !== body[key.start + i]) return null;
    return key;
  }

  /** Reads the fields of a shape from `p` into the group's next row; the position behind them, or GIVE_UP. */
  private fields(context: LineContext, group: PointsGroup, p: number, length: number): number {
    const { body, view } = context;
    if (group.rows === group.capacity) group.grow();
    const { shape, capacity, values } = group;
    const { fieldCount, types, words, wordStart, prefixLength } = shape;
    let cell = group.rows;
    for (let f = 0; f < fieldCount; f++, cell += capacity) {
      const size = prefixLength[f];
      if (p + size >= length) return GIVE_UP;
      let word = wordStart[f];
      let i = 0;
      for (; i + 4 <= size; i += 4) {
        if (view.getInt32(p + i, true) !== words[word++]) return GIVE_UP;
      }
      if (i < size) {
        if (size > 4) {
          if (view.getInt32(p + size - 4, true) !== words[word]) return GIVE_UP;
        } else if ((view.getInt32(p, true) & (0xffffffff >>> (8 * (4 - size)))) !== words[word]) {
          return GIVE_UP;
        }
      }
      p += size;
      const type = types[f];
      let c = body[p];
      if (type <= FieldType.INTEGER) {
        const isNegative = c === 45;
        if (isNegative) p++;
        const digitsStart = p;
        let m = 0;
        let d = body[p] - 48;
        while (d >= 0 && d <= 9) {
          m = m * 10 + d;
          d = body[++p] - 48;
        }
        let digits = p - digitsStart;
        c = d + 48;
        if (type === FieldType.INTEGER) {
          if (c !== 105 || digits === 0 || digits > 15) return GIVE_UP;
          // An integer has no negative zero.
          values[cell] = isNegative && m !== 0 ? -m : m;
          c = body[++p];
        } else {
          let fraction = 0;
          if (c === 46) {
            const fractionStart = ++p;
            d = body[p] - 48;
            while (d >= 0 && d <= 9) {
              m = m * 10 + d;
              d = body[++p] - 48;
            }
            fraction = p - fractionStart;
            digits += fraction;
            c = d + 48;
          }
          if (digits === 0 || digits > 23) return GIVE_UP;
          if (digits > 15) m = parseLongDecimal(body, digitsStart, p);
          else if (fraction !== 0) m /= POWERS_OF_TEN[fraction];
          values[cell] = isNegative ? -m : m;
        }
      } else if (type === FieldType.BOOLEAN) {
        const value = c === 116 || c === 84 ? 1 : 0;
        const size = booleanLength(body, p);
        if (size === 0) return GIVE_UP;
        values[cell] = value;
        p += size;
        c = body[p];
      } else {
        if (c !== 34 || type !== FieldType.STRING) return GIVE_UP;
        const from = ++p;
        while (body[p] !== 34) {
          if (body[p] === 92 || p >= length) return GIVE_UP;
          p++;
        }
        if (p - from > STRING_LENGTH_MAX) return GIVE_UP;
        values[cell] = stringInBody(from, p - from);
        c = body[++p];
      }
      if (f + 1 < fieldCount) {
        if (c !== 44) return GIVE_UP;
        p++;
      } else if (c !== 32 && c !== 10) {
        return GIVE_UP;
      }
    }
    return p;
  }

  /** Reads the end of a line from the byte behind its fields and sets the row's time; the start of the next line, or GIVE_UP. */
  private time(context: LineContext, group: PointsGroup, p: number): number {
    const { body, unitNs } = context;
    const at = 2 * group.rows;
    if (body[p] === 10) {
      context.batch.setTime(group, group.rows, context.defaultTimeNs);
      return p + 1;
    }
    const digitsStart = ++p;
    let seconds = 0;
    let nanos = 0;
    let d = body[p] - 48;
    if (unitNs === 1) {
      // 19 digits: ten of seconds, nine of nanoseconds. Other lengths are rare enough for the grammar.
      for (const secondsEnd = p + 10; p < secondsEnd && d >= 0 && d <= 9; d = body[++p] - 48) {
        seconds = seconds * 10 + d;
      }
      for (
        const nanosEnd = digitsStart + 19;
        p < nanosEnd && d >= 0 && d <= 9;
        d = body[++p] - 48
      ) {
        nanos = nanos * 10 + d;
      }
      // With fewer seconds the first digit is a zero.
      if (p - digitsStart !== 19 || seconds < 1e9) return GIVE_UP;
    } else {
      let units = 0;
      for (; d >= 0 && d <= 9; d = body[++p] - 48) units = units * 10 + d;
      if (p === digitsStart || p - digitsStart > 15) return GIVE_UP;
      if (unitNs < 1e9) {
        const unitsPerSecond = 1e9 / unitNs;
        seconds = Math.floor(units / unitsPerSecond);
        nanos = (units - seconds * unitsPerSecond) * unitNs;
      } else {
        seconds = units * (unitNs / 1e9);
      }
    }
    // 9223372036 s is where the range ends; the grammar knows the last nanosecond.
    if (d !== -38 || seconds >= 9223372036) return GIVE_UP;
    if (seconds !== this.lastSeconds || nanos !== this.lastNanos) {
      this.setLastTime(seconds, nanos);
    }
    group.times[at] = this.lastLo;
    group.times[at + 1] = this.lastHi;
    return p + 1;
  }

  /** seconds * 1e9 + nanos in two words, with products that stay below 2^53. */
  private setLastTime(seconds: number, nanos: number): void {
    this.lastSeconds = seconds;
    this.lastNanos = nanos;
    const high = Math.floor(seconds / 65536) * 1e9;
    const low = (seconds % 65536) * 1e9 + nanos;
    const highHigh = Math.floor(high / 65536);
    const lo = (high - highHigh * 65536) * 65536 + low;
    const carry = Math.floor(lo / 4294967296);
    this.lastHi = (highHigh + carry) | 0;
    this.lastLo = (lo - carry * 4294967296) | 0;
  }

  /** Reads one line by the grammar; the start of the next line. */
  private slowLine(context: LineContext, start: number, length: number): number {
    const { body } = context;
    const end = findLineEnd(body, start, length);
    const first = skipBlanks(body, start, end);
    if (first !== start) context.noteOtherSpelling();
    if (first < end && body[first] !== 35) {
      const refused = addLine(context, first, end);
      if (refused !== null) this.reject(body, { start: first, end, reason: refused.reason });
    } else context.noteOtherSpelling();
    return end + 1;
  }

  private reject(body: Uint8Array, line: { start: number; end: number; reason: string }): void {
    this.rejectedCount++;
    const size = line.end - line.start;
    if (this.rejected.length >= REJECTED_LINES_KEPT) return;
    if (this.rejected.length > 0 && this.rejectedBytes + size > REJECTED_BYTES_KEPT) return;
    this.rejectedBytes += size;
    let lineNumber = 1;
    for (let i = this.start; i < line.start; i++) if (body[i] === 10) lineNumber++;
    const text = utf8.decode(body.subarray(line.start, line.end));
    this.rejected.push({ lineNumber, text, reason: line.reason });
  }

  /** See {@link LineContext.noteNewKey}. */
  noteNewKey(key: NewKey): void {
    this.newKeys[key.hash & (NEW_KEYS - 1)] = key;
    this.hasNewKeys = true;
  }

  /** See {@link LineContext.noteShape}. */
  noteShape(context: LineContext, seriesId: number, shapeId: number): void {
    this.lastShapeId = shapeId;
    if (seriesId < 0) return;
    const hints = context.known.shapeHints;
    const before = hints[seriesId];
    hints[seriesId] = shapeId;
    if (before < 0) return;
    context.batch.hasMixedShapes = true;
    if (Math.max(before, shapeId) >= this.alternates.length) {
      const wider = new Int32Array(2 * Math.max(before, shapeId) + 1).fill(NO_ALTERNATE);
      wider.set(this.alternates);
      this.alternates = wider;
    }
    this.alternates[before] = shapeId;
  }
}

/** The state of reading one body, in one piece or several. */
class BodyContext implements LineContext {
  readonly body: Uint8Array;
  readonly view: DataView;
  readonly known: KnownSeries;
  readonly shapes: ShapeTable;
  readonly unitNs: number;
  unknownRows = 0;
  /** Whether a line was empty or a comment, or spelt otherwise than its point is printed. */
  private hasOtherSpelling = false;
  private timeNs: bigint | null = null;

  constructor(
    private request: ParseRequest,
    readonly batch: PointsBatch,
    private readonly parser: LineParser,
  ) {
    const { body, known, precision } = request;
    this.body = body;
    this.view = new DataView(body.buffer, body.byteOffset, body.length);
    this.known = known;
    this.shapes = parser.shapes;
    this.unitNs = precisionNs(precision);
  }

  get defaultTimeNs(): bigint {
    return (this.timeNs ??= this.request.defaultTime());
  }

  /** Whether every line read so far is a point as it is printed, with its time in nanoseconds. */
  get isVerbatim(): boolean {
    return this.unitNs === 1 && this.timeNs === null && !this.hasOtherSpelling;
  }

  /** True, and ready for it, when a request is for the next piece of the same body. */
  continues(request: ParseRequest, batch: PointsBatch): boolean {
    if (request.body !== this.body || request.known !== this.known || batch !== this.batch)
      return false;
    this.request = request;
    this.timeNs = null;
    return precisionNs(request.precision) === this.unitNs;
  }

  noteOtherSpelling(): void {
    this.hasOtherSpelling = true;
  }

  noteShape(seriesId: number, shapeId: number): void {
    this.parser.noteShape(this, seriesId, shapeId);
  }

  noteNewKey(key: NewKey): void {
    this.parser.noteNewKey(key);
  }
}

/** Bytes of the boolean at `p` where a comma, space or newline follows it, else 0. */
function booleanLength(body: Uint8Array, p: number): number {
  const c = body[p];
  const isTrue = c === 116 || c === 84;
  if (!isTrue && c !== 102 && c !== 70) return 0;
  if (isEnd(body[p + 1])) return 1;
  const size = isTrue ? 4 : 5;
  if (!isEnd(body[p + size])) return 0;
  const word = String.fromCharCode(...body.subarray(p, p + size));
  return word === 'true' ||
    word === 'false' ||
    word === 'TRUE' ||
    word === 'FALSE' ||
    word === 'True' ||
    word === 'False'
    ? size
    : 0;
}

const isEnd = (c: number): boolean => c === 44 || c === 32 || c === 10;

/**
 * True when `body[start..end)` is a key in canonical form: no escapes or control bytes, tags complete and in strictly
 * ascending order. Says no to some odd keys that are canonical; they take the slow path.
 */
export function isCanonicalKey(body: Uint8Array, start: number, end: number): boolean {
  if (end - start > KEY_LENGTH_MAX) return false;
  let i = start;
  for (; i < end && body[i] !== 44; i++) {
    if (body[i] < 32 || body[i] === 92 || body[i] === 61) return false;
  }
  let previousStart = -1;
  let previousEnd = -1;
  while (i < end) {
    const keyStart = ++i;
    for (; i < end && body[i] !== 61; i++) {
      if (body[i] < 32 || body[i] === 92 || body[i] === 44) return false;
    }
    const keyEnd = i++;
    if (keyEnd === keyStart || i >= end || body[i] === 44) return false;
    for (; i < end && body[i] !== 44; i++) {
      if (body[i] < 32 || body[i] === 92 || body[i] === 61) return false;
    }
    if (previousStart >= 0 && !isBefore(body, previousStart, previousEnd, keyStart, keyEnd))
      return false;
    previousStart = keyStart;
    previousEnd = keyEnd;
  }
  return true;
}

// Five numbers of one kind: an object per tag would cost more than the comparison.
function isBefore(body: Uint8Array, a: number, aEnd: number, b: number, bEnd: number): boolean {
  while (a < aEnd && b < bEnd) {
    if (body[a] !== body[b]) return body[a] < body[b];
    a++;
    b++;
  }
  return b < bEnd;
}

/** A copy of `bytes` with the padding that {@link LineParser.parse} needs. */
export function padBody(bytes: Uint8Array): Uint8Array {
  const padded = new Uint8Array(bytes.length + BODY_PADDING);
  padded.set(bytes);
  return padded;
}
