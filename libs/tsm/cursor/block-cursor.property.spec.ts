/** The cursor against a map: whatever the files, the cache and the deletions are, the newest value of each time comes out. */
import fc from 'fast-check';
import { FieldType } from '#models';
import type { TsmError } from '../errors.js';
import { IndexEntries } from '../index-entries.js';
import { MemoryFileSystem } from '../testing/memory-file-system.js';
import {
  columnOf,
  MAX_NS,
  MIN_NS,
  pairsOf,
  plain,
  type Points,
  type Value,
  writeTsm,
} from '../testing/tsm-points.js';
import { tsmFileName } from '../tsm-format.js';
import { TsmReader } from '../tsm-reader.js';
import { BlockCursor, type CursorRequest } from './block-cursor.js';
import { TimeMemo } from './time-memo.js';

const KEY = new TextEncoder().encode('m#!~#f');
const [MIN, MAX] = [MIN_NS, MAX_NS];

async function fileOf(
  files: MemoryFileSystem,
  type: FieldType,
  source: { points: Points; perBlock: number; generation: number },
): Promise<TsmReader> {
  const path = `/${tsmFileName({ generation: source.generation, sequence: 1 })}`;
  await writeTsm(
    files,
    path,
    new Map([['m#!~#f', { type, points: source.points }]]),
    source.perBlock,
  );
  return TsmReader.open(files, path);
}

function readAll(request: CursorRequest): [bigint, Value][] {
  const cursor = new BlockCursor(request);
  const out: [bigint, Value][] = [];
  for (let batch = cursor.next(); batch !== null; batch = cursor.next()) {
    expect(batch.count).toBeGreaterThan(0);
    const span = batch.offsets[batch.count - 1]! - batch.offsets[0]!;
    expect(Math.abs(span)).toBeLessThan(2 ** 53);
    expect(Math.max(...batch.offsets.subarray(0, batch.count).map(Math.abs))).toBeLessThan(2 ** 53);
    out.push(...pairsOf(request.type, batch));
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
  pairs.map(([time, value]) => [time, plain(value)]);

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

test('leaves out what is skipped, whatever was read before', async () => {
  const skipped = fc.tuple(scenario, fc.array(fc.option(timeOf), { maxLength: 6 }));
  await fc.assert(
    fc.asyncProperty(
      skipped,
      async ([{ type, files: sources, cached, ascending, base }, skips]) => {
        const files = new MemoryFileSystem();
        const want = new Map<bigint, Value>();
        const found: CursorRequest['files'][0][] = [];
        for (const [i, source] of sources.entries()) {
          const reader = await fileOf(files, type, { ...source, generation: i + 1 });
          await reader.delete(
            source.deletions.map(([minNs, maxNs]) => ({ key: KEY, minNs, maxNs })),
          );
          const entries = new IndexEntries();
          reader.find(KEY, entries);
          found.push({ reader, entries, deleted: reader.tombstones.find(KEY) });
          for (const [time, value] of source.points)
            if (!source.deletions.some(([from, to]) => time >= from && time <= to))
              want.set(time, value);
        }
        for (const [time, value] of cached ?? []) want.set(time, value);
        let left = normal([...want].sort(([a], [b]) => (a < b === ascending ? -1 : 1)));
        const cursor = new BlockCursor({
          ...{ type, ascending, files: found, baseNs: base, minNs: MIN, maxNs: MAX },
          ...{ cached: cached && columnOf(type, cached), memo: null, onCorruptBlock: null },
        });
        for (let step = 0; ; step++) {
          const pastNs = skips[step] ?? null;
          if (pastNs !== null) {
            cursor.skip(pastNs);
            left = left.filter(([time]) => (ascending ? time > pastNs : time < pastNs));
          }
          const batch = cursor.next();
          if (batch === null) break;
          const pairs = normal([...pairsOf(type, batch)]);
          expect(pairs).toEqual(left.slice(0, pairs.length));
          left = left.slice(pairs.length);
        }
        expect(left).toEqual([]);
      },
    ),
    { numRuns: 300 },
  );
});

test('does not read blocks that are skipped', async () => {
  const files = new MemoryFileSystem();
  const source = await sourceOf(files, regular(10_000, 0), 1);
  const { reader } = source;
  const loaded: number[] = [];
  const load = reader.load.bind(reader);
  reader.load = (buffer, entries, number, towards) => {
    loaded.push(number);
    return load(buffer, entries, number, towards);
  };
  const cursor = new BlockCursor({ ...request, files: [source] });
  expect(cursor.next()?.count).toBe(1000);
  cursor.skip(7_499_000_000_000n);
  expect(cursor.next()?.count).toBe(500);
  expect(loaded).toEqual([0, 7]);
});

const request = {
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
  expect(batchSizes({ ...request, files: [old] })).toEqual([1000, 1000, 1000]);
  expect(
    batchSizes({ ...request, files: [{ ...old, entries: old.entries.clone() }, late] }),
  ).toEqual([1000, 500, 10, 490, 1000]);
});

test('fields with the same times share what is decoded', async () => {
  const files = new MemoryFileSystem();
  const one = await sourceOf(files, regular(1000, 0), 1);
  const two = await sourceOf(files, regular(1000, 0, 7), 2);
  const memo = new TimeMemo(true, 0n);
  const shared = { ...request, baseNs: 0n, memo };
  const first = new BlockCursor({ ...shared, files: [one] }).next()!;
  const second = new BlockCursor({ ...shared, files: [two] }).next()!;
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
  expect(() => batchSizes({ ...request, files: [source] })).toThrow(message);
  const told: TsmError[] = [];
  const sizes = batchSizes({
    ...request,
    files: [{ ...source, entries: source.entries.clone() }],
    onCorruptBlock: (error) => void told.push(error),
  });
  expect(sizes).toEqual([1000, 1000]);
  expect(told.map((error) => [error.code, error.message])).toEqual([
    ['tsm.corrupt-block', message],
  ]);
});
