/**
 * Series that are gone are forgotten: what is left answers as before, in whatever order series come, go and come again.
 */
import fc from 'fast-check';
import { hashKey } from '#models';
import { findPositions } from './find-positions.js';
import { SeriesIndex, SeriesLimitError } from './series-index.js';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

type Step =
  | { readonly add: readonly number[] }
  | { readonly drop: readonly number[] }
  | { readonly forget: readonly number[] };
const numbers = fc.uniqueArray(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 25 });
const step: fc.Arbitrary<Step> = fc.oneof(
  numbers.map((add) => ({ add })),
  numbers.map((drop) => ({ drop })),
  // Series of these numbers come again while keys are copied.
  fc
    .oneof(fc.constant([]), fc.uniqueArray(fc.integer({ min: 0, max: 40 }), { maxLength: 3 }))
    .map((forget) => ({ forget })),
);

const keyOf = (n: number): string =>
  n % 5 === 0 ? `n,a=v${n}` : `m,a=v${n % 7}${n % 3 === 0 ? '' : `,b=w${n}`}`;

/** An index whose series are in one shard or gone, and the keys that are there. */
class Bench {
  readonly index = new SeriesIndex();
  readonly live = new Set<string>();

  find(key: string): number {
    const bytes = encoder.encode(key);
    return this.index.find(bytes, 0, bytes.length, hashKey(bytes, 0, bytes.length));
  }

  add(n: number): void {
    const key = keyOf(n);
    if (this.live.has(key)) return;
    const bytes = encoder.encode(key);
    const id = this.index.findOrCreate(bytes, 0, bytes.length);
    if (id instanceof SeriesLimitError) throw new TypeError(id.reason);
    this.index.retain(id);
    this.live.add(key);
  }

  drop(n: number): void {
    if (!this.live.delete(keyOf(n))) return;
    this.index.release(this.find(keyOf(n)));
  }

  forget(comeAgain: readonly number[]): void {
    const { index } = this;
    index.doomGone();
    const { doomedCount } = index;
    const copying = index.keysWithoutDoomed();
    let step = copying.next();
    for (const n of comeAgain) this.add(n);
    while (step.done !== true) step = copying.next();
    index.forget(step.value, doomedCount);
  }

  /** Keys by what the columns say, in order of the keys. */
  listed(): string[] {
    return this.index.measurements.flatMap((measurement) => {
      const { seriesIds } = measurement;
      const ids = [...this.index.orderOf(measurement)].map((position) => seriesIds[position]);
      return ids
        .filter((id) => !this.index.isGone(id))
        .map((id) => {
          const position = this.index.positionOf(id);
          const tags = measurement.tagKeys
            .map((key) => [key, measurement.column(key)!] as const)
            .filter(([, column]) => column.valueId(position) > 0)
            .map(([key, column]) => `,${key}=${column.text(column.valueId(position))}`);
          const key = decoder.decode(this.index.keyOf(id).slice());
          expect(`${measurement.name}${tags.join('')}`).toBe(key);
          return key;
        });
    });
  }
}

describe('forgetting series', () => {
  it('leaves those that are there as they are', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 20 }), (steps) => {
        const bench = new Bench();
        for (const next of steps) {
          if ('add' in next) next.add.forEach((n) => bench.add(n));
          else if ('drop' in next) next.drop.forEach((n) => bench.drop(n));
          else bench.forget(next.forget);
          expect(bench.index.seriesCount).toBe(bench.live.size);
        }
        const expected = [...bench.live].sort();
        expect(bench.listed().sort()).toEqual(expected);
        for (let n = 0; n <= 40; n++)
          expect(bench.find(keyOf(n)) >= 0).toBe(bench.live.has(keyOf(n)));
        const m = bench.index.measurement('m');
        for (const value of m?.column('a') === undefined ? [] : ['v1', 'v3', 'v6']) {
          const bytes = encoder.encode(value);
          const column = m!.column('a')!;
          const wanted = column.findValue(bytes, 0, bytes.length) || -1;
          const found = [...findPositions(m!, [{ column, wanted }])]
            .map((position) => m!.seriesIds[position])
            .filter((id) => !bench.index.isGone(id));
          const keys = found.map((id) => decoder.decode(bench.index.keyOf(id).slice()));
          const isWanted = (key: string): boolean => new RegExp(`^m,a=${value}(,|$)`).test(key);
          expect(keys.sort()).toEqual(expected.filter(isWanted));
        }
      }),
    );
  });

  it('gives memory back, and new ids to those that come again', () => {
    const index = new SeriesIndex();
    const count = 60_000;
    const create = (n: number): number => {
      const key = encoder.encode(`m,host=${'x'.repeat(64)}${n}`);
      return index.findOrCreate(key, 0, key.length) as number;
    };
    for (let n = 0; n < count; n++) index.retain(create(n));
    const before = index.keyTable.sizeBytes;
    for (let n = 1; n < count; n++) index.release(create(n));
    index.doomGone();
    const copying = index.keysWithoutDoomed();
    let step = copying.next();
    while (step.done !== true) step = copying.next();
    expect(index.forget(step.value, count - 1)).toBe(true);
    expect(index.keyTable.sizeBytes).toBeLessThan(before / 2);
    expect(index.measurement('m')?.column('host')?.valueCount).toBe(1);
    expect(index.revive(7)).toBeInstanceOf(SeriesLimitError);
    expect([index.epoch, index.seriesCount]).toEqual([1, 1]);
    expect(create(7)).toBe(count);
  });
});
