import fc from 'fast-check';
import { createHash } from 'node:crypto';
import {
  compareBytes,
  compressSnappy,
  CorruptionError,
  crc32,
  createBitWriter,
  decodeZigzag,
  decompressSnappy,
  encodeZigzag,
  flushBits,
  fnv1a64,
  fnv1a64Modulo,
  putBits,
  readI64,
  readU16,
  readU32,
  readVarint,
  readWideVarint,
  skipVarint,
  startBits,
  varintSizeBytes,
  writeI64,
  writeU16,
  writeU32,
  writeVarint,
  writeWideVarint,
} from './index.js';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const unhex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));

test('fixed-width integers', () => {
  const bytes = new Uint8Array(16);
  writeU16(bytes, 0, 0xfedc);
  writeU32(bytes, 2, 0xfedcba98);
  writeI64(bytes, 6, -2n);
  expect(hex(bytes)).toBe('fedcfedcba98fffffffffffffffe0000');
  expect([readU16(bytes, 0), readU32(bytes, 2), readI64(bytes, 6)]).toEqual([
    0xfedc,
    0xfedcba98,
    -2n,
  ]);
  for (const value of [0n, -1n, 2n ** 63n - 1n, -(2n ** 63n)]) {
    writeI64(bytes, 0, value);
    expect(readI64(bytes, 0)).toBe(value);
  }
});

test('compareBytes orders by bytes, prefixes first', () => {
  const f = (a: string, b: string): number => Math.sign(compareBytes(utf8(a), utf8(b)));
  expect([f('a', 'b'), f('b', 'a'), f('a', 'a'), f('a', 'aa'), f('é', 'z'), f('', 'a')]).toEqual([
    -1, 1, 0, -1, 1, -1,
  ]);
});

describe('varint', () => {
  const f = (value: number, want: string): void => {
    const bytes = new Uint8Array(12);
    const end = writeVarint(bytes, 1, value);
    expect(hex(bytes.subarray(1, end))).toBe(want);
    expect(varintSizeBytes(value)).toBe(end - 1);
    expect(readVarint(bytes, 1, end)).toBe(value);
    expect(skipVarint(bytes, 1, end)).toBe(end);
  };
  test.each([
    [0, '00'],
    [127, '7f'],
    [128, '8001'],
    [300, 'ac02'],
    [2 ** 31, '8080808008'],
    [2 ** 32 + 1, '8180808010'],
    [2 ** 53 - 1, 'ffffffffffffff0f'],
  ])('%d', f);

  test('64 bits', () => {
    const bytes = new Uint8Array(12);
    const end = writeWideVarint(bytes, 0, 2n ** 64n - 1n);
    expect(hex(bytes.subarray(0, end))).toBe('ffffffffffffffffff01');
    expect(readWideVarint(bytes, 0, end)).toBe(2n ** 64n - 1n);
  });

  test.each([
    ['80', 'cut off'],
    ['', 'cut off'],
    ['ffffffffffffffffffffff01', 'longer than 64 bits'],
    ['8180808080808010', '2^53 or more'],
  ])('%s is refused: %s', (text, reason) => {
    const bytes = unhex(text);
    expect(() => readVarint(bytes, 0, bytes.length)).toThrow(
      `cannot read a varint at offset 0: ${reason}`,
    );
  });

  test('zigzag', () => {
    expect([0, -1, 1, -2, 2 ** 51, -(2 ** 51)].map(encodeZigzag)).toEqual([
      0,
      1,
      2,
      3,
      2 ** 52,
      2 ** 52 - 1,
    ]);
    fc.assert(
      fc.property(fc.integer({ min: -(2 ** 51), max: 2 ** 51 }), (value) => {
        expect(decodeZigzag(encodeZigzag(value))).toBe(value);
      }),
    );
  });
});

test('crc32 goes on where it stopped', () => {
  expect(crc32(utf8('123456789'))).toBe(0xcbf43926);
  expect(crc32(utf8('6789'), crc32(utf8('12345')))).toBe(0xcbf43926);
});

test('FNV-1a', () => {
  expect(fnv1a64(utf8(''), 0, 0)).toBe(0xcbf29ce484222325n);
  expect(fnv1a64(utf8('xfoobarx'), 1, 7)).toBe(0x85944171f73967e8n);
  fc.assert(
    fc.property(fc.uint8Array(), fc.integer({ min: 1, max: 1000 }), (bytes, divisor) => {
      let hash = 0xcbf29ce484222325n;
      for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
      expect(fnv1a64(bytes, 0, bytes.length)).toBe(hash);
      expect(fnv1a64Modulo(bytes, 0, bytes.length, divisor)).toBe(Number(hash % BigInt(divisor)));
    }),
  );
});

test('bits go in from the highest down', () => {
  const writer = createBitWriter();
  const piece = fc
    .integer({ min: 1, max: 32 })
    .chain((count) => fc.tuple(fc.integer({ min: 0, max: 2 ** count - 1 }), fc.constant(count)));
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const bytes = new Uint8Array(pieces.length * 4 + 8);
      startBits(writer, bytes, 2);
      for (const [value, count] of pieces) putBits(writer, value, count);
      const end = flushBits(writer);
      const bits = pieces.map(([value, count]) => value.toString(2).padStart(count, '0')).join('');
      const got = [...bytes.subarray(2, end)]
        .map((byte) => byte.toString(2).padStart(8, '0'))
        .join('');
      expect(got).toBe(bits.padEnd(Math.ceil(bits.length / 8) * 8, '0'));
    }),
  );
});

describe('snappy', () => {
  test('round trip', () => {
    const content = fc.oneof(
      fc.uint8Array({ maxLength: 3000 }),
      fc
        .tuple(fc.string(), fc.integer({ min: 0, max: 2000 }))
        .map(([text, times]) => utf8(text.repeat(times))),
    );
    fc.assert(
      fc.property(content, (bytes) => {
        const back = decompressSnappy(compressSnappy(bytes), bytes.length);
        expect(Buffer.compare(back, bytes)).toBe(0);
      }),
      { numRuns: 300 },
    );
  });

  test('blocks above 64 KiB', () => {
    const parts: Uint8Array[] = [];
    for (let i = 0; i < 9000; i++)
      parts.push(
        createHash('sha1')
          .update(String(i % 4000))
          .digest(),
      );
    const bytes = Buffer.concat(parts);
    expect(Buffer.compare(decompressSnappy(compressSnappy(bytes), 1e6), bytes)).toBe(0);
  });

  test.each([
    ['', 'bad length'],
    ['ffffffffff01', 'bad length'],
    ['05', '0 bytes cannot hold 5'],
    ['0510616263', 'malformed'],
    ['05106162636465aa', 'malformed'],
    ['040c61626364fcffffffff', 'malformed'],
    ['08086162630104', 'malformed'],
    ['64fcf0ffffff6162636465', 'malformed'],
    ['05040161', 'malformed'],
  ])('%s is refused: %s', (text, reason) => {
    expect(() => decompressSnappy(unhex(text), 1000)).toThrow(reason);
  });

  test('content above the limit is refused before memory is taken', () => {
    const bytes = compressSnappy(new Uint8Array(5000));
    expect(() => decompressSnappy(bytes, 4999)).toThrow(
      'cannot decompress snappy at offset 0: 5000 bytes, more than 4999',
    );
  });

  test('any bytes decompress or throw CorruptionError', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 127 }),
        fc.uint8Array({ maxLength: 60 }),
        (size, rest) => {
          try {
            decompressSnappy(Uint8Array.of(size, ...rest), 1000);
          } catch (error) {
            expect(error).toBeInstanceOf(CorruptionError);
          }
        },
      ),
      { numRuns: 3000 },
    );
  });
});
