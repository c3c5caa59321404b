import { MemoryReader, type MemoryPoint, type MemoryValue } from '../testing/memory-reader.js';
import { rows } from '../testing/rows.js';

const SERIES = 450;
const TIMES = [3n, 5n, 1200n];

/** More series than are held open at once, with values that are missing, wide and text. */
function manySeries(): readonly MemoryPoint[] {
  const points: MemoryPoint[] = [];
  for (let s = 0; s < SERIES; s++) {
    for (const [t, timeNs] of TIMES.entries()) {
      const fields: Record<string, MemoryValue> = { f: s + t };
      if ((s + t) % 3 === 0) fields['i'] = (1n << 62n) + BigInt(s);
      if ((s + t) % 2 === 0) fields['s'] = `s${s}`;
      points.push({ measurement: 'm', tags: { h: String(s).padStart(4, '0') }, timeNs, fields });
    }
  }
  return points;
}

const points = manySeries();
const reader = new MemoryReader(points, { shardNs: 1000n, batchRows: 2 });

const key = (row: readonly unknown[]): string => `${String(row[0]).padStart(5, '0')} ${row[2]}`;
const byKey = (a: readonly unknown[], b: readonly unknown[]): number => (key(a) < key(b) ? -1 : 1);

describe('rows of more series than are held open', () => {
  const run = (query: string): readonly (readonly unknown[])[] =>
    rows(query, reader).flatMap((series) => series.rows);

  it.each(['ASC', 'DESC'])('are all there, in order of time: %s', (order) => {
    const found = run(`SELECT f, h, i, s FROM m ORDER BY time ${order}`);
    const times = found.map(([timeNs]) => Number(timeNs));
    expect(times).toEqual([...times].sort((a, b) => (order === 'ASC' ? a - b : b - a)));
    const wanted = points.map(({ timeNs, tags, fields: { f, i, s } }) => {
      return [timeNs, f, tags['h'], i ?? null, s ?? null];
    });
    expect([...found].sort(byKey)).toEqual(wanted.sort(byKey));
  });

  it.each(['', 'WHERE f > 200'])('are cut by LIMIT and OFFSET %s', (where) => {
    const all = run(`SELECT f, h, i, s FROM m ${where}`);
    expect(run(`SELECT f, h, i, s FROM m ${where} LIMIT 7 OFFSET 600`)).toEqual(
      all.slice(600, 607),
    );
  });

  it('come in order of their tags where times are equal', () => {
    const found = run('SELECT h, i, s FROM m WHERE time < 5');
    expect(found.map(([, h]) => h)).toEqual(found.map(([, h]) => h).sort());
  });
});
