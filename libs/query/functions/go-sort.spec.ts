import { goSort } from './go-sort.js';

interface Point {
  readonly value: number;
  readonly place: number;
}

function points(count: number, valueOf: (i: number) => number): Point[] {
  return Array.from({ length: count }, (_, place) => ({ value: valueOf(place), place }));
}

function sorted(items: readonly Point[]): Point[] {
  const copy = [...items];
  goSort(copy, (a, b) => a.value < b.value);
  return copy;
}

describe('goSort', () => {
  it.each([0, 1, 2, 12, 13, 49, 50, 51, 200, 5000])('sorts %d items and loses none', (count) => {
    for (const valueOf of [
      (i: number) => (i * 7919) % 101,
      (i: number) => i,
      (i: number) => -i,
      (i: number) => i % 3,
      (i: number) => (i % 2 ? i : -i),
    ]) {
      const items = points(count, valueOf);
      const result = sorted(items);
      expect(result.map(({ value }) => value)).toEqual(
        items.map(({ value }) => value).sort((a, b) => a - b),
      );
      expect(new Set(result.map(({ place }) => place)).size).toBe(count);
    }
  });

  it('leaves up to twelve equal items in their order', () => {
    const result = sorted(points(12, (i) => i % 2));
    expect(result.map(({ place }) => place)).toEqual([0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11]);
  });

  it('always gives the same order', () => {
    const items = points(300, (i) => (i * 31) % 7);
    expect(sorted(items)).toEqual(sorted(items));
  });
});
