/**
 * Lanes of a cursor: the values of one source (the blocks of one key in one file, or a column of the cache) in the order of
 * iteration, loaded stretch by stretch.
 */
import { basename } from 'node:path';
import { messageOf } from '#kernel';
import { FieldType } from '#models';
import { CorruptionError } from '#encoding';
import { type BlockParts, decodeBlockValues, openBlock } from '../block.js';
import { countBlock, type DecodedBlocks } from '../decoded-blocks.js';
import { TsmError } from '../errors.js';
import type { IndexEntries } from '../index-entries.js';
import type { DeletedRanges } from '../tombstone.js';
import type { TsmReader } from '../tsm-reader.js';
import {
  type ColumnBuffer,
  type CursorRange,
  emptyRun,
  firstNotBefore,
  isBefore,
  reverseValues,
  type Run,
  RunSplitter,
  skipRun,
  timeOf,
  type TimedColumn,
} from './column-run.js';
import { giveLaneBuffers, takeLaneBuffers } from './lane-buffers.js';
import { decodeInOrder, type RememberedTimes, type TimeMemo } from './time-memo.js';

/** Values of one source. */
export interface Lane {
  /** What has been loaded and not used up: `run.at < run.end`. */
  readonly run: Run;
  /** No value that is left comes before this; null when none is left. Exact while something is loaded. */
  frontNs(): bigint | null;
  /** Loads the next stretch when nothing is loaded and {@link frontNs} is not null. May find that it is empty. */
  load(): void;
  /** Leaves out what comes up to and with `pastNs` in the order of iteration; blocks that lie before it are not read. */
  skip(pastNs: bigint): void;
  /** Gives its arrays up; nothing is left then. May be called again. */
  close(): void;
}

/** What the lanes of a cursor have in common. */
export interface LaneContext extends CursorRange {
  readonly type: FieldType;
  /** What offsets are relative to, where it is near enough; null for each block's first time. */
  readonly baseNs: bigint | null;
  readonly memo: TimeMemo | null;
  /** Told of a block that does not decode, which is then skipped; without it the error is thrown. */
  readonly onCorruptBlock: ((error: TsmError, path: string) => void) | null;
  /** Told of each block that is decoded; absent where nobody asks. */
  readonly decoded?: DecodedBlocks | null;
}

/** A file's blocks of one key. */
export interface FileSource {
  readonly reader: TsmReader;
  /** The key's blocks; they belong to the cursor from now on. */
  readonly entries: IndexEntries;
  /** What was deleted of the key in this file. */
  readonly deleted: DeletedRanges | null;
}

/** The blocks of one key in one file. */
export class FileLane implements Lane {
  readonly run = emptyRun();
  private readonly buffers = takeLaneBuffers();
  private readonly splitter = this.buffers.splitter;
  private isClosed = false;
  private isFirst = true;
  private readonly parts: BlockParts = { type: FieldType.FLOAT, timesAt: 0, valuesAt: 0, end: 0 };
  private readonly column: TimedColumn;
  private remembered: RememberedTimes | null = null;
  /** What comes up to and with this is left out. */
  private pastNs: bigint | null = null;
  /** The next block and the last one wanted, in the order of iteration. */
  private next: number;
  private readonly last: number;

  constructor(
    private readonly source: FileSource,
    private readonly context: LaneContext,
  ) {
    const { entries } = source;
    const { minNs, maxNs, ascending } = context;
    const first = firstAbove(entries.maxNs, entries.count, minNs - 1n);
    const last = firstAbove(entries.minNs, entries.count, maxNs) - 1;
    this.next = ascending ? first : last;
    this.last = ascending ? last : first;
    const { numbers, strings } = this.buffers.values;
    const { offsets } = this.buffers.times;
    this.column = { count: 0, baseNs: 0n, offsets, wideTimes: null, numbers, wide: null, strings };
  }

  frontNs(): bigint | null {
    if (this.run.at < this.run.end) return timeOf(this.run, this.run.at);
    const left = this.splitter.nextNs();
    if (left !== null) return left;
    const { ascending } = this.context;
    if (ascending ? this.next > this.last : this.next < this.last) return null;
    const { entries } = this.source;
    return ascending ? entries.minNs[this.next]! : entries.maxNs[this.next]!;
  }

  load(): void {
    if (this.splitter.nextNs() === null) {
      const number = this.next;
      this.next += this.context.ascending ? 1 : -1;
      try {
        this.decode(number);
      } catch (error) {
        if (!(error instanceof TsmError) && !(error instanceof CorruptionError)) throw error;
        this.leaveOut(number, error);
        return;
      }
      this.splitter.start(this.column, this.context);
    }
    if (this.splitter.nextNs() === null) return;
    this.splitter.next(this.run);
    if (this.source.deleted !== null) this.takeOffDeleted(this.source.deleted);
    if (this.pastNs !== null) skipRun(this.run, this.pastNs, this.context.ascending);
  }

  skip(pastNs: bigint): void {
    this.pastNs = pastNs;
    skipRun(this.run, pastNs, this.context.ascending);
    while (this.run.at === this.run.end && this.splitter.nextNs() !== null) this.load();
    if (this.run.at < this.run.end) return;
    const { minNs, maxNs } = this.source.entries;
    if (this.context.ascending) {
      while (this.next <= this.last && maxNs[this.next]! <= pastNs) this.next++;
    } else {
      while (this.next >= this.last && minNs[this.next]! >= pastNs) this.next--;
    }
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.run.at = this.run.end;
    this.next = this.last + (this.context.ascending ? 1 : -1);
    this.forgetTimes();
    giveLaneBuffers(this.buffers);
  }

  private forgetTimes(): void {
    if (this.remembered !== null) this.remembered.users--;
    this.remembered = null;
  }

  private decode(number: number): void {
    const { reader, entries } = this.source;
    const { type, ascending, memo } = this.context;
    const { parts, column } = this;
    const { buffer, values } = this.buffers;
    // Latest first is how the last few values are asked for: the rest is read only once the first block has been used up.
    const towards = this.isFirst && !ascending ? number : this.last;
    this.isFirst = false;
    const start = reader.load(buffer, entries, number, towards);
    openBlock(buffer.bytes, start, start + entries.sizesBytes[number]!, parts);
    if (parts.type !== type)
      throw new TsmError('tsm.corrupt-block', `type ${parts.type} in place of ${type}`);
    let { times } = this.buffers;
    this.forgetTimes();
    if (memo === null)
      decodeInOrder(buffer.bytes, parts.timesAt, parts.valuesAt, times, this.context);
    else {
      this.remembered = memo.take(buffer.bytes, parts.timesAt, parts.valuesAt);
      times = this.remembered.block;
    }
    decodeBlockValues(buffer.bytes, parts, values, times.count);
    if (this.context.decoded) countBlock(this.context.decoded, type, entries.sizesBytes[number]);
    column.count = times.count;
    column.baseNs = times.baseNs;
    column.offsets = times.offsets;
    column.wideTimes = times.wide;
    column.numbers = values.numbers;
    column.wide = values.wide;
    column.strings = type === FieldType.STRING ? values.strings : null;
    if (!ascending) reverseValues(column, times.count, this.buffers.spare);
  }

  private leaveOut(number: number, error: TsmError | CorruptionError): void {
    const { reader, entries } = this.source;
    const where = `block at offset ${entries.offsets[number]} of ${basename(reader.path)}`;
    const message = `cannot read ${where}: ${messageOf(error)}`;
    const told = new TsmError('tsm.corrupt-block', message, { cause: error });
    if (this.context.onCorruptBlock === null) throw told;
    this.context.onCorruptBlock(told, reader.path);
  }

  /** Copies what is left of the run when deleted times overlap it. */
  private takeOffDeleted(deleted: DeletedRanges): void {
    const { run } = this;
    const { cut } = this.buffers;
    const { ascending, type } = this.context;
    const first = timeOf(run, ascending ? run.at : run.end - 1);
    const last = timeOf(run, ascending ? run.end - 1 : run.at);
    cut.reserve(run.end - run.at);
    let kept = 0;
    let at = run.at;
    for (let k = 0; k < deleted.count; k++) {
      const i = ascending ? k : deleted.count - 1 - k;
      if (deleted.maxNs[i]! < first || deleted.minNs[i]! > last) continue;
      const entry = Number((ascending ? deleted.minNs[i]! : deleted.maxNs[i]!) - run.baseNs);
      const exit = Number((ascending ? deleted.maxNs[i]! : deleted.minNs[i]!) - run.baseNs);
      const from = firstNotBefore(run.offsets, at, run.end, entry, ascending);
      kept = pickRange(cut, kept, at, from);
      at = firstNotBefore(run.offsets, from, run.end, exit + (ascending ? 1 : -1), ascending);
    }
    if (at === run.at && kept === 0) return;
    kept = pickRange(cut, kept, at, run.end);
    for (let i = 0; i < kept; i++) cut.offsets[i] = run.offsets[cut.pickedAt[i]!]!;
    cut.gather(type, [run], kept);
    run.offsets = cut.offsets;
    run.numbers = cut.numbers;
    run.wide = cut.wide;
    run.strings = cut.strings;
    run.at = 0;
    run.end = kept;
  }
}

/** The first of `count` ascending times that is above `limitNs`. */
function firstAbove(timesNs: BigInt64Array, count: number, limitNs: bigint): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (timesNs[middle]! > limitNs) high = middle;
    else low = middle + 1;
  }
  return low;
}

function pickRange(cut: ColumnBuffer, kept: number, from: number, to: number): number {
  for (let at = from; at < to; at++) {
    cut.pickedRun[kept] = 0;
    cut.pickedAt[kept++] = at;
  }
  return kept;
}

/** A column of the cache. */
export class ColumnLane implements Lane {
  readonly run = emptyRun();
  private readonly splitter = new RunSplitter();
  private readonly ascending: boolean;

  /** @param column ascending and distinct in time; must not change while the cursor is used */
  constructor(column: TimedColumn, range: CursorRange) {
    this.ascending = range.ascending;
    this.splitter.start(range.ascending ? column : reversed(column), range);
  }

  frontNs(): bigint | null {
    return this.run.at < this.run.end ? timeOf(this.run, this.run.at) : this.splitter.nextNs();
  }

  load(): void {
    this.splitter.next(this.run);
  }

  skip(pastNs: bigint): void {
    const { run, splitter, ascending } = this;
    skipRun(run, pastNs, ascending);
    while (run.at === run.end) {
      const left = splitter.nextNs();
      if (left === null || isBefore(pastNs, left, ascending)) return;
      splitter.next(run);
      skipRun(run, pastNs, ascending);
    }
  }

  close(): void {
    this.run.at = this.run.end;
    this.splitter.reset();
  }
}

function reversed(column: TimedColumn): TimedColumn {
  const { count } = column;
  const copy: TimedColumn = {
    ...column,
    offsets: column.offsets.slice(0, count).reverse(),
    wideTimes: column.wideTimes?.slice(0, count).reverse() ?? null,
    numbers: column.numbers.slice(0, count),
    wide: column.wide?.slice(0, count) ?? null,
  };
  reverseValues(copy, count, { bytes: new Uint8Array(0), offsets: new Int32Array(1) });
  return copy;
}

/**
 * Entries as one or more sources whose blocks do not overlap: InfluxDB's files are so, and one that is not must not break
 * a cursor. Later blocks come in later sources, which win.
 */
export function withoutOverlaps(source: FileSource): FileSource[] {
  const { entries } = source;
  let isApart = true;
  for (let i = 1; i < entries.count && isApart; i++) {
    isApart = isBefore(entries.maxNs[i - 1]!, entries.minNs[i]!, true);
  }
  if (isApart) return [source];
  return Array.from({ length: entries.count }, (_, i) => ({
    ...source,
    entries: entries.pick([i]),
  }));
}
