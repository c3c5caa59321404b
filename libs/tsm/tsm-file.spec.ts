import { readFileSync } from 'node:fs';
import { type Logger, silentLogger } from '#kernel';
import { FieldType } from '#models';
import { decompressSnappy, decodeTimes, TimeBlock, ValueBlock } from '#encoding';
import {
  BlockBuilder,
  type BlockParts,
  countBlockValues,
  decodeBlockValues,
  openBlock,
} from './block.js';
import { IndexEntries } from './index-entries.js';
import { Quarantine } from './quarantine.js';
import { MemoryFileSystem } from './testing/memory-file-system.js';
import { compareTsmFileIds, parseTsmFileName, tsmFileName } from './tsm-format.js';
import { BlockBuffer, TsmReader } from './tsm-reader.js';
import { publishTsmFiles, TsmWriter } from './tsm-writer.js';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const fixture = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(new URL(`../../test/fixtures/tsm/${name}`, import.meta.url)));

const PATH = '/data/000000001-000000001.tsm';

async function opened(bytes: Uint8Array): Promise<TsmReader> {
  const files = new MemoryFileSystem();
  files.put(PATH, bytes);
  return TsmReader.open(files, PATH);
}

/** Blocks of a file in order: key, type, bounds and bytes. */
function* blocksOf(
  reader: TsmReader,
): Generator<{ key: string; type: FieldType; minNs: bigint; maxNs: bigint; block: Uint8Array }> {
  const entries = new IndexEntries();
  const buffer = new BlockBuffer();
  const scanner = reader.scan();
  while (scanner.next(entries)) {
    for (let i = 0; i < entries.count; i++) {
      const at = reader.load(buffer, entries, i, entries.count - 1);
      const block = buffer.bytes.slice(at, at + entries.sizesBytes[i]!);
      const [minNs, maxNs] = [entries.minNs[i]!, entries.maxNs[i]!];
      yield { key: text(scanner.key), type: entries.type, minNs, maxNs, block };
    }
  }
}

describe('files of InfluxDB', () => {
  const names = [
    'gens-1',
    'gens-2',
    'gens-3',
    'raw-integer',
    'compacted',
    'level-2',
    'tomb',
    'encodings',
  ];

  test.each(names)('%s.tsm: every block encodes to the same bytes again', async (name) => {
    const reader = await opened(fixture(`${name}.tsm`));
    const builder = new BlockBuilder();
    const [times, values] = [new TimeBlock(), new ValueBlock()];
    const parts: BlockParts = { type: FieldType.FLOAT, timesAt: 0, valuesAt: 0, end: 0 };
    let count = 0;
    for (const { type, minNs, maxNs, block } of blocksOf(reader)) {
      openBlock(block, 0, block.length, parts);
      expect(parts.type).toBe(type);
      decodeTimes(block, parts.timesAt, parts.valuesAt, times);
      expect(countBlockValues(block, 0, block.length)).toBe(times.count);
      decodeBlockValues(block, parts, values, times.count);
      const last = times.count - 1;
      if (times.wide === null) {
        expect([times.baseNs, times.baseNs + BigInt(times.offsets[last]!)]).toEqual([minNs, maxNs]);
        builder.setTimes(times.offsets, times.count, times.baseNs);
      } else {
        expect([times.wide[0], times.wide[last]]).toEqual([minNs, maxNs]);
        builder.setWideTimes(times.wide, times.count);
      }
      const built = builder.build(type, values, times.count);
      if (type === FieldType.STRING) {
        expect(built.subarray(4, parts.valuesAt + 1)).toEqual(
          block.subarray(4, parts.valuesAt + 1),
        );
        const unpacked = [built, block].map((each) =>
          decompressSnappy(each.subarray(parts.valuesAt + 1), 1e6),
        );
        expect(unpacked[0]).toEqual(unpacked[1]);
      } else expect(built).toEqual(block);
      count++;
    }
    expect(count).toBe(reader.summary.blockCount);
  });

  test.each(names)('%s.tsm: the writer makes the same file of its blocks', async (name) => {
    const original = fixture(`${name}.tsm`);
    const reader = await opened(original);
    const files = new MemoryFileSystem();
    const writer = await TsmWriter.create(files, PATH);
    for (const { key, type, minNs, maxNs, block } of blocksOf(reader)) {
      expect(writer.add(utf8(key), type, minNs, maxNs, block)).toBe(true);
    }
    const { sizeBytes } = writer;
    const summary = await writer.finish();
    await publishTsmFiles(files, [summary]);
    expect(Buffer.compare(files.content(PATH), original)).toBe(0);
    expect(sizeBytes).toBe(original.length);
    const { keyCount, blockCount, minNs, maxNs } = reader.summary;
    expect(summary).toMatchObject({ path: PATH, sizeBytes, keyCount, blockCount, minNs, maxNs });
    expect(files.paths()).toEqual([PATH, `${PATH}.crc`]);
    expect(files.openCount).toBe(0);
  });
});

/** A file of our own: `keys` in order, one block of `count` floats each. */
async function written(files: MemoryFileSystem, keys: readonly string[], count = 3): Promise<void> {
  const writer = await TsmWriter.create(files, PATH);
  const builder = new BlockBuilder();
  builder.setTimes(
    Float64Array.from({ length: count }, (_, i) => i * 1e9),
    count,
    1000n,
  );
  for (const [i, key] of keys.entries()) {
    const numbers = Float64Array.from({ length: count }, (_, k) => i + k / 10);
    const block = builder.build(FieldType.FLOAT, { numbers, wide: null, strings: null }, count);
    if (
      !writer.add(utf8(key), FieldType.FLOAT, 1000n, 1000n + BigInt(count - 1) * 10n ** 9n, block)
    ) {
      await writer.drained();
    }
  }
  await publishTsmFiles(files, [await writer.finish()]);
}

describe('lookup', () => {
  const keys = Array.from(
    { length: 20_000 },
    (_, i) => `cpu,host=h${String(i * 2).padStart(6, '0')}#!~#v`,
  );

  test('finds each key and no other', async () => {
    const files = new MemoryFileSystem();
    await written(files, keys);
    const reader = await TsmReader.open(files, PATH);
    expect(reader.summary.keyCount).toBe(keys.length);
    const entries = new IndexEntries();
    for (let i = 0; i < keys.length; i += 7) {
      expect(reader.find(utf8(keys[i]!), entries)).toBe(true);
      expect([entries.count, entries.minNs[0]]).toEqual([1, 1000n]);
      expect(reader.find(utf8(keys[i]!.replace(/.#/, '1#')), entries)).toBe(false);
    }
    for (const absent of ['', 'a', 'z', 'cpu,host=h000000', `${keys[5]!}x`]) {
      expect(reader.find(utf8(absent), entries)).toBe(false);
    }
    let seen = 0;
    const scanner = reader.scan();
    while (scanner.next(entries)) expect(text(scanner.key)).toBe(keys[seen++]);
    expect(seen).toBe(keys.length);
    const from = reader.scan(utf8(keys[15_000]!));
    from.next(entries);
    expect(text(from.key) <= keys[15_000]!).toBe(true);
    await reader.release();
    expect(files.openCount).toBe(0);
  });

  test('a file stays open while it has users', async () => {
    const files = new MemoryFileSystem();
    await written(files, ['a#!~#v']);
    const reader = await TsmReader.open(files, PATH);
    reader.retain();
    await reader.release();
    expect(files.openCount).toBe(1);
    await reader.release();
    expect(files.openCount).toBe(0);
  });
});

describe('the writer refuses', () => {
  const block = new Uint8Array(30);
  test.each<[string, (writer: TsmWriter) => void, string]>([
    ['keys out of order', (w) => w.add(utf8('a'), 0, 1n, 2n, block), 'key before the last one'],
    [
      'overlapping blocks',
      (w) => w.add(utf8('b'), 0, 2n, 9n, block),
      'block overlaps the last one',
    ],
    ['another type', (w) => w.add(utf8('b'), 1, 5n, 9n, block), 'has another type'],
    ['empty keys', (w) => w.add(new Uint8Array(0), 0, 1n, 2n, block), 'cannot add a'],
    ['long keys', (w) => w.add(utf8('c'.repeat(65536)), 0, 1n, 2n, block), 'a key of 65536 bytes'],
    [
      'too many blocks of a key',
      (w) => {
        for (let i = 0; i < 65536; i++) w.add(utf8('c'), 0, BigInt(i), BigInt(i), block);
      },
      'max file exceeded',
    ],
  ])('%s', async (_name, add, message) => {
    const files = new MemoryFileSystem();
    const writer = await TsmWriter.create(files, PATH);
    writer.add(utf8('b'), 0, 1n, 2n, block);
    expect(() => add(writer)).toThrow(message);
    await writer.abort();
    expect(files.paths()).toEqual([]);
  });

  test('to finish an empty file', async () => {
    const files = new MemoryFileSystem();
    const writer = await TsmWriter.create(files, PATH);
    await expect(writer.finish()).rejects.toThrow(`cannot finish ${PATH}: no blocks`);
    expect([files.paths(), files.openCount]).toEqual([[], 0]);
  });
});

test('an error of the disk is reported and leaves only a temporary file', async () => {
  for (let changes = 1; changes < 6; changes++) {
    const files = new MemoryFileSystem();
    files.changesLeft = changes;
    const done = await written(files, ['a#!~#v', 'b#!~#v']).then(
      () => true,
      () => false,
    );
    expect(files.openCount).toBe(0);
    if (!done && files.files.has(PATH))
      await expect(TsmReader.open(files, PATH)).resolves.toBeDefined();
  }
});

describe('corruption', () => {
  const recorded = (lines: string[]): Logger => ({
    ...silentLogger,
    error: (phrase, fields) => void lines.push(`${phrase}: ${fields?.reason}`),
  });

  /** Reads everything that a file has; true when all of it came out. */
  async function isWhole(files: MemoryFileSystem, quarantine: Quarantine): Promise<boolean> {
    const reader = await quarantine.openTsm(PATH);
    if (reader === null) return false;
    try {
      for (const { block } of blocksOf(reader)) countBlockValues(block, 0, block.length);
      return true;
    } catch {
      return false;
    } finally {
      await reader.release();
      expect(files.openCount).toBe(0);
    }
  }

  test('each flipped byte of a file of ours is noticed', async () => {
    const clean = new MemoryFileSystem();
    await written(clean, ['a#!~#v', 'b#!~#v'], 20);
    const bytes = clean.content(PATH);
    for (let at = 0; at < bytes.length; at++) {
      const files = new MemoryFileSystem();
      const flipped = bytes.slice();
      flipped[at]! ^= 0x10;
      files.put(PATH, flipped);
      files.put(`${PATH}.crc`, clean.content(`${PATH}.crc`));
      const quarantine = new Quarantine(files, silentLogger);
      expect([at, await isWhole(files, quarantine)]).toEqual([at, false]);
    }
  });

  test('a file cut off anywhere is put aside', async () => {
    const bytes = fixture('gens-1.tsm');
    for (let size = 0; size < bytes.length; size += 7) {
      const files = new MemoryFileSystem();
      files.put(PATH, bytes.subarray(0, size));
      const quarantine = new Quarantine(files, silentLogger);
      expect(await quarantine.openTsm(PATH)).toBeNull();
      expect([files.paths(), quarantine.count]).toEqual([[`${PATH}.bad`], 1]);
    }
  });

  test('flipped bytes of a foreign file never throw anything but our errors', async () => {
    const bytes = fixture('gens-1.tsm');
    for (let at = 0; at < bytes.length; at++) {
      const files = new MemoryFileSystem();
      const flipped = bytes.slice();
      flipped[at]! ^= 1 << (at & 7);
      files.put(PATH, flipped);
      await isWhole(files, new Quarantine(files, silentLogger));
    }
  });

  test('names are not taken twice, and the reason is logged', async () => {
    const files = new MemoryFileSystem();
    files.put(`${PATH}.bad`, utf8('earlier'));
    files.put(PATH, utf8('no TSM file at all'));
    const lines: string[] = [];
    expect(await new Quarantine(files, recorded(lines)).openTsm(PATH)).toBeNull();
    expect(files.paths()).toEqual([`${PATH}.bad`, `${PATH}.bad.2`]);
    expect(lines).toEqual([
      'file is corrupt and was renamed aside: cannot open 000000001-000000001.tsm: cannot read index at offset 0: not a TSM file',
    ]);
  });

  test('corrupt tombstones cost themselves alone', async () => {
    const files = new MemoryFileSystem();
    files.put(PATH, fixture('tomb.tsm'));
    files.put('/data/000000001-000000001.tombstone', fixture('tomb.tombstone').subarray(0, 100));
    const quarantine = new Quarantine(files, silentLogger);
    const reader = await quarantine.openTsm(PATH);
    expect(reader?.tombstones.count).toBe(0);
    expect(files.paths()).toEqual(['/data/000000001-000000001.tombstone.bad', PATH]);
  });
});

test('names', () => {
  expect(tsmFileName({ generation: 12, sequence: 3 })).toBe('000000012-000000003.tsm');
  expect(parseTsmFileName('000000012-000000003.tsm')).toEqual({ generation: 12, sequence: 3 });
  expect(parseTsmFileName('1234567890-000000001.tsm')).toEqual({
    generation: 1234567890,
    sequence: 1,
  });
  for (const name of ['000000012-000000003.tsm.tmp', 'fields.idx', '1.tsm', '-1-1.tsm']) {
    expect(parseTsmFileName(name)).toBeNull();
  }
  const order = ['000000002-000000001.tsm', '000000001-000000002.tsm', '000000001-000000001.tsm'];
  const ids = order.map((name) => parseTsmFileName(name)!).sort(compareTsmFileIds);
  expect(ids.map(tsmFileName)).toEqual(order.reverse());
});
