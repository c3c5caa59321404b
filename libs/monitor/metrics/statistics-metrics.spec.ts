import type { Statistics } from '../statistics.js';
import { LABEL_SETS_MAX, StatisticsMetrics } from './statistics-metrics.js';

const shard = (id: number, writeReq: number, database = 'd'): Statistics => ({
  name: 'shard',
  tags: { database, id: String(id), path: `/x/${id}`, retentionPolicy: 'autogen' },
  values: { writeReq },
});

/** The samples of a text, without comments. */
const samples = (text: string): string[] =>
  text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));

describe('StatisticsMetrics', () => {
  it('names, scales and explains what is in the catalog', () => {
    const text = new StatisticsMetrics().render([
      { name: 'httpd', tags: { bind: ':8086' }, values: { req: 3, reqDurationNs: 1_500_000_000 } },
    ]);
    expect(text).toBe(
      `# HELP tidegate_http_requests_total Requests received.
# TYPE tidegate_http_requests_total counter
tidegate_http_requests_total 3
# HELP tidegate_http_request_handling_seconds_total Time spent on requests.
# TYPE tidegate_http_request_handling_seconds_total counter
tidegate_http_request_handling_seconds_total 1.5
`,
    );
  });

  it('adds up shards; a counter never goes back when one is removed', () => {
    const metrics = new StatisticsMetrics();
    const name = 'tidegate_shard_writes_total{database="d",retention_policy="autogen"}';
    expect(samples(metrics.render([shard(1, 5), shard(2, 7)]))).toEqual([`${name} 12`]);
    expect(samples(metrics.render([shard(2, 8)]))).toEqual([`${name} 13`]);
    expect(samples(metrics.render([]))).toEqual([`${name} 13`]);
    expect(samples(metrics.render([shard(3, 1)]))).toEqual([`${name} 14`]);
  });

  it('shows gauges only while somebody has them', () => {
    const metrics = new StatisticsMetrics();
    const database: Statistics = {
      name: 'database',
      tags: { database: 'a"b\\c\nd' },
      values: { numSeries: 4 },
    };
    expect(samples(metrics.render([database]))).toEqual([
      'tidegate_database_series{database="a\\"b\\\\c\\nd"} 4',
    ]);
    expect(metrics.render([])).toBe('');
  });

  it('bounds the sets of labels', () => {
    const all = Array.from({ length: LABEL_SETS_MAX + 10 }, (_, i) => shard(i, 1, `d${i}`));
    const lines = samples(new StatisticsMetrics().render(all));
    expect(lines).toHaveLength(LABEL_SETS_MAX + 1);
    expect(lines[LABEL_SETS_MAX]).toBe(
      'tidegate_shard_writes_total{database="other",retention_policy="other"} 10',
    );
  });

  it('shows numbers that are not in the catalog under their own names', () => {
    const text = new StatisticsMetrics().render([
      { name: 'my-input', tags: { bind: ':1' }, values: { thingsSeen: 2, waitNs: 5e8 } },
    ]);
    expect(samples(text)).toEqual([
      'tidegate_my_input_things_seen{bind=":1"} 2',
      'tidegate_my_input_wait_seconds{bind=":1"} 0.5',
    ]);
  });
});
