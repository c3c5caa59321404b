import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { MemoryFileSystem } from './testing/memory-file-system.js';
import {
  addTombstones,
  parseTombstones,
  readTombstones,
  type Tombstone,
  tombstonePath,
} from './tombstone.js';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const unhex = (text: string): Uint8Array =>
  new Uint8Array(Buffer.from(text.replace(/\s/g, ''), 'hex'));
const fixture = readFileSync(new URL('../../test/fixtures/tsm/tomb.tombstone', import.meta.url));
const MIN = -(2n ** 63n);
const MAX = 2n ** 63n - 1n;
const PATH = '/data/1.tombstone';

const ranges = (content: Uint8Array, key: string): [bigint, bigint][] | null => {
  const found = parseTombstones(content).find(utf8(key));
  return found && Array.from({ length: found.count }, (_, i) => [found.minNs[i]!, found.maxNs[i]!]);
};

test("InfluxDB's file: ranges of a key are joined", () => {
  const set = parseTombstones(fixture);
  expect(set.count).toBe(11);
  expect(ranges(fixture, 't,s=a#!~#v')).toEqual([
    [1500000005000000000n, 1500000009999999999n],
    [1500000017000000001n, MAX],
  ]);
  expect(ranges(fixture, 't,s=b#!~#w')).toEqual([[MIN, MAX]]);
  expect(ranges(fixture, 't,s=e#!~#v')).toBeNull();
});

const entry = '00000001 61 0000000000000005 0000000000000009';

test.each([
  ['version 2', unhex(`00001502 ${entry}`)],
  ['version 3', Buffer.concat([unhex('00001503'), gzipSync(unhex(entry))])],
  ['version 4', Buffer.concat([unhex('00001504'), gzipSync(unhex(entry)), gzipSync(unhex(''))])],
])('%s', (_name, content) => expect(ranges(content, 'a')).toEqual([[5n, 9n]]));

test.each([
  ['no header', '0000', 'unknown version'],
  ['version 5', '00001505', 'unknown version'],
  ['text of version 1', '6370752c686f73743d610a', 'unknown version'],
  ['cut off entry', '00001502 00000001 61 00', 'entry at offset 0 is cut off'],
  ['huge key', '00001502 ffffffff 61 00', 'entry at offset 0 is cut off'],
  ['not gzip', '00001504 61616161', 'incorrect header check'],
  ['torn gzip', '00001504 1f8b0800000000000203', 'unexpected end of file'],
])('%s is refused', (_name, hex, reason) => {
  expect(() => parseTombstones(unhex(hex))).toThrow(
    new RegExp(`^cannot read tombstones: (Error: )?${reason}`),
  );
});

test('empty files have no tombstones', async () => {
  expect(parseTombstones(unhex('')).count).toBe(0);
  expect(parseTombstones(unhex('00001504')).count).toBe(0);
  expect((await readTombstones(new MemoryFileSystem(), PATH)).count).toBe(0);
});

describe('addTombstones', () => {
  const one: Tombstone = { key: utf8('a'), minNs: 5n, maxNs: 9n };
  const two: Tombstone = { key: utf8('b'), minNs: MIN, maxNs: MAX };

  test.each([
    ['no file', null],
    ['version 2', unhex(`00001502 ${entry}`)],
    ['version 3', Buffer.concat([unhex('00001503'), gzipSync(unhex(entry))])],
    ['version 4', Buffer.concat([unhex('00001504'), gzipSync(unhex(entry))])],
  ])('adds to %s', async (_name, before) => {
    const files = new MemoryFileSystem();
    if (before === null) await addTombstones(files, PATH, [one]);
    else files.put(PATH, before);
    await addTombstones(files, PATH, [two, two]);
    const set = await readTombstones(files, PATH);
    expect(
      [...set].map(({ key, minNs, maxNs }) => [String.fromCharCode(...key), minNs, maxNs]),
    ).toEqual([
      ['a', 5n, 9n],
      ['b', MIN, MAX],
      ['b', MIN, MAX],
    ]);
    expect(files.paths()).toEqual([PATH]);
    expect(files.openCount).toBe(0);
  });

  test('a failure leaves the old file', async () => {
    for (let changes = 0; changes < 3; changes++) {
      const files = new MemoryFileSystem();
      files.put(PATH, unhex(`00001502 ${entry}`));
      files.changesLeft = changes;
      await expect(addTombstones(files, PATH, [two])).rejects.toThrow('EIO');
      expect((await readTombstones(files, PATH)).count).toBe(1);
    }
  });
});

test('tombstonePath', () => {
  expect(tombstonePath('/d/000000001-000000001.tsm')).toBe('/d/000000001-000000001.tombstone');
});
