/** The rows of a cache by series are those that its links say, as long as the links are those of the chunks. */
import fc from 'fast-check';
import '../../../test/support/property-seed.js';
import { FieldType, PointsBatch, ShapeTable } from '#models';
import { Cache, CHUNK_ROWS } from './cache.js';
import { SeriesRows } from './series-rows.js';

const SERIES_MAX = 5;
const shapes = new ShapeTable();
const ids = [['a'], ['b'], ['a', 'b']].map((names) => {
  const shape = shapes.intern(names.map((name) => ({ name, type: FieldType.FLOAT })));
  return shape === null ? -1 : shape.id;
});

/** Appends one row of a series at a time, in a batch of its own or of several. */
function append(cache: Cache, rows: readonly { series: number; shape: number }[]): void {
  for (const { series, shape } of rows) {
    const batch = new PointsBatch();
    const group = batch.group(shapes.get(ids[shape] ?? -1));
    group.seriesIds[0] = series;
    group.times[0] = cache.rowCount;
    group.rows = 1;
    cache.append(batch, group, 0, 1);
  }
}

function linked(cache: Cache, series: number): number[] {
  const refs: number[] = [];
  for (let ref = cache.lastRow(series); ref >= 0;) {
    refs.unshift(ref);
    ref = cache.chunks[Math.floor(ref / CHUNK_ROWS)]?.previous[ref % CHUNK_ROWS] ?? -1;
  }
  return refs;
}

const row = fc.record({
  series: fc.integer({ min: 0, max: SERIES_MAX }),
  shape: fc.integer({ min: 0, max: 2 }),
});

test('rows by series are those that are linked, in the same order', () => {
  fc.assert(
    fc.property(fc.array(row, { minLength: 1, maxLength: 300 }), (rows) => {
      const cache = new Cache();
      append(cache, rows);
      const found = SeriesRows.of(cache.chunks, cache.seriesIds, cache.rowCount);
      for (const series of cache.seriesIds) {
        const isMixed =
          new Set(rows.flatMap((r) => (r.series === series ? [r.shape] : []))).size > 1;
        const refs = found?.refsOf(series) ?? null;
        expect(refs === null ? null : [...refs]).toEqual(isMixed ? null : linked(cache, series));
      }
    }),
    { numRuns: 100 },
  );
});

test('a series that has no row between two that have', () => {
  const cache = new Cache();
  append(cache, [
    { series: 1, shape: 0 },
    { series: 4, shape: 0 },
    { series: 1, shape: 0 },
  ]);
  const found = SeriesRows.of(cache.chunks, cache.seriesIds, cache.rowCount);
  expect([0, 1, 2, 3, 4].map((series) => [...(found?.refsOf(series) ?? [])])).toEqual([
    [],
    [0, 2],
    [],
    [],
    [1],
  ]);
});

test('a cache with deleted rows has to be read by its links', () => {
  const cache = new Cache();
  append(cache, [
    { series: 1, shape: 0 },
    { series: 2, shape: 0 },
  ]);
  cache.delete([1], { minNs: 0n, maxNs: 10n });
  expect(SeriesRows.of(cache.chunks, cache.seriesIds, cache.rowCount)).toBeNull();
});
