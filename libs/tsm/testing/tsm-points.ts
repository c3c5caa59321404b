/**
 * Points as plain maps, to and from TSM files: what tests compare storage with.
 */
import { type ColumnBatch, FieldType } from '#models';
import { BlockBuilder } from '../block.js';
import { BlockCursor } from '../cursor/block-cursor.js';
import type { TimedColumn } from '../cursor/column-run.js';
import { IndexEntries } from '../index-entries.js';
import type { TsmReader } from '../tsm-reader.js';
import { TsmWriter } from '../tsm-writer.js';
import type { MemoryFileSystem } from './memory-file-system.js';

/** A float, integer or boolean; an integer beyond 2^53; a string. */
export type Value = number | bigint | string;
/** Values by time. */
export type Points = ReadonlyMap<bigint, Value>;
/** One key of a file. */
export interface KeyPoints {
  readonly type: FieldType;
  readonly points: Points;
}

export const MIN_NS = -(2n ** 63n);
export const MAX_NS = 2n ** 63n - 1n;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Times in order. */
export function timesOf(points: Points): bigint[] {
  return [...points.keys()].sort((a, b) => (a < b ? -1 : 1));
}

/** Points as a column, ascending. */
export function columnOf(type: FieldType, points: Points): TimedColumn {
  const times = timesOf(points);
  const values = times.map((time) => points.get(time)!);
  const baseNs = times[0] ?? 0n;
  const isWideTime = times.some((time) => time - baseNs >= 2n ** 53n);
  const isString = type === FieldType.STRING;
  const strings = values.map((value) => encoder.encode(String(value)));
  const offsets = new Int32Array(times.length + 1);
  strings.forEach((bytes, i) => (offsets[i + 1] = offsets[i]! + bytes.length));
  const isWide = values.some((value) => typeof value === 'bigint');
  return {
    count: times.length,
    baseNs,
    offsets: isWideTime
      ? new Float64Array(0)
      : Float64Array.from(times, (time) => Number(time - baseNs)),
    wideTimes: isWideTime ? BigInt64Array.from(times) : null,
    numbers: isString ? new Float64Array(0) : Float64Array.from(values, Number),
    wide: isWide ? BigInt64Array.from(values, (value) => BigInt(value)) : null,
    strings: isString ? { bytes: Buffer.concat(strings), offsets } : null,
  };
}

/** Writes a file, blocks of at most `perBlock` values, and gives it its name. */
export async function writeTsm(
  files: MemoryFileSystem,
  path: string,
  keys: ReadonlyMap<string, KeyPoints>,
  perBlock: number,
): Promise<void> {
  const writer = await TsmWriter.create(files, path);
  const builder = new BlockBuilder();
  for (const [key, { type, points }] of [...keys].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const times = timesOf(points);
    for (let i = 0; i < times.length; i += perBlock) {
      const chunk = times.slice(i, i + perBlock);
      const column = columnOf(type, new Map(chunk.map((time) => [time, points.get(time)!])));
      if (column.wideTimes === null) builder.setTimes(column.offsets, column.count, column.baseNs);
      else builder.setWideTimes(column.wideTimes, column.count);
      const block = builder.build(type, column, column.count);
      writer.add(encoder.encode(key), type, chunk[0]!, chunk[chunk.length - 1]!, block);
    }
  }
  const summary = await writer.finish();
  await files.rename(summary.temporaryPath, path);
}

/** Times and values of a batch. Integers within 2^53 are numbers, whichever way they came. */
export function* pairsOf(type: FieldType, batch: ColumnBatch): Generator<[bigint, Value]> {
  const { strings, wide, numbers, offsets, baseNs, count } = batch;
  for (let i = 0; i < count; i++) {
    const time = baseNs + BigInt(offsets[i]!);
    if (type === FieldType.STRING) {
      yield [
        time,
        decoder.decode(strings!.bytes.subarray(strings!.offsets[i], strings!.offsets[i + 1])),
      ];
    } else yield [time, wide === null ? numbers[i]! : plain(wide[i]!)];
  }
}

/** A value as {@link pairsOf} gives it. */
export function plain(value: Value): Value {
  const isSmall = typeof value === 'bigint' && value >= -(2n ** 53n) && value <= 2n ** 53n;
  return isSmall ? Number(value) : value;
}

/** Everything that files hold, newest value first served, deletions applied: key to times to values, in order. */
export function readTsm(readers: readonly TsmReader[]): Map<string, [bigint, Value][]> {
  const keys = new Map<string, Uint8Array>();
  const entries = new IndexEntries();
  for (const reader of readers) {
    const scanner = reader.scan();
    while (scanner.next(entries)) keys.set(decoder.decode(scanner.key), scanner.key.slice());
  }
  const found = new Map<string, [bigint, Value][]>();
  for (const [name, key] of [...keys].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const sources = readers.flatMap((reader) => {
      const mine = new IndexEntries();
      return reader.find(key, mine)
        ? [{ reader, entries: mine, deleted: reader.tombstones.find(key) }]
        : [];
    });
    const { type } = sources[sources.length - 1]!.entries;
    const cursor = new BlockCursor({
      type,
      files: sources,
      cached: null,
      minNs: MIN_NS,
      maxNs: MAX_NS,
      ascending: true,
      baseNs: null,
      memo: null,
      onCorruptBlock: null,
    });
    const pairs: [bigint, Value][] = [];
    for (let batch = cursor.next(); batch !== null; batch = cursor.next())
      pairs.push(...pairsOf(type, batch));
    if (pairs.length > 0) found.set(name, pairs);
  }
  return found;
}
