/**
 * Points of one shard that are not in TSM files yet: a log of rows per shape in shared memory. Appending copies columns and
 * links each row to the series' previous one; nothing is sorted until it is read. Written by the main thread; a frozen cache
 * is read by the snapshot worker without a copy.
 */
import {
  bigIntegerPosition,
  FieldType,
  highWord,
  int64Compare,
  lowWord,
  markBigInteger,
  type PointsBatch,
  type PointsGroup,
  type Shape,
} from '#models';
import { SharedBytes, sharedBytesAt, SharedIntegers, sharedIntegerAt } from './shared-arena.js';

/** Rows of a chunk, a power of two; a row's reference is `chunk number * CHUNK_ROWS + row`. */
export const CHUNK_ROWS = 8192;
const CHUNK_ROWS_FIRST = 64;
/** Chunks are not made larger than this, so that shapes of a thousand fields do not reserve tens of megabytes. */
const CHUNK_BYTES_MAX = 2 ** 20;
const PAGE_BITS = 12;
const PAGE_SERIES = 2 ** PAGE_BITS;
const STRING_SPAN = 2 ** 21;

/** Rows of one shape in one shared buffer. */
export interface CacheChunk {
  readonly shape: Shape;
  readonly capacity: number;
  rows: number;
  readonly seriesIds: Int32Array;
  /** Reference of the series' row before this one, or -1. */
  readonly previous: Int32Array;
  /** Nanoseconds as words: low, high. */
  readonly times: Int32Array;
  /** Cell of field f of row r: `values[f * capacity + r]`; as in PointsGroup, strings refer to the cache's own bytes. */
  readonly values: Float64Array;
  readonly buffer: SharedArrayBuffer;
}

/** Rows of a cache handed to another thread: shared buffers and their sizes. Of a live one, what it held at that moment. */
export interface SharedCacheRows {
  readonly chunks: readonly Pick<CacheChunk, 'shape' | 'capacity' | 'rows' | 'buffer'>[];
  readonly strings: readonly SharedArrayBuffer[];
  readonly bigIntegers: readonly SharedArrayBuffer[];
  readonly heads: readonly (SharedArrayBuffer | undefined)[];
}

/** A whole cache handed to another thread. */
export interface FrozenCache extends SharedCacheRows {
  readonly seriesIds: Int32Array;
  /** Rows that have not been deleted. */
  readonly rowCount: number;
}

/** What reading rows needs of a cache, live or frozen. */
export interface CacheRows {
  readonly chunks: readonly CacheChunk[];
  lastRow(seriesId: number): number;
  stringAt(cell: number): Uint8Array;
  bigIntegerAt(position: number): bigint;
  /** What there is now as another thread can read it, whatever is appended afterwards. */
  share(): SharedCacheRows;
}

/** Opens a frozen cache in the thread it was sent to. */
export function openFrozen(frozen: SharedCacheRows): CacheRows {
  const heads = frozen.heads.map((page) => (page === undefined ? undefined : new Int32Array(page)));
  return {
    chunks: frozen.chunks.map((chunk) => openChunk(chunk.buffer, chunk)),
    lastRow: (seriesId) => heads[seriesId >>> PAGE_BITS]?.[seriesId & (PAGE_SERIES - 1)] ?? -1,
    stringAt: (cell) =>
      sharedBytesAt(frozen.strings, Math.floor(cell / STRING_SPAN), cell % STRING_SPAN),
    bigIntegerAt: (position) => sharedIntegerAt(frozen.bigIntegers, position),
    share: () => frozen,
  };
}

/** Row log of a shard. */
export class Cache implements CacheRows {
  readonly chunks: CacheChunk[] = [];
  /** Bytes of strings. */
  readonly strings = new SharedBytes();
  /** Integers beyond 2^53. */
  readonly bigIntegers = new SharedIntegers();
  private readonly open: (CacheChunk | undefined)[] = [];
  private readonly openNumbers: number[] = [];
  private readonly heads: (Int32Array | undefined)[] = [];
  private seriesList = new Int32Array(64);
  private seriesCountValue = 0;
  private usedBytes = 0;
  private rowTotal = 0;
  private valueTotal = 0;

  /** Bytes of rows and strings held; what `cache-snapshot-memory-size` and `cache-max-memory-size` speak of. */
  get sizeBytes(): number {
    return this.usedBytes;
  }

  get rowCount(): number {
    return this.rowTotal;
  }

  get valueCount(): number {
    return this.valueTotal;
  }

  /** Ids of series with at least one row, in order of first appearance. */
  get seriesIds(): Int32Array {
    return this.seriesList.subarray(0, this.seriesCountValue);
  }

  /** Reference of the last row of a series, or -1. */
  lastRow(seriesId: number): number {
    const page = this.heads[seriesId >>> PAGE_BITS];
    return page === undefined ? -1 : page[seriesId & (PAGE_SERIES - 1)];
  }

  /** The bytes of a string cell: a view. */
  stringAt(cell: number): Uint8Array {
    return this.strings.at(Math.floor(cell / STRING_SPAN), cell % STRING_SPAN);
  }

  bigIntegerAt(position: number): bigint {
    return this.bigIntegers.at(position);
  }

  /**
   * Appends rows [from, to) of a group whose series ids are all known. Copies everything it keeps.
   */
  append(batch: PointsBatch, group: PointsGroup, from: number, to: number): void {
    while (from < to) {
      const chunk = this.chunkFor(group.shape);
      const count = Math.min(to - from, chunk.capacity - chunk.rows);
      copyRows(chunk, group, from, count);
      if (hasReferences(group.shape)) this.moveReferences(chunk, batch, group, { from, count });
      this.link(chunk, this.openNumbers[group.shape.id], count);
      chunk.rows += count;
      from += count;
      this.rowTotal += count;
      this.valueTotal += count * group.shape.fieldCount;
      this.usedBytes += count * rowBytes(group.shape);
    }
  }

  /**
   * Takes rows of some series out: their links, that is; the memory is given back with the cache. Not for a frozen cache.
   * @param isMeant narrows it to rows of some shapes
   */
  delete(
    seriesIds: Iterable<number>,
    range: { readonly minNs: bigint; readonly maxNs: bigint },
    isMeant: (shape: Shape) => boolean = () => true,
  ): void {
    let hasEmptied = false;
    for (const seriesId of seriesIds) {
      if (this.lastRow(seriesId) < 0) continue;
      this.unlink(seriesId, range, isMeant);
      hasEmptied ||= this.lastRow(seriesId) < 0;
    }
    if (!hasEmptied) return;
    this.seriesList = this.seriesIds.filter((seriesId) => this.lastRow(seriesId) >= 0);
    this.seriesCountValue = this.seriesList.length;
    if (this.seriesList.length < 64) {
      const wider = new Int32Array(64);
      wider.set(this.seriesList);
      this.seriesList = wider;
    }
  }

  /** The cache as another thread can read it: nothing may be appended afterwards. */
  freeze(): FrozenCache {
    const rows = this.handles((page) => page.buffer as SharedArrayBuffer);
    return { ...rows, seriesIds: this.seriesIds.slice(), rowCount: this.rowTotal };
  }

  share(): SharedCacheRows {
    return this.handles((page) => {
      const copy = newPage();
      copy.set(page);
      return copy.buffer as SharedArrayBuffer;
    });
  }

  private handles(shareHeads: (page: Int32Array) => SharedArrayBuffer): SharedCacheRows {
    return {
      chunks: this.chunks.map(({ shape, capacity, rows, buffer }) => ({
        shape,
        capacity,
        rows,
        buffer,
      })),
      strings: this.strings.share(),
      bigIntegers: this.bigIntegers.share(),
      heads: this.heads.map((page) => (page === undefined ? undefined : shareHeads(page))),
    };
  }

  private chunkFor(shape: Shape): CacheChunk {
    const current = this.open[shape.id];
    if (current !== undefined && current.rows < current.capacity) return current;
    const largest = Math.max(16, Math.floor(CHUNK_BYTES_MAX / rowBytes(shape)));
    const wanted = current === undefined ? CHUNK_ROWS_FIRST : current.capacity * 8;
    const chunk = makeChunk(shape, Math.min(wanted, largest, CHUNK_ROWS));
    this.open[shape.id] = chunk;
    this.openNumbers[shape.id] = this.chunks.length;
    this.chunks.push(chunk);
    return chunk;
  }

  /** Strings and integers beyond 2^53 refer to the batch's bytes: copies those and rewrites the cells. */
  private moveReferences(
    chunk: CacheChunk,
    batch: PointsBatch,
    group: PointsGroup,
    range: { from: number; count: number },
  ): void {
    const { types, fieldCount } = chunk.shape;
    for (let f = 0; f < fieldCount; f++) {
      const source = f * group.capacity + range.from;
      const target = f * chunk.capacity + chunk.rows;
      if (types[f] === FieldType.STRING) {
        for (let i = 0; i < range.count; i++) {
          const bytes = batch.stringBytes(group.values[source + i]);
          chunk.values[target + i] = this.strings.add(bytes) * STRING_SPAN + bytes.length;
          this.usedBytes += bytes.length;
        }
      } else if (types[f] !== FieldType.FLOAT && batch.bigIntegerCount > 0) {
        for (let i = 0; i < range.count; i++) {
          const value = group.values[source + i];
          if (value === value) continue;
          const big = batch.bigIntegers[bigIntegerPosition(group.values, source + i)];
          markBigInteger(chunk.values, target + i, this.bigIntegers.add(big));
        }
      }
    }
  }

  private link(chunk: CacheChunk, chunkNumber: number, count: number): void {
    const { seriesIds, previous, rows } = chunk;
    const base = chunkNumber * CHUNK_ROWS;
    let pageNumber = -1;
    let page: Int32Array = NO_PAGE;
    for (let row = rows; row < rows + count; row++) {
      const seriesId = seriesIds[row];
      if (seriesId >>> PAGE_BITS !== pageNumber) {
        pageNumber = seriesId >>> PAGE_BITS;
        page = this.heads[pageNumber] ??= newPage();
      }
      const head = page[seriesId & (PAGE_SERIES - 1)];
      previous[row] = head;
      page[seriesId & (PAGE_SERIES - 1)] = base + row;
      if (head < 0) this.addSeries(seriesId);
    }
  }

  /** Links the rows of a series past those to be deleted. */
  private unlink(
    seriesId: number,
    { minNs, maxNs }: { readonly minNs: bigint; readonly maxNs: bigint },
    isMeant: (shape: Shape) => boolean,
  ): void {
    const [minLo, minHi, maxLo, maxHi] = [
      lowWord(minNs),
      highWord(minNs),
      lowWord(maxNs),
      highWord(maxNs),
    ];
    let after: CacheChunk | null = null;
    let afterRow = 0;
    for (let ref = this.lastRow(seriesId); ref >= 0;) {
      const chunk: CacheChunk = this.chunks[Math.floor(ref / CHUNK_ROWS)];
      const row = ref & (CHUNK_ROWS - 1);
      const before = chunk.previous[row];
      const [lo, hi] = [chunk.times[2 * row], chunk.times[2 * row + 1]];
      const isDeleted =
        int64Compare(lo, hi, minLo, minHi) >= 0 &&
        int64Compare(lo, hi, maxLo, maxHi) <= 0 &&
        isMeant(chunk.shape);
      if (!isDeleted) {
        after = chunk;
        afterRow = row;
      } else {
        this.rowTotal--;
        this.valueTotal -= chunk.shape.fieldCount;
        if (after !== null) after.previous[afterRow] = before;
        else this.setLastRow(seriesId, before);
      }
      ref = before;
    }
  }

  private setLastRow(seriesId: number, ref: number): void {
    const page = this.heads[seriesId >>> PAGE_BITS];
    if (page !== undefined) page[seriesId & (PAGE_SERIES - 1)] = ref;
  }

  private addSeries(seriesId: number): void {
    if (this.seriesCountValue === this.seriesList.length) {
      const wider = new Int32Array(this.seriesList.length * 2);
      wider.set(this.seriesList);
      this.seriesList = wider;
    }
    this.seriesList[this.seriesCountValue++] = seriesId;
  }
}

const newPage = (): Int32Array => new Int32Array(new SharedArrayBuffer(4 * PAGE_SERIES)).fill(-1);

const NO_PAGE = new Int32Array(0);

/** Bytes a row of this shape takes: series, link, time and one cell a field. */
export function rowBytes(shape: Shape): number {
  return 16 + 8 * shape.fieldCount;
}

/** True where cells of this shape may refer to bytes elsewhere. */
function hasReferences(shape: Shape): boolean {
  for (let f = 0; f < shape.fieldCount; f++) {
    if (shape.types[f] !== FieldType.FLOAT && shape.types[f] !== FieldType.BOOLEAN) return true;
  }
  return false;
}

function makeChunk(shape: Shape, capacity: number): CacheChunk {
  const buffer = new SharedArrayBuffer(capacity * rowBytes(shape));
  return openChunk(buffer, { shape, capacity, rows: 0 });
}

/** The arrays of a chunk over its shared buffer, in any thread. */
function openChunk(
  buffer: SharedArrayBuffer,
  { shape, capacity, rows }: Pick<CacheChunk, 'shape' | 'capacity' | 'rows'>,
): CacheChunk {
  const valuesBytes = 8 * shape.fieldCount * capacity;
  return {
    shape,
    capacity,
    rows,
    buffer,
    values: new Float64Array(buffer, 0, shape.fieldCount * capacity),
    times: new Int32Array(buffer, valuesBytes, 2 * capacity),
    seriesIds: new Int32Array(buffer, valuesBytes + 8 * capacity, capacity),
    previous: new Int32Array(buffer, valuesBytes + 12 * capacity, capacity),
  };
}

/** Below this many rows a loop beats making subarrays to copy by. */
const COPY_BY_LOOP = 24;

function copyRows(chunk: CacheChunk, group: PointsGroup, from: number, count: number): void {
  const at = chunk.rows;
  const { fieldCount } = chunk.shape;
  if (count < COPY_BY_LOOP) {
    for (let i = 0; i < count; i++) {
      chunk.seriesIds[at + i] = group.seriesIds[from + i];
      chunk.times[2 * (at + i)] = group.times[2 * (from + i)];
      chunk.times[2 * (at + i) + 1] = group.times[2 * (from + i) + 1];
    }
    for (let f = 0; f < fieldCount; f++) {
      const source = f * group.capacity + from;
      const target = f * chunk.capacity + at;
      for (let i = 0; i < count; i++) chunk.values[target + i] = group.values[source + i];
    }
    return;
  }
  chunk.seriesIds.set(group.seriesIds.subarray(from, from + count), at);
  chunk.times.set(group.times.subarray(2 * from, 2 * (from + count)), 2 * at);
  for (let f = 0; f < fieldCount; f++) {
    const source = f * group.capacity + from;
    chunk.values.set(group.values.subarray(source, source + count), f * chunk.capacity + at);
  }
}
