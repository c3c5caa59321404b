import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { FieldType, fieldTypeName } from '#models';
import { compressSnappy } from '#encoding';
import {
  type InfluxWalColumn,
  type InfluxWalEntry,
  parseInfluxWalName,
  readInfluxWal,
} from './influx-wal.js';

const fixture = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(new URL(`../../test/fixtures/tsm/${name}`, import.meta.url)));
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

function entriesOf(content: Uint8Array): [InfluxWalEntry[], ReturnType<typeof readInfluxWal>] {
  const entries: InfluxWalEntry[] = [];
  const summary = readInfluxWal(content, (entry) => void entries.push(entry));
  return [entries, summary];
}

const valuesOf = ({ count, numbers, wide, strings }: InfluxWalColumn): unknown[] =>
  Array.from({ length: count }, (_, i) => {
    if (strings !== null)
      return text(strings.bytes.subarray(strings.offsets[i], strings.offsets[i + 1]));
    return wide === null ? numbers[i] : wide[i];
  });

test("InfluxDB's segment: writes of all types, deletes", () => {
  const [entries, summary] = entriesOf(fixture('influx.wal'));
  expect(summary).toEqual({ entryCount: 5, validBytes: 1208, fault: null });
  expect(entries.map(({ kind }) => kind)).toEqual(['write', 'write', 'delete', 'delete', 'write']);
  const [first, second, third, fourth] = entries;
  const columns = first?.kind === 'write' ? first.columns : [];
  const find = (key: string): unknown[] => {
    const column = columns.find((each) => text(each.key) === key)!;
    return [fieldTypeName(column.type), column.count, valuesOf(column).slice(0, 4)];
  };
  expect(columns.length).toBeGreaterThan(5);
  expect(new Set(columns.map(({ type }) => type))).toEqual(
    new Set([FieldType.FLOAT, FieldType.INTEGER, FieldType.BOOLEAN, FieldType.STRING]),
  );
  expect(find('edge,k=min#!~#i')).toEqual(['integer', 1, [-(2n ** 63n)]]);
  expect(find('edge,k=max#!~#i')).toEqual(['integer', 1, [2n ** 63n - 1n]]);
  expect(
    second?.kind === 'write' && second.columns.map(({ key, count }) => [text(key), count]),
  ).toContainEqual(['d,s=a#!~#v', 6]);
  expect(third).toMatchObject({
    kind: 'delete',
    minNs: 1500000002000000000n,
    maxNs: 1500000003000000000n,
  });
  expect(fourth).toMatchObject({ kind: 'delete', minNs: -(2n ** 63n), maxNs: 2n ** 63n - 1n });
  expect(third?.kind === 'delete' && third.keys.map(text)).toEqual(['d,s=a#!~#v']);
});

const entry = (type: number, content: string): Uint8Array => {
  const packed = compressSnappy(new Uint8Array(Buffer.from(content.replace(/\s/g, ''), 'hex')));
  const head = Buffer.alloc(5);
  head[0] = type;
  head.writeUInt32BE(packed.length, 1);
  return Buffer.concat([head, packed]);
};
const floats = '01 0001 61 00000001 0000000000000007 3ff8000000000000';

test('unsigned values and deletes of whole keys', () => {
  const unsigned =
    '05 0001 61 00000002 0000000000000001 0000000000000005 0000000000000002 ffffffffffffffff';
  const [entries] = entriesOf(Buffer.concat([entry(1, unsigned), entry(2, '610a6262')]));
  const write = entries[0]!;
  expect(write.kind === 'write' && [write.columns[0]!.type, valuesOf(write.columns[0]!)]).toEqual([
    FieldType.UNSIGNED,
    [5n, -1n],
  ]);
  expect(entries[1]?.kind === 'delete' && entries[1].keys.map(text)).toEqual(['a', 'bb']);
});

test.each([
  ['an unknown entry', entry(9, '00'), 'unknown type 9'],
  ['an unknown value type', entry(1, floats.replace('01', '07')), 'unknown value type 7'],
  ['a cut off key', entry(1, '01 0005 61'), 'key is cut off'],
  ['too few values', entry(1, floats.replace('00000001', 'ffffffff')), 'values are cut off'],
  [
    'a cut off string',
    entry(1, '04 0001 61 00000001 0000000000000007 00000009 61'),
    'a string is cut off',
  ],
  ['a range without times', entry(3, '00'), 'times are cut off'],
  ['a range with half a key', entry(3, `${'00'.repeat(16)} 0000 0005 61`), 'key is cut off'],
  ['bad snappy', Uint8Array.of(1, 0, 0, 0, 2, 9, 0xff), 'cannot decompress snappy'],
])('%s ends the segment behind what was whole', (_name, bad, reason) => {
  const good = entry(1, floats);
  const [entries, summary] = entriesOf(Buffer.concat([good, bad, good]));
  expect([entries.length, summary.entryCount, summary.validBytes]).toEqual([1, 1, good.length]);
  expect(summary.fault?.message).toContain(`cannot read WAL entry at offset ${good.length}: `);
  expect(summary.fault?.message).toContain(reason);
});

test('a torn tail loses no earlier entry', () => {
  const whole = fixture('influx.wal');
  const ends: number[] = [];
  for (let at = 0; at < whole.length;) {
    at += 5 + Buffer.from(whole).readUInt32BE(at + 1);
    ends.push(at);
  }
  for (let size = 0; size <= whole.length; size++) {
    const [entries, summary] = entriesOf(whole.slice(0, size));
    const want = ends.filter((end) => end <= size);
    expect([size, entries.length, summary.validBytes]).toEqual([
      size,
      want.length,
      want[want.length - 1] ?? 0,
    ]);
    expect(summary.fault === null).toBe(size === 0 || ends.includes(size));
  }
});

test('any bytes are read up to where they make no sense', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      fc.integer({ min: 1, max: 3 }),
      (bytes, type) => {
        entriesOf(bytes);
        entriesOf(entry(type, Buffer.from(bytes).toString('hex')));
      },
    ),
    { numRuns: 1000 },
  );
});

test('names of segments', () => {
  expect(
    ['_00001.wal', '_123456.wal', '00001.wal', '_1.wal', '_00001.wal.bad'].map(parseInfluxWalName),
  ).toEqual([1, 123456, null, null, null]);
});
