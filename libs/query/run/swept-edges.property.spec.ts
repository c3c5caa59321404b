import fc from 'fast-check';
import { numberColumn } from '../column.js';
import { EdgeChoice } from './edge-scan.js';
import { SweptEdges } from './swept-edges.js';

describe('SweptEdges', () => {
  it('chooses the points that are chosen one by one, however they are cut into batches', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 4 }), {
          minLength: 1,
          maxLength: 60,
        }),
        fc.integer({ min: 1, max: 9 }),
        fc.record({ isFirst: fc.boolean(), isTurned: fc.boolean(), count: fc.constantFrom(1, 2) }),
        (lists, batchRows, { isFirst, isTurned, count }) => {
          const series = lists.map((offsets) => [...offsets].sort((a, b) => a - b));
          const rows = series.flatMap((offsets, s) => offsets.map((offset) => ({ s, offset })));
          const edges = new SweptEdges(isFirst, 'float');
          for (let from = 0; from < rows.length; from += batchRows) {
            const part = rows.slice(from, from + batchRows);
            const ends = part.flatMap(({ s }, i) => (part[i + 1]?.s === s ? [] : [i + 1]));
            const offsets = Float64Array.from(part, ({ offset }) => offset);
            // The value tells the series.
            const numbers = Float64Array.from(part, ({ s }) => s);
            const batch = { count: part.length, baseNs: 0n, offsets, numbers, wide: null };
            const isContinued = from > 0 && rows[from - 1]?.s === part[0]?.s;
            edges.take(
              {
                batch: { ...batch, strings: null },
                ends: Int32Array.from(ends),
                segments: ends.length,
                isContinued,
              },
              numberColumn('float', numbers),
            );
          }
          const one = new EdgeChoice<number>(isFirst);
          const order = [...series.keys()];
          if (isTurned) order.reverse();
          for (const s of order) {
            const offset = series[s]?.at(isFirst ? 0 : -1) ?? 0;
            one.offer({ offset, ties: [], point: s });
          }
          const chosen = edges.chosen(count, isTurned).map(({ column }) => column.numbers[0]);
          expect(chosen).toEqual(one.chosen(count));
        },
      ),
      { numRuns: 200 },
    );
  });
});
