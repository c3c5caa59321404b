/**
 * Rows of a batch that was parsed from lines, as InfluxDB prints such points: the canonical key, the fields as the client spelt
 * them, the time in nanoseconds. A copy of bytes where LineEncoder prints numbers. In the order of the lines.
 * @see InfluxDB models.point.String
 */
import { int64ToBigInt } from './int64.js';
import { type EncodedLines, LineEncoder } from './line-encoder.js';
import { skipBlanks } from './line-scanner.js';
import type { PointsBatch, PointsGroup } from './points-batch.js';
import type { RowRun } from './row-runs.js';

const NEWLINE = 10;
const SPACE = 32;
const QUOTE = 34;
const COMMA = 44;
const EQUALS = 61;
const BACKSLASH = 92;
/** Longest time with its sign, the space before and the newline behind it, and the space before the fields. */
const REST_BYTES = 24;
/** Buffers larger than this are not kept between calls. */
const KEPT_BYTES_MAX = 8 * 2 ** 20;
/** Nor are places of more points. */
const POINTS_KEPT_MAX = 2 ** 18;

const encoder = new TextEncoder();

/** Says batches as lines: those that were parsed from lines by copying, others by encoding. */
export class LineCopier {
  private readonly encoder = new LineEncoder();
  private out: Uint8Array = new Uint8Array(64 * 1024);
  private length = 0;
  /** By point number: the row, or -1 for what is not wanted, and its group. */
  private rows = new Int32Array(1024);
  private groups: PointsGroup[] = [];
  private groupOf = new Int32Array(1024);
  private timeLo = 0;
  private timeHi = 0;
  private timeText: Uint8Array = encoder.encode('0');

  /**
   * @param runs rows whose series are known by now
   * @param keyOf the canonical key of a series
   */
  encode(
    batch: PointsBatch,
    runs: readonly RowRun[],
    keyOf: (seriesId: number) => Uint8Array,
  ): EncodedLines {
    const { lineStarts, body, pointCount } = batch;
    // Inputs that note places in something other than lines have no body.
    if (lineStarts === null || body.length === 0) return this.encoder.encode(batch, runs, keyOf);
    if (this.out.length > KEPT_BYTES_MAX) this.out = new Uint8Array(64 * 1024);
    this.length = 0;
    this.order(runs, pointCount);
    let points = 0;
    let leftOut = 0;
    for (let n = 0; n < pointCount; n++) {
      const row = this.rows[n];
      if (row < 0) continue;
      const group = this.groups[this.groupOf[n]];
      const start = lineStarts[n];
      const isShared =
        (n > 0 && lineStarts[n - 1] === start) ||
        (n + 1 < pointCount && lineStarts[n + 1] === start);
      if (isShared || group.seriesIds[row] < 0) {
        // A line of several rows: not all of them need be wanted.
        const lines = this.encoder.encode(batch, [{ group, from: row, to: row + 1 }], keyOf);
        this.reserve(lines.bytes.length);
        this.put(lines.bytes);
        points += lines.points;
        leftOut += lines.leftOut;
      } else {
        this.copy(body, start, keyOf(group.seriesIds[row]));
        this.time(group, row);
        points++;
      }
    }
    // Not to be kept alive.
    this.groups = [];
    return { bytes: this.out.subarray(0, this.length), points, leftOut };
  }

  /** Finds the wanted rows by point number. */
  private order(runs: readonly RowRun[], pointCount: number): void {
    const isTooLong = this.rows.length > POINTS_KEPT_MAX && pointCount <= POINTS_KEPT_MAX;
    if (pointCount > this.rows.length || isTooLong) {
      this.rows = new Int32Array(2 * pointCount);
      this.groupOf = new Int32Array(2 * pointCount);
    }
    const { rows, groupOf } = this;
    rows.fill(-1, 0, pointCount);
    this.groups = [];
    for (const { group, from, to } of runs) {
      const { pointNumbers } = group;
      const g = this.groups.push(group) - 1;
      for (let row = from; row < to; row++) {
        rows[pointNumbers[row]] = row;
        groupOf[pointNumbers[row]] = g;
      }
    }
  }

  /** The key, and the fields of the line at `start` as they are. */
  private copy(body: Uint8Array, start: number, key: Uint8Array): void {
    const fieldsStart = skipBlanks(body, keyEndOf(body, start), body.length);
    const fieldsEnd = fieldsEndOf(body, fieldsStart);
    this.reserve(key.length + fieldsEnd - fieldsStart + REST_BYTES);
    this.put(key);
    this.out[this.length++] = SPACE;
    const size = fieldsEnd - fieldsStart;
    const { out } = this;
    const at = this.length;
    // For what lines usually have, a loop is faster than a copy by view.
    if (size <= 64) for (let i = 0; i < size; i++) out[at + i] = body[fieldsStart + i];
    else out.set(body.subarray(fieldsStart, fieldsEnd), at);
    this.length = at + size;
    out[this.length++] = SPACE;
  }

  private time({ times }: PointsGroup, row: number): void {
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
}

/** Where the key of a good line ends: its first unescaped space. */
function keyEndOf(body: Uint8Array, start: number): number {
  let i = start + 1;
  while (body[i] !== SPACE || body[i - 1] === BACKSLASH) i++;
  return i;
}

/** Where the fields of a good line end: an unquoted space or newline. Same steps as the scanner's. */
function fieldsEndOf(body: Uint8Array, start: number): number {
  let isQuoted = false;
  let equals = 0;
  let commas = 0;
  for (let i = start; ; i++) {
    const c = body[i];
    if (c > EQUALS && c !== BACKSLASH) continue;
    if (c === BACKSLASH) i++;
    else if (c === QUOTE && equals > commas) isQuoted = !isQuoted;
    else if (isQuoted) continue;
    else if (c === EQUALS) equals++;
    else if (c === COMMA) commas++;
    else if (c === SPACE || c === NEWLINE) return i;
  }
}
