import { silentLogger } from '#kernel';
import { Server, type ServerPart } from './server.js';
import { StartProgress, storePhase } from './start-progress.js';

const recorded = (
  names: readonly string[],
  options: { failing?: string; first?: readonly string[] } = {},
) => {
  const calls: string[] = [];
  const parts = names.map((name): ServerPart => ({
    name,
    closesFirst: options.first?.includes(name) ?? false,
    open: () => {
      calls.push(`open ${name}`);
      if (name === options.failing) throw new TypeError('no luck');
    },
    close: () => {
      calls.push(`close ${name}`);
      if (name === 'stubborn') throw new TypeError('will not');
    },
  }));
  return { calls, server: new Server(parts, silentLogger) };
};

describe('Server', () => {
  it('opens in order and closes in reverse, what takes requests first', async () => {
    const { calls, server } = recorded(['http', 'meta', 'store', 'udp'], {
      first: ['http', 'udp'],
    });
    await server.open();
    await server.close();
    await server.close();
    expect(calls).toEqual([
      'open http',
      'open meta',
      'open store',
      'open udp',
      'close http',
      'close udp',
      'close store',
      'close meta',
    ]);
  });

  it('closes what it opened when a part fails, and names the part', async () => {
    const { calls, server } = recorded(['a', 'b', 'c', 'd'], { failing: 'c' });
    await expect(server.open()).rejects.toThrow('open c: no luck');
    expect(calls).toEqual(['open a', 'open b', 'open c', 'close b', 'close a']);
  });

  it('gives every part its turn to close', async () => {
    const { calls, server } = recorded(['a', 'stubborn', 'b']);
    await server.open();
    await server.close();
    expect(calls.slice(3)).toEqual(['close b', 'close stubborn', 'close a']);
  });

  it('says which part is next', async () => {
    const seen: string[] = [];
    await recorded(['a', 'b']).server.open((name, done, total) =>
      seen.push(`${name} ${done}/${total}`),
    );
    expect(seen).toEqual(['a 0/2', 'b 1/2']);
  });
});

describe('StartProgress', () => {
  it('says what of the store is being opened: bytes of the index, then shards with their logs', () => {
    const index = { doneBytes: 5, totalBytes: 9 };
    const shards = { opened: 1, expected: 4 };
    const log = { foundBytes: 20, replayedBytes: 10 };
    expect(storePhase({ isIndexLoaded: false, index, shards, log })).toEqual({
      phase: 'series index',
      done: 5,
      total: 9,
    });
    expect(storePhase({ isIndexLoaded: true, index, shards, log })).toEqual({
      phase: 'shards',
      done: 1,
      total: 4,
      logBytes: 20,
      logBytesReplayed: 10,
    });
  });

  it('lets those that wait through once all is open', async () => {
    const progress = new StartProgress();
    progress.enter('tsdb store', 2, 4);
    progress.detail = () => ({ done: 7, total: 9 });
    expect(progress.pending()).toEqual({ phase: 'tsdb store', done: 7, total: 9 });
    const waiting = progress.waitUntilReady(10_000);
    expect(await progress.waitUntilReady(1)).toBe(false);
    progress.finish();
    expect(await waiting).toBe(true);
    expect(progress.pending()).toBeNull();
    progress.leave();
    expect(await progress.waitUntilReady(10_000)).toBe(false);
  });
});
