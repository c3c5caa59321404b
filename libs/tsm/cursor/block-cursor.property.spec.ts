/** The cursor against a map: whatever the files, the cache and the deletions are, the newest value of each time comes out. */
import fc from 'fast-check';
import { type ColumnBatch, FieldType } from '#models';
import { BlockBuilder } from '../block.js';
import type { TsmError } from '../errors.js';
import { IndexEntries } from '../index-entries.js';
import { MemoryFileSystem } from '../testing/memory-file-system.js';
import { tsmFileName } from '../tsm-format.js';
import { TsmReader } from '../tsm-reader.js';
import { TsmWriter } from '../tsm-writer.js';
import { BlockCursor, type CursorRequest } from './block-cursor.js';
import type { TimedColumn } from './column-run.js';
import { TimeMemo } from './time-memo.js';

type Value = number | bigint | string;
type Points = ReadonlyMap<bigint, Value>;

const KEY = new TextEncoder().encode('m#!~#f');
const MIN = -(2n ** 63n);
const MAX = 2n ** 63n - 1n;

/** Points as a column, ascending. */
function columnOf(type: FieldType, points: Points): TimedColumn {
  const times = [...points.keys()].sort((a, b) => (a < b ? -1 : 1));
  const values = times.map((time) => points.get(time)!);
  const baseNs = times[0] ?? 0n;
  const isWideTime = times.some((time) => time - baseNs >= 2n ** 53n);
  const isString = type === FieldType.STRING;
  const strings = values.map((value) => new TextEncoder().encode(String(value)));
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

/** Writes points in blocks of at most `perBlock` and opens the file. */
async function fileOf(
  files: MemoryFileSystem,
  type: FieldType,
  source: { points: Points; perBlock: number; generation: number },
): Promise<TsmReader> {
  const path = `/${tsmFileName({ generation: source.generation, sequence: 1 })}`;
  const writer = await TsmWriter.create(files, path);
  const builder = new BlockBuilder();
  const times = [...source.points.keys()].sort((a, b) => (a < b ? -1 : 1));
  for (let i = 0; i < times.length; i += source.perBlock) {
    const chunk = times.slice(i, i + source.perBlock);
    const column = columnOf(type, new Map(chunk.map((time) => [time, source.points.get(time)!])));
    if (column.wideTimes === null) builder.setTimes(column.offsets, column.count, column.baseNs);
    else builder.setWideTimes(column.wideTimes, column.count);
    writer.add(
      KEY,
      type,
      chunk[0]!,
      chunk[chunk.length - 1]!,
      builder.build(type, column, column.count),
    );
  }
  const summary = await writer.finish();
  await files.rename(summary.temporaryPath, path);
  return TsmReader.open(files, path);
}

/** Reads a batch, and spoils what it may not rely on. */
function* valuesOf(type: FieldType, batch: ColumnBatch): Generator<[bigint, Value]> {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  for (let i = 0; i < batch.count; i++) {
    const offset = batch.offsets[i]!;
    expect(Math.abs(offset)).toBeLessThan(2 ** 53);
    const { strings, wide } = batch;
    const time = batch.baseNs + BigInt(offset);
    if (type === FieldType.STRING) {
      yield [
        time,
        decoder.decode(strings!.bytes.subarray(strings!.offsets[i], strings!.offsets[i + 1])),
      ];
    } else yield [time, wide === null ? batch.numbers[i]! : wide[i]!];
  }
}

function readAll(request: CursorRequest): [bigint, Value][] {
  const cursor = new BlockCursor(request);
  const out: [bigint, Value][] = [];
  for (let batch = cursor.next(); batch !== null; batch = cursor.next()) {
    expect(batch.count).toBeGreaterThan(0);
    const span = batch.offsets[batch.count - 1]! - batch.offsets[0]!;
    expect(Math.abs(span)).toBeLessThan(2 ** 53);
    out.push(...valuesOf(request.type, batch));
  }
  return out;
}

const timeOf = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 400 }).map((i) => BigInt(i) * 10n ** 9n) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 60 }).map((i) => BigInt(i) * 2n ** 51n) },
);
const near = fc.integer({ min: 0, max: 400 }).map((i) => BigInt(i) * 10n ** 9n);
const integers = fc.oneof(fc.integer(), fc.constantFrom(2n ** 53n + 1n, MIN, MAX));
const valuesByType: [FieldType, fc.Arbitrary<Value>][] = [
  [FieldType.FLOAT, fc.double({ noNaN: true })],
  [FieldType.INTEGER, integers],
  [FieldType.BOOLEAN, fc.constantFrom(0, 1)],
  [FieldType.STRING, fc.string({ maxLength: 6 })],
];

const scenario = fc.constantFrom(...valuesByType).chain(([type, value]) =>
  fc.constantFrom(timeOf, near).chain((time) => {
    const points = fc
      .array(fc.tuple(time, value), { minLength: 1, maxLength: 250 })
      .map((pairs): Points => new Map(pairs));
    // What a file deletes are times at random, or everything up to some time.
    const deletion = fc.oneof(
      fc.tuple(time, time).map(([a, b]): [bigint, bigint] => (a < b ? [a, b] : [b, a])),
      time.map((until): [bigint, bigint] => [MIN, until]),
    );
    const file = fc.record({
      points,
      perBlock: fc.constantFrom(1, 7, 60, 1000),
      deletions: fc.oneof(
        fc.constant<[bigint, bigint][]>([]),
        fc.array(deletion, { maxLength: 3 }),
      ),
    });
    return fc.record({
      type: fc.constant(type),
      files: fc.array(file, { maxLength: 4 }),
      cached: fc.option(points),
      range: fc.oneof(fc.constant([MIN, MAX] as [bigint, bigint]), fc.tuple(time, time)),
      ascending: fc.boolean(),
      base: fc.option(fc.constantFrom(0n, 10n ** 9n, -(2n ** 60n))),
      hasMemo: fc.boolean(),
    });
  }),
);

const normal = (pairs: [bigint, Value][]): [bigint, Value][] =>
  pairs.map(([time, value]) => [
    time,
    typeof value === 'bigint' && value >= -(2n ** 53n) && value <= 2n ** 53n
      ? Number(value)
      : value,
  ]);

test('gives what a map would', async () => {
  await fc.assert(
    fc.asyncProperty(
      scenario,
      async ({ type, files: sources, cached, range, ascending, base, hasMemo }) => {
        const files = new MemoryFileSystem();
        const want = new Map<bigint, Value>();
        const request: CursorRequest = {
          type,
          files: [],
          cached: cached === null ? null : columnOf(type, cached),
          minNs: range[0] < range[1] ? range[0] : range[1],
          maxNs: range[0] < range[1] ? range[1] : range[0],
          ascending,
          baseNs: base,
          memo: hasMemo ? new TimeMemo(ascending, base) : null,
          onCorruptBlock: null,
        };
        const found: {
          reader: TsmReader;
          entries: IndexEntries;
          deleted: CursorRequest['files'][0]['deleted'];
        }[] = [];
        for (const [i, source] of sources.entries()) {
          const reader = await fileOf(files, type, { ...source, generation: i + 1 });
          await reader.delete(
            source.deletions.map(([minNs, maxNs]) => ({ key: KEY, minNs, maxNs })),
          );
          const entries = new IndexEntries();
          expect(reader.find(KEY, entries)).toBe(true);
          found.push({ reader, entries, deleted: reader.tombstones.find(KEY) });
          for (const [time, value] of source.points) {
            if (!source.deletions.some(([from, to]) => time >= from && time <= to))
              want.set(time, value);
          }
        }
        for (const [time, value] of cached ?? []) want.set(time, value);
        const expected = [...want]
          .filter(([time]) => time >= request.minNs && time <= request.maxNs)
          .sort(([a], [b]) => (a < b === ascending ? -1 : 1));
        expect(normal(readAll({ ...request, files: found }))).toEqual(normal(expected));
        // Once more, as the next field of the series would.
        const again = found.map((each) => ({ ...each, entries: each.entries.clone() }));
        expect(normal(readAll({ ...request, files: again }))).toEqual(normal(expected));
      },
    ),
    { numRuns: 400 },
  );
});

const plain = {
  type: FieldType.FLOAT,
  cached: null,
  minNs: MIN,
  maxNs: MAX,
  ascending: true,
  baseNs: null,
  memo: null,
  onCorruptBlock: null,
};
const regular = (count: number, startS: number, add = 0): Points =>
  new Map(Array.from({ length: count }, (_, i) => [BigInt(startS + i) * 10n ** 9n, i + add]));

async function sourceOf(
  files: MemoryFileSystem,
  points: Points,
  generation: number,
): Promise<CursorRequest['files'][0]> {
  const reader = await fileOf(files, FieldType.FLOAT, { points, perBlock: 1000, generation });
  const entries = new IndexEntries();
  reader.find(KEY, entries);
  return { reader, entries, deleted: null };
}

function batchSizes(request: CursorRequest): number[] {
  const cursor = new BlockCursor(request);
  const sizes: number[] = [];
  for (let batch = cursor.next(); batch !== null; batch = cursor.next()) sizes.push(batch.count);
  return sizes;
}

test('blocks that nothing overlaps come whole, an overlap costs its own part', async () => {
  const files = new MemoryFileSystem();
  const old = await sourceOf(files, regular(3000, 0), 1);
  const late = await sourceOf(files, regular(10, 1500, 0.5), 2);
  expect(batchSizes({ ...plain, files: [old] })).toEqual([1000, 1000, 1000]);
  expect(batchSizes({ ...plain, files: [{ ...old, entries: old.entries.clone() }, late] })).toEqual(
    [1000, 500, 10, 490, 1000],
  );
});

test('fields with the same times share what is decoded', async () => {
  const files = new MemoryFileSystem();
  const one = await sourceOf(files, regular(1000, 0), 1);
  const two = await sourceOf(files, regular(1000, 0, 7), 2);
  const memo = new TimeMemo(true, 0n);
  const request = { ...plain, baseNs: 0n, memo };
  const first = new BlockCursor({ ...request, files: [one] }).next()!;
  const second = new BlockCursor({ ...request, files: [two] }).next()!;
  expect(second.offsets).toBe(first.offsets);
  expect([first.numbers[5], second.numbers[5]]).toEqual([5, 12]);
});

test('a corrupt block is told of and left out', async () => {
  const files = new MemoryFileSystem();
  const source = await sourceOf(files, regular(3000, 0), 1);
  const bytes = files.content('/000000001-000000001.tsm');
  bytes[source.entries.offsets[1]! + 40]! ^= 1;
  const offset = source.entries.offsets[1];
  const message = `cannot read block at offset ${offset} of 000000001-000000001.tsm: crc mismatch`;
  expect(() => batchSizes({ ...plain, files: [source] })).toThrow(message);
  const told: TsmError[] = [];
  const sizes = batchSizes({
    ...plain,
    files: [{ ...source, entries: source.entries.clone() }],
    onCorruptBlock: (error) => void told.push(error),
  });
  expect(sizes).toEqual([1000, 1000]);
  expect(told.map((error) => [error.code, error.message])).toEqual([
    ['tsm.corrupt-block', message],
  ]);
});
