import fc from 'fast-check';
import { FieldType } from './field-type.js';
import { int64ToBigInt } from './int64.js';
import type { KnownSeries } from './line-context.js';
import { PointsBuilder } from './points-builder.js';
import type { PointsBatch } from './points-batch.js';
import { hashKey } from './series-key.js';
import { ShapeTable } from './shape.js';
import { TimeWords } from './time-words.js';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Knows the given keys by their place. */
const knowing = (...keys: readonly string[]): KnownSeries => ({
  find: (bytes, start, length) =>
    keys.indexOf(decoder.decode(bytes.subarray(start, start + length))),
  addAlias: () => undefined,
  shapeHints: new Int32Array(keys.length),
});

/** The number of a series by name, added when new. */
function seriesOf(builder: PointsBuilder, name: string, key: string, field = 'v'): number | string {
  const bytes = encoder.encode(name);
  const known = builder.find(bytes, 0, bytes.length, hashKey(bytes, 0, bytes.length));
  if (known >= 0) return known;
  const fields = [{ name: field, type: FieldType.FLOAT }];
  return builder.addSeries(bytes, { key: encoder.encode(key), fields });
}

/** Points of a batch in order: id or key, value, time. */
function pointsOf(batch: PointsBatch): readonly [number | string, number, bigint][] {
  const points: [number | string, number, bigint][] = [];
  for (const group of batch.groups) {
    for (let row = 0; row < group.rows; row++) {
      const start = group.keyStart[row];
      const id = group.seriesIds[row];
      const key = decoder.decode(batch.extra.subarray(start, start + group.keyLength[row]));
      const time = int64ToBigInt(group.times[2 * row], group.times[2 * row + 1]);
      points[group.pointNumbers[row]] = [id < 0 ? key : id, group.values[row], time];
    }
  }
  return points;
}

function add(builder: PointsBuilder, name: string, key: string, value: number): void {
  const series = seriesOf(builder, name, key);
  if (typeof series === 'number') builder.addFloat(series, value, value, 7);
}

describe('PointsBuilder', () => {
  it('gives ids of known series and keys of others, whatever they are called', () => {
    const builder = new PointsBuilder(new ShapeTable());
    add(builder, 'a.x', 'x,h=a', 1);
    add(builder, 'b.y', 'y,h=b', 2);
    add(builder, 'x from a', 'x,h=a', 3);
    const known = knowing('z', 'y,h=b');
    const batch = builder.take(known);
    expect(pointsOf(batch)).toEqual([
      ['x,h=a', 1, 1_000_000_007n],
      [1, 2, 2_000_000_007n],
      ['x,h=a', 3, 3_000_000_007n],
    ]);
    expect(batch.seriesSource).toBe(known);
    expect([batch.pointCount, batch.valueCount, batch.hasMixedShapes]).toEqual([3, 3, false]);
  });

  it('guesses which series comes next, and is told where the guess was wrong', () => {
    const builder = new PointsBuilder(new ShapeTable());
    const numbers = ['a.first', 'b.second', 'b.2nd'].map((name) =>
      Number(seriesOf(builder, name, name)),
    );
    const [a, b, c] = numbers;
    const following = (name: string): number => {
      const bytes = encoder.encode(`${name}...`);
      return builder.findFollowing(new DataView(bytes.buffer), 0, name.length);
    };
    expect(following('a.first')).toBe(-1);
    for (const n of [a, b, a]) builder.noteFollowing(n);
    expect(['b.second', 'a.first', 'b.secone', 'b.2nd', 'a.first'].map(following)).toEqual([
      b,
      a,
      -1,
      -1,
      -1,
    ]);
    builder.noteFollowing(c);
    expect([following('b.second'), following('a.first')]).toEqual([-1, -1]);
    builder.noteFollowing(a);
    expect(following('b.2nd')).toBe(c);
  });

  it('looks ids up again when the database is another', () => {
    const builder = new PointsBuilder(new ShapeTable());
    const idOf = (known: KnownSeries | null): unknown => {
      add(builder, 'a', 'a', 1);
      const batch = builder.take(known);
      const [[id]] = pointsOf(batch);
      builder.recycle(batch);
      return id;
    };
    expect([knowing('a'), knowing('b', 'a'), null, knowing('b'), knowing('a')].map(idOf)).toEqual([
      0,
      1,
      'a',
      'a',
      0,
    ]);
  });

  it('notes when the order of points of one series matters', () => {
    const shapes = new ShapeTable();
    const f = (...fieldSets: readonly (readonly string[])[]): boolean => {
      const builder = new PointsBuilder(shapes);
      for (const [i, names] of fieldSets.entries()) {
        const series = builder.addSeries(encoder.encode(String(i)), {
          key: encoder.encode('a'),
          fields: names.map((name) => ({ name, type: FieldType.FLOAT })),
        });
        if (typeof series !== 'number') continue;
        builder.startPoint(series, 1, 0);
        names.forEach((_name, field) => builder.setNumber(field, field));
      }
      return builder.take(null).hasMixedShapes;
    };
    expect(f(['x'], ['y'])).toBe(false);
    expect(f(['x', 'y'], ['x', 'y'])).toBe(false);
    expect(f(['x', 'y'], ['x'])).toBe(true);
  });

  it('takes integers beyond 2^53, booleans and strings', () => {
    const builder = new PointsBuilder(new ShapeTable());
    const series = builder.addSeries(encoder.encode('n'), {
      key: encoder.encode('m'),
      fields: [
        { name: 'i', type: FieldType.INTEGER },
        { name: 'b', type: FieldType.BOOLEAN },
        { name: 's', type: FieldType.STRING },
      ],
    });
    expect(series).toBe(0);
    builder.startPoint(0, 1, 0);
    builder.setInteger(0, 9223372036854775807n);
    builder.setNumber(1, 1);
    builder.setString(2, encoder.encode('text'));
    const batch = builder.take(null);
    const [group] = batch.groups;
    expect(batch.bigIntegers[0]).toBe(9223372036854775807n);
    expect(group.values[group.capacity]).toBe(1);
    expect(decoder.decode(batch.stringBytes(group.values[2 * group.capacity]))).toBe('text');
  });

  it('refuses keys that storage could not hold', () => {
    const builder = new PointsBuilder(new ShapeTable());
    expect(seriesOf(builder, 'n', 'k'.repeat(65531), 'f')).toBe(
      'max key length exceeded: 65536 > 65535',
    );
    expect(seriesOf(builder, 'n', 'k'.repeat(65530), 'f')).toBe(0);
  });

  it('starts anew when it remembers too many names', () => {
    const builder = new PointsBuilder(new ShapeTable(), 3);
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 4; i++) add(builder, `n${round}${i}`, `k${round}${i}`, i);
      expect(pointsOf(builder.take(null)).map(([key]) => key)).toEqual(
        [0, 1, 2, 3].map((i) => `k${round}${i}`),
      );
      expect(builder.seriesCount).toBe(0);
    }
  });

  it('loses and doubles nothing, whatever is added and known', () => {
    const name = fc.integer({ min: 0, max: 30 });
    const step = fc.oneof(
      name.map((n) => ({ add: n })),
      fc.subarray([...Array(10).keys()]).map((known) => ({ known })),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const builder = new PointsBuilder(new ShapeTable(), 8);
        let expected: [string, number][] = [];
        let value = 0;
        for (const each of [...steps, { known: [] }]) {
          if ('add' in each) {
            // Three names a key.
            add(builder, `n${each.add}`, `k${each.add % 10}`, ++value);
            expected.push([`k${each.add % 10}`, value]);
          } else {
            const keys = each.known.map((n) => `k${n}`);
            const batch = builder.take(knowing(...keys));
            expect(
              pointsOf(batch).map(([id, v]) => [typeof id === 'number' ? keys[id] : id, v]),
            ).toEqual(expected);
            expected = [];
            builder.recycle(batch);
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('TimeWords', () => {
  it('is exact', () => {
    const words = new TimeWords();
    fc.assert(
      fc.property(
        fc.integer({ min: -9223372036, max: 9223372035 }),
        fc.integer({ min: 0, max: 999_999_999 }),
        (seconds, nanos) => {
          words.set(seconds, nanos);
          expect(int64ToBigInt(words.lo, words.hi)).toBe(
            BigInt(seconds) * 1_000_000_000n + BigInt(nanos),
          );
        },
      ),
    );
  });
});
