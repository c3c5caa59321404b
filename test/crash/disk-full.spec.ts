import { silentLogger } from '#kernel';
import { ManualClock, type Operation, SimulatedFileSystem, StoreBench } from '#test-support';

const SERIES = 'm,a=b';
const WHOLE_TIME = { minNs: -(2n ** 63n), maxNs: 2n ** 63n - 1n };
const text = 'x'.repeat(1000);

/** A store on a disk that can fail, and the times of the points that it acknowledged. */
class Bench {
  readonly clock = new ManualClock();
  readonly files = new SimulatedFileSystem(7);
  acknowledged: bigint[] = [];
  store = this.make();
  private nextNs = 0n;

  private make(): StoreBench {
    const { files, clock } = this;
    return new StoreBench({
      files,
      clock,
      logger: silentLogger,
      shardIds: [1],
      snapshotBytes: 2 ** 30,
    });
  }

  /** Writes a point; '' or the error's text. */
  async write(): Promise<string> {
    const timeNs = this.nextNs++;
    try {
      await this.store.write(1, [{ series: SERIES, timeNs, fields: { s: text } }]);
    } catch (error) {
      return (error as Error).message;
    }
    this.acknowledged.push(timeNs);
    return '';
  }

  async writeMany(count: number): Promise<void> {
    for (let i = 0; i < count; i++) expect(await this.write()).toBe('');
  }

  /** Acknowledged points that are not there. */
  missing(): bigint[] {
    const found = new Set(this.store.read(1, SERIES, 's').map(([timeNs]) => timeNs));
    return this.acknowledged.filter((timeNs) => !found.has(timeNs));
  }

  /** The power goes and comes back. */
  async crash(): Promise<void> {
    this.files.crash();
    this.store = this.make();
    await this.store.open();
  }

  get engine(): ReturnType<StoreBench['shard']>['engine'] {
    return this.store.shard(1).engine;
  }
}

const withBench = async (run: (bench: Bench) => Promise<void>): Promise<void> => {
  const bench = new Bench();
  await bench.store.open();
  await run(bench);
  expect(bench.missing()).toEqual([]);
  await bench.crash();
  expect(bench.missing()).toEqual([]);
  await bench.store.close();
};

const isIn =
  (folder: string, ...kinds: string[]) =>
  ({ kind, path }: Operation): boolean =>
    kinds.includes(kind) && path.startsWith(folder);

describe('a disk that fails', () => {
  it('full: writes are refused with the reason, what was acknowledged stays, and writes resume with space', () =>
    withBench(async (bench) => {
      await bench.writeMany(5);
      bench.files.capacityBytes = bench.files.usedBytes + 500;
      const errors = [await bench.write(), await bench.write()];
      for (const error of errors)
        expect(error).toMatch(/^cannot write to the log of shard 1 of db\.autogen: ENOSPC/);
      expect(bench.missing()).toEqual([]);
      bench.files.capacityBytes = Infinity;
      await bench.writeMany(5);
    }));

  it('sync errors: the write is refused, the next goes to another segment', () =>
    withBench(async (bench) => {
      await bench.writeMany(3);
      bench.files.fault = (operation) => (isIn('/wal', 'sync')(operation) ? 'EIO' : null);
      expect(await bench.write()).toContain('EIO');
      bench.files.fault = () => null;
      await bench.writeMany(3);
    }));

  it('a snapshot that fails is tried again, and meanwhile everything is readable and writable', () =>
    withBench(async (bench) => {
      await bench.writeMany(3);
      bench.files.fault = (operation) =>
        isIn('/data', 'write', 'sync')(operation) ? 'ENOSPC' : null;
      await expect(bench.engine.snapshot()).rejects.toThrow('ENOSPC');
      expect(bench.missing()).toEqual([]);
      await bench.writeMany(3);
      expect(bench.files.paths().filter((path) => path.endsWith('.tmp'))).toEqual([]);
      bench.files.fault = () => null;
      bench.clock.advanceMs(10_000);
      bench.engine.tick();
      await bench.engine.snapshot();
      expect(bench.engine.fileStore.current.length).toBeGreaterThan(0);
      expect(bench.engine.cacheBytes).toBe(0);
      expect(bench.files.paths().filter((path) => path.startsWith('/wal'))).toEqual([]);
    }));

  it('a compaction that fails leaves the files as they were, and succeeds later', () =>
    withBench(async (bench) => {
      for (let i = 0; i < 3; i++) {
        await bench.writeMany(2);
        await bench.engine.snapshot();
      }
      const before = bench.files.paths();
      for (const kind of ['open', 'write', 'sync', 'rename', 'syncDirectory']) {
        bench.files.fault = (operation) => (isIn('/data', kind)(operation) ? 'EIO' : null);
        await bench.engine.compact(true);
        bench.files.fault = () => null;
        expect(bench.missing()).toEqual([]);
        bench.clock.advanceMs(120_000);
        bench.engine.tick();
      }
      expect(bench.engine.compactionStatistics.tsmFullCompactionErr).toBeGreaterThan(0);
      expect(before.length).toBeGreaterThan(2);
      await bench.engine.compact(true);
      expect(bench.engine.fileStore.current.map(({ id }) => id)).toEqual([
        { generation: 3, sequence: 2 },
      ]);
    }));

  it.each(['/wal', '/data'])('a deletion that fails in %s says so and can be repeated', (folder) =>
    withBench(async (bench) => {
      await bench.writeMany(2);
      await bench.engine.snapshot();
      await bench.writeMany(2);
      const deletion = { series: [SERIES], ...WHOLE_TIME, measurement: '' };
      bench.files.fault = (operation) =>
        isIn(folder, 'write', 'remove')(operation) ? 'ENOSPC' : null;
      await expect(bench.store.delete(1, deletion)).rejects.toThrow('ENOSPC');
      bench.files.fault = () => null;
      await bench.store.delete(1, deletion);
      bench.acknowledged = [];
      expect(bench.store.read(1, SERIES, 's')).toEqual([]);
      await bench.writeMany(2);
      await bench.crash();
      expect(bench.store.read(1, SERIES, 's').length).toBe(2);
    }),
  );
});
