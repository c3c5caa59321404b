import { pickTop, Tally } from './tally.js';

describe('Tally', () => {
  it('counts exactly while there is room', () => {
    const tally = new Tally(3);
    for (const name of ['a', 'b', 'a', 'c', 'a']) tally.add(name, 2);
    expect(pickTop(tally.counts(), 2)).toEqual([
      { name: 'a', count: 6, errorMax: 0 },
      { name: 'b', count: 2, errorMax: 0 },
    ]);
  });

  it('keeps the large ones and says how wrong it may be', () => {
    const tally = new Tally(4);
    for (let i = 0; i < 100; i++) {
      tally.add('large', 5);
      tally.add(`small ${i}`, 1);
    }
    const [first, ...rest] = pickTop(tally.counts(), 10);
    expect(first).toEqual({ name: 'large', count: 500, errorMax: 0 });
    // True counts are 1; what is more is within the error.
    for (const { count, errorMax } of rest) expect(count - errorMax).toBe(1);
  });
});
