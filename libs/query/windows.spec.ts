import { timeZoneOf, utc } from '#influxql';
import { EvenWindows, newRuns, SparseWindows, windowOf, ZonedWindows } from './windows.js';

const HOUR = 3_600_000_000_000n;
const at = (text: string): bigint => BigInt(Date.parse(text)) * 1_000_000n;
const shown = (ns: bigint): string => new Date(Number(ns / 1_000_000n)).toISOString().slice(0, 16);

describe('windows', () => {
  it.each([
    [10n, 0n, 25n, 20n, 30n],
    [10n, 3n, 25n, 23n, 33n],
    [10n, -3n, 25n, 17n, 27n],
    [10n, 0n, -1n, -10n, 0n],
  ])('of %s ns moved by %s hold %s', (intervalNs, offsetNs, timeNs, startNs, endNs) => {
    expect(windowOf({ intervalNs, offsetNs, zone: utc }, timeNs)).toEqual({ startNs, endNs });
  });

  it('of days follow the clocks of a zone', () => {
    const spec = { intervalNs: 24n * HOUR, offsetNs: 0n, zone: timeZoneOf('Europe/Berlin') ?? utc };
    const windows = new ZonedWindows(spec, at('2020-03-28T12:00:00Z'));
    const starts = [0, 1, 2].map((k) => shown(windows.startNs(k)));
    expect(starts).toEqual(['2020-03-27T23:00', '2020-03-28T23:00', '2020-03-29T22:00']);
  });

  it('moved by an offset change with the clocks of the grid beneath, as in InfluxDB 1.6.7', () => {
    const zone = timeZoneOf('Europe/Berlin') ?? utc;
    const spec = { intervalNs: 24n * HOUR, offsetNs: 6n * HOUR, zone };
    const windows = new ZonedWindows(spec, at('2026-10-24T12:00:00Z'));
    const starts = [0, 1, 2].map((k) => shown(windows.startNs(k)));
    expect(starts).toEqual(['2026-10-24T04:00', '2026-10-25T04:00', '2026-10-26T05:00']);
  });

  it.each([7n * HOUR, HOUR / 7n])(
    'of %s ns are the same where only some are known',
    (intervalNs) => {
      const zone = timeZoneOf('Europe/Berlin') ?? utc;
      const spec = { intervalNs, offsetNs: 0n, zone };
      const firstNs = at('2020-03-28T12:00:00Z');
      const offsets = Float64Array.from({ length: 60 }, (_, i) => i * 3.7e12);
      const starts = (windows: SparseWindows | ZonedWindows): readonly string[] => {
        const runs = newRuns();
        windows.split(firstNs, offsets, offsets.length, runs);
        return Array.from({ length: runs.count }, (_, r) => {
          return `${runs.firstRow[r]} ${shown(windows.startNs(runs.window[r] ?? 0))}`;
        });
      };
      expect(starts(new SparseWindows(spec, firstNs))).toEqual(
        starts(new ZonedWindows(spec, firstNs)),
      );
    },
  );

  it('split ascending times into runs', () => {
    const runs = newRuns();
    const offsets = Float64Array.of(0, 9, 10, 11, 35, 100);
    new EvenWindows(-10n, 10n).split(0n, offsets, offsets.length, runs);
    expect([...runs.window.subarray(0, runs.count)]).toEqual([1, 2, 4, 11]);
    expect([...runs.firstRow.subarray(0, runs.count + 1)]).toEqual([0, 2, 4, 5, 6]);
  });

  it('are exact far from their origin', () => {
    const runs = newRuns();
    const origin = -(2n ** 62n);
    new EvenWindows(origin, 7n).split(2n ** 62n, Float64Array.of(0, 1, 2 ** 50), 3, runs);
    const number = (timeNs: bigint): number => Number((timeNs - origin) / 7n);
    expect(runs.window[0]).toBe(number(2n ** 62n));
    expect(runs.count).toBeGreaterThan(1);
  });
});
