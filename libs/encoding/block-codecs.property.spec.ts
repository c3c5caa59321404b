import fc from 'fast-check';
import {
  BLOCK_VALUES_MAX,
  countTimes,
  CorruptionError,
  decodeBooleans,
  decodeFloats,
  decodeIntegers,
  decodeStrings,
  decodeTimes,
  decodeUnsigned,
  encodeBooleans,
  encodedBooleansMaxBytes,
  encodedFloatsMaxBytes,
  encodedIntegersMaxBytes,
  encodedStringsMaxBytes,
  encodedTimesMaxBytes,
  encodeFloats,
  encodeIntegers,
  encodeStrings,
  encodeTimes,
  encodeWideIntegers,
  encodeWideTimes,
  TimeBlock,
  ValueBlock,
} from './index.js';

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

/** Encodes at an odd position and hands back the bytes between two guards, so that stray writes and reads show. */
function framed(
  maxBytes: number,
  encode: (out: Uint8Array, position: number) => number,
): [Uint8Array, number, number] {
  const out = new Uint8Array(maxBytes + 24).fill(0xa5);
  const end = encode(out, 7);
  expect(end - 7).toBeLessThanOrEqual(maxBytes);
  expect([...out.subarray(0, 7)]).toEqual(new Array(7).fill(0xa5));
  expect([...out.subarray(maxBytes + 7)]).toEqual(new Array(17).fill(0xa5));
  return [out, 7, end];
}

function timesOf(block: TimeBlock): bigint[] {
  return Array.from({ length: block.count }, (_, i) =>
    block.wide === null ? block.baseNs + BigInt(block.offsets[i]!) : block.wide[i]!,
  );
}

const int64 = fc.oneof(
  fc.bigInt({ min: INT64_MIN, max: INT64_MAX }),
  fc.constantFrom(INT64_MIN, INT64_MAX, 0n, -1n, 1n, 2n ** 53n, 2n ** 53n + 1n, -(2n ** 53n) - 1n),
);
const steps = fc.oneof(
  fc.constantFrom(1n, 1_000_000_000n, 10_000_000_000n),
  fc.bigInt({ min: 0n, max: 2n ** 20n }),
  fc.bigInt({ min: 0n, max: 2n ** 54n }),
);
const ascending = fc
  .tuple(fc.bigInt({ min: -(2n ** 61n), max: 2n ** 61n }), fc.array(steps, { maxLength: 300 }))
  .map(([first, differences]) =>
    differences.reduce((all, step) => [...all, all[all.length - 1]! + step], [first]),
  );

describe('times', () => {
  const block = new TimeBlock();

  test('come back, whatever base they are asked for', () => {
    fc.assert(
      fc.property(ascending, fc.option(int64), (times, base) => {
        const [bytes, start, end] = framed(encodedTimesMaxBytes(times.length), (out, at) =>
          encodeWideTimes(BigInt64Array.from(times), times.length, out, at),
        );
        decodeTimes(bytes, start, end, block, base);
        expect(timesOf(block)).toEqual(times);
        expect(countTimes(bytes, start, end)).toBe(times.length);
        if (block.wide === null) expect(block.baseNs).toBe(base ?? times[0]);
      }),
    );
  });

  test('give the same bytes from offsets as from 64-bit words', () => {
    fc.assert(
      fc.property(ascending, (times) => {
        fc.pre(times[times.length - 1]! - times[0]! < 2n ** 53n);
        const offsets = Float64Array.from(times, (time) => Number(time - times[0]!));
        const [fast, , fastEnd] = framed(encodedTimesMaxBytes(times.length), (out, at) =>
          encodeTimes(offsets, times.length, times[0]!, out, at),
        );
        const [wide, , wideEnd] = framed(encodedTimesMaxBytes(times.length), (out, at) =>
          encodeWideTimes(BigInt64Array.from(times), times.length, out, at),
        );
        expect(fast.subarray(0, fastEnd)).toEqual(wide.subarray(0, wideEnd));
      }),
    );
  });

  test.each([
    [[INT64_MAX, INT64_MIN]],
    [[INT64_MAX, INT64_MIN, INT64_MIN + 1n]],
    [[INT64_MAX - 1n, INT64_MIN + 5n, INT64_MIN + 5n, INT64_MIN + 90n]],
  ])('whose differences wrap around come back: %s', (times) => {
    const [bytes, start, end] = framed(encodedTimesMaxBytes(times.length), (out, at) =>
      encodeWideTimes(BigInt64Array.from(times), times.length, out, at),
    );
    for (const base of [undefined, times[0]! - 10n]) {
      decodeTimes(bytes, start, end, block, base);
      expect(timesOf(block)).toEqual(times);
    }
  });

  test('in any order come back through the raw encoding', () => {
    fc.assert(
      fc.property(fc.array(int64, { minLength: 1, maxLength: 50 }), (times) => {
        const [bytes, start, end] = framed(encodedTimesMaxBytes(times.length), (out, at) =>
          encodeWideTimes(BigInt64Array.from(times), times.length, out, at),
        );
        decodeTimes(bytes, start, end, block);
        expect(timesOf(block)).toEqual(times);
      }),
    );
  });
});

describe('floats', () => {
  const words = (values: Float64Array): BigUint64Array =>
    new BigUint64Array(values.buffer, 0, values.length);
  const float = fc.oneof(
    fc.double({ noNaN: true }),
    fc.constantFrom(
      0,
      -0,
      5e-324,
      -5e-324,
      1,
      1.5,
      2 ** 53,
      Infinity,
      -Infinity,
      1.7976931348623157e308,
    ),
    fc.integer({ min: -100, max: 100 }).map((whole) => whole / 10),
  );

  test('come back bit by bit', () => {
    fc.assert(
      fc.property(fc.array(float, { minLength: 1, maxLength: 300 }), (list) => {
        const values = Float64Array.from(list);
        const [bytes, start, end] = framed(encodedFloatsMaxBytes(list.length), (out, at) =>
          encodeFloats(values, list.length, out, at),
        );
        const out = new Float64Array(list.length);
        decodeFloats(bytes, start, end, out, list.length);
        expect(words(out)).toEqual(words(values));
        expect(() =>
          decodeFloats(bytes, start, end, new Float64Array(list.length + 1), list.length + 1),
        ).toThrow(CorruptionError);
      }),
    );
  });

  test('refuse NaN', () => {
    expect(() => encodeFloats(Float64Array.of(1, NaN), 2, new Uint8Array(99), 0)).toThrow(
      'unsupported value: NaN',
    );
  });
});

describe('integers and unsigned', () => {
  const block = new ValueBlock();
  const column = fc.oneof(
    fc.array(int64, { minLength: 1, maxLength: 300 }),
    fc.array(fc.bigInt({ min: -9n, max: 9n }), { minLength: 1, maxLength: 700 }),
    fc.array(fc.bigInt({ min: 2n ** 53n - 9n, max: 2n ** 53n + 9n }), {
      minLength: 1,
      maxLength: 90,
    }),
    fc
      .tuple(int64, int64, fc.integer({ min: 1, max: 500 }))
      .map(([first, step, count]) =>
        Array.from({ length: count }, (_, i) => BigInt.asIntN(64, first + BigInt(i) * step)),
      ),
  );
  const abs = (value: bigint): bigint => (value < 0n ? -value : value);

  test('come back exactly, as words where a value is beyond 2^53', () => {
    fc.assert(
      fc.property(column, (list) => {
        const [bytes, start, end] = framed(encodedIntegersMaxBytes(list.length), (out, at) =>
          encodeWideIntegers(BigInt64Array.from(list), list.length, out, at),
        );
        decodeIntegers(bytes, start, end, block, list.length);
        expect([...block.numbers.subarray(0, list.length)]).toEqual(list.map(Number));
        if (list.some((value) => abs(value) > 2n ** 53n)) {
          expect([...block.wide!.subarray(0, list.length)]).toEqual(list);
        }
        if (list.every((value) => abs(value) < 2n ** 53n)) expect(block.wide).toBeNull();
        decodeUnsigned(bytes, start, end, block, list.length);
        const unsigned = list.map((value) => BigInt.asUintN(64, value));
        expect([...block.numbers.subarray(0, list.length)]).toEqual(unsigned.map(Number));
        if (unsigned.some((value) => value > 2n ** 53n)) {
          expect([...block.wide!.subarray(0, list.length)]).toEqual(list);
        }
      }),
    );
  });

  test('give the same bytes from floats as from 64-bit words', () => {
    fc.assert(
      fc.property(column, (list) => {
        fc.pre(list.every((value) => abs(value) <= 2n ** 53n));
        const [fast, , fastEnd] = framed(encodedIntegersMaxBytes(list.length), (out, at) =>
          encodeIntegers(Float64Array.from(list, Number), list.length, out, at),
        );
        const [wide, , wideEnd] = framed(encodedIntegersMaxBytes(list.length), (out, at) =>
          encodeWideIntegers(BigInt64Array.from(list), list.length, out, at),
        );
        expect(fast.subarray(0, fastEnd)).toEqual(wide.subarray(0, wideEnd));
      }),
    );
  });
});

test('booleans come back', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 100 }), (list) => {
      const values = Float64Array.from(list, Number);
      const [bytes, start, end] = framed(encodedBooleansMaxBytes(list.length), (out, at) =>
        encodeBooleans(values, list.length, out, at),
      );
      const out = new Float64Array(list.length);
      decodeBooleans(bytes, start, end, out, list.length);
      expect(out).toEqual(values);
    }),
  );
});

test('strings come back', () => {
  const block = new ValueBlock();
  const text = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom('', 'x'.repeat(200), '✓'.repeat(99)),
  );
  fc.assert(
    fc.property(fc.array(text, { minLength: 1, maxLength: 60 }), (list) => {
      const all = list.map((item) => new TextEncoder().encode(item));
      const offsets = new Int32Array(list.length + 1);
      all.forEach((item, i) => (offsets[i + 1] = offsets[i]! + item.length));
      const strings = { bytes: Buffer.concat(all), offsets };
      const [bytes, start, end] = framed(encodedStringsMaxBytes(strings, list.length), (out, at) =>
        encodeStrings(strings, list.length, out, at),
      );
      decodeStrings(bytes, start, end, block, list.length);
      const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
      const back = list.map((_, i) =>
        decoder.decode(
          block.strings.bytes.subarray(block.strings.offsets[i], block.strings.offsets[i + 1]),
        ),
      );
      expect(back).toEqual(all.map((item) => decoder.decode(item)));
    }),
  );
});

describe('hostile bytes', () => {
  const times = new TimeBlock();
  const values = new ValueBlock();
  const decoders: ((bytes: Uint8Array, count: number) => void)[] = [
    (bytes) => decodeTimes(bytes, 3, bytes.length, times),
    (bytes) => decodeTimes(bytes, 3, bytes.length, times, 0n),
    (bytes) => countTimes(bytes, 3, bytes.length),
    (bytes, count) => decodeFloats(bytes, 3, bytes.length, values.reserve(count), count),
    (bytes, count) => decodeIntegers(bytes, 3, bytes.length, values, count),
    (bytes, count) => decodeUnsigned(bytes, 3, bytes.length, values, count),
    (bytes, count) => decodeBooleans(bytes, 3, bytes.length, values.reserve(count), count),
    (bytes, count) => decodeStrings(bytes, 3, bytes.length, values, count),
  ];
  const onlyCorruption = (run: () => void): void => {
    try {
      run();
    } catch (error) {
      if (!(error instanceof CorruptionError)) throw error;
      expect(error.offset).toBeGreaterThanOrEqual(0);
    }
  };

  test('decode or throw CorruptionError', () => {
    const head = fc.constantFrom(0x00, 0x10, 0x1c, 0x20, 0x2c, 0x2f, 0x1f);
    fc.assert(
      fc.property(
        head,
        fc.uint8Array({ maxLength: 120 }),
        fc.integer({ min: 1, max: 400 }),
        (first, rest, count) => {
          const bytes = Uint8Array.of(1, 2, 3, first, ...rest);
          for (const decode of decoders) onlyCorruption(() => decode(bytes, count));
        },
      ),
      { numRuns: 2000 },
    );
  });

  test('cut or flipped blocks decode or throw CorruptionError', () => {
    const gauge = Float64Array.from({ length: 50 }, (_, i) => Math.round(Math.sin(i) * 1000) / 10);
    const whole = gauge.map((value) => Math.round(value * 10));
    const strings = {
      bytes: new Uint8Array(500).fill(97),
      offsets: Int32Array.from({ length: 51 }, (_, i) => i * 10),
    };
    const encoders: ((out: Uint8Array) => number)[] = [
      (out) =>
        encodeTimes(
          Float64Array.from({ length: 50 }, (_, i) => i * i),
          50,
          0n,
          out,
          3,
        ),
      (out) => encodeFloats(gauge, 50, out, 3),
      (out) => encodeIntegers(whole, 50, out, 3),
      (out) => encodeBooleans(whole, 50, out, 3),
      (out) => encodeStrings(strings, 50, out, 3),
    ];
    for (const encode of encoders) {
      const out = new Uint8Array(1000);
      const end = encode(out);
      for (let at = 3; at < end; at++) {
        const flipped = out.slice(0, end);
        flipped[at]! ^= 1 << (at & 7);
        for (const decode of decoders) {
          onlyCorruption(() => decode(flipped, 50));
          onlyCorruption(() => decode(out.slice(0, at), 50));
        }
      }
    }
  });

  test('claims of too many values are refused before memory is taken', () => {
    const run = new Uint8Array(40).fill(0xff);
    run.set([0x20, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x81, 0x80, 0x80, 0x80, 0x7f]);
    expect(() => decodeTimes(run, 0, 40, times)).toThrow('timestamps in one block');
    const packed = new Uint8Array(9 + 8 * (Math.ceil(BLOCK_VALUES_MAX / 240) + 1));
    packed[0] = 0x10;
    expect(() => decodeTimes(packed, 0, packed.length, times)).toThrow('values in one block');
    const snappy = Uint8Array.of(0x10, 0xff, 0xff, 0xff, 0x7f, 0);
    expect(() => decodeStrings(snappy, 0, 6, values, 1)).toThrow(
      /cannot decompress snappy at offset 1: 1 bytes cannot hold|more than/,
    );
  });
});
