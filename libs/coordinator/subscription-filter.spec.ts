import { parseExpression } from '#influxql';
import { checkSubscriptionCondition, SubscriptionFilter } from './subscription-filter.js';

const keys = ['cpu,host=a,dc=x', 'cpu,host=b', 'mem,host=a', 'm\\ 1'];
const index = { keyOf: (id: number): Uint8Array => new TextEncoder().encode(keys[id] ?? keys[0]) };
const f = (condition: string): string[] => {
  const filter = new SubscriptionFilter(condition);
  return keys.filter((_, id) => filter.matches(id, index));
};

describe('SubscriptionFilter', () => {
  it('decides by tags and measurement', () => {
    expect(f("host = 'a'")).toEqual([keys[0], keys[2]]);
    expect(f("_name = 'cpu' AND (dc != 'x' OR host = 'nobody')")).toEqual([keys[1]]);
    expect(f('"_name" =~ /^m/')).toEqual([keys[2], keys[3]]);
    expect(f("host !~ /a|b/ AND _name = 'm 1'")).toEqual([keys[3]]);
    expect(f("dc = ''")).toEqual([keys[1], keys[2], keys[3]]);
  });

  it('knows nothing of another index', () => {
    const filter = new SubscriptionFilter("host = 'a'");
    const other = { keyOf: (): Uint8Array => new TextEncoder().encode('x,host=b') };
    expect([
      filter.matches(0, index),
      filter.matches(0, other),
      filter.matches(2000, other),
    ]).toEqual([true, false, false]);
  });

  it.each(['v > 3', "time = 'x'", 'host = 3', "host = 'a' AND v", 'host = dc', 'mean(v)'])(
    'refuses %s',
    (condition) => {
      expect(() => checkSubscriptionCondition(parseExpression(condition))).toThrow(
        'WHERE of a subscription compares tags and _name',
      );
    },
  );
});
