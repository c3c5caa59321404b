import fc from 'fast-check';
import { parseLongDecimal } from './decimal.js';

describe('parseLongDecimal', () => {
  const check = (text: string): void => {
    const bytes = new TextEncoder().encode(`x${text}y`);
    expect(parseLongDecimal(bytes, 1, 1 + text.length)).toBe(Number(text));
  };

  it('equals Number() for random digits', () => {
    const digits = fc.stringMatching(/^[0-9]{1,20}$/);
    fc.assert(
      fc.property(digits, fc.stringMatching(/^[0-9]{0,22}$/), (whole, fraction) => {
        check(fraction === '' ? whole : `${whole}.${fraction}`);
      }),
      { numRuns: 5000 },
    );
  });

  it('equals Number() for the shortest text of any double', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-6, max: 1e15, noNaN: true }), (value) => {
        const text = String(value);
        if (!text.includes('e')) check(text);
      }),
      { numRuns: 5000 },
    );
  });

  it('rounds halves to even', () => {
    for (const text of [
      '9007199254740993',
      '9007199254740995',
      '4503599627370497.5',
      '0.500000000000000166533453694',
    ]) {
      check(text.slice(0, 23));
    }
  });
});
