import { JobsBench, ManualClock, SimulatedFileSystem } from '#test-support';

const MINUTE_MS = 60_000;
const HOUR_NS = 3_600_000_000_000n;
/** 2020-09-13T12:00:00Z. */
const NOON_NS = 1_599_998_400_000_000_000n;

const setUp = async () => {
  const clock = new ManualClock(NOON_NS);
  const bench = new JobsBench({ files: new SimulatedFileSystem(1), folder: '/s', clock });
  await bench.open();
  await bench.query('CREATE DATABASE d WITH DURATION INF SHARD DURATION 1h NAME p');
  const write = (timeNs: bigint): Promise<number> => bench.write('d', 'p', [`m f=1 ${timeNs}`]);
  const check = (): Promise<void> => bench.precreation.run(clock.nowNs());
  /** Hours from noon at which groups start. */
  const starts = (): number[] =>
    (bench.meta.database('d')?.retentionPolicies[0]?.shardGroups ?? []).map(({ startNs }) =>
      Number((startNs - NOON_NS) / HOUR_NS),
    );
  return { bench, clock, write, check, starts };
};

describe('Precreation', () => {
  it('makes the next group half an hour before it begins, once', async () => {
    const { bench, clock, write, check, starts } = await setUp();
    await check();
    expect(starts()).toEqual([]);
    await write(NOON_NS);
    clock.advanceMs(30 * MINUTE_MS);
    await check();
    expect(starts()).toEqual([0]);
    clock.advanceMs(1);
    await check();
    await check();
    expect(starts()).toEqual([0, 1]);
    expect(bench.precreation.statistics).toEqual({ shardGroupsCreated: 1, checkFail: 0 });
    await bench.close();
  });

  it('makes none for what is wholly in the past', async () => {
    const { bench, clock, write, check, starts } = await setUp();
    await write(NOON_NS - 5n * HOUR_NS);
    clock.advanceMs(MINUTE_MS);
    await check();
    expect(starts()).toEqual([-5]);
    await bench.close();
  });

  it('goes on where a point lies far in the future', async () => {
    const { bench, clock, write, check, starts } = await setUp();
    await write(NOON_NS);
    await write(4_070_908_800_000_000_000n); // 2099-01-01
    for (let hour = 1; hour <= 48; hour++) {
      for (let minute = 0; minute < 60; minute += 10) {
        clock.advanceMs(10 * MINUTE_MS);
        await check();
      }
      const before = starts().length;
      await write(clock.nowNs());
      expect(starts().length).toBe(before);
    }
    await bench.close();
  });
});
