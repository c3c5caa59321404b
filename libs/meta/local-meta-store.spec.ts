import { readFileSync } from 'node:fs';
import { silentLogger } from '#kernel';
import { LocalMetaStore } from './local-meta-store.js';
import { decodeMetaData, encodeMetaData } from './meta-codec.js';
import { META_KEY } from './meta-store.js';
import { CrashFileSystem } from './testing/crash-file-system.js';
import { describeMetaStore } from './testing/meta-store-contract.js';

const golden = new Uint8Array(readFileSync('test/fixtures/meta-1.6.7.db'));
const open = async (files: CrashFileSystem): Promise<LocalMetaStore> => {
  const store = new LocalMetaStore(files, '/meta', silentLogger);
  await store.open();
  return store;
};
const valueOf = async (store: LocalMetaStore): Promise<Uint8Array> =>
  (await store.get(META_KEY))?.value ?? new Uint8Array(0);
const put = (value: Uint8Array) => [{ kind: 'put', key: META_KEY, value }] as const;
const next = (index: number): Uint8Array => encodeMetaData({ ...decodeMetaData(golden), index });

describeMetaStore('LocalMetaStore', () => open(new CrashFileSystem()));

describe('LocalMetaStore', () => {
  it('opens a meta.db of InfluxDB as it is', async () => {
    const files = new CrashFileSystem();
    files.put('/meta/meta.db', golden);
    expect(await valueOf(await open(files))).toEqual(golden);
    expect(files.paths()).toEqual(['/meta/meta.db']);
  });

  it('keeps other keys in the same file, where InfluxDB does not see them', async () => {
    const files = new CrashFileSystem();
    const store = await open(files);
    await store.transact(
      [],
      [...put(next(1)), { kind: 'put', key: 'cq/a', value: Uint8Array.of(1, 2) }],
    );
    expect(decodeMetaData(await files.readFile('/meta/meta.db')).databases).toHaveLength(3);
    const again = await open(files);
    expect((await again.get('cq/a'))?.value).toEqual(Uint8Array.of(1, 2));
    expect(await valueOf(again)).toEqual(next(1));
  });

  it('says what could not be written, and keeps what was', async () => {
    const files = new CrashFileSystem();
    const store = await open(files);
    await store.transact([], put(next(1)));
    files.stepsLeft = 0;
    await expect(store.transact([], put(next(2)))).rejects.toMatchObject({
      code: 'meta.not-written',
      message: expect.stringMatching(/^cannot write metadata to \/meta\/meta\.db: ./) as string,
    });
    expect(await valueOf(store)).toEqual(next(1));
  });

  it('shows the old or the new content after a crash at any step', async () => {
    const count = new CrashFileSystem();
    const probe = await open(count);
    await probe.transact([], put(next(1)));
    const from = count.steps;
    await probe.transact([], put(next(2)));
    const steps = count.steps - from;
    expect(steps).toBeGreaterThan(8);
    for (let n = 0; n <= steps; n++) {
      const files = new CrashFileSystem();
      const store = await open(files);
      await store.transact([], put(next(1)));
      files.stepsLeft = n;
      const acknowledged = await store.transact([], put(next(2))).then(
        () => true,
        () => false,
      );
      files.crash();
      const index = decodeMetaData(await valueOf(await open(files))).index;
      if (acknowledged) expect(index).toBe(2);
      else expect([1, 2]).toContain(index);
      expect(files.paths().filter((path) => path.includes('corrupt'))).toEqual([]);
    }
  });

  it('puts a damaged file aside and starts with what it holds', async () => {
    const files = new CrashFileSystem();
    const store = await open(files);
    await store.transact([], put(next(30)));
    const damaged = (await files.readFile('/meta/meta.db')).slice();
    damaged[40] ^= 0x01;
    files.put('/meta/meta.db', damaged);
    const data = decodeMetaData(await valueOf(await open(files)));
    expect(data.databases.length).toBeGreaterThan(0);
    expect(await files.readFile('/meta/meta.db.corrupt-1')).toEqual(damaged);
    expect(decodeMetaData(await valueOf(await open(files)))).toEqual(data);
    expect(files.paths()).toEqual([
      '/meta/meta.db',
      '/meta/meta.db.corrupt-1',
      '/meta/meta.db.crc',
    ]);
  });

  it('accepts what InfluxDB wrote in the meantime', async () => {
    const files = new CrashFileSystem();
    const store = await open(files);
    await store.transact([], put(next(30)));
    files.put('/meta/meta.db', next(31));
    expect(await valueOf(await open(files))).toEqual(next(31));
    expect(files.paths()).toEqual(['/meta/meta.db', '/meta/meta.db.crc']);
  });
});
