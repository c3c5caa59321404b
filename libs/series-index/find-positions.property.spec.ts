/**
 * Series found by values of their tags, through postings or columns, are those that a loop over all of them finds.
 */
import fc from 'fast-check';
import { findPositions } from './find-positions.js';
import type { Measurement } from './measurement.js';
import { PostingsMemory } from './postings.js';
import { SeriesIndex } from './series-index.js';

const encoder = new TextEncoder();
/** Enough for postings to be made. */
const SERIES_AT_FIRST = 4200;

interface Wanted {
  readonly key: 'a' | 'b' | 'c';
  /** Numbers of values; 0 stands for none. One of them: equality. */
  readonly values: readonly number[];
}

const wanted: fc.Arbitrary<Wanted> = fc.record({
  key: fc.constantFrom('a' as const, 'b' as const, 'c' as const),
  values: fc.oneof(
    fc.integer({ min: 0, max: 8 }).map((value) => [value]),
    fc.uniqueArray(fc.integer({ min: 0, max: 300 }), { maxLength: 6 }),
    fc.constant(Array.from({ length: 200 }, (_, i) => i)),
  ),
});
type Step = { readonly add: number } | { readonly find: readonly Wanted[] };
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 600 }).map((add) => ({ add })) },
  { weight: 5, arbitrary: fc.array(wanted, { maxLength: 3 }).map((find) => ({ find })) },
);

const MODULI = { a: 7, b: 300, c: 2000 };

/** Number of a tag's value of the nth series; a third has no `a`. */
function valueOf(key: Wanted['key'], nth: number, salt: number): number {
  if (key === 'a' && nth % 3 === 0) return 0;
  return ((nth * 31 + salt) % MODULI[key]) + 1;
}

function addSeries(index: SeriesIndex, from: number, to: number, salt: number): void {
  for (let nth = from; nth < to; nth++) {
    const tags = (['a', 'b', 'c'] as const)
      .filter((key) => valueOf(key, nth, salt) > 0)
      .map((key) => `,${key}=v${valueOf(key, nth, salt)}`);
    const key = encoder.encode(`m${tags.join('')},n=${nth}`);
    index.findOrCreate(key, 0, key.length);
  }
}

function find(measurement: Measurement, asked: readonly Wanted[]): number[] {
  const choices = asked.map(({ key, values }) => {
    const column = measurement.column(key)!;
    const [only] = values;
    if (values.length !== 1)
      return {
        column,
        wanted: (id: number) => values.includes(id === 0 ? 0 : Number(column.text(id).slice(1))),
      };
    const text = encoder.encode(`v${only}`);
    return { column, wanted: only === 0 ? 0 : column.findValue(text, 0, text.length) || -1 };
  });
  return [...findPositions(measurement, choices)].sort((a, b) => a - b);
}

describe('findPositions', () => {
  it('finds what a loop over all series finds, whenever series are added', () => {
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 3, maxLength: 12 }),
        fc.integer({ min: 0, max: 5000 }),
        (steps, salt) => {
          const index = new SeriesIndex();
          let count = SERIES_AT_FIRST;
          addSeries(index, 0, count, salt);
          const measurement = index.measurement('m')!;
          for (const next of steps) {
            if ('add' in next) {
              addSeries(index, count, count + next.add, salt);
              count += next.add;
              continue;
            }
            const expected = Array.from({ length: count }, (_, nth) => nth).filter((nth) =>
              next.find.every(({ key, values }) => values.includes(valueOf(key, nth, salt))),
            );
            expect(find(measurement, next.find)).toEqual(expected);
          }
        },
      ),
      { numRuns: Number(process.env['PROPERTY_RUNS'] ?? 25) },
    );
  });

  it('keeps postings of columns that are asked for again', () => {
    const index = new SeriesIndex();
    addSeries(index, 0, SERIES_AT_FIRST, 0);
    const measurement = index.measurement('m')!;
    find(measurement, [{ key: 'b', values: [5] }]);
    expect(index.postings.sizeBytes).toBe(0);
    find(measurement, [{ key: 'b', values: [5] }]);
    expect(index.postings.sizeBytes).toBe((SERIES_AT_FIRST + 300 + 3) * 4);
  });
});

describe('PostingsMemory', () => {
  it('gives up what was not used for the longest, and counts it', () => {
    const memory = new PostingsMemory(100);
    const dropped: string[] = [];
    const owner = (name: string) => ({ dropPostings: () => void dropped.push(name) });
    const [a, b, c] = [owner('a'), owner('b'), owner('c')];
    expect(memory.keep(a, 40)).toBe(true);
    expect(memory.keep(b, 40)).toBe(true);
    expect(memory.keep(a, 40)).toBe(true);
    expect(memory.keep(c, 60)).toBe(true);
    expect(dropped).toEqual(['b']);
    expect(memory.keep(b, 101)).toBe(false);
    expect([memory.sizeBytes, memory.droppedCount]).toEqual([100, 1]);
  });
});
