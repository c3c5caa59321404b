/**
 * A batch of points on its way from an input to storage: columns by shape, no object per point. Inputs fill it, the
 * coordinator cuts it up by shard, shards copy it into WAL and cache. A batch belongs to one request; after the write has
 * been acknowledged its owner may clear and refill it.
 */
import { highWord, lowWord } from './int64.js';
import { type Shape } from './shape.js';

/** Longest string field in bytes. @see InfluxDB tsdb.MaxFieldValueLength */
export const STRING_LENGTH_MAX = 1048576;

const STRING_SPAN = 2 ** 21; // A string's place and length share 53 bits: 32 for the place, 21 for the length.
const IN_EXTRA = 2 ** 31;
const NAN_HIGH_WORD = 0x7ff80000;

/** The cell of a string at `start` of the batch's body. */
export const stringInBody = (start: number, length: number): number => start * STRING_SPAN + length;
/** The cell of a string at `start` of the batch's extra bytes. */
export const stringInExtra = (start: number, length: number): number =>
  (IN_EXTRA + start) * STRING_SPAN + length;

/** Points of one shape. Arrays are longer than `rows`; value f of row r is `values[f * capacity + r]`. */
export class PointsGroup {
  rows = 0;
  /** True while its batch lists it. */
  isUsed = false;
  capacity: number;
  /** Id in the database's series index, or -1 where the series is not known yet: then its key is in the batch's extra bytes. */
  seriesIds: Int32Array;
  /** For series not known: where the canonical key is in `extra`. */
  keyStart: Int32Array;
  keyLength: Int32Array;
  /** Nanoseconds since 1970 as words: `times[2r]` low, `times[2r + 1]` high. */
  times: Int32Array;
  /** Number of the point in its batch, ascending: the order of points over all groups. */
  pointNumbers: Int32Array;
  /**
   * One cell a field. Floats as they are. Integers and unsigned exactly while within 2^53; else a NaN whose low word is the
   * position in the batch's `bigIntegers`. Booleans 0 or 1. Strings: place and length (see {@link PointsBatch.stringStart}).
   */
  values: Float64Array;

  constructor(
    readonly shape: Shape,
    capacity: number,
  ) {
    this.capacity = capacity;
    this.seriesIds = new Int32Array(capacity);
    this.keyStart = new Int32Array(capacity);
    this.keyLength = new Int32Array(capacity);
    this.times = new Int32Array(2 * capacity);
    this.pointNumbers = new Int32Array(capacity);
    this.values = new Float64Array(capacity * shape.fieldCount);
  }

  /** Makes room for four times as many rows. The row being filled, number `rows`, moves too. */
  grow(): void {
    const old = this.capacity;
    const capacity = old * 4;
    const wider = (from: Int32Array, length: number): Int32Array => {
      const to = new Int32Array(length);
      to.set(from);
      return to;
    };
    this.seriesIds = wider(this.seriesIds, capacity);
    this.keyStart = wider(this.keyStart, capacity);
    this.keyLength = wider(this.keyLength, capacity);
    this.times = wider(this.times, 2 * capacity);
    this.pointNumbers = wider(this.pointNumbers, capacity);
    const values = new Float64Array(capacity * this.shape.fieldCount);
    for (let f = 0; f < this.shape.fieldCount; f++) {
      values.set(this.values.subarray(f * old, (f + 1) * old), f * capacity);
    }
    this.values = values;
    this.capacity = capacity;
  }
}

/** Rows a new group has room for. */
const GROUP_ROWS = 32;
/** Cells of all groups together that are kept for the next batch: 8 MiB. */
const CELLS_KEPT = 2 ** 20;
/** Places of lines kept for the next batch. */
const STARTS_KEPT = 2 ** 16;
/** Emptied groups kept for the next batch. */
const GROUPS_KEPT = 256;

/** Refused points of one batch that are told one by one; more are only counted. */
export const REFUSALS_KEPT = 10_000;

/** A point that was not stored, and why. */
export interface PointRefusal {
  readonly pointNumber: number;
  /** InfluxDB's text. */
  readonly reason: string;
}

/** Where points come from. One object serves many points: a request's, a connection's. */
export interface PointSource {
  /** `http`, `graphite :2003` */
  readonly listener: string;
  /** Who sent them: address, and user where known; '' where not known. Without the port, which is another each time. */
  readonly peer: string;
}

/** What a batch says whose inputs do not say where its points come from. */
const UNKNOWN_SOURCE: PointSource = { listener: '', peer: '' };

const NO_BYTES = new Uint8Array(0);

/** Columns of points by shape, plus the bytes they refer to. */
export class PointsBatch {
  /** The bytes that strings refer to; owned by whoever made the batch, unchanged until the write is acknowledged. */
  body: Uint8Array = NO_BYTES;
  /** Bytes made while filling: canonical keys, unescaped strings. */
  extra: Uint8Array = new Uint8Array(1024);
  extraLength = 0;
  /** Integers beyond 2^53, as 64-bit words. */
  bigIntegers: BigInt64Array = new BigInt64Array(8);
  bigIntegerCount = 0;
  /** Points in all groups. */
  pointCount = 0;
  /** Field values in all groups. */
  valueCount = 0;
  /**
   * Where the line of each point starts in the body, by point number; null where nobody asked. With it, what refuses a point
   * says so in `refusals`.
   */
  lineStarts: Int32Array | null = null;
  /** Whether what refuses a point says so without `lineStarts`, too. Until the batch is cleared. */
  areRefusalsWanted = false;
  /** Points refused behind the parser, while {@link areRefusalsNoted}; the first {@link REFUSALS_KEPT}. */
  readonly refusals: PointRefusal[] = [];
  /** The index that series ids are of; null while all ids are -1. */
  seriesSource: object | null = null;
  /**
   * Bytes of the body, from its start, that are exactly the batch's points as InfluxDB prints them (canonical keys, times in
   * nanoseconds), nothing else between them: such a body can be handed on as it is. 0 where that does not hold.
   */
  verbatimLength = 0;
  /** True when one series may stand in several groups, so that rows have to be taken in order of their point numbers. */
  hasMixedShapes = false;

  /** Where the points come from: those from point number `sourceStarts[i]` on from `sources[i]`. See {@link markSource}. */
  readonly sources: PointSource[] = [];
  readonly sourceStarts: number[] = [];

  /** An array for `lineStarts`, used before. */
  private spareStarts: Int32Array | null = null;
  private readonly byShape: (PointsGroup | undefined)[] = [];
  private readonly used: PointsGroup[] = [];

  /** Groups in order of first use; one may be empty. */
  get groups(): readonly PointsGroup[] {
    return this.used;
  }

  /** The group of a shape, made or emptied when this batch has not used it yet. */
  group(shape: Shape): PointsGroup {
    const kept = this.byShape[shape.id];
    if (kept?.isUsed) return kept;
    const group = kept ?? new PointsGroup(shape, GROUP_ROWS);
    group.isUsed = true;
    this.byShape[shape.id] = group;
    this.used.push(group);
    return group;
  }

  /** Empties the batch for other points, keeping its arrays where they are not too large. */
  clear(): void {
    const cells = this.used.reduce((sum, group) => sum + group.values.length, 0);
    const isKept = this.used.length <= GROUPS_KEPT && cells <= CELLS_KEPT;
    for (const group of this.used) {
      group.rows = 0;
      group.isUsed = false;
      if (!isKept) this.byShape[group.shape.id] = undefined;
    }
    this.used.length = 0;
    this.body = NO_BYTES;
    this.seriesSource = null;
    this.verbatimLength = 0;
    if (this.lineStarts !== null && this.lineStarts.length <= STARTS_KEPT)
      this.spareStarts = this.lineStarts;
    this.lineStarts = null;
    this.areRefusalsWanted = false;
    this.refusals.length = 0;
    this.sources.length = 0;
    this.sourceStarts.length = 0;
    if (this.extra.length > 2 ** 22) this.extra = new Uint8Array(1024);
    this.extraLength = 0;
    this.bigIntegerCount = 0;
    this.pointCount = 0;
    this.valueCount = 0;
    this.hasMixedShapes = false;
  }

  /** Says where the points that follow come from. Costs nothing where they come from where the last ones came from. */
  markSource(source: PointSource): void {
    const { sources, sourceStarts } = this;
    const last = sources.length - 1;
    if (sources[last] === source) return;
    if (last >= 0 && sourceStarts[last] === this.pointCount) {
      sources[last] = source;
      return;
    }
    sources.push(source);
    sourceStarts.push(this.pointCount);
  }

  /** Where a point comes from. */
  sourceOf(pointNumber: number): PointSource {
    const { sources, sourceStarts } = this;
    let i = sources.length - 1;
    while (i > 0 && sourceStarts[i] > pointNumber) i--;
    return i < 0 ? UNKNOWN_SOURCE : sources[i];
  }

  /** Asks for the line of each point to be noted. Before the first point. */
  noteLines(): void {
    this.lineStarts = this.spareStarts ?? new Int32Array(256);
    this.spareStarts = null;
  }

  /** Notes where the line of the next point starts, where that was asked for. */
  noteLine(start: number): void {
    let { lineStarts } = this;
    if (lineStarts === null) return;
    if (this.pointCount === lineStarts.length) {
      const wider = new Int32Array(lineStarts.length * 2);
      wider.set(lineStarts);
      this.lineStarts = lineStarts = wider;
    }
    lineStarts[this.pointCount] = start;
  }

  /** Whether {@link refuse} notes anything. */
  get areRefusalsNoted(): boolean {
    return this.areRefusalsWanted || this.lineStarts !== null;
  }

  /** Says why the point in row `row` of a group is not stored, where that was asked for. */
  refuse(group: PointsGroup, row: number, reason: string): void {
    if (!this.areRefusalsNoted || this.refusals.length >= REFUSALS_KEPT) return;
    this.refusals.push({ pointNumber: group.pointNumbers[row], reason });
  }

  /** Appends to the extra bytes; the place of the first. */
  addExtra(bytes: Uint8Array): number {
    const start = this.extraLength;
    this.reserveExtra(bytes.length);
    this.extra.set(bytes, start);
    this.extraLength = start + bytes.length;
    return start;
  }

  /** Makes sure that `length` more extra bytes fit; `extra` may be another array afterwards. */
  reserveExtra(length: number): void {
    const needed = this.extraLength + length;
    if (needed <= this.extra.length) return;
    const wider = new Uint8Array(Math.max(needed, this.extra.length * 2));
    wider.set(this.extra.subarray(0, this.extraLength));
    this.extra = wider;
  }

  /** Puts a 64-bit integer (or the same bits of an unsigned one) into a cell: as a float where exact, else aside. */
  setInteger(group: PointsGroup, cell: number, value: bigint): void {
    if (value >= -9007199254740992n && value <= 9007199254740992n) {
      group.values[cell] = Number(value);
      return;
    }
    if (this.bigIntegerCount === this.bigIntegers.length) {
      const wider = new BigInt64Array(this.bigIntegers.length * 4);
      wider.set(this.bigIntegers);
      this.bigIntegers = wider;
    }
    this.bigIntegers[this.bigIntegerCount] = value;
    markBigInteger(group.values, cell, this.bigIntegerCount++);
  }

  /** Sets the time of a row. */
  setTime(group: PointsGroup, row: number, timeNs: bigint): void {
    group.times[2 * row] = lowWord(timeNs);
    group.times[2 * row + 1] = highWord(timeNs);
  }

  /** The bytes of a string cell; a view, not a copy. */
  stringBytes(cell: number): Uint8Array {
    const place = Math.floor(cell / STRING_SPAN);
    const length = cell - place * STRING_SPAN;
    return place < IN_EXTRA
      ? this.body.subarray(place, place + length)
      : this.extra.subarray(place - IN_EXTRA, place - IN_EXTRA + length);
  }

  /** Bytes of the string of a cell. */
  static stringLength(cell: number): number {
    return cell % STRING_SPAN;
  }
}

/** Makes `values[cell]` the NaN that stands for entry `position` of a list of integers beyond 2^53. */
export function markBigInteger(values: Float64Array, cell: number, position: number): void {
  const words = new Int32Array(values.buffer, values.byteOffset + 8 * cell, 2);
  words[0] = position;
  words[1] = NAN_HIGH_WORD;
}

/** The position that {@link markBigInteger} put there. */
export function bigIntegerPosition(values: Float64Array, cell: number): number {
  return new Int32Array(values.buffer, values.byteOffset + 8 * cell, 1)[0];
}
