/**
 * Reads fields of one series of one shard: finds the blocks of each field in the files and its rows in the caches, and lets a
 * BlockCursor lay one over the other.
 */
import { type Logger } from '#kernel';
import type { ColumnBatch, FieldType } from '#models';
import type { CacheRows, SharedCacheRows } from './cache/cache.js';
import { type CachedColumn, CachedSeriesReader } from './cache/cached-series.js';
import { BlockCursor } from './cursor/block-cursor.js';
import type { TimedColumn } from './cursor/column-run.js';
import type { FileSource } from './cursor/lane.js';
import { TimeMemo } from './cursor/time-memo.js';
import type { DecodedBlocks } from './decoded-blocks.js';
import type { SeriesField } from './field-key.js';
import { IndexEntries } from './index-entries.js';
import {
  isNear,
  isSweepable,
  SeriesSweep,
  type SweepRequest,
  type SweptView,
} from './sweep/series-sweep.js';
import { FIELD_SEPARATOR } from './tsm-format.js';
import type { SharedTsmFile, TsmReader } from './tsm-reader.js';

/** What another thread opens a view from; see `shared-view.ts`. */
export interface SharedEngineView {
  /** Numbers of {@link TsmReader}, oldest first, with how much had been deleted. */
  readonly files: readonly { readonly number: number; readonly deletionCount: number }[];
  readonly caches: readonly SharedCacheRows[];
}

/** Files and caches of a shard as they are at one moment. Released once. */
export class EngineView implements SweptView {
  /** Made when a cache has something: its arrays are kilobytes. */
  private reader: CachedSeriesReader | null = null;
  private readonly freeEntries: IndexEntries[] = [];
  private readonly memos: (TimeMemo | undefined)[] = [];
  private readonly suffixes = new Map<string, Uint8Array>();
  private isReleased = false;

  /** @param caches oldest first */
  constructor(
    private readonly readers: readonly TsmReader[],
    private readonly caches: readonly CacheRows[],
    private readonly logger: Logger,
  ) {
    for (const reader of readers) reader.retain();
  }

  /** Opens a cursor; cursors of one view are used by one caller at a time. */
  cursor(request: SeriesCursorRequest): FieldsCursor {
    return new FieldsCursor(this, request);
  }

  /** For another thread of this process, while this view is not released; null where files cannot be shared. */
  share(): SharedEngineView | null {
    if (this.readers.some((reader) => !reader.isShareable)) return null;
    return {
      files: this.readers.map(({ number, deletionCount }) => ({ number, deletionCount })),
      caches: this.caches.map((cache) => cache.share()),
    };
  }

  /** A file of {@link share} by its number. */
  shareFile(number: number): SharedTsmFile | null {
    return this.readers.find((reader) => reader.number === number)?.share() ?? null;
  }

  /** Lets go of the files; cursors must not be used afterwards. */
  release(): void {
    if (this.isReleased) return;
    this.isReleased = true;
    for (const reader of this.readers) {
      reader.release().catch((error: unknown) => {
        this.logger.warn('file could not be closed', { path: reader.path, error: String(error) });
      });
    }
  }

  /** The blocks of a field in every file that has it within the range, oldest first. Those of another type were deleted. */
  sources(key: Uint8Array, type: FieldType, request: SeriesCursorRequest): FileSource[] {
    const found: FileSource[] = [];
    for (const reader of this.readers) {
      const { minNs, maxNs } = reader.summary;
      if (minNs > request.maxNs || maxNs < request.minNs) continue;
      const entries = this.freeEntries.pop() ?? new IndexEntries();
      if (reader.find(key, entries) && entries.type === type) {
        found.push({ reader, entries, deleted: reader.tombstones.find(key) });
      } else {
        this.freeEntries.push(entries);
      }
    }
    return found;
  }

  /** Files that have anything within a range, oldest first. */
  readersWithin(minNs: bigint, maxNs: bigint): readonly TsmReader[] {
    return this.readers.filter(({ summary }) => summary.minNs <= maxNs && summary.maxNs >= minNs);
  }

  /** True where a cache has rows of a series. */
  isCached(seriesId: number): boolean {
    for (const cache of this.caches) if (cache.lastRow(seriesId) >= 0) return true;
    return false;
  }

  /** What the caches have of a field, ascending; null for nothing. Valid until the next call for any series. */
  cachedColumn(seriesId: number, field: SeriesField, baseNs: bigint): CachedColumn | null {
    if (!this.isCached(seriesId)) return null;
    const reader = (this.reader ??= new CachedSeriesReader(this.caches));
    if (reader.load(seriesId, baseNs) === 0) return null;
    const column = reader.column(field.name, field.type);
    return column.count === 0 ? null : column;
  }

  /**
   * Reads one field of many series at once; null where their keys or times do not allow it. Not beside cursors of this view
   * that are not at their end.
   */
  sweep(request: SweepRequest): SeriesSweep | null {
    const { seriesIds, keys, field, baseNs, minNs, maxNs } = request;
    if (!isNear(baseNs, minNs, maxNs)) return null;
    if (!isSweepable(seriesIds, keys, this.keySuffix(field.name))) return null;
    return new SeriesSweep(this, request);
  }

  /** What reading the fields of a request means, by what caches and indexes of files say; nothing is decoded. */
  cost(request: SeriesCursorRequest): ReadCost {
    const cost = { cachedValues: 0, files: 0, blocks: 0, blockBytes: 0 };
    for (const field of request.fields) {
      if (field === null) continue;
      cost.cachedValues += cachedWithin(this.cached(request, field), request);
      const key = this.fieldKey(request.seriesKey, field.name);
      const sources = this.sources(key, field.type, request);
      for (const source of sources) addBlocks(cost, source, request);
      this.giveBack(sources);
    }
    return cost;
  }

  /** Key of a field of a series in the files. */
  fieldKey(seriesKey: Uint8Array, field: string): Uint8Array {
    const name = this.keySuffix(field);
    const key = new Uint8Array(seriesKey.length + name.length);
    key.set(seriesKey);
    key.set(name, seriesKey.length);
    return key;
  }

  /** Takes back what {@link sources} gave, for the next field. */
  giveBack(sources: readonly FileSource[]): void {
    for (const { entries } of sources) this.freeEntries.push(entries);
  }

  /**
   * Decoded times, shared by all series read in one direction: those written together have the same.
   * @param baseNs the same for all cursors of a view
   */
  memo(ascending: boolean, baseNs: bigint): TimeMemo {
    const number = ascending ? 1 : 0;
    const known = this.memos[number];
    if (known?.baseNs === baseNs) return known;
    const memo = new TimeMemo(ascending, baseNs);
    this.memos[number] = memo;
    return memo;
  }

  /** Separator and name of a field, as they stand behind the series key. */
  keySuffix(field: string): Uint8Array {
    let suffix = this.suffixes.get(field);
    if (suffix === undefined) {
      suffix = encoder.encode(FIELD_SEPARATOR + field);
      this.suffixes.set(field, suffix);
    }
    return suffix;
  }

  /** What the caches have of a field, ascending, in arrays of its own; null for nothing. */
  cached(request: SeriesCursorRequest, field: SeriesField): TimedColumn | null {
    const column = this.cachedColumn(request.seriesId, field, request.baseNs);
    return column === null ? null : ownColumn(column);
  }

  corrupt(error: Error): void {
    this.logger.error('block is corrupt and was left out of an answer', { error: error.message });
  }
}

/** What to read of a series. */
export interface SeriesCursorRequest {
  readonly seriesId: number;
  readonly seriesKey: Uint8Array;
  /** Null for a field that the shard does not have. */
  readonly fields: readonly (SeriesField | null)[];
  /** First and last time wanted, inclusive. */
  readonly minNs: bigint;
  readonly maxNs: bigint;
  readonly ascending: boolean;
  /** Base of the batches' offsets: the shard's start. */
  readonly baseNs: bigint;
  /** Told of each block that is decoded; absent where nobody asks. */
  readonly decoded?: DecodedBlocks | null;
}

/** What a read would touch. */
export interface ReadCost {
  /** Values in the caches. */
  cachedValues: number;
  /** Files with blocks of it, each once for every field. */
  files: number;
  blocks: number;
  /** Size of these blocks as they are in the files. */
  blockBytes: number;
}

const encoder = new TextEncoder();

function cachedWithin(
  column: TimedColumn | null,
  { minNs, maxNs }: Pick<SeriesCursorRequest, 'minNs' | 'maxNs'>,
): number {
  if (column === null) return 0;
  const [first, last] = [Number(minNs - column.baseNs), Number(maxNs - column.baseNs)];
  let count = 0;
  for (let i = 0; i < column.count; i++) {
    const time = column.wideTimes === null ? null : column.wideTimes[i];
    if (time === null) {
      if (column.offsets[i] >= first && column.offsets[i] <= last) count++;
    } else if (time >= minNs && time <= maxNs) count++;
  }
  return count;
}

/** Blocks that lie wholly in what was deleted do not count. @see InfluxDB tsm1 FileStore.cost, whose bounds are exclusive */
function addBlocks(
  cost: ReadCost,
  { entries, deleted }: FileSource,
  { minNs, maxNs }: Pick<SeriesCursorRequest, 'minNs' | 'maxNs'>,
): void {
  let blocks = 0;
  for (let i = 0; i < entries.count; i++) {
    const [from, to] = [entries.minNs[i], entries.maxNs[i]];
    if (to <= minNs || from >= maxNs) continue;
    const isDeleted = deleted?.minNs.some((start, d) => start <= from && deleted.maxNs[d] >= to);
    if (isDeleted === true) continue;
    blocks++;
    cost.blockBytes += entries.sizesBytes[i];
  }
  cost.blocks += blocks;
  if (blocks > 0) cost.files++;
}

/** Cursors over the fields of a series, opened as they are asked for. */
export class FieldsCursor {
  private readonly cursors: (BlockCursor | null | undefined)[] = [];
  /** What each cursor reads from, by number of the field. */
  private readonly sources: (readonly FileSource[])[] = [];
  private readonly memo: TimeMemo;
  /** By number of the field: where reading goes on behind, once it does. */
  private readonly skips: (bigint | undefined)[] = [];
  private isClosed = false;

  constructor(
    private readonly view: EngineView,
    private readonly request: SeriesCursorRequest,
  ) {
    this.memo = view.memo(request.ascending, request.baseNs);
  }

  /** The next values of field number `field`, or null at its end; valid until the next call for it. */
  next(field: number): ColumnBatch | null {
    if (this.isClosed) return null;
    let cursor = this.cursors[field];
    if (cursor === undefined) {
      cursor = this.open(field, this.request.fields[field]);
      this.cursors[field] = cursor;
    }
    const pastNs = this.skips[field];
    if (pastNs !== undefined) {
      cursor?.skip(pastNs);
      this.skips[field] = undefined;
    }
    const batch = cursor === null ? null : cursor.next();
    if (batch === null && cursor !== null) {
      this.cursors[field] = null;
      this.view.giveBack(this.sources[field]);
    }
    return batch;
  }

  /**
   * Leaves out the values of field number `field` up to and with `pastNs` in the order of reading; what nobody asks for
   * afterwards is not even opened. The last batch of the field is not valid any more.
   */
  skip(field: number, pastNs: bigint): void {
    this.skips[field] = pastNs;
  }

  /** Ends reading before the end, so that buffers can be used again; batches are not valid any more. */
  close(): void {
    for (const cursor of this.cursors) cursor?.close();
    this.cursors.length = 0;
    this.isClosed = true;
  }

  private open(number: number, field: SeriesField | null | undefined): BlockCursor | null {
    if (field === null || field === undefined) return null;
    const { view, request, memo } = this;
    const key = view.fieldKey(request.seriesKey, field.name);
    const files = view.sources(key, field.type, request);
    this.sources[number] = files;
    const cached = view.cached(request, field);
    if (files.length === 0 && cached === null) return null;
    return new BlockCursor({
      type: field.type,
      files,
      cached,
      minNs: request.minNs,
      maxNs: request.maxNs,
      ascending: request.ascending,
      baseNs: request.baseNs,
      memo,
      onCorruptBlock: (error) => view.corrupt(error),
      decoded: request.decoded ?? null,
    });
  }
}

/** Copies a column out of the reader's arrays. */
function ownColumn(column: CachedColumn): TimedColumn {
  const { count } = column;
  return {
    count,
    baseNs: column.baseNs,
    offsets: column.offsets.slice(0, count),
    wideTimes: column.wideTimes === null ? null : column.wideTimes.slice(0, count),
    numbers: column.numbers.slice(0, count),
    wide: column.wide === null ? null : column.wide.slice(0, count),
    strings: column.strings,
  };
}
