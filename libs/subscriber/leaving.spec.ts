import { ManualClock } from '#test-support';
import { LEAVE_MS, LeavingDeliveries } from './leaving.js';
import type { WantedTopic } from './wanted.js';

/** A topic `t` of `d.r` with a delivery for each address, its reader named after it. */
const topics = (...addresses: readonly string[]): ReadonlyMap<string, WantedTopic> => {
  const deliveries = addresses.map((address) => ({
    readerName: address.replace(/\/\/.*@/, '//'),
    subscription: 's',
    mode: 'ANY',
    addresses: [address],
  }));
  const topic = { id: 't', database: 'd', retentionPolicy: 'r', condition: '', deliveries };
  return new Map(addresses.length === 0 ? [] : [['t', topic]]);
};

function bench() {
  const clock = new ManualClock();
  const leaving = new LeavingDeliveries(clock);
  let isPlaceThere = true;
  const meta = { retentionPolicy: () => (isPlaceThere ? ({} as never) : undefined) };
  /** What becomes of a change: addresses, those that leave in brackets. */
  const f = (...addresses: readonly string[]): readonly string[] =>
    [...leaving.add(topics(...addresses), meta).values()].flatMap(({ deliveries }) =>
      deliveries.map(({ addresses: [one = ''], isLeaving }) =>
        isLeaving === true ? `(${one})` : one,
      ),
    );
  return { clock, leaving, f, dropPlace: () => (isPlaceThere = false) };
}

const WITH_TOKEN = 'http://u:token@host:1';
const WITH_OTHER = 'http://u:other@host:1';

describe('LeavingDeliveries', () => {
  it('keeps those with passwords for a while', () => {
    const { clock, leaving, f } = bench();
    expect(f(WITH_TOKEN, 'http://host:2')).toEqual([WITH_TOKEN, 'http://host:2']);
    expect([f(), leaving.nextMs()]).toEqual([[`(${WITH_TOKEN})`], LEAVE_MS]);
    clock.advanceMs(LEAVE_MS - 1);
    expect([f(), leaving.nextMs()]).toEqual([[`(${WITH_TOKEN})`], 1]);
    clock.advanceMs(1);
    expect([f(), leaving.nextMs()]).toEqual([[], null]);
  });

  it('takes back those that come with another password', () => {
    const { leaving, f } = bench();
    f(WITH_TOKEN);
    expect(f('http://host:3')).toEqual(['http://host:3', `(${WITH_TOKEN})`]);
    expect(f('http://host:3', WITH_OTHER)).toEqual(['http://host:3', WITH_OTHER]);
    expect(leaving.nextMs()).toBe(null);
    expect(f('http://host:3')).toEqual(['http://host:3', `(${WITH_OTHER})`]);
  });

  it('lets those go at once whose database is gone', () => {
    const { leaving, f, dropPlace } = bench();
    f(WITH_TOKEN);
    dropPlace();
    expect([f(), leaving.nextMs()]).toEqual([[], null]);
  });
});
