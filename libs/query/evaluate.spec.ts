import { parseExpression } from '#influxql';
import { ColumnBuilder, hasValue, type Column } from './column.js';
import { evaluate } from './evaluate.js';
import type { ValueType } from './value-type.js';

function column(type: ValueType, values: readonly (number | bigint | string | null)[]): Column {
  const builder = new ColumnBuilder(type);
  for (const value of values) {
    if (value === null) builder.pushNull();
    else if (typeof value === 'string') builder.pushString(value);
    else if (typeof value === 'bigint') builder.pushInteger(value);
    else builder.pushNumber(value);
  }
  return builder.build();
}

const columns: Readonly<Record<string, Column>> = {
  f: column('float', [1.5, -4, null]),
  i: column('integer', [7n, 9223372036854775807n, 0n]),
  u: column('unsigned', [1n, 18446744073709551615n, null]),
  s: column('string', ['x', null, 'yx']),
  b: column('boolean', [1, 0, null]),
};

function values(text: string): readonly unknown[] {
  const result = evaluate(parseExpression(text), {
    count: 3,
    resolve: ({ name }) => columns[name] ?? null,
  });
  return [0, 1, 2].map((row) => {
    if (!hasValue(result, row)) return null;
    if (result.type === 'string') return result.strings[row];
    if (result.type === 'boolean') return result.numbers[row] === 1;
    const wide = result.wide?.[row];
    return wide === undefined
      ? result.numbers[row]
      : result.type === 'unsigned'
        ? BigInt.asUintN(64, wide)
        : wide;
  });
}

describe('evaluate', () => {
  it.each([
    ['f + 1', [2.5, -3, null]],
    ['i / 2', [3.5, 4611686018427387904, 0]],
    ['7 / i', [1, 7 / 2 ** 63, 0]],
    ['i + 1', [8n, -9223372036854775808n, 1n]],
    ['i % 4', [3, 3, 0]],
    ['i & 3', [3, 3, 0]],
    ['u + 1', [2, 0, null]],
    ['f > 0', [true, false, false]],
    ['f != 0', [true, true, false]],
    ["s = 'x'", [true, false, false]],
    ['s =~ /x$/', [true, false, true]],
    ['s !~ /^x/', [false, false, true]],
    ['b = true', [true, false, false]],
    ['b AND f > 0', [true, false, false]],
    ['f > s', [false, false, false]],
    ['f + s', [null, null, null]],
    ['nothing > 1', [false, false, false]],
    ['abs(f)', [1.5, 4, null]],
    ['sqrt(f)', [Math.sqrt(1.5), null, null]],
    ['abs(s)', [null, null, null]],
  ])('%s', (text, expected) => {
    expect(values(text)).toEqual(expected);
  });
});
