/** A shape is the statement without its literals. */
import { parseStatement, type SelectStatement } from '#influxql';
import { LONG_SHAPES_MAX, LongSelects } from './long-selects.js';

const shape = (text: string, database = 'db'): number =>
  LongSelects.shapeOf(parseStatement(text) as SelectStatement, database, '');

test('literals do not count, names and functions do', () => {
  const text = (from: number, host: string): string =>
    `SELECT mean(v) FROM m WHERE time > ${from} AND host = '${host}' GROUP BY time(1m)`;
  expect(shape(text(1, 'a'))).toBe(shape(text(2, 'b')));
  expect(shape(text(1, 'a'))).not.toBe(shape(text(1, 'a'), 'other'));
  const others = ['SELECT max(v) FROM m', 'SELECT mean(w) FROM m', 'SELECT mean(v) FROM n'];
  expect(new Set([...others, 'SELECT mean(v) FROM m'].map((one) => shape(one))).size).toBe(4);
});

test('remembers so many, and forgets the oldest first', () => {
  const long = new LongSelects();
  expect(long.isEmpty).toBe(true);
  for (let i = 0; i <= LONG_SHAPES_MAX; i++) long.add(i);
  expect([long.has(0), long.has(1), long.has(LONG_SHAPES_MAX)]).toEqual([false, true, true]);
  long.delete(1);
  expect(long.has(1)).toBe(false);
});
