/**
 * Reads one field of many series of a shard in one go: the series' keys and the indexes of the files are walked through side by
 * side, and values of one series after another are laid into the same arrays. What a cursor for each series would cost in
 * objects costs nothing here. A series that is in the cache, or whose blocks overlap or have been deleted from, is read by a
 * cursor in its turn.
 */
import { type ColumnBatch, FieldType, type SharedKeyReader } from '#models';
import { CorruptionError, decodeTimes, EXACT_LIMIT, TimeBlock, ValueBlock } from '#encoding';
import { basename } from 'node:path';
import { messageOf } from '#kernel';
import { type BlockParts, decodeBlockValues, openBlock } from '../block.js';
import { countBlock, type DecodedBlocks } from '../decoded-blocks.js';
import { TsmError } from '../errors.js';
import type { CachedColumn } from '../cache/cached-series.js';
import type { SeriesField } from '../field-key.js';
import { ENTRY_BYTES } from '../tsm-format.js';
import type { TsmReader } from '../tsm-reader.js';
import type { FileWalk } from './file-walk.js';

/** Rows and series from which a batch is handed over; the last block may take it beyond. */
const ROWS_MAX = 4096;
const SEGMENTS_MAX = 4096;
const NO_OFFSETS = new Float64Array(0);

/** The files and caches of a shard, as a sweep sees them. An EngineView is one. */
export interface SweptView {
  /** Separator and name of a field, as they stand behind the series key. */
  keySuffix(field: string): Uint8Array;
  /** Files that have anything within a range, oldest first. */
  readersWithin(minNs: bigint, maxNs: bigint): readonly TsmReader[];
  isCached(seriesId: number): boolean;
  /** What the caches have of a field, ascending; valid until the next call. */
  cachedColumn(seriesId: number, field: SeriesField, baseNs: bigint): CachedColumn | null;
  cursor(request: {
    readonly seriesId: number;
    readonly seriesKey: Uint8Array;
    readonly fields: readonly SeriesField[];
    readonly minNs: bigint;
    readonly maxNs: bigint;
    readonly ascending: boolean;
    readonly baseNs: bigint;
    readonly decoded?: DecodedBlocks | null;
  }): BatchSource;
  /** Told of a block that does not decode and is left out. */
  corrupt(error: Error): void;
}

/** Values of one field after another. */
interface BatchSource {
  next(field: number): ColumnBatch | null;
}

/** What to read. */
export interface SweepRequest {
  /** Series in order of their keys. */
  readonly seriesIds: Int32Array;
  readonly keys: SharedKeyReader;
  /** A bit for each series that the shard may have; what is behind the end it has not. */
  readonly present: Uint32Array;
  readonly field: SeriesField;
  /** First and last time wanted, inclusive; less than 2^53 ns from `baseNs`. */
  readonly minNs: bigint;
  readonly maxNs: bigint;
  readonly baseNs: bigint;
  /**
   * `count` where only the number of values is of interest: offsets and values of the batches do not hold then; `first` or
   * `last` where one block of each series is enough, the one with its first value or its last.
   */
  readonly want: 'values' | 'count' | 'first' | 'last';
  /** Told of each block that is decoded, of its times alone too; absent where nobody asks. */
  readonly decoded?: DecodedBlocks | null;
}

/** Values of several series, one after another; valid until the next. */
export interface SweptBatch {
  readonly batch: ColumnBatch;
  /** Where each stretch of one series ends in the batch; a series may go on in the next batch. */
  readonly ends: Int32Array;
  readonly segments: number;
  /** True where the first stretch goes on from the batch before. */
  readonly isContinued: boolean;
}

/** What of a series a file has: its blocks lie in the walk's bytes until the walk goes on. */
interface OpenFile {
  readonly reader: TsmReader;
  readonly walk: FileWalk;
}

/**
 * Whether series can be swept in this order: one key that goes on from another with a byte below that of the separator would
 * come in another order in files.
 */
export function isSweepable(
  seriesIds: Int32Array,
  keys: SharedKeyReader,
  suffix: Uint8Array,
): boolean {
  const separator = suffix[0]!;
  for (let i = 1; i < seriesIds.length; i++) {
    keys.locate(seriesIds[i - 1]!);
    const { length } = keys;
    keys.locate(seriesIds[i]!);
    if (keys.length <= length || keys.slab[keys.start + length]! > separator) continue;
    if (keys.compareWithSuffix(seriesIds[i - 1]!, seriesIds[i]!, suffix) > 0) return false;
  }
  return true;
}

/** One sweep. Not for use by several at once. */
export class SeriesSweep {
  private readonly files: readonly OpenFile[];
  private readonly suffix: Uint8Array;
  /** The series that comes next, by number in the list. */
  private nextSeries = 0;
  /** Files that have the series at hand, oldest first; the file and the block that come next. */
  private readonly hits: OpenFile[] = [];
  private hitCount = 0;
  private hit = 0;
  private block = 0;
  private cursor: BatchSource | null = null;
  private readonly min: Words;
  private readonly max: Words;
  /** The end of the block in hand. */
  private readonly last: Words = { high: 0, low: 0 };
  private readonly times = new TimeBlock();
  private encodedTimes = new Uint8Array(64);
  private encodedBytes = -1;
  private readonly values = new ValueBlock();
  private readonly parts: BlockParts = { type: FieldType.FLOAT, timesAt: 0, valuesAt: 0, end: 0 };
  private offsets = NO_OFFSETS;
  private numbers = NO_OFFSETS;
  /** The numbers as words, where any of those in hand is beyond 2^53. */
  private wide: BigInt64Array | null = null;
  private rows = 0;
  private segments = 0;
  private readonly ends = new Int32Array(SEGMENTS_MAX + 1);
  private readonly out: {
    batch: ColumnBatch;
    ends: Int32Array;
    segments: number;
    isContinued: boolean;
  };
  /** True while the series at hand has been in a batch that was handed over. */
  private isBegun = false;

  /** @throws nothing; the view has to stay open meanwhile */
  constructor(
    private readonly view: SweptView,
    private readonly request: SweepRequest,
  ) {
    const { minNs, maxNs, baseNs } = request;
    this.suffix = view.keySuffix(request.field.name);
    this.files = view
      .readersWithin(minNs, maxNs)
      .map((reader) => ({ reader, walk: reader.walk() }));
    this.min = wordsOf(minNs);
    this.max = wordsOf(maxNs);
    const batch = {
      count: 0,
      baseNs,
      offsets: NO_OFFSETS,
      numbers: NO_OFFSETS,
      wide: null,
      strings: null,
    };
    this.out = { batch, ends: this.ends, segments: 0, isContinued: false };
  }

  /** The next values, or null at the end. */
  next(): SweptBatch | null {
    this.rows = 0;
    this.segments = 0;
    this.wide = null;
    this.out.isContinued = this.isBegun;
    const { seriesIds } = this.request;
    for (;;) {
      if (this.cursor !== null) {
        if (this.rows > 0) return this.filled();
        const batch = this.cursor.next(0);
        if (batch !== null) return this.whole(batch);
        this.cursor = null;
        this.isBegun = false;
        this.out.isContinued = false;
      }
      if (this.hit < this.hitCount) {
        this.takeBlocks();
        if (this.hit < this.hitCount) return this.filled();
        this.endSegment();
        this.isBegun = false;
      }
      if (this.rows >= ROWS_MAX || this.segments >= SEGMENTS_MAX) return this.filled();
      if (this.nextSeries === seriesIds.length) return this.rows > 0 ? this.filled() : null;
      this.openSeries(seriesIds[this.nextSeries++]!);
    }
  }

  private filled(): SweptBatch {
    if (this.hit < this.hitCount) {
      this.endSegment();
      this.isBegun = true;
    }
    const { out } = this;
    out.batch.count = this.rows;
    out.batch.offsets = this.offsets;
    out.batch.numbers = this.numbers;
    out.batch.wide = this.wide;
    out.batch.strings = null;
    out.batch.baseNs = this.request.baseNs;
    out.segments = this.segments;
    return out;
  }

  private whole(batch: ColumnBatch): SweptBatch {
    this.ends[0] = batch.count;
    const isContinued = this.isBegun;
    this.isBegun = true;
    return { batch, ends: this.ends, segments: 1, isContinued };
  }

  private endSegment(): void {
    const before = this.segments === 0 ? 0 : this.ends[this.segments - 1]!;
    if (this.rows > before) this.ends[this.segments++] = this.rows;
  }

  /** Finds the files that have a series. */
  private openSeries(seriesId: number): void {
    const { request, suffix, files, hits } = this;
    const { present, keys, field } = request;
    this.hitCount = 0;
    this.hit = 0;
    this.block = 0;
    const word = seriesId >>> 5;
    if (word >= present.length || ((present[word]! >>> (seriesId & 31)) & 1) === 0) return;
    keys.locate(seriesId);
    const isCached = this.view.isCached(seriesId);
    let isPlain = !isCached && (request.want === 'count' || field.type !== FieldType.STRING);
    for (const file of files) {
      // Those of another type were deleted.
      if (!file.walk.seek(keys, suffix) || file.walk.type !== field.type) continue;
      hits[this.hitCount++] = file;
      isPlain &&= !this.isCut(file.reader);
    }
    if (isPlain && this.areApart()) return;
    if (isCached && this.hitCount === 0 && this.takeCached(seriesId)) return;
    this.hitCount = 0;
    this.cursor = this.view.cursor({
      seriesId,
      seriesKey: keys.slab.subarray(keys.start, keys.start + keys.length),
      fields: [field],
      minNs: request.minNs,
      maxNs: request.maxNs,
      ascending: true,
      baseNs: request.baseNs,
      decoded: request.decoded ?? null,
    });
  }

  /** Whether something of the series at hand has been deleted from a file. */
  private isCut({ tombstones }: TsmReader): boolean {
    if (tombstones.count === 0) return false;
    const { slab, start, length } = this.request.keys;
    const key = new Uint8Array(length + this.suffix.length);
    key.set(slab.subarray(start, start + length));
    key.set(this.suffix, length);
    return tombstones.find(key) !== null;
  }

  /** Takes the rows of a series that only caches have; false where a cursor has to. */
  private takeCached(seriesId: number): boolean {
    const { field, baseNs, minNs, maxNs, want } = this.request;
    const column = this.view.cachedColumn(seriesId, field, baseNs);
    if (column === null) return true;
    if (column.wideTimes !== null || column.strings !== null) return false;
    const { offsets, count } = column;
    const from = firstNotBelow(offsets, count, Number(minNs - baseNs));
    const to = firstNotBelow(offsets, count, Number(maxNs + 1n - baseNs));
    if (want !== 'count') this.append(column, from, to);
    this.rows += to - from;
    this.endSegment();
    return true;
  }

  /** Whether all blocks of the series at hand come one after another, later files' later. */
  private areApart(): boolean {
    if (this.hitCount === 1 && this.hits[0]!.walk.blockCount === 1) return true;
    const { last } = this;
    last.high = -2147483648;
    last.low = 0;
    for (let h = 0; h < this.hitCount; h++) {
      const { view, entriesAt, blockCount } = this.hits[h]!.walk;
      for (let b = 0, at = entriesAt; b < blockCount; b++, at += ENTRY_BYTES) {
        if (compareWords(view, at, last) <= 0) return false;
        last.high = view.getInt32(at + 8);
        last.low = view.getUint32(at + 12);
      }
    }
    return true;
  }

  /** Reads blocks of the series at hand until its end, or until there are many rows. */
  private takeBlocks(): void {
    if (this.request.want === 'last') {
      this.takeLastBlock();
      return;
    }
    const { rows } = this;
    for (; this.hit < this.hitCount; this.hit++, this.block = 0) {
      const file = this.hits[this.hit]!;
      const { view, entriesAt, blockCount } = file.walk;
      while (this.block < blockCount) {
        if (this.rows >= ROWS_MAX) return;
        const at = entriesAt + this.block++ * ENTRY_BYTES;
        if (compareWords(view, at, this.max) > 0 || compareWords(view, at + 8, this.min) < 0)
          continue;
        this.takeBlock(file, at);
        if (this.request.want === 'first' && this.rows > rows) this.hit = this.hitCount;
        if (this.hit === this.hitCount) return;
      }
    }
  }

  /** Reads the last block of the series at hand that has a value in the range. */
  private takeLastBlock(): void {
    const { rows } = this;
    for (let h = this.hitCount - 1; h >= 0 && this.rows === rows; h--) {
      const file = this.hits[h]!;
      const { view, entriesAt, blockCount } = file.walk;
      for (let b = blockCount - 1; b >= 0 && this.rows === rows; b--) {
        const at = entriesAt + b * ENTRY_BYTES;
        if (compareWords(view, at, this.max) <= 0 && compareWords(view, at + 8, this.min) >= 0)
          this.takeBlock(file, at);
      }
    }
    this.hit = this.hitCount;
  }

  private takeBlock({ reader, walk }: OpenFile, entryAt: number): void {
    const { view } = walk;
    const offset = view.getUint32(entryAt + 16) * 4294967296 + view.getUint32(entryAt + 20);
    const isWhole =
      compareWords(view, entryAt, this.min) >= 0 && compareWords(view, entryAt + 8, this.max) <= 0;
    try {
      this.decode(walk, offset, view.getUint32(entryAt + 24), isWhole);
    } catch (error) {
      if (!(error instanceof TsmError) && !(error instanceof CorruptionError)) throw error;
      // What it had in the arrays is not counted.
      const where = `block at offset ${offset} of ${basename(reader.path)}`;
      const message = `cannot read ${where}: ${messageOf(error)}`;
      this.view.corrupt(new TsmError('tsm.corrupt-block', message, { cause: error }));
    }
  }

  private decode(walk: FileWalk, offset: number, sizeBytes: number, isWhole: boolean): void {
    const { parts, times, values, request } = this;
    const start = walk.loadBlock(offset, sizeBytes);
    if (start < 0) throw new TsmError('tsm.corrupt-block', 'file is cut off');
    const bytes = walk.blocks;
    openBlock(bytes, start, start + sizeBytes, parts);
    if (parts.type !== request.field.type)
      throw new TsmError(
        'tsm.corrupt-block',
        `type ${parts.type} in place of ${request.field.type}`,
      );
    this.decodeTimes(bytes);
    if (request.decoded) countBlock(request.decoded, parts.type, sizeBytes);
    const { count } = times;
    let from = 0;
    let to = count;
    if (!isWhole) {
      from = this.firstNotBelow(request.minNs);
      to = this.firstNotBelow(request.maxNs + 1n);
    }
    if (request.want === 'count') {
      this.rows += to - from;
      return;
    }
    decodeBlockValues(bytes, parts, values, count);
    const { numbers, wide } = values;
    this.append({ offsets: this.nearOffsets(), numbers, wide }, from, to);
    this.rows += to - from;
  }

  /** The decoded times as offsets; those in the range are exact. */
  private nearOffsets(): Float64Array {
    const { wide, offsets, count } = this.times;
    if (wide === null) return offsets;
    const { baseNs } = this.request;
    return Float64Array.from(wide.subarray(0, count), (timeNs) => Number(timeNs - baseNs));
  }

  /** Lays values behind those in hand. */
  private append(column: SweptColumn, from: number, to: number): void {
    this.reserve(this.rows + to - from);
    const shift = this.rows - from;
    copy(column.offsets, from, to, this.offsets, shift);
    copy(column.numbers, from, to, this.numbers, shift);
    if (column.wide === null && this.wide === null) return;
    this.wide ??= this.widened();
    for (let i = from; i < to; i++)
      this.wide[i + shift] = column.wide?.[i] ?? BigInt(column.numbers[i]!);
  }

  /** The numbers in hand as words; only those of whole numbers are asked for. */
  private widened(): BigInt64Array {
    const wide = new BigInt64Array(this.numbers.length);
    for (let i = 0; i < this.rows; i++) wide[i] = BigInt(this.numbers[i]!);
    return wide;
  }

  /** Series written together have the same times, which are decoded once. */
  private decodeTimes(bytes: Uint8Array): void {
    const { timesAt, valuesAt } = this.parts;
    const length = valuesAt - timesAt;
    if (length === this.encodedBytes && isSame(bytes, timesAt, this.encodedTimes, length)) return;
    this.encodedBytes = -1;
    decodeTimes(bytes, timesAt, valuesAt, this.times, this.request.baseNs);
    if (this.encodedTimes.length < length) this.encodedTimes = new Uint8Array(length * 2);
    for (let i = 0; i < length; i++) this.encodedTimes[i] = bytes[timesAt + i]!;
    this.encodedBytes = length;
  }

  /** The first of the decoded times that is not below `timeNs`. */
  private firstNotBelow(timeNs: bigint): number {
    const { wide, offsets, count } = this.times;
    if (wide === null) return firstNotBelow(offsets, count, Number(timeNs - this.request.baseNs));
    let row = 0;
    while (row < count && wide[row]! < timeNs) row++;
    return row;
  }

  private reserve(rows: number): void {
    if (rows <= this.offsets.length) return;
    const capacity = Math.max(2 * ROWS_MAX, rows + (rows >>> 1));
    const offsets = new Float64Array(capacity);
    offsets.set(this.offsets);
    this.offsets = offsets;
    const numbers = new Float64Array(capacity);
    numbers.set(this.numbers);
    this.numbers = numbers;
    if (this.wide === null) return;
    const wide = new BigInt64Array(capacity);
    wide.set(this.wide);
    this.wide = wide;
  }
}

/** Values to be laid behind others. */
interface SweptColumn {
  readonly offsets: Float64Array;
  readonly numbers: Float64Array;
  /** All of them as words, where any is beyond 2^53. */
  readonly wide: BigInt64Array | null;
}

function copy(
  from: Float64Array,
  start: number,
  end: number,
  to: Float64Array,
  shift: number,
): void {
  for (let i = start; i < end; i++) to[i + shift] = from[i]!;
}

/** The first of `count` ascending offsets that is not below `offset`. */
function firstNotBelow(offsets: Float64Array, count: number, offset: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (offsets[middle]! < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A time as two words. */
interface Words {
  high: number;
  low: number;
}

function wordsOf(timeNs: bigint): Words {
  return { high: Number(timeNs >> 32n), low: Number(timeNs & 0xffffffffn) };
}

/** Order of the time at `at`, eight bytes, and another. */
function compareWords(view: DataView, at: number, other: Words): number {
  const high = view.getInt32(at);
  return high === other.high ? view.getUint32(at + 4) - other.low : high - other.high;
}

function isSame(bytes: Uint8Array, start: number, encoded: Uint8Array, length: number): boolean {
  for (let i = 0; i < length; i++) if (bytes[start + i] !== encoded[i]) return false;
  return true;
}

/** True where all of a range is near enough to a base for exact offsets. */
export function isNear(baseNs: bigint, minNs: bigint, maxNs: bigint): boolean {
  return Number(minNs - baseNs) > -EXACT_LIMIT && Number(maxNs + 1n - baseNs) < EXACT_LIMIT;
}
