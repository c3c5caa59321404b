/**
 * `max-select-series` and `max-select-buckets` with the words and the windows of InfluxDB 1.6.7.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ServerProcess, startServer } from '#test-support';
import { askQuery } from '../support/query-script.js';

describe('limits of SELECT', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-limits-'));
  let server: ServerProcess;

  /** Times and values of the first series, or the error. */
  async function ask(q: string): Promise<unknown> {
    const { body } = await askQuery(server.url, { db: 'd', form: { q, epoch: 'h' } });
    const [result] = (body as { results: { error?: string; series?: { values: unknown }[] }[] })
      .results;
    return result?.error ?? result?.series?.[0]?.values;
  }

  beforeAll(async () => {
    const toml = '[coordinator]\nmax-select-series = 3\nmax-select-buckets = 5\n';
    server = await startServer({ folder, toml });
    await askQuery(server.url, { db: '', form: { q: 'CREATE DATABASE d' } });
    const hosts = ['a', 'b', 'c', 'd', 'e'].map((host) => `cpu,host=${host} v=1 36000`);
    const body = [...hosts, 'one v=1 41400', 'one v=3 43200', 'one v=5 59400'].join('\n');
    await fetch(`${server.url}/write?db=d&precision=s`, { method: 'POST', body });
  }, 60_000);

  afterAll(async () => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each([
    ['SELECT v FROM cpu', 'max-select-series limit exceeded: (4/3)'],
    ['EXPLAIN SELECT v FROM cpu', 'max-select-series limit exceeded: (4/3)'],
    ['SELECT count(v) FROM cpu WHERE host =~ /a|b|c/ AND time > 0', [[0, 3]]],
    [
      "SELECT sum(c) FROM (SELECT count(v) AS c FROM cpu WHERE host != 'a' AND host != 'b' GROUP BY host)",
      [[0, 3]],
    ],
    [
      'SELECT mean(v) FROM one WHERE time < 18h GROUP BY time(1h)',
      [
        [16, 5],
        [17, null],
      ],
    ],
    [
      'SELECT mean(v) FROM one WHERE time < 17h GROUP BY time(1h) LIMIT 2',
      [
        [12, 3],
        [13, null],
      ],
    ],
    ['SELECT mean(v) FROM one GROUP BY time(1h)', undefined],
    [
      'SELECT mean(v) FROM one WHERE time >= 12h AND time < 18h GROUP BY time(1h)',
      'max-select-buckets limit exceeded: (6/5)',
    ],
    [
      'SELECT max(m) FROM (SELECT mean(v) AS m FROM one GROUP BY time(1h)) WHERE time >= 12h AND time < 19h',
      [[16, 5]],
    ],
  ])('%s', async (q, answer) => {
    expect(await ask(q)).toEqual(answer);
  });
});
