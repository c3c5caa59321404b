import fc from 'fast-check';
import { SeriesOrder } from './series-order.js';

describe('SeriesOrder', () => {
  it('sorts in turns what it sorts at once, whatever is asked for or moved meanwhile', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 6000 }),
        fc.integer({ min: 0, max: 14_000 }),
        fc.integer({ min: 0, max: 12 }),
        fc.constantFrom('get', 'move', 'nothing'),
        (sortedBefore, added, steps, meanwhile) => {
          const order = new SeriesOrder();
          const count = sortedBefore + added;
          const keyOf = (position: number): number => (position * 7919) % 20_011;
          const compare = (a: number, b: number): number => keyOf(a) - keyOf(b);
          order.get(sortedBefore, compare);
          const sorting = order.sortInTurns(count, compare);
          for (let n = 0; n < steps; n++) sorting.next();
          if (meanwhile === 'get') order.get(count, compare);
          const kept = Int32Array.from({ length: count }, (_, position) => position);
          if (meanwhile === 'move') order.move(kept);
          while (sorting.next().done !== true);
          expect([...order.get(count, compare)]).toEqual([...kept].sort(compare));
        },
      ),
      { numRuns: 40 },
    );
  });
});
