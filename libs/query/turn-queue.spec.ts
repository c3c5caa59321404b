import { TurnQueue } from './turn-queue.js';

const round = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('TurnQueue', () => {
  it('lets one go on in each round of the event loop', async () => {
    const queue = new TurnQueue();
    const done: number[] = [];
    for (let i = 0; i < 3; i++) void queue.next().then(() => done.push(i));
    const seen: number[] = [];
    for (let i = 0; i < 4; i++) {
      await round();
      seen.push(done.length);
    }
    expect(done).toEqual([0, 1, 2]);
    expect(seen).toEqual([1, 2, 3, 3]);
  });

  it('lets those that begin go first, one for one', async () => {
    const queue = new TurnQueue();
    expect(queue.begin()).toBeNull();
    const done: string[] = [];
    for (const name of ['a', 'b']) void queue.next().then(() => done.push(name));
    for (const name of ['x', 'y', 'z']) void queue.begin()?.then(() => done.push(name));
    for (let i = 0; i < 6; i++) await round();
    expect(done).toEqual(['x', 'a', 'y', 'b', 'z']);
    expect(queue.begin()).toBeNull();
  });
});
