import fc from 'fast-check';
import { QueryBudget } from '../limits.js';
import type { ResultSeries } from '../ports.js';
import { sortedTexts, textPieces } from './text-rows.js';

/** What a generator of turns returns, and what it gave on its way. */
function finished<T, R>(run: Generator<T, R>): { readonly given: T[]; readonly result: R } {
  const given: T[] = [];
  for (;;) {
    const next = run.next();
    if (next.done === true) return { given, result: next.value };
    given.push(next.value);
  }
}

const textsOf = (given: readonly (ResultSeries | null)[]): string[] =>
  given.flatMap((series) =>
    series?.data[0]?.kind === 'string' ? series.data[0].values.map(String) : [],
  );

describe('sortedTexts', () => {
  it('sorts by bytes and leaves repeats out, however many runs there are', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'binary', maxLength: 4 }), { maxLength: 40 }),
        fc.integer({ min: 0, max: 10_000 }),
        (some, more) => {
          const texts = [
            ...some,
            ...Array.from({ length: more }, (_, i) => `v${(i * 7919) % more}`),
          ];
          const expected = [...new Set(texts)].sort((a, b) =>
            Buffer.compare(Buffer.from(a), Buffer.from(b)),
          );
          expect(finished(sortedTexts(texts, new QueryBudget())).result).toEqual(expected);
        },
      ),
      { numRuns: 20 },
    );
  });
});

describe('textPieces', () => {
  it('gives the rows that LIMIT and OFFSET leave, all pieces but the last marked as partial', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 30_001 }),
        fc.integer({ min: 0, max: 25_000 }),
        fc.integer({ min: 0, max: 12_000 }),
        (count, limit, offset) => {
          const rows = Array.from({ length: count }, (_, i) => [`r${i}`]);
          const options = { limit, offset, budget: new QueryBudget() };
          const { given } = finished(textPieces({ name: 'n', columns: ['c'] }, rows, options));
          const wanted = rows.slice(offset, limit > 0 ? offset + limit : undefined).flat();
          expect(textsOf(given)).toEqual(wanted);
          const pieces = given.filter((one) => one !== null);
          expect(pieces.map(({ partial }) => partial)).toEqual(
            pieces.map((_, i) => i < pieces.length - 1),
          );
          expect(pieces.every(({ rowCount }) => rowCount > 0 && rowCount <= 10_000)).toBe(true);
        },
      ),
      { numRuns: 20 },
    );
  });
});
