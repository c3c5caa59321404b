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

/** The tree of EXPLAIN ANALYZE without times, and without counts of blocks that were not decoded. */
async function treeOf({ url }: ServerProcess, q: string): Promise<readonly string[]> {
  const { body } = await askQuery(url, { db: 'd', form: { q } });
  const answer = body as { results: [{ series: [{ values: [string][] }] }] };
  return answer.results[0].series[0].values
    .map(([line]) => line.replaceAll('\u00a0', ' ').replace(/(_time: ).*/, '$1T'))
    .filter((line) => !/_blocks_(decoded|size_bytes): 0$/.test(line))
    .map((line) => line.replace(/(_size_bytes: )[1-9]\d*/, '$1N'));
}

/** As InfluxDB 1.6.7 draws it. The series without `i` has no rows, so that its `f` is not decoded. */
const nestedTree = `.
└── select
    ├── execution_time: T
    ├── planning_time: T
    ├── total_time: T
    └── build_cursor
        ├── labels
        │   └── statement: SELECT max(x::float) FROM (SELECT f::float AS x FROM d.autogen.m WHERE i::integer >= 0), d.autogen.m
        └── iterator_scanner
            ├── labels
            │   └── expr: max(x::float)
            └── build_cursor
                ├── labels
                │   └── statement: SELECT f::float AS x FROM d.autogen.m WHERE i::integer >= 0
                └── iterator_scanner
                    ├── labels
                    │   └── auxiliary_fields: f::float
                    └── create_iterator
                        ├── labels
                        │   ├── cond: i::integer >= 0
                        │   ├── measurement: m
                        │   └── shard_id: 1
                        ├── cursors_ref: 0
                        ├── cursors_aux: 2
                        ├── cursors_cond: 2
                        ├── float_blocks_decoded: 3
                        ├── float_blocks_size_bytes: N
                        ├── integer_blocks_decoded: 3
                        ├── integer_blocks_size_bytes: N
                        └── planning_time: T
`.split('\n');

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
    const nested = 'EXPLAIN ANALYZE SELECT max(x) FROM (SELECT f AS x FROM m WHERE i >= 0), m';
    const tree = await treeOf(second, nested);
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
    expect(tree).toEqual(nestedTree);
  }, 60_000);
});
