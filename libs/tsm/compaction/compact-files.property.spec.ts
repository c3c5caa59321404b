/** Compaction against what the files said before: nothing is lost, nothing deleted comes back, whatever fails. */
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { FieldType } from '#models';
import { MemoryFileSystem } from '../testing/memory-file-system.js';
import {
  type KeyPoints,
  MIN_NS,
  type Points,
  readTsm,
  type Value,
  writeTsm,
} from '../testing/tsm-points.js';
import { parseTsmFileName, tsmFileName } from '../tsm-format.js';
import { TsmReader } from '../tsm-reader.js';
import { IndexEntries } from '../index-entries.js';
import { compactFiles, type CompactionJob, removeCompacted } from './compact-files.js';
import { Pace } from './pace.js';

const DIRECTORY = '/d';
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const jobOf = (paths: readonly string[], repack: boolean): CompactionJob => ({
  directory: DIRECTORY,
  paths,
  repack,
  throughputBytes: 0,
  burstBytes: 0,
});

/** TSM files of the directory, oldest first. */
const pathsOf = (files: MemoryFileSystem): string[] =>
  files.paths().filter((path) => parseTsmFileName(path.slice(DIRECTORY.length + 1)) !== null);

/** A line for each value. */
async function contentOf(files: MemoryFileSystem): Promise<string[]> {
  const readers: TsmReader[] = [];
  for (const path of pathsOf(files)) readers.push(await TsmReader.open(files, path));
  const content = readTsm(readers);
  for (const reader of readers) await reader.release();
  const textOf = (value: Value): string => (Object.is(value, -0) ? '-0' : String(value));
  return [...content].flatMap(([key, pairs]) =>
    pairs.map(([time, value]) => `${key} ${time} ${textOf(value)}`),
  );
}

/** Values of each block of a key. */
async function blockCounts(files: MemoryFileSystem, path: string, key: string): Promise<number> {
  const reader = await TsmReader.open(files, path);
  const entries = new IndexEntries();
  reader.find(utf8(key), entries);
  await reader.release();
  return entries.count;
}

const types: [string, FieldType, fc.Arbitrary<Value>][] = [
  ['a#!~#float', FieldType.FLOAT, fc.double({ noNaN: true })],
  ['b#!~#integer', FieldType.INTEGER, fc.oneof(fc.integer(), fc.constantFrom(2n ** 60n, MIN_NS))],
  ['c#!~#boolean', FieldType.BOOLEAN, fc.constantFrom(0, 1)],
  ['d#!~#string', FieldType.STRING, fc.string({ maxLength: 5 })],
];
const time = fc.oneof(
  { weight: 9, arbitrary: fc.integer({ min: 0, max: 3000 }).map((i) => BigInt(i) * 10n ** 9n) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 40 }).map((i) => BigInt(i) * 2n ** 52n) },
);
/** A stretch of regular points, as most data is, or some at random. */
const pointsOf = (value: fc.Arbitrary<Value>): fc.Arbitrary<Points> =>
  fc.oneof(
    fc.array(fc.tuple(time, value), { minLength: 1, maxLength: 40 }).map((pairs) => new Map(pairs)),
    fc.tuple(time, fc.integer({ min: 1, max: 1300 }), value).map(([start, count, each]) => {
      const pairs = Array.from({ length: count }, (_, i): [bigint, Value] => [
        start + BigInt(i) * 10n ** 9n,
        each,
      ]);
      return new Map(pairs);
    }),
  );
const keysOf = fc
  .tuple(
    ...types.map(([key, type, value]) =>
      fc.option(pointsOf(value)).map((points) => ({ key, type, points })),
    ),
  )
  .map((list) => list.filter(({ points }) => points !== null))
  .filter((list) => list.length > 0)
  .map(
    (list) =>
      new Map(
        list.map(({ key, type, points }): [string, KeyPoints] => [key, { type, points: points! }]),
      ),
  );
const deletion = fc.record({
  key: fc.constantFrom(...types.map(([key]) => key)),
  from: time,
  to: time,
});
type Deletion = { key: string; from: bigint; to: bigint };
const file = fc.record({
  keys: keysOf,
  perBlock: fc.constantFrom(10, 300, 1000),
  deletions: fc.oneof(fc.constant<Deletion[]>([]), fc.array(deletion, { maxLength: 3 })),
});

type FileCase = typeof file extends fc.Arbitrary<infer T> ? T : never;

async function write(files: MemoryFileSystem, cases: readonly FileCase[]): Promise<void> {
  for (const [i, { keys, perBlock, deletions }] of cases.entries()) {
    const path = `${DIRECTORY}/${tsmFileName({ generation: i + 1, sequence: 1 })}`;
    await writeTsm(files, path, keys, perBlock);
    const reader = await TsmReader.open(files, path);
    await reader.delete(
      deletions.map(({ key, from, to }) => ({ key: utf8(key), minNs: from, maxNs: to })),
    );
    await reader.release();
  }
}

test('the content is the same before and after, and again', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(file, { minLength: 1, maxLength: 4 }),
      fc.boolean(),
      async (cases, repack) => {
        const files = new MemoryFileSystem();
        await write(files, cases);
        const before = await contentOf(files);
        for (let round = 0; round < 2 && before.length > 0; round++) {
          const result = await compactFiles(files, jobOf(pathsOf(files), repack));
          // While both are there the answer is the same.
          expect((await contentOf(files)).join('\n')).toBe(before.join('\n'));
          await removeCompacted(files, result);
          expect(pathsOf(files)).toEqual(result.outputs.map(({ path }) => path));
          expect((await contentOf(files)).join('\n')).toBe(before.join('\n'));
          expect(files.paths().filter((path) => path.endsWith('.tombstone'))).toEqual([]);
          // The second time round there is nothing to merge unless small blocks are joined.
          if (round === 1 && !repack) expect(result.valuesMerged).toBe(0);
        }
        expect(files.openCount).toBe(0);
      },
    ),
    { numRuns: 40 },
  );
});

test('a failure at any change leaves the same content and only temporary files', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(file, { minLength: 2, maxLength: 3 }),
      fc.integer({ min: 0, max: 16 }),
      async (cases, changes) => {
        const files = new MemoryFileSystem();
        await write(files, cases);
        const before = await contentOf(files);
        files.changesLeft = changes;
        await compactFiles(files, jobOf(pathsOf(files), true))
          .then(
            (result) => removeCompacted(files, result),
            () => undefined,
          )
          .catch(() => undefined);
        files.changesLeft = Infinity;
        expect(files.openCount).toBe(0);
        for (const path of files.paths().filter((name) => name.endsWith('.tmp')))
          await files.remove(path);
        expect((await contentOf(files)).join('\n')).toBe(before.join('\n'));
      },
    ),
    { numRuns: 40 },
  );
});

const regular = (count: number, startS = 0): KeyPoints => ({
  type: FieldType.FLOAT,
  points: new Map(
    Array.from({ length: count }, (_, i) => [BigInt(startS + i) * 10n ** 9n, startS + i]),
  ),
});

async function compacted(
  sources: readonly (readonly [KeyPoints, number])[],
  repack: boolean,
): Promise<{ files: MemoryFileSystem; merged: number; copied: number; blocks: number }> {
  const files = new MemoryFileSystem();
  for (const [i, [points, perBlock]] of sources.entries()) {
    const path = `${DIRECTORY}/${tsmFileName({ generation: i + 1, sequence: 1 })}`;
    await writeTsm(files, path, new Map([['k#!~#v', points]]), perBlock);
  }
  const result = await compactFiles(files, jobOf(pathsOf(files), repack));
  await removeCompacted(files, result);
  const blocks = await blockCounts(files, pathsOf(files)[0]!, 'k#!~#v');
  return { files, merged: result.valuesMerged, copied: result.blocksCopied, blocks };
}

test('full blocks that nothing overlaps are copied', async () => {
  const { merged, copied, blocks } = await compacted(
    [
      [regular(3000), 1000],
      [regular(2000, 3000), 1000],
    ],
    true,
  );
  expect([merged, copied, blocks]).toEqual([0, 5, 5]);
});

test('small blocks are joined to full ones when asked for, else copied', async () => {
  const sources: [KeyPoints, number][] = [
    [regular(1000), 100],
    [regular(1500, 1000), 50],
  ];
  const joined = await compacted(sources, true);
  expect([joined.merged, joined.copied, joined.blocks]).toEqual([2500, 0, 3]);
  const kept = await compacted(sources, false);
  expect([kept.merged, kept.copied, kept.blocks]).toEqual([0, 40, 40]);
});

test('only what overlaps is decoded', async () => {
  const { merged, copied, blocks } = await compacted(
    [
      [regular(4000), 1000],
      [regular(10, 1500), 1000],
    ],
    false,
  );
  expect([merged, copied, blocks]).toEqual([1000, 3, 4]);
});

test('the output has the newest generation and the next sequence', async () => {
  const { files } = await compacted(
    [
      [regular(10), 1000],
      [regular(10), 1000],
    ],
    true,
  );
  expect(files.paths()).toEqual(['/d/000000002-000000002.tsm', '/d/000000002-000000002.tsm.crc']);
});

test('all deleted: no file is left', async () => {
  const files = new MemoryFileSystem();
  const path = `${DIRECTORY}/000000001-000000001.tsm`;
  await writeTsm(files, path, new Map([['k#!~#v', regular(10)]]), 1000);
  const reader = await TsmReader.open(files, path);
  await reader.delete([{ key: utf8('k#!~#v'), minNs: MIN_NS, maxNs: 2n ** 62n }]);
  await reader.release();
  const result = await compactFiles(files, jobOf([path], true));
  await removeCompacted(files, result);
  expect([result.outputs, files.paths()]).toEqual([[], []]);
});

test('an input with a corrupt block is kept aside, the rest goes on', async () => {
  const files = new MemoryFileSystem();
  const path = `${DIRECTORY}/000000001-000000001.tsm`;
  await writeTsm(files, path, new Map([['k#!~#v', regular(3000)]]), 1000);
  files.content(path)[50]! ^= 1;
  const result = await compactFiles(files, jobOf([path], true));
  expect(result.corruptInputs).toEqual([path]);
  await removeCompacted(files, result);
  expect(files.paths()).toEqual([
    '/d/000000001-000000001.tsm.bad',
    '/d/000000001-000000002.tsm',
    '/d/000000001-000000002.tsm.crc',
  ]);
  expect((await contentOf(files)).length).toBe(2000);
});

test('it stops when told to', async () => {
  const files = new MemoryFileSystem();
  const path = `${DIRECTORY}/000000001-000000001.tsm`;
  await writeTsm(files, path, new Map([['k#!~#v', regular(10)]]), 1000);
  await expect(compactFiles(files, jobOf([path], true), () => true)).rejects.toThrow(
    'compactions disabled',
  );
  expect([files.paths(), files.openCount]).toEqual([[path], 0]);
});

test("InfluxDB's snapshots of a shard", async () => {
  const files = new MemoryFileSystem();
  for (const number of [1, 2, 3]) {
    const url = new URL(`../../../test/fixtures/tsm/gens-${number}.tsm`, import.meta.url);
    files.put(
      `${DIRECTORY}/${tsmFileName({ generation: number, sequence: 1 })}`,
      readFileSync(url),
    );
  }
  const before = await contentOf(files);
  const result = await compactFiles(files, jobOf(pathsOf(files), true));
  await removeCompacted(files, result);
  expect(dirname(result.outputs[0]!.path)).toBe(DIRECTORY);
  expect((await contentOf(files)).join('\n')).toBe(before.join('\n'));
});

test('pace', () => {
  let nowMs = 0;
  const pace = new Pace(1000, 500, () => nowMs);
  const waits = [pace.waitMs(500), pace.waitMs(100), pace.waitMs(100)];
  nowMs = 1000;
  waits.push(pace.waitMs(500), pace.waitMs(1));
  expect(waits).toEqual([0, 100, 200, 0, 1]);
  expect(new Pace(0, 0).waitMs(1e9)).toBe(0);
});
