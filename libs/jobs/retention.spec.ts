import { type Logger, silentLogger } from '#kernel';
import { JobsBench, ManualClock, type Operation, SimulatedFileSystem } from '#test-support';

const HOUR_MS = 3_600_000;
const HOUR_NS = 3_600_000_000_000n;
const never = new AbortController().signal;

/** A server over a simulated disk with a database `d` whose policy `short` keeps two hours in groups of one. */
const setUp = async (before?: { files: SimulatedFileSystem; clock: ManualClock }) => {
  const files = before?.files ?? new SimulatedFileSystem(1);
  // A whole hour: 2020-09-13T12:00:00Z.
  const clock = before?.clock ?? new ManualClock(1_599_998_400_000_000_000n);
  const logged: string[] = [];
  const log = (phrase: string): void => void logged.push(phrase);
  const logger: Logger = { ...silentLogger, info: log, warn: log, error: log, with: () => logger };
  const bench = new JobsBench({ files, folder: '/s', clock, logger });
  await bench.open();
  if (before === undefined) {
    await bench.query('CREATE DATABASE d');
    await bench.query(
      'CREATE RETENTION POLICY short ON d DURATION 2h REPLICATION 1 SHARD DURATION 1h',
    );
  }
  const write = (policy: string, hoursAgo: number): Promise<number> =>
    bench.write('d', policy, [`m f=${hoursAgo} ${clock.nowNs() - BigInt(hoursAgo) * HOUR_NS}`]);
  const check = (): Promise<void> => bench.retention.run(clock.nowNs(), never);
  const groups = (policy: string): string[] =>
    (
      bench.meta.database('d')?.retentionPolicies.find(({ name }) => name === policy)
        ?.shardGroups ?? []
    ).map(({ id, deletedAtNs }) => `${id}${deletedAtNs === 0n ? '' : ' deleted'}`);
  const folders = async (policy: string): Promise<string[]> => {
    const names = [
      ...(await files.list(`/s/data/d/${policy}`)),
      ...(await files.list(`/s/wal/d/${policy}`)),
    ].map(({ name }) => name);
    return [...new Set(names)].sort();
  };
  return { files, clock, logged, bench, write, check, groups, folders };
};

/** Fails removals of what lies in a folder. */
const failRemovals =
  (folder: string) =>
  ({ kind, path }: Operation): 'EIO' | null =>
    kind === 'remove' && path.includes(folder) ? 'EIO' : null;

describe('Retention', () => {
  it('removes what is expired from metadata and disk, and nothing else', async () => {
    const { bench, clock, logged, write, check, groups, folders } = await setUp();
    for (const hoursAgo of [0, 1]) await write('short', hoursAgo);
    for (const hoursAgo of [0, 10_000]) await write('autogen', hoursAgo);
    await check();
    expect(groups('short')).toEqual(['2', '1']);
    // The older group ended at twelve and is kept until two hours later, inclusive.
    clock.advanceMs(2 * HOUR_MS);
    await check();
    expect(groups('short')).toEqual(['2', '1']);
    clock.advanceMs(0.001);
    logged.length = 0;
    await check();
    expect(groups('short')).toEqual(['2 deleted', '1']);
    expect(await folders('short')).toEqual(['1']);
    expect(logged).toEqual([
      'Retention policy deletion check (start)',
      'Deleted shard group',
      'Deleted shard',
      'Retention policy deletion check (end)',
    ]);
    clock.advanceMs(100 * HOUR_MS);
    await check();
    expect(await folders('short')).toEqual([]);
    expect(groups('autogen')).toEqual(['4', '3']);
    expect(await folders('autogen')).toEqual(['3', '4']);
    expect(bench.retention.statistics).toEqual({
      checkOk: 4,
      checkFail: 0,
      shardGroupsDeleted: 2,
      shardsDeleted: 2,
      shardDeleteFail: 0,
      shardInUse: 0,
    });
    await bench.close();
  });

  it('obeys a policy that was altered', async () => {
    const { bench, clock, write, check, groups } = await setUp();
    await write('short', 1);
    clock.advanceMs(3 * HOUR_MS);
    await bench.query('ALTER RETENTION POLICY short ON d DURATION 100h');
    await check();
    expect(groups('short')).toEqual(['1']);
    await bench.query('ALTER RETENTION POLICY short ON d DURATION 1h');
    await check();
    expect(groups('short')).toEqual(['1 deleted']);
    await bench.close();
  });

  it('leaves a shard that a query reads until the query has ended', async () => {
    const { bench, clock, logged, write, check, groups, folders } = await setUp();
    const nowNs = clock.nowNs();
    const lines = Array.from(
      { length: 2000 },
      (_, i) => `m,t=${i % 20} f=${i} ${nowNs + BigInt(i) * 1_000_000n}`,
    );
    await bench.write('d', 'short', lines);
    for (const shard of bench.store.allShards()) await shard.engine.snapshot();
    await write('short', 1);
    const sums: number[] = [];
    for await (const event of bench.stream('SELECT f FROM d.short.m GROUP BY t')) {
      if (event.kind !== 'series') continue;
      if (sums.length === 0) {
        clock.advanceMs(100 * HOUR_MS);
        await check();
        expect(groups('short')).toEqual(['2 deleted', '1 deleted']);
        expect(await folders('short')).toEqual(['1', '2']);
        // A new one does not see it any more.
        expect(await bench.query('SELECT f FROM d.short.m')).toEqual([]);
      }
      const column = event.series.data[1];
      const values = column?.kind === 'float' ? [...column.values] : [];
      sums.push(values.reduce((sum, value) => sum + value, 0));
    }
    const sumOf = (tag: number): number =>
      Array.from({ length: 100 }, (_, i) => tag + 20 * i).reduce((sum, value) => sum + value, 0);
    // The series without a tag comes first: the point of an hour ago.
    expect(sums).toEqual([
      1,
      ...[0, 1, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 2, 3, 4, 5, 6, 7, 8, 9].map(sumOf),
    ]);
    expect(logged.filter((phrase) => phrase === 'can not delete an in-use shard')).toHaveLength(2);
    await check();
    expect(await folders('short')).toEqual([]);
    expect(bench.retention.statistics).toMatchObject({ shardInUse: 2, shardsDeleted: 2 });
    await bench.close();
  });

  it('tries a shard again that could not be removed, and forgets its group not before', async () => {
    const { bench, clock, files, logged, write, check, groups, folders } = await setUp();
    await write('short', 1);
    await write('short', 0);
    clock.advanceMs(20 * 24 * HOUR_MS);
    files.fault = failRemovals('short/1');
    await check();
    expect(await folders('short')).toEqual(['1']);
    expect(logged).toContain('Failed to delete shard');
    expect(logged).toContain(
      'One or more errors occurred during shard deletion and will be retried on the next check',
    );
    clock.advanceMs(20 * 24 * HOUR_MS);
    await check();
    // Deleted 20 days ago, and still known: something of it is left.
    expect(groups('short')).toEqual(['1 deleted', '2 deleted']);
    files.fault = () => null;
    await check();
    expect(await folders('short')).toEqual([]);
    expect(groups('short')).toEqual([]);
    expect(bench.retention.statistics).toMatchObject({ checkOk: 1, checkFail: 2 });
    await bench.close();
  });

  it('ends what was begun before a crash', async () => {
    const first = await setUp();
    await first.write('short', 1);
    first.clock.advanceMs(50 * HOUR_MS);
    // Metadata says so, and then the machine stops.
    await first.bench.meta.deleteExpiredShardGroups(first.clock.nowNs());
    await first.bench.close();
    expect(await first.folders('short')).toEqual(['1']);
    const second = await setUp(first);
    await second.check();
    expect(await second.folders('short')).toEqual([]);
    expect(second.groups('short')).toEqual(['1 deleted']);
    await second.bench.close();
  });

  it('leaves folders alone that metadata does not know', async () => {
    const { bench, files, clock, write, check, folders } = await setUp();
    await write('short', 1);
    await files.makeDirectory('/s/data/d/short/99');
    await files.makeDirectory('/s/data/d/short/old');
    clock.advanceMs(50 * HOUR_MS);
    await check();
    expect(await folders('short')).toEqual(['99', 'old']);
    await bench.close();
  });

  it('stops between two shards when it is told to', async () => {
    const { bench, clock, write, folders } = await setUp();
    await write('short', 1);
    clock.advanceMs(50 * HOUR_MS);
    const stop = new AbortController();
    stop.abort();
    await bench.retention.run(clock.nowNs(), stop.signal);
    expect(await folders('short')).toEqual(['1']);
    await bench.close();
  });
});
