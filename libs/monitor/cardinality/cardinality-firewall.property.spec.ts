import fc from 'fast-check';
import { type Logger, silentLogger } from '#kernel';
import { encodeSeriesKey, parseSeriesKey } from '#models';
import { SeriesIndex } from '#series-index';
import { ManualClock } from '#test-support';
import { CardinalityFirewall, OVERFLOW } from './cardinality-firewall.js';
import type { CardinalityConfig } from './cardinality.config.js';

const NONE: CardinalityConfig = {
  newSeriesPerListenerMax: 0,
  newSeriesPerPeerMax: 0,
  newSeriesPerMeasurementMax: 0,
  overBudget: 'refuse',
};

const decoder = new TextDecoder();

/** A database behind a firewall, as a shard asks it: series that exist are let through. */
const setUp = (config: Partial<CardinalityConfig>, logger: Logger = silentLogger) => {
  const clock = new ManualClock();
  const firewall = new CardinalityFirewall({ ...NONE, ...config }, clock, logger);
  const index = new SeriesIndex();
  /** The key that the point goes to, or why it is refused. */
  const write = (
    measurement: string,
    tags: Readonly<Record<string, string>>,
    { peer = 'p', listener = 'http', database = 'd' } = {},
  ): string => {
    const list = Object.entries(tags).map(([key, value]) => ({ key, value }));
    const key = encodeSeriesKey(measurement, list);
    if (isKnown(index, key)) return decoder.decode(key);
    const source = { listener, peer };
    const wanted = firewall.isLimiting ? firewall.admit({ database, index, key, source }) : key;
    if (typeof wanted === 'string') return `refused: ${wanted}`;
    index.findOrCreate(wanted, 0, wanted.length);
    return decoder.decode(wanted);
  };
  return { clock, firewall, index, write };
};

const isKnown = (index: SeriesIndex, key: Uint8Array): boolean => {
  const { measurement } = parseSeriesKey(key);
  const ids = index.measurement(measurement)?.seriesIds.subarray(0, index.seriesCount) ?? [];
  return [...ids].some((id) => decoder.decode(index.keyOf(id)) === decoder.decode(key));
};

describe('CardinalityFirewall', () => {
  it('refuses what is over a budget, names budget and who, and begins anew with each minute', () => {
    const { clock, firewall, write } = setUp({ newSeriesPerPeerMax: 2 });
    expect(write('m', { h: '1' })).toBe('m,h=1');
    expect(write('m', { h: '2' })).toBe('m,h=2');
    const refused =
      'refused: new series refused: peer "p" is over its budget of 2 new series a minute';
    expect(write('m', { h: '3' })).toBe(refused);
    expect(write('x', {})).toBe(refused);
    expect(write('m', { h: '1' })).toBe('m,h=1');
    expect(write('m', { h: '3' }, { peer: 'q' })).toBe('m,h=3');
    clock.advanceMs(60_000);
    expect(write('m', { h: '4' })).toBe('m,h=4');
    expect(firewall.collect()).toEqual([
      {
        name: 'cardinality',
        tags: { action: 'refused', budget: 'peer', who: 'p' },
        values: { points: 2 },
      },
    ]);
  });

  it('has budgets by listener and measurement, which all have to hold', () => {
    const { write } = setUp({ newSeriesPerListenerMax: 3, newSeriesPerMeasurementMax: 2 });
    expect(write('a', { h: '1' })).toBe('a,h=1');
    expect(write('a', { h: '2' })).toBe('a,h=2');
    expect(write('a', { h: '3' })).toMatch(/measurement "d.a" is over its budget of 2 /);
    expect(write('b', { h: '1' })).toBe('b,h=1');
    expect(write('b', { h: '2' })).toMatch(/listener "http" is over its budget of 3 /);
    expect(write('b', { h: '2' }, { listener: 'graphite :2003' })).toBe('b,h=2');
  });

  it('does not limit the stored statistics, and knows no budget of senders that are not known', () => {
    const { write } = setUp({ newSeriesPerPeerMax: 1, newSeriesPerListenerMax: 2 });
    for (let i = 0; i < 9; i++)
      expect(write('s', { i: `${i}` }, { listener: 'monitor' })).toBe(`s,i=${i}`);
    expect(write('m', { i: '1' }, { peer: '' })).toBe('m,i=1');
    expect(write('m', { i: '2' }, { peer: '' })).toBe('m,i=2');
    expect(write('m', { i: '3' }, { peer: '' })).toMatch(/listener "http" is over/);
  });

  it('folds the tag with the most new values, keeps the others, and says which', () => {
    const lines: unknown[] = [];
    const logger: Logger = {
      ...silentLogger,
      warn: (message, fields) => lines.push({ message, ...fields }),
    };
    const { firewall, write } = setUp({ newSeriesPerPeerMax: 6, overBudget: 'fold' }, logger);
    for (let i = 0; i < 6; i++) write('m', { host: `h${i % 2}`, request: `r${i}` });
    expect(write('m', { host: 'h0', request: 'r6' })).toBe(`m,host=h0,request=${OVERFLOW}`);
    expect(write('m', { host: 'h1', request: 'r7' })).toBe(`m,host=h1,request=${OVERFLOW}`);
    expect(write('m', { host: 'h1', request: 'r8' })).toBe(`m,host=h1,request=${OVERFLOW}`);
    expect(firewall.diagnostics()).toMatchObject([
      { name: 'cardinality', rows: [['peer', 'p', 'folded', 3, 'd', 'm', 'request']] },
    ]);
    expect(lines[0]).toEqual({
      message: 'New series are over their budget',
      budget: 'peer',
      who: 'p',
      max: 6,
      action: 'folded',
      db: 'd',
      measurement: 'm',
      tag: 'request',
    });
    expect(lines.length).toBeLessThanOrEqual(5);
  });

  it('refuses what cannot be folded: measurements without end', () => {
    const { write } = setUp({ newSeriesPerPeerMax: 2, overBudget: 'fold' });
    expect(write('a', {})).toBe('a');
    expect(write('b', {})).toBe('b');
    expect(write('c', {})).toMatch(/^refused: new series refused: peer "p"/);
  });

  it('keeps any traffic within its bounds, and never touches a series that exists', () => {
    const point = fc.record({
      measurement: fc.constantFrom('a', 'b', 'c'),
      host: fc.integer({ min: 0, max: 3 }),
      request: fc.integer({ min: 0, max: 10_000 }),
      peer: fc.constantFrom('p', 'q'),
    });
    fc.assert(
      fc.property(
        fc.array(point, { maxLength: 400 }),
        fc.integer({ min: 1, max: 20 }),
        fc.constantFrom('refuse' as const, 'fold' as const),
        (points, max, overBudget) => {
          const { index, firewall, write } = setUp({ newSeriesPerPeerMax: max, overBudget });
          let kept = 0;
          for (const { measurement, host, request, peer } of points) {
            const tags = { host: `${host}`, request: `${request}` };
            const found = write(measurement, tags, { peer });
            if (found.startsWith('refused') || found.includes(OVERFLOW)) kept++;
            // What was admitted once stays what it is.
            else expect(write(measurement, tags, { peer })).toBe(found);
          }
          // Two senders; as many again where tags are folded, and one series a measurement beyond.
          const most = overBudget === 'fold' ? 2 * 2 * max + 3 : 2 * max;
          expect(index.seriesCount).toBeLessThanOrEqual(most);
          const counted = firewall
            .collect()
            .reduce((sum, { values }) => sum + (values['points'] ?? 0), 0);
          // A folded series that exists is asked for again each time: its raw key is never made.
          expect(counted).toBe(kept);
        },
      ),
      { numRuns: 60 },
    );
  });
});
