import { readFileSync } from 'node:fs';
import { silentLogger } from '#kernel';
import { LocalMetaStore } from './local-meta-store.js';
import { MetaClient } from './meta-client.js';
import { decodeMetaData } from './meta-codec.js';
import { CrashFileSystem } from './testing/crash-file-system.js';

const clock = { nowNs: () => 1_500_000_000_000_000_000n, monotonicMs: () => 0 };
const open = async (files = new CrashFileSystem()): Promise<MetaClient> => {
  const client = new MetaClient({
    store: new LocalMetaStore(files, '/meta', silentLogger),
    config: { isRetentionAutocreated: true },
    clock,
    logger: silentLogger,
  });
  await client.open();
  return client;
};
const textOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'accepted',
    (error: Error) => error.message,
  );

describe('MetaClient', () => {
  it('writes a first file and finds everything again after a restart', async () => {
    const files = new CrashFileSystem();
    const client = await open(files);
    await client.createDatabase('db');
    const group = await client.createShardGroup('db', '', 5n);
    await client.close();
    const again = await open(files);
    expect(again.database('db')?.defaultRetentionPolicy).toBe('autogen');
    expect(again.retentionPolicy('db', '')?.groups.at(5n)).toEqual(group);
    expect(again.shard(group.shards[0].id)).toMatchObject({
      database: 'db',
      retentionPolicy: 'autogen',
    });
    expect(again.snapshot.data.clusterId).toBeGreaterThan(0n);
  });

  it('shares one commit and one group among concurrent callers', async () => {
    const files = new CrashFileSystem();
    const client = await open(files);
    await client.createDatabase('db');
    const { index } = client.snapshot.data;
    const groups = await Promise.all(
      Array.from({ length: 50 }, () => client.createShardGroup('db', 'autogen', 7n)),
    );
    expect(new Set(groups.map((group) => group.id)).size).toBe(1);
    await Promise.all([
      client.createDatabase('x'),
      client.createDatabase('y'),
      client.createDatabase('z'),
    ]);
    expect(client.snapshot.data.index).toBe(index + 2);
    expect(client.databases().map((database) => database.name)).toEqual(['db', 'x', 'y', 'z']);
  });

  it('refuses one command of a batch without the others', async () => {
    const client = await open();
    const results = await Promise.all([
      textOf(client.createDatabase('ok')),
      textOf(client.createDatabase('..')),
      textOf(client.createShardGroup('nodb', '', 1n)),
    ]);
    expect(results).toEqual(['accepted', 'invalid name', 'database not found: nodb']);
  });

  it('shows nothing that is not durable', async () => {
    const files = new CrashFileSystem();
    const client = await open(files);
    files.stepsLeft = 3;
    expect(await textOf(client.createDatabase('db'))).toBe(
      'cannot write metadata to /meta/meta.db: the machine stopped',
    );
    expect(client.database('db')).toBeUndefined();
    files.stepsLeft = Number.POSITIVE_INFINITY;
    expect(await textOf(client.createDatabase('db'))).toBe('accepted');
  });

  it('tells listeners each state once', async () => {
    const client = await open();
    const seen: number[] = [];
    const stop = client.onChange((now, before) => seen.push(now.data.index - before.data.index));
    await client.createDatabase('a');
    await client.createDatabase('a');
    await client.createDatabase('b');
    stop();
    await client.createDatabase('c');
    expect(seen).toEqual([1, 1]);
  });

  it("verifies InfluxDB's hashes and its own", async () => {
    const files = new CrashFileSystem();
    files.put('/meta/meta.db', new Uint8Array(readFileSync('test/fixtures/meta-1.6.7.db')));
    const client = await open(files);
    expect((await client.authenticate('root', 'r00t pass')).isAdmin).toBe(true);
    expect((await client.authenticate('we ird', "q'x")).name).toBe('we ird');
    expect((await client.authenticate('nobody', '')).name).toBe('nobody');
    expect(await textOf(client.authenticate('root', 'bad'))).toBe('authorization failed');
    expect(await textOf(client.authenticate('who', 'bad'))).toBe('user not found');
    await client.createUser('new', 'pass', false);
    expect((await client.authenticate('new', 'pass')).name).toBe('new');
    await client.setPassword('new', 'other');
    expect(await textOf(client.authenticate('new', 'pass'))).toBe('authorization failed');
    expect((await client.authenticate('new', 'other')).name).toBe('new');
    expect(client.snapshot.user('new')?.hash).toMatch(/^\$2a\$10\$/);
    expect(await textOf(client.createUser('new', 'other', false))).toBe('accepted');
    expect(await textOf(client.createUser('new', 'another', false))).toBe('user already exists');
    expect(await textOf(client.createUser('new', 'other', true))).toBe('user already exists');
  });

  it('refuses work when closed', async () => {
    const files = new CrashFileSystem();
    const client = await open(files);
    await client.close();
    await client.close();
    expect(await textOf(client.createDatabase('a'))).toBe('meta store is closed');
    expect(decodeMetaData(await files.readFile('/meta/meta.db')).databases).toEqual([]);
  });
});
