/**
 * Laws of the parser: a printed statement parses to the same tree, and no text does anything but parse or fail.
 */
import fc from 'fast-check';
import { ParseError, parseQuery, parseStatement, printStatement } from './index.js';
import type { Expr, Field, SelectStatement, Source } from './index.js';

const name = fc
  .oneof(
    fc.constantFrom('f', 'select', 'a b', 'x"y', 'z\\', "it's", 'µ', 'n\nl'),
    fc.string({ minLength: 1 }),
  )
  .filter((text) => !/[\r\0\ud800-\udfff]/.test(text));
const varRef = fc.record({
  kind: fc.constant('varRef' as const),
  name,
  cast: fc.constantFrom(null, 'float', 'integer', 'unsigned', 'string', 'boolean', 'field', 'tag'),
});
const literal: fc.Arbitrary<Expr> = fc.oneof(
  fc
    .bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
    .map((value) => ({ kind: 'integer' as const, value })),
  fc
    .bigInt({ min: 2n ** 63n, max: 2n ** 64n - 1n })
    .map((value) => ({ kind: 'unsigned' as const, value })),
  fc
    .integer({ min: -1e9, max: 1e9 })
    .map((value) => ({ kind: 'number' as const, value: value / 8 })),
  fc.bigInt({ min: 0n, max: 2n ** 62n }).map((valueNs) => ({ kind: 'duration' as const, valueNs })),
  name.map((value) => ({ kind: 'string' as const, value })),
);
const { expr } = fc.letrec<{ expr: Expr }>((tie) => ({
  expr: fc.oneof(
    { depthSize: 'small' },
    varRef,
    literal,
    fc.record({
      kind: fc.constant('wildcard' as const),
      only: fc.constantFrom(null, 'field', 'tag'),
    }),
    fc.record({
      kind: fc.constant('call' as const),
      name: fc.constantFrom('mean', 'top', 'now'),
      args: fc.array(tie('expr'), { maxLength: 3 }),
    }),
    // Operands in parentheses, so that precedence is not what is tested here.
    fc
      .tuple(fc.constantFrom('+', '-', '*', '/', '%', '&', '|', '^'), tie('expr'), tie('expr'))
      .map(([op, lhs, rhs]) => ({
        kind: 'binary' as const,
        op,
        lhs: { kind: 'paren' as const, expr: lhs },
        rhs: { kind: 'paren' as const, expr: rhs },
      })),
  ) as fc.Arbitrary<Expr>,
}));
const condition: fc.Arbitrary<Expr> = fc
  .tuple(varRef, fc.constantFrom('=', '!=', '<', '<=', '>', '>='), literal)
  .map(([lhs, op, rhs]) => ({ kind: 'binary' as const, op, lhs, rhs }) as Expr);
const measurement: fc.Arbitrary<Source> = fc.record({
  kind: fc.constant('measurement' as const),
  database: fc.constantFrom('', 'd', 'a b'),
  retentionPolicy: fc.constantFrom('', 'rp'),
  name,
  regex: fc.constant(null),
});
const { select } = fc.letrec<{ select: SelectStatement }>((tie) => ({
  select: fc.record({
    kind: fc.constant('select' as const),
    fields: fc.array(fc.record({ expr, alias: fc.oneof(fc.constant(''), name) }), {
      minLength: 1,
      maxLength: 3,
    }) as fc.Arbitrary<Field[]>,
    into: fc.constant(null),
    sources: fc.array(
      fc.oneof(
        { depthSize: 'small' },
        measurement,
        fc.record({ kind: fc.constant('subquery' as const), statement: tie('select') }),
      ),
      { minLength: 1, maxLength: 2 },
    ) as fc.Arbitrary<Source[]>,
    condition: fc.option(condition),
    dimensions: fc.array(varRef, { maxLength: 2 }),
    fill: fc.constantFrom(
      { option: 'null' },
      { option: 'none' },
      { option: 'linear' },
    ) as fc.Arbitrary<SelectStatement['fill']>,
    sortFields: fc.constantFrom(
      [],
      [{ name: 'time', isAscending: false }],
      [{ name: '', isAscending: true }],
    ),
    limit: fc.nat(),
    offset: fc.nat(),
    slimit: fc.nat(),
    soffset: fc.nat(),
    timeZone: fc.constantFrom(null, 'UTC', 'Europe/Berlin'),
  }) as fc.Arbitrary<SelectStatement>,
}));

describe('parser', () => {
  it('reads back what the printer wrote', () => {
    fc.assert(
      fc.property(select, (statement) =>
        expect(parseStatement(printStatement(statement))).toEqual(statement),
      ),
    );
  });

  it('parses any text or says why not', () => {
    const word = fc.oneof(
      fc.constantFrom(
        'SELECT',
        'FROM',
        'WHERE',
        '(',
        ')',
        "'",
        '"',
        '/',
        '*',
        '::',
        'time',
        '=~',
        '1h',
        '.',
        ',',
        '$',
        '\n',
        ';',
      ),
      fc.string({ unit: 'binary' }),
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 12 }), (words) => {
        try {
          parseQuery(words.join(' '));
        } catch (thrown) {
          if (!(thrown instanceof ParseError)) throw thrown;
        }
      }),
    );
  });
});
