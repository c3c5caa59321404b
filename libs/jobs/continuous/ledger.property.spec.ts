import fc from 'fast-check';
import { addGap, type CqGap, decodeState, encodeState, GAPS_MAX, removeRange } from './ledger.js';

const gap = (start: number, end: number, reason: CqGap['reason'] = 'pending'): CqGap => ({
  startNs: BigInt(start),
  endNs: BigInt(end),
  reason,
  error: '',
  attempts: 0,
  retryAtNs: 0n,
});
const shown = (gaps: readonly CqGap[]): string =>
  gaps.map(({ startNs, endNs, reason }) => `${startNs}-${endNs} ${reason}`).join(', ');

describe('the ledger of a continuous query', () => {
  it.each<[string, CqGap[], string]>([
    ['joins neighbours', [gap(0, 2), gap(2, 4)], '0-4 pending'],
    ['keeps kinds apart', [gap(0, 2), gap(2, 4, 'failed')], '0-2 pending, 2-4 failed'],
    ['keeps what is there', [gap(0, 4, 'failed'), gap(2, 6)], '0-4 failed, 4-6 pending'],
    [
      'lets due windows replace late ones',
      [gap(0, 4, 'late points'), gap(2, 6)],
      '0-2 late points, 2-6 pending',
    ],
    [
      'does not call due windows late',
      [gap(0, 4), gap(2, 6, 'late points')],
      '0-4 pending, 4-6 late points',
    ],
    ['ignores what is empty', [gap(4, 4), gap(5, 3)], ''],
  ])('%s', (_, added, expected) => {
    expect(shown(added.reduce(addGap, [] as readonly CqGap[]))).toBe(expected);
  });

  it('takes a range out of the middle', () => {
    expect(shown(removeRange([gap(0, 10), gap(12, 20)], { startNs: 4n, endNs: 14n }))).toBe(
      '0-4 pending, 14-20 pending',
    );
  });

  it('holds the windows that were added and not removed', () => {
    const span = fc.tuple(fc.nat(40), fc.integer({ min: 1, max: 10 }));
    const reason = fc.constantFrom<CqGap['reason']>('pending', 'failed', 'late points', 'early');
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), span, reason), { maxLength: 40 }), (steps) => {
        let gaps: readonly CqGap[] = [];
        const model = new Set<number>();
        for (const [isAdded, [start, length], why] of steps) {
          const one = gap(start, start + length, why);
          gaps = isAdded ? addGap(gaps, one) : removeRange(gaps, one);
          for (let window = start; window < start + length; window++) {
            if (isAdded) model.add(window);
            else model.delete(window);
          }
        }
        const held = gaps.flatMap(({ startNs, endNs }) =>
          Array.from({ length: Number(endNs - startNs) }, (_, i) => Number(startNs) + i),
        );
        expect(held).toEqual([...model].sort((a, b) => a - b));
      }),
      { numRuns: 200 },
    );
  });

  it('is bounded: the two nearest gaps become one', () => {
    let gaps: readonly CqGap[] = [];
    for (let i = 0; i < GAPS_MAX; i++) gaps = addGap(gaps, gap(10 * i, 10 * i + 1));
    gaps = addGap(gaps, gap(10 * GAPS_MAX - 7, 10 * GAPS_MAX - 6));
    expect(gaps).toHaveLength(GAPS_MAX);
    expect(shown(gaps.slice(-1))).toBe(`${10 * GAPS_MAX - 10}-${10 * GAPS_MAX - 6} pending`);
  });

  it('reads what it has written, and nothing else', () => {
    const state = {
      text: 'CREATE … 7n',
      lastRunNs: 2n ** 62n,
      finalToNs: -1n,
      aheadToNs: null,
      gaps: [{ ...gap(1, 2, 'failed'), error: 'x "y"', attempts: 3 }],
    };
    expect(decodeState(encodeState(state))).toMatchObject(state);
    for (const text of ['', '{}', '[]', '{"version":2}', '{"version":1,"text":"a"}'])
      expect(decodeState(new TextEncoder().encode(text))).toBeNull();
  });
});
