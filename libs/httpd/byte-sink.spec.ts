import { ByteSink, formatPlainFloat, formatRfc3339Nano } from './byte-sink.js';

const written = (write: (sink: ByteSink) => void): string => {
  const sink = new ByteSink();
  write(sink);
  return Buffer.from(sink.view()).toString('utf8');
};

describe('ByteSink', () => {
  it.each([
    [0, '0'],
    [-0, '-0'],
    [1, '1'],
    [-5, '-5'],
    [2147483647, '2147483647'],
    [-2147483648, '-2147483648'],
    [9007199254740992, '9007199254740992'],
    [0.1, '0.1'],
    [1e20, '100000000000000000000'],
    [1e21, '1e+21'],
    [0.000001, '0.000001'],
    [1e-7, '1e-7'],
    [5e-324, '5e-324'],
    [1.7976931348623157e308, '1.7976931348623157e+308'],
    [Number.NaN, 'null'],
  ])('writes the float %p as Go does', (value, text) => {
    expect(written((sink) => sink.jsonFloat(value))).toBe(text);
  });

  it.each([0, 7, 10, 99, 100, 12345678, -1, -10, 2 ** 31 - 1, -(2 ** 31), 2 ** 31, 2 ** 53])(
    'writes the integer %p',
    (value) => {
      expect(written((sink) => sink.integer(value))).toBe(String(value));
    },
  );

  it.each([
    ['plain', '"plain"'],
    ['', '""'],
    ['a"b\\c', '"a\\"b\\\\c"'],
    ['<>&', '"\\u003c\\u003e\\u0026"'],
    ['\n\r\t\b\f\u0001', '"\\n\\r\\t\\u0008\\u000c\\u0001"'],
    ['\u007fü日😀', '"\u007fü日😀"'],
    ['\u2028\u2029', '"\\u2028\\u2029"'],
    ['a\ud800b\udc00', '"a\\ufffdb\\ufffd"'],
  ])('writes the string %j as Go does', (value, text) => {
    expect(written((sink) => sink.jsonString(value))).toBe(text);
  });

  it('grows', () => {
    const long = 'x'.repeat(100_000);
    expect(written((sink) => [1, 2, 3].forEach(() => sink.jsonString(long)))).toBe(
      `"${long}"`.repeat(3),
    );
  });
});

describe('formatPlainFloat', () => {
  it.each([
    [1e21, '1000000000000000000000'],
    [-1.5e-7, '-0.00000015'],
    [1.25e22, '12500000000000000000000'],
    [-0, '-0'],
    [0.5, '0.5'],
  ])('%p', (value, text) => {
    expect(formatPlainFloat(value)).toBe(text);
  });
});

describe('formatRfc3339Nano', () => {
  it.each([
    [0n, 3600, '1970-01-01T01:00:00+01:00'],
    [1500000000123000000n, 19800, '2017-07-14T08:10:00.123+05:30'],
    [0n, -18000, '1969-12-31T19:00:00-05:00'],
  ])('%p at %p s', (timeNs, offsetSec, text) => {
    expect(formatRfc3339Nano(timeNs, offsetSec)).toBe(text);
  });

  it.each([
    [0n, '1970-01-01T00:00:00Z'],
    [1n, '1970-01-01T00:00:00.000000001Z'],
    [1500000000123456789n, '2017-07-14T02:40:00.123456789Z'],
    [1500000000100000000n, '2017-07-14T02:40:00.1Z'],
    [-1n, '1969-12-31T23:59:59.999999999Z'],
    [-9223372036854775806n, '1677-09-21T00:12:43.145224194Z'],
    [9223372036854775806n, '2262-04-11T23:47:16.854775806Z'],
  ])('%p', (timeNs, text) => {
    expect(formatRfc3339Nano(timeNs)).toBe(text);
  });
});
