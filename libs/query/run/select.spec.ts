import { noLimits, QueryBudget } from '../limits.js';
import { MemoryReader, type MemoryPoint } from '../testing/memory-reader.js';
import { rows } from '../testing/rows.js';
import { runSelect } from './select.js';
import { parseSelectStatement } from '#influxql';

const points: readonly MemoryPoint[] = [
  { measurement: 'm', tags: { h: 'a' }, timeNs: 0n, fields: { f: 1, i: 1n, s: 'x' } },
  { measurement: 'm', tags: { h: 'a' }, timeNs: 10n, fields: { f: 3, b: true } },
  { measurement: 'm', tags: { h: 'b' }, timeNs: 10n, fields: { f: 5, i: 9223372036854775807n } },
  { measurement: 'm', tags: { h: 'b' }, timeNs: 2500n, fields: { f: -2, s: 'y' } },
];
const reader = new MemoryReader(points);

function values(query: string): readonly unknown[] {
  return rows(query, reader).map((series) => [...Object.values(series.tags), ...series.rows]);
}

describe('SELECT', () => {
  it.each([
    // At equal times the order is that of InfluxDB's heap, which is not that of the series.
    [
      'SELECT f FROM m',
      [
        [
          [0n, 1],
          [10n, 5],
          [10n, 3],
          [2500n, -2],
        ],
      ],
    ],
    [
      'SELECT f, h FROM m LIMIT 2 OFFSET 1',
      [
        [
          [10n, 5, 'b'],
          [10n, 3, 'a'],
        ],
      ],
    ],
    ['SELECT f FROM m ORDER BY time DESC LIMIT 1', [[[2500n, -2]]]],
    [
      'SELECT i, s FROM m',
      [
        [
          [0n, 1n, 'x'],
          [10n, 9223372036854775807n, null],
          [2500n, null, 'y'],
        ],
      ],
    ],
    [
      "SELECT f * 2 FROM m WHERE h = 'a'",
      [
        [
          [0n, 2],
          [10n, 6],
        ],
      ],
    ],
    [
      "SELECT f FROM m WHERE s = 'y' OR b = true",
      [
        [
          [10n, 3],
          [2500n, -2],
        ],
      ],
    ],
    [
      'SELECT sum(f), count(s) FROM m GROUP BY h',
      [
        ['a', [0n, 4, 1]],
        ['b', [0n, 3, 1]],
      ],
    ],
    ['SELECT max(f) FROM m', [[[10n, 5]]]],
    ['SELECT max(f), h FROM m', [[[10n, 5, 'b']]]],
    ['SELECT sum(i) FROM m', [[[0n, -9223372036854775808n]]]],
    [
      'SELECT count(f) FROM m WHERE time >= 0 AND time < 30 GROUP BY time(10ns)',
      [
        [
          [0n, 1],
          [10n, 2],
          [20n, 0],
        ],
      ],
    ],
    ["SELECT difference(f) FROM m WHERE h = 'b'", [[[2500n, -7]]]],
    ['SELECT max(x) FROM (SELECT sum(f) AS x FROM m GROUP BY h)', [[[0n, 4]]]],
    ['SELECT nothing FROM m', []],
    ['SELECT f FROM absent', []],
  ])('%s', (query, expected) => {
    expect(values(query)).toEqual(expected);
  });

  it('stops at its limits', () => {
    const run = (limits: {
      selectPointsMax?: number;
      selectSeriesMax?: number;
      selectBucketsMax?: number;
    }): unknown => {
      const all = { ...noLimits, ...limits };
      const query = 'SELECT mean(f) FROM m WHERE time >= 0 AND time < 1000 GROUP BY time(10ns)';
      const options = { reader, database: 'd', retentionPolicy: '', nowNs: 0n, limits: all };
      return [...runSelect(parseSelectStatement(query), options)];
    };
    expect(() => run({ selectPointsMax: 2 })).toThrow('max-select-point limit exceeded: (3/2)');
    expect(() => run({ selectSeriesMax: 1 })).toThrow('max-select-series limit exceeded: (2/1)');
    expect(() => run({ selectBucketsMax: 5 })).toThrow(
      'max-select-buckets limit exceeded: (100/5)',
    );
  });

  it('stops when it is told to', () => {
    const stop = new AbortController();
    stop.abort();
    expect(() => new QueryBudget(undefined, stop.signal).check()).toThrow('query interrupted');
  });
});
