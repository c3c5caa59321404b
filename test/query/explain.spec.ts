/**
 * EXPLAIN of points in files: `explain.iql` has what InfluxDB 1.6.7 says of points in memory; sizes of blocks are the encoder's.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ServerProcess, startServer } from '#test-support';
import { askQuery } from '../support/query-script.js';

const folder = mkdtempSync(join(tmpdir(), 'tidegate-explain-'));

/** What EXPLAIN counts, by its names. */
async function planOf({ url }: ServerProcess, q: string): Promise<Record<string, number>> {
  const { body } = await askQuery(url, { db: 'd', form: { q } });
  const answer = body as { results: [{ series: [{ values: [string][] }] }] };
  const lines = answer.results[0].series[0].values.map(([line]) => line);
  const counts = lines.map((line) => /^([A-Z ]+): (\d+)$/.exec(line)).filter((one) => one !== null);
  return Object.fromEntries(counts.map(([, name, count]) => [name ?? '', Number(count)]));
}

describe('EXPLAIN', () => {
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it('counts values in memory, then files and blocks', async () => {
    const first = await startServer({ folder });
    await askQuery(first.url, { db: '', form: { q: 'CREATE DATABASE d' } });
    const lines = Array.from({ length: 2500 }, (_, i) => `m,host=a f=${i},i=${i}i ${i}`);
    const body = [...lines, 'm,host=b f=1 5'].join('\n');
    await fetch(`${first.url}/write?db=d&precision=s`, { method: 'POST', body });
    const ofCache = await planOf(first, 'EXPLAIN SELECT f, i FROM m');
    await first.stop();
    const second = await startServer({ folder });
    const ofFiles = await planOf(second, 'EXPLAIN SELECT f, i FROM m');
    const early = await planOf(second, 'EXPLAIN SELECT f FROM m WHERE time < 500s AND i > 3');
    await fetch(`${second.url}/write?db=d&precision=s`, {
      method: 'POST',
      body: 'm,host=a f=7 3000',
    });
    const ofBoth = await planOf(second, 'EXPLAIN SELECT max(f) FROM m');
    await second.stop();
    const plan = (cached: number, files: number, blocks: number): unknown =>
      expect.objectContaining({
        'NUMBER OF SHARDS': 1,
        'NUMBER OF SERIES': 2,
        'CACHED VALUES': cached,
        'NUMBER OF FILES': files,
        'NUMBER OF BLOCKS': blocks,
      });
    expect(ofCache).toEqual(plan(5001, 0, 0));
    expect(ofFiles).toEqual(plan(0, 3, 7));
    expect(ofFiles['SIZE OF BLOCKS']).toBeGreaterThan(0);
    expect(early).toEqual(plan(0, 3, 3));
    expect(ofBoth).toEqual(plan(1, 2, 4));
  }, 60_000);
});
