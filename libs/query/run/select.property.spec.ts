/**
 * Aggregates over any layout of shards and batches equal those of a naive model.
 */
import fc from 'fast-check';
import { MemoryReader, type MemoryPoint } from '../testing/memory-reader.js';
import { rows } from '../testing/rows.js';

interface Sample {
  readonly host: string;
  readonly timeNs: number;
  readonly value: number;
}

interface PartialRow {
  readonly host: string;
  readonly a?: number | undefined;
  readonly b?: number | undefined;
  readonly c?: number | undefined;
}

const sample = fc.record({
  host: fc.constantFrom('a', 'b', 'c'),
  timeNs: fc.integer({ min: -5000, max: 5000 }),
  value: fc.integer({ min: -100, max: 100 }),
});
const layout = fc.record({
  shardNs: fc.constantFrom(7n, 100n, 1000n, 100_000n),
  batchRows: fc.integer({ min: 1, max: 50 }),
});
const query = fc.record({
  intervalNs: fc.integer({ min: 1, max: 3000 }),
  isByHost: fc.boolean(),
  isFiltered: fc.boolean(),
});

const AGGREGATES: Readonly<Record<string, (samples: readonly Sample[]) => number>> = {
  count: (samples) => samples.length,
  sum: (samples) => samples.reduce((sum, { value }) => sum + value, 0),
  min: (samples) => Math.min(...samples.map(({ value }) => value)),
  max: (samples) => Math.max(...samples.map(({ value }) => value)),
  spread: (samples) =>
    Math.max(...samples.map(({ value }) => value)) - Math.min(...samples.map(({ value }) => value)),
  first: (samples) =>
    [...samples].sort((a, b) => a.timeNs - b.timeNs || b.value - a.value)[0]?.value ?? 0,
  last: (samples) =>
    [...samples].sort((a, b) => b.timeNs - a.timeNs || b.value - a.value)[0]?.value ?? 0,
  median: (samples) => {
    const sorted = samples.map(({ value }) => value).sort((a, b) => a - b);
    const half = sorted.length >> 1;
    return sorted.length % 2 === 1
      ? (sorted[half] ?? 0)
      : ((sorted[half - 1] ?? 0) + (sorted[half] ?? 0)) / 2;
  },
};

/** One sample per host and time: the last written. */
function stored(samples: readonly Sample[]): readonly Sample[] {
  return [...new Map(samples.map((one) => [`${one.host} ${one.timeNs}`, one])).values()];
}

describe('SELECT with GROUP BY time', () => {
  it('equals the naive model', () => {
    fc.assert(
      fc.property(
        fc.array(sample, { maxLength: 120 }),
        layout,
        query,
        (samples, shards, options) => {
          const points = samples.map(({ host, timeNs, value }): MemoryPoint => ({
            measurement: 'm',
            tags: { host },
            timeNs: BigInt(timeNs),
            fields: { v: value },
          }));
          const names = Object.keys(AGGREGATES);
          const { intervalNs, isByHost, isFiltered } = options;
          const text =
            `SELECT ${names.map((name) => `${name}(v)`).join(', ')} FROM m ` +
            `WHERE time >= -5000 AND time <= 5000 ${isFiltered ? "AND v >= 0 AND host != 'c' " : ''}` +
            `GROUP BY time(${intervalNs}ns)${isByHost ? ', host' : ''} fill(none)`;
          const actual = rows(text, new MemoryReader(points, shards)).map((series) => [
            series.tags,
            series.rows,
          ]);
          const kept = stored(samples).filter(
            ({ value, host }) => !isFiltered || (value >= 0 && host !== 'c'),
          );
          const groups = new Map<string, Sample[]>();
          for (const one of kept) {
            const key = isByHost ? one.host : '';
            groups.set(key, [...(groups.get(key) ?? []), one]);
          }
          const expected = [...groups]
            .sort(([a], [b]) => (a < b ? -1 : 1))
            .map(([host, own]) => {
              const windows = new Map<number, Sample[]>();
              for (const one of own) {
                const start = Math.floor(one.timeNs / intervalNs) * intervalNs;
                windows.set(start, [...(windows.get(start) ?? []), one]);
              }
              const table = [...windows]
                .sort(([a], [b]) => a - b)
                .map(([start, inside]) => [
                  BigInt(start),
                  ...names.map((name) => AGGREGATES[name]?.(inside)),
                ]);
              return [isByHost ? { host } : {}, table];
            });
          expect(actual).toEqual(expected);
        },
      ),
    );
  });

  it('gives raw rows in order of time whatever the layout', () => {
    fc.assert(
      fc.property(
        fc.array(sample, { maxLength: 80 }),
        layout,
        fc.boolean(),
        (samples, shards, isAscending) => {
          const points = samples.map(({ host, timeNs, value }): MemoryPoint => {
            return {
              measurement: 'm',
              tags: { host },
              timeNs: BigInt(timeNs),
              fields: { v: value, w: host },
            };
          });
          const text = `SELECT v, w FROM m ORDER BY time ${isAscending ? 'ASC' : 'DESC'}`;
          const actual = rows(text, new MemoryReader(points, shards)).flatMap(
            (series) => series.rows,
          );
          const times = actual.map(([timeNs]) => timeNs as bigint);
          expect(times).toEqual(
            [...times].sort((a, b) => (a < b === isAscending ? -1 : a === b ? 0 : 1)),
          );
          const plain = (list: readonly (readonly unknown[])[]): readonly string[] =>
            list.map((row) => row.map(String).join(' ')).sort();
          expect(plain(actual)).toEqual(
            plain(stored(samples).map(({ timeNs, value, host }) => [timeNs, value, host])),
          );
        },
      ),
    );
  });

  it('gives the rows that meet a condition, whatever fields they lack', () => {
    const value = fc.option(fc.integer({ min: 0, max: 9 }), { nil: undefined, freq: 3 });
    const row = fc.record({ host: fc.constantFrom('a', 'b'), a: value, b: value, c: value });
    const conditions: readonly [string, (row: PartialRow) => boolean][] = [
      ['a > 7', ({ a = -1 }) => a > 7],
      ['b > 7', ({ b = -1 }) => b > 7],
      ['b < 2 OR a = 5', ({ a = -1, b = 10 }) => b < 2 || a === 5],
      ['b > 6 AND a > 3', ({ a = -1, b = -1 }) => b > 6 && a > 3],
      ["b > 8 OR host = 'b'", ({ b = -1, host }) => b > 8 || host === 'b'],
      ["c = 9 AND host = 'a'", ({ c, host }) => c === 9 && host === 'a'],
    ];
    fc.assert(
      fc.property(
        fc.array(row, { minLength: 1, maxLength: 60 }),
        layout,
        fc.constantFrom(...conditions),
        fc.boolean(),
        (samples, shards, [condition, isWanted], isAscending) => {
          const points = samples.map(({ host, ...fields }, i): MemoryPoint => {
            const given = Object.entries(fields).filter(([, field]) => field !== undefined);
            return {
              ...{ measurement: 'm', tags: { host }, timeNs: BigInt(i) },
              fields: Object.fromEntries(given) as Record<string, number>,
            };
          });
          const order = isAscending ? 'ASC' : 'DESC';
          const text = `SELECT a, c FROM m WHERE ${condition} ORDER BY time ${order}`;
          const actual = rows(text, new MemoryReader(points, shards)).flatMap((one) => one.rows);
          const isAny = (name: 'a' | 'c'): boolean =>
            samples.some((one) => one[name] !== undefined);
          const expected = samples
            .map((one, i) => ({ ...one, timeNs: BigInt(i) }))
            .filter(({ a, c }) => a !== undefined || c !== undefined)
            .filter(isWanted)
            .map(({ timeNs, a = null, c = null }) => [timeNs, a, c]);
          if (!isAscending) expected.reverse();
          expect(actual).toEqual(isAny('a') || isAny('c') ? expected : []);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('gives the same rows in the same order when it is divided', () => {
    const texts = [
      'SELECT v FROM m',
      'SELECT v, host FROM m',
      'SELECT * FROM m',
      'SELECT w FROM m',
    ];
    fc.assert(
      fc.property(
        // Few times: several series have rows at each.
        fc.array(fc.record({ host: sample, timeNs: fc.integer({ min: 0, max: 20 }) })),
        layout,
        fc.constantFrom(...texts),
        fc.constantFrom('ASC', 'DESC'),
        fc.integer({ min: 2, max: 3 }),
        (samples, shards, text, order, count) => {
          const points = samples.map(({ host: { host, value }, timeNs }): MemoryPoint => ({
            ...{ measurement: 'm', tags: { host }, timeNs: BigInt(timeNs) },
            fields: { v: value, w: host },
          }));
          const reader = new MemoryReader(points, shards);
          const query = `${text} ORDER BY time ${order}`;
          const whole = rows(query, reader).flatMap((series) => series.rows);
          const parts = Array.from({ length: count }, (_, index) =>
            rows(query, reader, undefined, { index, count }),
          );
          expect(parts.flat().flatMap((series) => series.rows)).toEqual(whole);
        },
      ),
      { numRuns: 300 },
    );
  });
});
