/** Decodes the example bytes in docs/formats. */
import { readFileSync } from 'node:fs';
import {
  decodeBooleans,
  decodeFloats,
  decodeIntegers,
  decodeStrings,
  decodeTimes,
  decodeUnsigned,
  encodeBooleans,
  encodeFloats,
  encodeIntegers,
  encodeTimes,
  encodeWideIntegers,
  encodeWideTimes,
  TimeBlock,
  ValueBlock,
} from '#encoding';
import { BlockCursor } from './cursor/block-cursor.js';
import { IndexEntries } from './index-entries.js';
import { readInfluxWal } from './influx-wal.js';
import { MemoryFileSystem } from './testing/memory-file-system.js';
import { parseTombstones } from './tombstone.js';
import { TsmReader } from './tsm-reader.js';

interface Example {
  readonly page: string;
  readonly kind: string;
  readonly want: readonly string[];
  readonly bytes: Uint8Array;
}

/** Fenced blocks whose first line is `hex <kind> <words…>`. */
function examples(page: string): Example[] {
  const text = readFileSync(new URL(`../../docs/formats/${page}`, import.meta.url), 'utf8');
  return [...text.matchAll(/^```hex (\S+) (.*)\n([^`]*)```$/gm)].map(([, kind, words, body]) => ({
    page,
    kind: kind!,
    want: words!.trim().split(/\s+/),
    bytes: new Uint8Array(Buffer.from(body!.replace(/#.*$/gm, '').replace(/\s/g, ''), 'hex')),
  }));
}

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const numberText = (value: number): string => (Object.is(value, -0) ? '-0' : String(value));

function decoded({ kind, want, bytes }: Example): string[] {
  const values = new ValueBlock();
  const count = want.length;
  const numbers = values.reserve(count);
  const end = bytes.length;
  const whole = (): string[] =>
    want.map((_, i) => String(values.wide === null ? BigInt(values.numbers[i]!) : values.wide[i]!));
  if (kind === 'times') {
    const block = new TimeBlock();
    decodeTimes(bytes, 0, end, block);
    return Array.from({ length: block.count }, (_, i) =>
      String(block.wide === null ? block.baseNs + BigInt(block.offsets[i]!) : block.wide[i]!),
    );
  }
  if (kind === 'floats') decodeFloats(bytes, 0, end, numbers, count);
  else if (kind === 'booleans') decodeBooleans(bytes, 0, end, numbers, count);
  else if (kind === 'integers') {
    decodeIntegers(bytes, 0, end, values, count);
    return whole();
  } else if (kind === 'unsigned') {
    decodeUnsigned(bytes, 0, end, values, count);
    return whole().map((word) => String(BigInt.asUintN(64, BigInt(word))));
  } else {
    decodeStrings(bytes, 0, end, values, count);
    const { bytes: all, offsets } = values.strings;
    return want.map((_, i) => text(all.subarray(offsets[i], offsets[i + 1])));
  }
  return Array.from(numbers.subarray(0, count), numberText);
}

function encoded({ kind, want }: Example): Uint8Array {
  const out = new Uint8Array(1000);
  const count = want.length;
  const words = (): BigInt64Array =>
    BigInt64Array.from(want, (word) => BigInt.asIntN(64, BigInt(word)));
  const numbers = Float64Array.from(want, Number);
  if (kind === 'floats') return out.subarray(0, encodeFloats(numbers, count, out, 0));
  if (kind === 'booleans') return out.subarray(0, encodeBooleans(numbers, count, out, 0));
  if (kind === 'times') {
    const wide = out.slice(0, encodeWideTimes(words(), count, out, 0));
    const offsets = numbers.map((_, i) => Number(words()[i]! - words()[0]!));
    if (offsets.every((offset) => offset < 2 ** 53)) {
      expect(out.subarray(0, encodeTimes(offsets, count, words()[0]!, out, 0))).toEqual(wide);
    }
    return wide;
  }
  const wide = out.slice(0, encodeWideIntegers(words(), count, out, 0));
  if (kind === 'integers')
    expect(out.subarray(0, encodeIntegers(numbers, count, out, 0))).toEqual(wide);
  return wide;
}

const blocks = examples('blocks.md');

test('blocks.md has an example of each encoding', () => {
  const seen = blocks.map(({ kind, bytes }) => `${kind} ${bytes[0]! >>> 4}`);
  expect(seen).toEqual([
    'times 2',
    'times 1',
    'times 0',
    'floats 1',
    'integers 2',
    'integers 1',
    'integers 0',
    'unsigned 1',
    'booleans 1',
    'strings 1',
  ]);
});

test.each(blocks.map((example, i) => [i, example.kind, example] as const))(
  'blocks.md example %i: %s',
  (_i, kind, example) => {
    expect(decoded(example)).toEqual(example.want);
    if (kind !== 'strings') expect(encoded(example)).toEqual(example.bytes);
  },
);

test('tsm.md', async () => {
  const [example] = examples('tsm.md');
  const files = new MemoryFileSystem();
  files.put('/000000001-000000001.tsm', example!.bytes);
  const reader = await TsmReader.open(files, '/000000001-000000001.tsm');
  const entries = new IndexEntries();
  const [key, timeNs, value] = example!.want;
  expect(reader.find(new TextEncoder().encode(key), entries)).toBe(true);
  const cursor = new BlockCursor({
    type: entries.type,
    files: [{ reader, entries, deleted: null }],
    cached: null,
    minNs: reader.summary.minNs,
    maxNs: reader.summary.maxNs,
    ascending: true,
    baseNs: null,
    memo: null,
    onCorruptBlock: null,
  });
  const batch = cursor.next();
  expect([batch?.count, String(batch?.baseNs), String(batch?.wide?.[0])]).toEqual([
    1,
    timeNs,
    value,
  ]);
  expect(cursor.next()).toBeNull();
  await reader.release();
});

test.each(examples('tombstone.md').map((example) => [example.want[0], example] as const))(
  'tombstone.md version %s',
  (version, { bytes, want }) => {
    expect(bytes[3]).toBe(Number(version));
    const found = [...parseTombstones(bytes)].flatMap(({ key, minNs, maxNs }) => [
      text(key),
      String(minNs),
      String(maxNs),
    ]);
    expect(found).toEqual(want.slice(1));
  },
);

test('influxdb-wal.md', () => {
  const [example] = examples('influxdb-wal.md');
  const found: string[] = [];
  const summary = readInfluxWal(example!.bytes, (entry) => {
    found.push(entry.kind);
    if (entry.kind !== 'write') return;
    for (const { key, timesNs, numbers } of entry.columns) {
      found.push(text(key), String(timesNs[0]), String(numbers[0]));
    }
  });
  expect(found).toEqual(example!.want);
  expect(summary).toEqual({ entryCount: 1, validBytes: example!.bytes.length, fault: null });
});
