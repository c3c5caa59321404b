import { LocalMetaStore, MetaClient } from '#meta';
import { ManualClock, RecordedLog, SimulatedFileSystem } from '#test-support';
import { copyFiles, damagedDisks, type FileSet } from './damage.js';

const open = async (
  files: SimulatedFileSystem,
  logger = new RecordedLog(),
): Promise<MetaClient> => {
  const client = new MetaClient({
    store: new LocalMetaStore(files, '/meta', logger),
    config: { isRetentionAutocreated: true },
    clock: new ManualClock(),
    logger,
  });
  await client.open();
  return client;
};

/** What can be told of each database in a line, without ids, which go on higher after damage. */
const databases = (client: MetaClient): string[] =>
  client.databases().map(({ name, retentionPolicies, continuousQueries }) => {
    const policies = retentionPolicies.map(
      (policy) => `${policy.name} ${policy.durationNs} ${policy.shardGroups.length}`,
    );
    const queries = continuousQueries.map((each) => `${each.name}: ${each.query}`);
    return [name, ...policies, ...queries].join(' | ');
  });

describe('damaged metadata', () => {
  let files: FileSet;
  let expected: readonly string[];

  beforeAll(async () => {
    const disk = new SimulatedFileSystem();
    const client = await open(disk);
    for (const name of ['one', 'two', 'three']) await client.createDatabase(name);
    await client.createShardGroup('two', '', 5n);
    await client.execute({ kind: 'set-admin', user: 'x', isAdmin: true }).catch(() => undefined);
    expected = databases(client);
    await client.close();
    files = copyFiles(disk);
    expect([...files.keys()]).toEqual(['/meta/meta.db', '/meta/meta.db.crc']);
  });

  it('meta.db: always opens, keeps what it can, puts the damaged file aside and says so', async () => {
    const faults: string[] = [];
    for (const { damage, disk, log } of damagedDisks(files, '/meta/meta.db')) {
      const client = await open(disk, log);
      const found = databases(client);
      const isWhole = found.join('\n') === expected.join('\n');
      const invented = found.filter((line) => !expected.includes(line));
      const aside = disk.paths().filter((path) => path.includes('.corrupt-'));
      if (!isWhole && damage.at > 0 && aside.length !== 1)
        faults.push(`${damage.name}: not put aside`);
      if (!isWhole && log.complaints.length === 0) faults.push(`${damage.name}: nothing was said`);
      // A name or number may be what is damaged; then it is reported as such.
      if (invented.length > 1) faults.push(`${damage.name}: ${invented.join(', ')}`);
      await client.close();
      const again = await open(disk);
      if (databases(again).join() !== found.join())
        faults.push(`${damage.name}: changed by a restart`);
      await again.close();
    }
    expect(faults.slice(0, 20)).toEqual([]);
  }, 60_000);

  it('meta.db.crc: costs nothing', async () => {
    const faults: string[] = [];
    for (const { damage, disk, log } of damagedDisks(files, '/meta/meta.db.crc')) {
      const client = await open(disk, log);
      if (databases(client).join('\n') !== expected.join('\n')) faults.push(`${damage.name}: lost`);
      await client.close();
    }
    expect(faults).toEqual([]);
  }, 60_000);
});
