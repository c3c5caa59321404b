import {
  ExpressionError,
  MAX_TIME_NS,
  parseExpression,
  printExpr,
  reduceExpr,
  splitCondition,
  timeZoneOf,
  utc,
} from './index.js';

const nowNs = 1_600_000_000_000_000_000n;

function split(text: string, zone = 'UTC'): readonly [string | null, bigint | null, bigint | null] {
  const { condition, range } = splitCondition(parseExpression(text), {
    nowNs,
    zone: timeZoneOf(zone) ?? utc,
  });
  return [condition && printExpr(condition), range.minNs, range.maxNs];
}

describe('splitCondition', () => {
  it.each([
    ['time > 5', null, 6n, null],
    ['time >= 5', null, 5n, null],
    ['time < 5', null, null, 4n],
    ['time <= 5', null, null, 5n],
    ['time = 5', null, 5n, 5n],
    ['5 < time', null, 6n, null],
    ['TIME > 5 AND time < 10', null, 6n, 9n],
    ['time > 5 OR time < 3', null, 6n, 2n],
    ["(time > 5) AND (a = 'x')", "(a = 'x')", 6n, null],
    ["a = 'x' OR (b = 1 AND time > 1)", "a = 'x' OR (b = 1)", 2n, null],
    ['time > now() - 1h', null, nowNs - 3_600_000_000_000n + 1n, null],
    ['time > now() - 1', null, nowNs, null],
    ['time > 1h', null, 3_600_000_000_001n, null],
    ['time > 1.9', null, 2n, null],
    ["time >= '1970-01-01'", null, 0n, null],
    ["time >= '1970-01-01 00:00:01.5'", null, 1_500_000_000n, null],
    ["time >= '1970-01-01T00:00:01+01:00'", null, -3_599_000_000_000n, null],
    ["time = '1970-01-01' + 1h", null, 3_600_000_000_000n, 3_600_000_000_000n],
    ["time < '1970-01-02' - 1ns", null, null, 86_399_999_999_998n],
    ['a = 1 + 2 * 3', 'a = 7', null, null],
    ['a = 1 / 0', 'a = 0.000', null, null],
    ['true AND a = 1', 'a = 1', null, null],
    ['true', 'true', null, null],
  ] as const)('%s', (text, condition, minNs, maxNs) => {
    expect(split(text)).toEqual([condition, minNs, maxNs]);
  });

  it.each([
    ['time != 1', 'invalid time comparison operator: !='],
    ['time > f', 'invalid operation: time and *influxql.VarRef are not compatible'],
    ['time > now() * 2', 'invalid operation: time and *influxql.BinaryExpr are not compatible'],
    ["time > 'foo'", 'invalid operation: time and *influxql.StringLiteral are not compatible'],
    ["time > '2020-02-30'", 'invalid timestamp string'],
    ["time > '0001-01-01'", 'time 0001-01-01T00:00:00Z underflows time literal'],
    ['time > 9223372036854775807 + 1h', 'time 2262-04-12T00:47:16Z overflows time literal'],
    ['time =~ /x/', 'invalid operation: time and *influxql.RegexLiteral are not compatible'],
    ['f AND g', 'invalid condition expression: f'],
    ['5', 'invalid condition expression: 5'],
  ])('%s fails', (text, error) => {
    expect(() => split(text)).toThrow(new ExpressionError(error));
  });

  it('reads times without a zone in the given zone', () => {
    expect(split("time >= '2020-07-01 00:00:00'", 'Europe/Berlin')[1]).toBe(
      1_593_554_400_000_000_000n,
    );
    expect(split("time >= '2020-01-01'", 'America/New_York')[1]).toBe(1_577_854_800_000_000_000n);
  });
});

describe('reduceExpr', () => {
  it.each([
    ['1 + 2.5', '3.500'],
    ['7 / 2', '3.500'],
    ['7 % 0', '0'],
    ['9223372036854775807 + 1', '-9223372036854775808'],
    ['6 & 3 | 8 ^ 1', '11'],
    ["'a' + 'b'", "'ab'"],
    ["'a' = 'b'", 'false'],
    ['1h * 2', '2h'],
    ['1h / 0', '0s'],
    ['now() > 1', 'now() > 1'],
    ['a + 1 + 2', 'a + 1 + 2'],
    ['(1 + 2) * a', '3 * a'],
    ['a = 1 OR true', 'true'],
    ['a = 1 AND false', 'false'],
  ])('%s', (text, reduced) => {
    expect(printExpr(reduceExpr(parseExpression(text)))).toBe(reduced);
  });
});

describe('time zones', () => {
  it('know their changes of offset to the second', () => {
    const berlin = timeZoneOf('Europe/Berlin');
    const springSec = Date.UTC(2020, 2, 29, 1) / 1000;
    expect([springSec - 1, springSec].map((sec) => berlin?.offsetSec(sec))).toEqual([3600, 7200]);
    const autumnSec = Date.UTC(2020, 9, 25, 1) / 1000;
    expect([autumnSec - 1, autumnSec].map((sec) => berlin?.offsetSec(sec))).toEqual([7200, 3600]);
  });

  it('are found by exact name', () => {
    const found = [
      '',
      'UTC',
      'Europe/Berlin',
      'US/Eastern',
      'Etc/GMT+5',
      'utc',
      'europe/berlin',
      'Nowhere/City',
      '+01:00',
    ];
    expect(found.filter((name) => timeZoneOf(name) !== null)).toEqual(found.slice(0, 5));
  });

  it('leaves the greatest time representable', () => {
    expect(split(`time <= ${MAX_TIME_NS}`)).toEqual([null, null, MAX_TIME_NS]);
  });
});
