/**
 * Writes batches as columnar WAL records into memory: small integers as varints of differences, decimals as scaled
 * integers, everything else as 64-bit words. A segment is complete in itself: a record first defines the series and shapes
 * that its segment has not named yet. @see docs/formats/wal.md
 */
import { crc32 } from 'node:zlib';
import {
  bigIntegerPosition,
  FieldType,
  int64Difference,
  type PointsBatch,
  type RowRun,
  type Shape,
} from '#models';
import {
  ColumnMode,
  DECIMAL_SCALE_MAX,
  RECORD_HAS_POSITION,
  RECORD_HEADER_BYTES,
  RecordType,
  TimeMode,
} from './wal-format.js';

/** Gives the canonical key of a series id. */
export interface SeriesKeys {
  keyOf(seriesId: number): Uint8Array;
}

const SCALES = Float64Array.from({ length: DECIMAL_SCALE_MAX + 1 }, (_, s) => 10 ** s);
const SCALED_MAX = 2 ** 30;
const PAGE_BITS = 12;
const PAGE_MASK = 2 ** PAGE_BITS - 1;

/** Records of one shard's log. Its bytes are taken with {@link WalEncoder.take}; not re-entrant. */
export class WalEncoder {
  private out = new Uint8Array(65536);
  private length = 0;
  /** By series id: number of the epoch in which it was last defined. */
  private readonly seriesEpochs: (Int32Array | undefined)[] = [];
  private shapeEpochs = new Int32Array(64);
  private epoch = 1;
  /** By shape id: the decimal scale that last fitted each field, or WORDS. */
  private readonly scales: (Uint8Array | undefined)[] = [];
  private newSeries = new Int32Array(64);

  /** Bytes encoded and not taken yet. */
  get pendingBytes(): number {
    return this.length;
  }

  /** Forgets what was defined: the next record goes to another segment, or the last ones were lost. */
  startSegment(): void {
    this.epoch++;
  }

  /** Hands over the encoded records and goes on in `spare`. */
  take(spare: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    const taken = this.out.subarray(0, this.length);
    this.out = spare;
    this.length = 0;
    return taken;
  }

  /**
   * Encodes rows as one record.
   * @param position log position to store with it (cluster), or null
   */
  encodePoints(
    batch: PointsBatch,
    ranges: readonly RowRun[],
    keys: SeriesKeys,
    position: bigint | null = null,
  ): void {
    const start = this.length;
    this.reserve(RECORD_HEADER_BYTES + 32);
    let p = start + RECORD_HEADER_BYTES;
    this.out[p++] = RecordType.POINTS;
    this.out[p++] = position === null ? 0 : RECORD_HAS_POSITION;
    if (position !== null) {
      new DataView(this.out.buffer, this.out.byteOffset).setBigUint64(p, position, true);
      p += 8;
    }
    this.length = p;
    this.defineSeries(ranges, keys);
    this.defineShapes(ranges);
    this.reserve(16);
    this.length = putVarint(this.out, this.length, ranges.length);
    for (const range of ranges) this.encodeSection(batch, range);
    this.finishRecord(start);
  }

  /** Adds a record whose payload has been made elsewhere. */
  appendRecord(payload: Uint8Array): void {
    const start = this.length;
    this.reserve(RECORD_HEADER_BYTES + payload.length);
    this.out.set(payload, start + RECORD_HEADER_BYTES);
    this.length = start + RECORD_HEADER_BYTES + payload.length;
    this.finishRecord(start);
  }

  /** Puts length and checksum in front of the record that begins at `start` and ends where the buffer does. */
  private finishRecord(start: number): void {
    const payload = this.out.subarray(start + RECORD_HEADER_BYTES, this.length);
    const header = new DataView(this.out.buffer, this.out.byteOffset + start, RECORD_HEADER_BYTES);
    header.setUint32(0, payload.length, true);
    header.setUint32(4, crc32(payload), true);
  }

  private defineSeries(ranges: readonly RowRun[], keys: SeriesKeys): void {
    let count = 0;
    for (const { group, from, to } of ranges) {
      const { seriesIds } = group;
      for (let row = from; row < to; row++) {
        const id = seriesIds[row];
        const page = (this.seriesEpochs[id >>> PAGE_BITS] ??= new Int32Array(PAGE_MASK + 1));
        if (page[id & PAGE_MASK] === this.epoch) continue;
        page[id & PAGE_MASK] = this.epoch;
        if (count === this.newSeries.length) {
          const wider = new Int32Array(count * 4);
          wider.set(this.newSeries);
          this.newSeries = wider;
        }
        this.newSeries[count++] = id;
      }
    }
    this.reserve(16);
    this.length = putVarint(this.out, this.length, count);
    for (let i = 0; i < count; i++) {
      const key = keys.keyOf(this.newSeries[i]);
      this.reserve(key.length + 16);
      let p = putVarint(this.out, this.length, this.newSeries[i]);
      p = putVarint(this.out, p, key.length);
      this.out.set(key, p);
      this.length = p + key.length;
    }
  }

  private defineShapes(ranges: readonly RowRun[]): void {
    const shapes: Shape[] = [];
    for (const { group } of ranges) {
      const { id } = group.shape;
      if (id >= this.shapeEpochs.length) {
        const wider = new Int32Array(id * 2);
        wider.set(this.shapeEpochs);
        this.shapeEpochs = wider;
      }
      if (this.shapeEpochs[id] === this.epoch) continue;
      this.shapeEpochs[id] = this.epoch;
      shapes.push(group.shape);
    }
    this.reserve(16);
    this.length = putVarint(this.out, this.length, shapes.length);
    for (const shape of shapes) {
      this.reserve(16 + shape.nameBytes.reduce((sum, name) => sum + name.length + 8, 0));
      let p = putVarint(this.out, this.length, shape.id);
      p = putVarint(this.out, p, shape.fieldCount);
      for (let f = 0; f < shape.fieldCount; f++) {
        const name = shape.nameBytes[f];
        this.out[p++] = shape.types[f];
        p = putVarint(this.out, p, name.length);
        this.out.set(name, p);
        p += name.length;
      }
      this.length = p;
    }
  }

  private encodeSection(batch: PointsBatch, { group, from, to }: RowRun): void {
    const { shape, values, capacity } = group;
    const rows = to - from;
    this.reserve(32 + rows * (20 + 10 * shape.fieldCount));
    let p = putVarint(this.out, this.length, shape.id);
    p = putVarint(this.out, p, rows);
    p = putIdDeltas(this.out, p, group.seriesIds, from, to);
    p = putTimes(this.out, p, group.times, from, to);
    const scales = (this.scales[shape.id] ??= new Uint8Array(shape.fieldCount));
    for (let f = 0; f < shape.fieldCount; f++) {
      const cells = values.subarray(f * capacity + from, f * capacity + to);
      const type = shape.types[f];
      if (type === FieldType.FLOAT) {
        if (scales[f] !== ColumnMode.WORDS) {
          const done = putDecimals(this.out, p, cells, scales[f]);
          if (done.position > 0) {
            scales[f] = done.scale;
            p = done.position;
            continue;
          }
          scales[f] = ColumnMode.WORDS;
        }
        this.out[p++] = ColumnMode.WORDS;
        p = putWords(this.out, p, cells);
      } else if (type === FieldType.BOOLEAN) {
        this.out[p++] = ColumnMode.BITS;
        p = putBits(this.out, p, cells);
      } else if (type === FieldType.STRING) {
        this.length = p;
        this.encodeStrings(batch, cells);
        this.reserve(32 + rows * 10 * (shape.fieldCount - f));
        p = this.length;
      } else {
        p = putIntegers(this.out, p, cells, batch.bigIntegers);
      }
    }
    this.length = p;
  }

  private encodeStrings(batch: PointsBatch, cells: Float64Array): void {
    this.out[this.length++] = ColumnMode.STRINGS;
    for (let i = 0; i < cells.length; i++) {
      const bytes = batch.stringBytes(cells[i]);
      this.reserve(bytes.length + 16);
      const p = putVarint(this.out, this.length, bytes.length);
      this.out.set(bytes, p);
      this.length = p + bytes.length;
    }
  }

  private reserve(bytes: number): void {
    if (this.length + bytes <= this.out.length) return;
    const wider = new Uint8Array(Math.max(this.length + bytes, this.out.length * 2));
    wider.set(this.out.subarray(0, this.length));
    this.out = wider;
  }
}

/** Writes a whole number below 2^53; the position behind it. */
export function putVarint(out: Uint8Array, p: number, value: number): number {
  while (value > 127) {
    out[p++] = (value % 128) | 128;
    value = Math.floor(value / 128);
  }
  out[p++] = value;
  return p;
}

function putIdDeltas(
  out: Uint8Array,
  p: number,
  ids: Int32Array,
  from: number,
  to: number,
): number {
  let before = 0;
  for (let row = from; row < to; row++) {
    const delta = ids[row] - before;
    before = ids[row];
    let z = ((delta << 1) ^ (delta >> 31)) >>> 0;
    while (z > 127) {
      out[p++] = z | 128;
      z >>>= 7;
    }
    out[p++] = z;
  }
  return p;
}

/** Mode, the first time in full, then differences; all in full where a difference is 2^52 or more. */
function putTimes(out: Uint8Array, p: number, times: Int32Array, from: number, to: number): number {
  const start = p;
  out[p++] = TimeMode.DELTAS;
  p = putWord(out, p, times[2 * from]);
  p = putWord(out, p, times[2 * from + 1]);
  for (let row = from + 1; row < to; row++) {
    const at = 2 * row;
    const delta = int64Difference(times[at], times[at + 1], times[at - 2], times[at - 1]);
    let z = delta >= 0 ? delta * 2 : -delta * 2 - 1;
    if (z >= 2 ** 53) {
      p = start;
      out[p++] = TimeMode.WORDS;
      for (let i = 2 * from; i < 2 * to; i++) p = putWord(out, p, times[i]);
      return p;
    }
    while (z > 127) {
      out[p++] = (z % 128) | 128;
      z = Math.floor(z / 128);
    }
    out[p++] = z;
  }
  return p;
}

function putWord(out: Uint8Array, p: number, word: number): number {
  out[p] = word;
  out[p + 1] = word >>> 8;
  out[p + 2] = word >>> 16;
  out[p + 3] = word >>> 24;
  return p + 4;
}

/** Floats as whole multiples of 10^-scale, trying `scale` and then larger ones; position 0 where none fits. */
function putDecimals(
  out: Uint8Array,
  start: number,
  cells: Float64Array,
  firstScale: number,
): { position: number; scale: number } {
  for (let scale = firstScale; scale <= DECIMAL_SCALE_MAX; scale++) {
    const position = tryDecimals(out, start, cells, scale);
    if (position > 0) return { position, scale };
  }
  return { position: 0, scale: 0 };
}

function tryDecimals(out: Uint8Array, p: number, cells: Float64Array, scale: number): number {
  const factor = SCALES[scale];
  out[p++] = scale;
  for (let i = 0; i < cells.length; i++) {
    const value = cells[i];
    const m = Math.round(value * factor);
    // Not exact, too large, NaN, or minus zero: not a decimal of this scale.
    if (m / factor !== value || m > SCALED_MAX || m < -SCALED_MAX) return 0;
    if (m === 0 && 1 / value < 0) return 0;
    let z = ((m << 1) ^ (m >> 31)) >>> 0;
    while (z > 127) {
      out[p++] = z | 128;
      z >>>= 7;
    }
    out[p++] = z;
  }
  return p;
}

function putWords(out: Uint8Array, p: number, cells: Float64Array): number {
  out.set(new Uint8Array(cells.buffer, cells.byteOffset, cells.byteLength), p);
  return p + cells.byteLength;
}

function putBits(out: Uint8Array, p: number, cells: Float64Array): number {
  for (let i = 0; i < cells.length; i += 8) {
    let byte = 0;
    for (let b = 0; b < 8 && i + b < cells.length; b++) if (cells[i + b] !== 0) byte |= 1 << b;
    out[p++] = byte;
  }
  return p;
}

/** Integers as zigzag varints while all are within 2^52, else as 64-bit words. */
function putIntegers(
  out: Uint8Array,
  start: number,
  cells: Float64Array,
  bigIntegers: BigInt64Array,
): number {
  let p = start;
  out[p++] = 0;
  for (let i = 0; i < cells.length; i++) {
    const value = cells[i];
    // Also true for the NaN of an integer beyond 2^53.
    if (!(value < 2 ** 52 && value > -(2 ** 52)))
      return putIntegerWords(out, start, cells, bigIntegers);
    let z = value >= 0 ? value * 2 : -value * 2 - 1;
    while (z > 127) {
      out[p++] = (z % 128) | 128;
      z = z < 4294967296 ? z >>> 7 : Math.floor(z / 128);
    }
    out[p++] = z;
  }
  return p;
}

function putIntegerWords(
  out: Uint8Array,
  p: number,
  cells: Float64Array,
  bigIntegers: BigInt64Array,
): number {
  out[p++] = ColumnMode.WORDS;
  const view = new DataView(out.buffer, out.byteOffset);
  for (let i = 0; i < cells.length; i++) {
    const value = cells[i];
    const exact = value === value ? BigInt(value) : bigIntegers[bigIntegerPosition(cells, i)];
    view.setBigInt64(p, exact, true);
    p += 8;
  }
  return p;
}
