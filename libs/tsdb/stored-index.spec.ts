import { FieldType } from '#models';
import {
  ManualClock,
  type NaivePoint,
  RecordedLog,
  SimulatedFileSystem,
  StoreBench,
} from '#test-support';

const FOLDER = '/data/db/autogen/1';
const FIRST = `${FOLDER}/000000001-000000001.tsm`;
const WHOLE = { minNs: -(2n ** 63n), maxNs: 2n ** 63n - 1n };

const point = (series: string, timeNs: bigint, f = 1.5): NaivePoint => ({
  series,
  timeNs,
  fields: { f },
});

/** A store on a disk, started and ended again and again. */
class Bench {
  files = new SimulatedFileSystem();
  log = new RecordedLog();
  store = this.make();

  private make(): StoreBench {
    const { files, log } = this;
    return new StoreBench({ files, clock: new ManualClock(), logger: log, shardIds: [1] });
  }

  async write(...points: NaivePoint[]): Promise<void> {
    await this.store.write(1, points);
  }

  async snapshot(): Promise<void> {
    await this.store.shard(1).engine.snapshot();
  }

  drop(...series: string[]): Promise<void> {
    return this.store.delete(1, { series, ...WHOLE, measurement: '' });
  }

  /** Ends it, changes the disk, starts it again. */
  async restart(change: () => void = () => undefined): Promise<void> {
    await this.store.close();
    change();
    await this.open();
  }

  /** Starts it again as after a kill. */
  async kill(): Promise<void> {
    this.files.stopAt = 0;
    await this.store.close();
    this.files.restart();
    await this.open();
  }

  async open(): Promise<void> {
    this.log = new RecordedLog();
    this.store = this.make();
    await this.store.open();
  }

  get series(): string[] {
    return this.store.seriesOf(1).sort();
  }

  times(series: string): bigint[] {
    return this.store.read(1, series, 'f').map(([timeNs]) => timeNs);
  }

  type(measurement: string): FieldType | null {
    const found = this.store.store.index('db').measurement(measurement);
    return found === undefined ? null : this.store.shard(1).fields.type(found.id, 'f');
  }
}

const withBench = async (run: (bench: Bench) => Promise<void>): Promise<void> => {
  const bench = new Bench();
  await bench.store.open();
  await bench.write(point('m,a=b', 1n), point('m,a=c', 2n));
  await bench.snapshot();
  await bench.write(point('m,a=c', 3n), point('n', 4n));
  await bench.snapshot();
  await run(bench);
  await bench.store.close();
};

describe('a store with a stored index', () => {
  it.each(['restart', 'kill'] as const)('starts after a %s without reading its files', (how) =>
    withBench(async (bench) => {
      const reads: string[] = [];
      bench.files.fault = ({ kind, path }) => {
        if (kind === 'read' && path.endsWith('.tsm')) reads.push(path);
        return null;
      };
      await bench[how]();
      expect(bench.series).toEqual(['m,a=b', 'm,a=c', 'n']);
      expect(reads).toEqual([]);
      expect(bench.times('m,a=c')).toEqual([2n, 3n]);
      // What was being written when it was killed may be torn.
      if (how === 'restart') expect(bench.log.complaints).toEqual([]);
    }),
  );

  it('says how much of the index and the log it has read', () =>
    withBench(async (bench) => {
      await bench.restart();
      const { isIndexLoaded, index, shards } = bench.store.store.progress;
      expect([isIndexLoaded, shards]).toEqual([true, { opened: 1, expected: 1 }]);
      expect(index.totalBytes).toBeGreaterThan(0);
      expect(index.doneBytes).toBe(index.totalBytes);
      await bench.write(point('m,a=d', 5n));
      await bench.kill();
      const { log } = bench.store.store.progress;
      expect(log.foundBytes).toBeGreaterThan(0);
      expect(log.replayedBytes).toBe(log.foundBytes);
      expect(bench.times('m,a=d')).toEqual([5n]);
    }));

  it('sees that a file has gone', () =>
    withBench(async (bench) => {
      await bench.restart(() => void bench.files.remove(FIRST));
      expect(bench.series).toEqual(['m,a=c', 'n']);
      expect(bench.times('m,a=c')).toEqual([3n]);
    }));

  it('sees that a file has come', () =>
    withBench(async (bench) => {
      const other = new Bench();
      await other.store.open();
      await other.write(point('z', 9n));
      await other.snapshot();
      const content = other.files.content(FIRST).slice();
      await bench.restart(() => bench.files.put(`${FOLDER}/000000007-000000001.tsm`, content));
      expect(bench.series).toEqual(['m,a=b', 'm,a=c', 'n', 'z']);
      expect(bench.times('z')).toEqual([9n]);
      await other.store.close();
    }));

  it('sees that something was deleted', () =>
    withBench(async (bench) => {
      const other = new Bench();
      await other.store.open();
      await other.write(point('m,a=b', 1n), point('m,a=c', 2n));
      await other.snapshot();
      await other.drop('m,a=b');
      const path = FIRST.replace('.tsm', '.tombstone');
      const content = other.files.content(path).slice();
      await bench.restart(() => bench.files.put(path, content));
      expect(bench.series).toEqual(['m,a=c', 'n']);
      await other.store.close();
    }));

  it.each(['restart', 'kill'] as const)(
    'keeps types of fields without values over a %s, and ids of dropped series do not stay',
    (how) =>
      withBench(async (bench) => {
        await bench.drop('n', 'm,a=b');
        await bench[how]();
        await bench.restart();
        expect([bench.series, bench.type('n')]).toEqual([['m,a=c'], FieldType.FLOAT]);
        await expect(
          bench.store.write(1, [{ series: 'n', timeNs: 5n, fields: { f: 5n } }]),
        ).rejects.toThrow('input field "f" on measurement "n" is type integer');
      }),
  );

  it('forgets types of fields without values when another program changed the files', () =>
    withBench(async (bench) => {
      await bench.drop('n');
      await bench.restart(() => void bench.files.remove(FIRST));
      expect([bench.type('m'), bench.type('n')]).toEqual([FieldType.FLOAT, null]);
    }));

  it('checks a file when it is first used, and lists nothing that went with it', () =>
    withBench(async (bench) => {
      await bench.restart(() => {
        const content = bench.files.content(FIRST).slice();
        content[content.length - 20] ^= 1;
        bench.files.put(FIRST, content);
      });
      expect(bench.series).toEqual(['m,a=b', 'm,a=c', 'n']);
      expect(bench.times('m,a=c')).toEqual([3n]);
      await bench.store.settle();
      expect(bench.series).toEqual(['m,a=c', 'n']);
      expect(bench.files.paths()).toContain(`${FIRST}.bad`);
      expect(bench.store.shard(1).engine.fileStore.badFileCount).toBe(1);
      expect(bench.log.complaints.length).toBe(1);
      await bench.restart();
      expect(bench.series).toEqual(['m,a=c', 'n']);
    }));

  it('checks files before they are used, up to a limit', () =>
    withBench(async (bench) => {
      await bench.restart(() => {
        const content = bench.files.content(FIRST).slice();
        content[content.length - 20] ^= 1;
        bench.files.put(FIRST, content);
      });
      const { fileStore } = bench.store.shard(1).engine;
      const areChecked = (): boolean[] => fileStore.current.map(({ isChecked }) => isChecked);
      expect(await fileStore.checkEarly(0)).toBe(0);
      expect(areChecked()).toEqual([false, false]);
      expect(await fileStore.checkEarly(2 ** 20)).toBeGreaterThan(0);
      expect(areChecked()).toEqual([true]);
      await bench.store.settle();
      expect(bench.series).toEqual(['m,a=c', 'n']);
      expect(fileStore.badFileCount).toBe(1);
    }));

  it('belongs to its data: with other data nothing of it counts', () =>
    withBench(async (bench) => {
      await bench.drop('n');
      await bench.restart(
        () => void Promise.all([bench.files.remove('/data'), bench.files.remove('/wal')]),
      );
      expect([bench.series, bench.type('m'), bench.type('n')]).toEqual([[], null, null]);
      await bench.write(point('n', 1n));
      await bench.restart();
      expect(bench.series).toEqual(['n']);
    }));

  it('goes with its database', () =>
    withBench(async (bench) => {
      await bench.store.store.deleteDatabase('db');
      expect(bench.files.paths()).toEqual([]);
    }));
});
