import { parseQuery } from '#influxql';
import { FieldType, PointsBatch, ShapeTable } from '#models';
import { SeriesIndex } from '#series-index';
import { ManualClock } from '#test-support';
import { showTopExtension, showTopHandler } from './show-top.js';
import { KEPT_PER_MINUTE, TopTalkers } from './top-talkers.js';

const MINUTE_MS = 60_000;
const encoder = new TextEncoder();

const setUp = () => {
  const clock = new ManualClock();
  const index = new SeriesIndex();
  const talkers = new TopTalkers({ index: () => index }, clock);
  const shape = new ShapeTable().intern([{ name: 'f', type: FieldType.FLOAT }]);
  if (shape === null) throw new TypeError('no shape');
  const source = (peer: string) => ({ listener: 'http', peer });
  /** Stores points of measurements, each with its sender. */
  const store = (points: readonly (readonly [measurement: string, peer: string])[]): void => {
    const batch = new PointsBatch();
    const group = batch.group(shape);
    const sources = new Map<string, ReturnType<typeof source>>();
    for (const [measurement, peer] of points) {
      const from = sources.get(peer) ?? source(peer);
      sources.set(peer, from);
      batch.markSource(from);
      const key = encoder.encode(measurement);
      const before = index.seriesCount;
      const seriesId = index.findOrCreate(key, 0, key.length) as number;
      if (index.seriesCount !== before)
        talkers.made({ database: 'd', retentionPolicy: 'r', index, seriesId, source: from });
      if (group.rows === group.capacity) group.grow();
      group.seriesIds[group.rows++] = seriesId;
      batch.pointCount++;
    }
    talkers.stored({ database: 'd', retentionPolicy: '', batch });
  };
  const show = async (text: string): Promise<unknown[][]> => {
    const [statement] = parseQuery(text, { extensions: [showTopExtension] });
    if (statement?.kind !== 'extension') throw new TypeError('not ours');
    const context = { database: '', retentionPolicy: '', chunkRows: 0, user: null };
    const [series] = await showTopHandler(talkers).run(statement, {
      ...context,
      signal: new AbortController().signal,
    });
    const columns = series?.data.map((c) => (c.kind === 'any' ? c.values : [])) ?? [];
    return Array.from({ length: series?.rowCount ?? 0 }, (_, row) => columns.map((c) => c[row]));
  };
  return { clock, store, show };
};

describe('SHOW TOP', () => {
  it('names measurements and senders by points and by new series', async () => {
    const { store, show } = setUp();
    store([
      ['a', '1'],
      ['a', '1'],
      ['b', '2'],
      ['a', '1'],
      ['c', '2'],
    ]);
    expect(await show('SHOW TOP MEASUREMENTS BY POINTS')).toEqual([
      ['d', 'a', 3n, 0n],
      ['d', 'b', 1n, 0n],
      ['d', 'c', 1n, 0n],
    ]);
    expect(await show('SHOW TOP SOURCES BY POINTS')).toEqual([
      ['http', '1', 3n, 0n],
      ['http', '2', 2n, 0n],
    ]);
    expect(await show('SHOW TOP SOURCES BY NEW SERIES LIMIT 1')).toEqual([['http', '2', 2n, 0n]]);
    expect(await show('SHOW TOP MEASUREMENTS BY NEW SERIES OVER 1h LIMIT 2')).toEqual([
      ['d', 'a', 1n, 0n],
      ['d', 'b', 1n, 0n],
    ]);
  });

  it('looks at a window of minutes', async () => {
    const { clock, store, show } = setUp();
    store([['a', '1']]);
    clock.advanceMs(2 * MINUTE_MS);
    store([
      ['b', '1'],
      ['b', '1'],
    ]);
    expect(await show('SHOW TOP MEASUREMENTS BY POINTS LIMIT 5 OVER 2m')).toEqual([
      ['d', 'b', 2n, 0n],
    ]);
    expect(await show('show top measurements by points over 3m')).toEqual([
      ['d', 'b', 2n, 0n],
      ['d', 'a', 1n, 0n],
    ]);
    clock.advanceMs(61 * MINUTE_MS);
    expect(await show('SHOW TOP MEASUREMENTS BY POINTS OVER 1h')).toEqual([]);
  });

  it('says by how much a count may be off that was not among the first of a minute', async () => {
    const { clock, store, show } = setUp();
    const many = Array.from(
      { length: KEPT_PER_MINUTE + 5 },
      (_, i) => `m${String(i).padStart(4, '0')}`,
    );
    store(many.flatMap((name) => [[name, '1'] as const, [name, '1'] as const]));
    clock.advanceMs(MINUTE_MS);
    const last = many[many.length - 1] ?? '';
    store([
      [last, '1'],
      [last, '1'],
      [last, '1'],
    ]);
    // Its two of the first minute are not known any more, but that there may be two.
    expect((await show('SHOW TOP MEASUREMENTS BY POINTS LIMIT 1'))[0]).toEqual(['d', last, 3n, 2n]);
  });

  it('has words that stay names, and says what it is in one form', () => {
    const extensions = [showTopExtension];
    expect(parseQuery('SELECT top, sources FROM "top"', { extensions })).toHaveLength(1);
    expect(parseQuery('show top sources by new series', { extensions })).toMatchObject([
      { text: 'SHOW TOP SOURCES BY NEW SERIES OVER 5m0s LIMIT 10', privileges: 'admin' },
    ]);
    expect(() => parseQuery('SHOW TOP USERS', { extensions })).toThrow(/^found TOP, expected CONT/);
    expect(() => parseQuery('SHOW TOP', {})).toThrow(/^found TOP, expected CONTINUOUS/);
  });
});
