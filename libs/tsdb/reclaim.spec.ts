import {
  ManualClock,
  type NaivePoint,
  RecordedLog,
  SimulatedFileSystem,
  StoreBench,
} from '#test-support';

const WHOLE = { minNs: -(2n ** 63n), maxNs: 2n ** 63n - 1n };
/** Enough to be worth it. */
const COUNT = 12_000;
const KEPT = 'm,a=v11999';

const pointOf = (n: number, timeNs: bigint): NaivePoint => ({
  series: `m,a=v${n}`,
  timeNs,
  fields: { f: n },
});

/** Lets what runs in turns come to its end. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe('memory of dropped series', () => {
  it('is given back when no query reads, and everything else stays', async () => {
    const clock = new ManualClock();
    const files = new SimulatedFileSystem();
    const open = async (): Promise<StoreBench> => {
      const bench = new StoreBench({ files, clock, logger: new RecordedLog(), shardIds: [1] });
      await bench.open();
      return bench;
    };
    let bench = await open();
    const { store } = bench;
    await bench.write(
      1,
      Array.from({ length: COUNT }, (_, n) => pointOf(n, 1n)),
    );
    await bench.shard(1).engine.snapshot();
    const dropped = Array.from({ length: COUNT - 1 }, (_, n) => `m,a=v${n}`);
    await bench.delete(1, { series: dropped, ...WHOLE, measurement: '' });
    const index = store.index('db');
    expect([index.seriesCount, index.keptGoneCount]).toEqual([1, COUNT - 1]);

    let isRead = true;
    store.isShardRead = () => isRead;
    const pass = async (): Promise<void> => {
      store.reclaimSeries();
      await settled();
      clock.advanceMs(300_000);
    };
    await pass();
    await pass();
    expect(index.keptGoneCount).toBe(COUNT - 1);
    isRead = false;
    await pass();
    expect([index.keptGoneCount, index.measurement('m')?.seriesCount]).toEqual([0, 1]);

    expect(bench.seriesOf(1)).toEqual([KEPT]);
    expect(bench.read(1, KEPT, 'f')).toEqual([[1n, COUNT - 1]]);
    await bench.write(1, [pointOf(5, 2n), pointOf(COUNT - 1, 3n)]);
    expect(bench.read(1, 'm,a=v5', 'f')).toEqual([[2n, 5]]);
    await bench.store.close();
    bench = await open();
    expect([...bench.seriesOf(1)].sort()).toEqual([KEPT, 'm,a=v5']);
    expect(bench.read(1, KEPT, 'f')).toEqual([
      [1n, COUNT - 1],
      [3n, COUNT - 1],
    ]);
    await bench.store.close();
  });
});
