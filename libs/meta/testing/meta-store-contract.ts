/** What every MetaStore does. A driver's spec calls this with a way to make an open, empty store. */
import type { MetaEvent, MetaStore } from '../meta-store.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Declares the tests. */
export function describeMetaStore(name: string, make: () => Promise<MetaStore>): void {
  describe(`${name} is a MetaStore`, () => {
    let store: MetaStore;
    beforeEach(async () => {
      store = await make();
    });
    afterEach(() => store.close());
    const put = (key: string, value: string) =>
      ({ kind: 'put', key, value: bytes(value) }) as const;

    it('has nothing at first', async () => {
      expect(await store.get('meta')).toBeNull();
      expect((await store.list('')).items.size).toBe(0);
    });

    it('puts, gets, lists by prefix and deletes', async () => {
      await store.transact([], [put('a/1', 'x'), put('a/2', 'y'), put('b', 'z')]);
      expect((await store.get('a/2'))?.value).toEqual(bytes('y'));
      expect([...(await store.list('a/')).items.keys()].sort()).toEqual(['a/1', 'a/2']);
      await store.transact([], [{ kind: 'delete', key: 'a/1' }]);
      expect(await store.get('a/1')).toBeNull();
    });

    it('applies all or nothing, by revision', async () => {
      const first = await store.transact([{ key: 'k', revision: 0n }], [put('k', '1')]);
      expect(first.isApplied).toBe(true);
      const late = await store.transact(
        [{ key: 'k', revision: 0n }],
        [put('k', '2'), put('other', '2')],
      );
      expect(late.isApplied).toBe(false);
      expect(await store.get('other')).toBeNull();
      const { revision = 0n } = (await store.get('k')) ?? {};
      expect(revision).toBe(first.revision);
      expect((await store.transact([{ key: 'k', revision }], [put('k', '3')])).isApplied).toBe(
        true,
      );
    });

    it('lets one of many concurrent increments win at a time', async () => {
      const increment = async (): Promise<void> => {
        for (;;) {
          const entry = await store.get('n');
          const value = entry === null ? 0 : Number(Buffer.from(entry.value).toString());
          const done = await store.transact(
            [{ key: 'n', revision: entry?.revision ?? 0n }],
            [put('n', String(value + 1))],
          );
          if (done.isApplied) return;
        }
      };
      await Promise.all(Array.from({ length: 12 }, increment));
      expect((await store.get('n'))?.value).toEqual(bytes('12'));
    });

    it('shows a watcher each change once and in order, also those since its revision', async () => {
      const { revision } = await store.transact([], [put('w/0', '0')]);
      await store.transact([], [put('w/1', '1')]);
      const stop = new AbortController();
      const seen: string[] = [];
      const watching = (async () => {
        for await (const event of store.watch('w/', revision, stop.signal)) {
          seen.push(describeEvent(event));
          if (seen.length === 3) stop.abort();
        }
      })();
      await store.transact([], [put('other', 'x'), put('w/2', '2')]);
      await store.transact([], [{ kind: 'delete', key: 'w/1' }]);
      await watching;
      expect(seen).toEqual(['put w/1', 'put w/2', 'delete w/1']);
    });

    it('gives a lease to one holder at a time, with growing fences', async () => {
      const first = await store.lease('job', 1000);
      expect(await store.lease('job', 1000)).toBeNull();
      expect(await store.lease('other job', 1000)).not.toBeNull();
      await first?.release();
      expect(first?.lost.aborted).toBe(true);
      const second = await store.lease('job', 1000);
      expect(second?.fence).toBeGreaterThan(first?.fence ?? 0n);
    });
  });
}

const describeEvent = (event: MetaEvent): string =>
  event.kind === 'reset' ? 'reset' : `${event.kind} ${event.key}`;
