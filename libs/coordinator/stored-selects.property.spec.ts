/**
 * SELECTs over points in caches, in files, in both, and in compacted files give the rows of a naive model. Conditions on fields
 * hold in few blocks, so that most are passed over.
 */
import fc from 'fast-check';
import { SelectBench, START_S } from './testing/select-bench.js';

/** More than two blocks of 1000 points a series. */
const POINTS = 2600;
const HOSTS = ['a', 'b'] as const;

interface Row {
  readonly f?: number;
  readonly i?: number;
  readonly s?: string;
}

/** Text of a condition, and what it means for a row. */
const CONDITIONS: readonly (readonly [string, (row: Row) => boolean])[] = [
  ['i = 1', ({ i }) => i === 1],
  ['i > 2', ({ i = 0 }) => i > 2],
  ["s = 'rare'", ({ s }) => s === 'rare'],
  ['i = 2 OR f < 0.5', ({ i, f = 1 }) => i === 2 || f < 0.5],
  ["i > 0 AND s = 'rare'", ({ i = 0, s }) => i > 0 && s === 'rare'],
  ['f * 2 > 17 AND i < 3', ({ f = 0, i = 3 }) => f * 2 > 17 && i < 3],
];

/** What is written: values change slowly, fields are missing here and there. */
const layout = fc.record({
  /** Rows with the same `i`; also such that it changes where a block ends. */
  run: fc.oneof(fc.constantFrom(999, 1000, 1999), fc.integer({ min: 150, max: 1400 })),
  /** Every so many rows lack a field; 0 for none. */
  gap: fc.constantFrom(0, 0, 2, 5, 9),
  rare: fc.integer({ min: 0, max: POINTS - 1 }),
  /** Second writes of old times, from the first to behind the last. */
  again: fc.tuple(fc.nat(POINTS), fc.nat(400)),
});
const question = fc.record({
  condition: fc.constantFrom(...CONDITIONS),
  from: fc.nat(POINTS),
  isAscending: fc.boolean(),
  limit: fc.constantFrom(0, 1, 7),
});
type Layout = typeof layout extends fc.Arbitrary<infer T> ? T : never;
type Question = typeof question extends fc.Arbitrary<infer T> ? T : never;
type Model = Map<string, Map<number, Row>>;

function rowOf({ run, gap, rare }: Layout, t: number): Row {
  return {
    ...((gap === 0 || t % gap !== 0) && { f: (t % 40) / 4 }),
    ...((gap === 0 || t % (gap + 1) !== 0) && { i: Math.floor(t / run) }),
    ...(Math.abs(t - rare) < 3 ? { s: 'rare' } : t % 5 === 0 && { s: 'often' }),
  };
}

function linesOf(model: Model, times: readonly number[], rows: (t: number) => Row): string[] {
  const lines: string[] = [];
  for (const host of HOSTS)
    for (const t of times) {
      const row = rows(t);
      const { f, i, s } = row;
      const fields = [
        ...(f === undefined ? [] : [`f=${f}`]),
        ...(i === undefined ? [] : [`i=${i}i`]),
        ...(s === undefined ? [] : [`s="${s}"`]),
      ];
      if (fields.length === 0) continue;
      lines.push(`m,host=${host} ${fields.join(',')} ${START_S + t}`);
      const known = model.get(host) ?? new Map<number, Row>();
      model.set(host, known.set(t, { ...known.get(t), ...row }));
    }
  return lines;
}

function textOf({ condition, from, isAscending, limit }: Question): string {
  const order = isAscending ? 'ASC' : 'DESC';
  const cut = limit > 0 ? ` LIMIT ${limit}` : '';
  return `SELECT f, s FROM m WHERE time >= ${START_S + from}s AND (${condition[0]}) GROUP BY host ORDER BY time ${order}${cut}`;
}

function expected(model: Model, { condition, from, isAscending, limit }: Question): string[] {
  const blocks = [...model].map(([host, rows]) => {
    const kept = [...rows]
      .filter(([t, row]) => t >= from && condition[1](row))
      .filter(([, { f, s }]) => f !== undefined || s !== undefined)
      .sort(([a], [b]) => (isAscending ? a - b : b - a))
      .slice(0, limit > 0 ? limit : undefined)
      .map(([t, { f, s }]) => `${START_S + t}000000000 ${f ?? 'null'} ${s ?? 'null'}`);
    return kept.length === 0 ? [] : [`m host=${host} time f s`, ...kept];
  });
  return (isAscending ? blocks : blocks.reverse()).flat();
}

const range = (from: number, count: number): number[] =>
  Array.from({ length: count }, (_, n) => from + n);

describe('a SELECT with a condition on fields', () => {
  it('gives the same over caches, files, both, and what compaction made of them', async () => {
    await fc.assert(
      fc.asyncProperty(
        layout,
        fc.array(question, { minLength: 3, maxLength: 6 }),
        async (made, asked) => {
          const bench = new SelectBench();
          await bench.open();
          const model: Model = new Map();
          const check = (): void => {
            for (const one of asked) expect(bench.here(textOf(one))).toEqual(expected(model, one));
          };
          try {
            const half = POINTS >> 1;
            await bench.write(linesOf(model, range(0, half), (t) => rowOf(made, t)));
            check();
            await bench.snapshot();
            check();
            await bench.write(linesOf(model, range(half, POINTS - half), (t) => rowOf(made, t)));
            check();
            await bench.snapshot();
            const [from, count] = made.again;
            await bench.write(linesOf(model, range(from, count + 1), (t) => rowOf(made, t + 1)));
            check();
            await bench.snapshot();
            check();
            await bench.compact();
            check();
          } finally {
            await bench.close();
          }
        },
      ),
      { numRuns: 5 },
    );
  }, 60_000);
});
