/**
 * The log of an index: what has changed since its image. Each record is one frame, so that a change is there as a whole or
 * not at all.
 *
 * @see docs/formats/series-index.md
 */
import { SeriesIndexError } from '../errors.js';
import type { SeriesIndex } from '../series-index.js';
import { SeriesSet } from '../series-set.js';
import { FrameKind, type FrameReader } from './frames.js';
import { PayloadReader, PayloadWriter } from './payload.js';
import {
  putFields,
  putFiles,
  type StoredFields,
  type StoredFile,
  type StoredShard,
  takeFields,
  takeFiles,
} from './shard-state.js';

/** What has become of a shard. */
export interface ShardChange {
  readonly shardId: number;
  /** Its files now. */
  readonly files: readonly StoredFile[];
  /** Series that are in its files now and were not before; all of them where `isWhole`. */
  readonly added: SeriesSet;
  /** True when nothing that was stored of the shard counts any more. */
  readonly isWhole: boolean;
  readonly removed: SeriesSet;
  /** Its fields; null when they are as before. */
  readonly fields: StoredFields | null;
}

/** Numbers of series in the files of the index, by series id. Those that have none yet are defined where they are first used. */
export class SeriesNumbers {
  private numbers = new Int32Array(0);
  private count = 0;

  /** Numbers that equal the ids, as they do in an index that was read. */
  static identity(count: number): SeriesNumbers {
    const numbers = new SeriesNumbers();
    numbers.numbers = new Int32Array(Math.max(count, 1024)).fill(-1);
    for (let id = 0; id < count; id++) numbers.numbers[id] = id;
    numbers.count = count;
    return numbers;
  }

  /** Numbers given so far. */
  get nextNumber(): number {
    return this.count;
  }

  /** The number of a series, or -1. */
  get(seriesId: number): number {
    return seriesId < this.numbers.length ? this.numbers[seriesId] : -1;
  }

  /** Gives a series the next number. */
  add(seriesId: number): number {
    if (seriesId >= this.numbers.length) {
      const wider = new Int32Array(Math.max(seriesId + 1, 1024, this.numbers.length * 2)).fill(-1);
      wider.set(this.numbers);
      this.numbers = wider;
    }
    this.numbers[seriesId] = this.count;
    return this.count++;
  }
}

/** The payload of a change; series that have no number get one. */
export function encodeChange(
  change: ShardChange,
  index: SeriesIndex,
  numbers: SeriesNumbers,
): Uint8Array {
  const firstNew = numbers.nextNumber;
  const fresh: number[] = [];
  const numbered = (ids: SeriesSet): SeriesSet => {
    const set = new SeriesSet();
    for (const id of ids.toArray()) {
      let number = numbers.get(id);
      if (number < 0) {
        number = numbers.add(id);
        fresh.push(id);
      }
      set.add(number);
    }
    return set;
  };
  const added = numbered(change.added);
  const removed = numbered(change.removed);
  const out = new PayloadWriter().varint(change.shardId).varint(change.isWhole ? 1 : 0);
  out.varint(firstNew).varint(fresh.length);
  for (const id of fresh) out.blob(index.keyOf(id));
  putFiles(out, change.files);
  out
    .set(added)
    .set(removed)
    .varint(change.fields === null ? 0 : 1);
  if (change.fields !== null) putFields(out, change.fields);
  return out.bytes;
}

/** Series made anew between turns: about a millisecond. */
const SERIES_AT_ONCE = 1000;

/** Applies a change that was read back. */
function* applyChange(
  payload: Uint8Array,
  index: SeriesIndex,
  shards: Map<number, StoredShard>,
): Generator<void, void> {
  const from = new PayloadReader(payload);
  const shardId = from.varint();
  const isWhole = from.varint() === 1;
  const firstNew = from.varint();
  const freshCount = from.varint();
  while (freshCount > 0 && index.prepareSome()) yield;
  for (let n = 0; n < freshCount; n++) {
    if (n % SERIES_AT_ONCE === SERIES_AT_ONCE - 1) yield;
    // Keys come in the order of their numbers, which are the ids of the index that reads them.
    if (index.restoreGone(from.blob()) !== firstNew + n) {
      throw new SeriesIndexError(
        'series-index.corrupt',
        'cannot read series index: key out of turn',
      );
    }
  }
  const files = takeFiles(from);
  const added = from.set();
  const removed = from.set();
  const before = shards.get(shardId);
  const fields = from.varint() === 1 ? takeFields(from) : (before?.fields ?? new Map());
  if (!isWhole && before === undefined) {
    throw new SeriesIndexError(
      'series-index.corrupt',
      'cannot read series index: change of nothing',
    );
  }
  const series = isWhole || before === undefined ? new SeriesSet() : before.series;
  series.addAll(added);
  for (const id of removed) series.delete(id);
  shards.set(shardId, { files, series, fields });
}

/** How a log ended. */
export interface LogOutcome {
  /** True when the last thing it says is that the index was closed in an orderly way. */
  readonly wasClosed: boolean;
  /** Where the sound part ends. */
  readonly sizeBytes: number;
  readonly crc: number;
  /** What is wrong behind it, or null. */
  readonly fault: Error | null;
}

/**
 * Reads a log from its first frame on; the magic has been read. Stops where it is not sound. A generator of turns, as
 * that of an image is.
 */
export function* readLog(
  reader: FrameReader,
  index: SeriesIndex,
  shards: Map<number, StoredShard>,
): Generator<void, LogOutcome> {
  let wasClosed = false;
  try {
    while (reader.advance()) {
      const { kind } = reader;
      const payload = reader.read();
      wasClosed = kind === FrameKind.CLOSED;
      if (kind === FrameKind.SHARD_CHANGED) yield* applyChange(payload, index, shards);
      else if (kind === FrameKind.SHARD_GONE) shards.delete(new PayloadReader(payload).varint());
      yield;
    }
    return { wasClosed, sizeBytes: reader.at, crc: reader.crc, fault: null };
  } catch (error) {
    return { wasClosed: false, sizeBytes: reader.at, crc: reader.crc, fault: error as Error };
  }
}
