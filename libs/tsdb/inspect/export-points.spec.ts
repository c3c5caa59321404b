import { silentLogger } from '#kernel';
import { ManualClock, type NaivePoint, SimulatedFileSystem, StoreBench } from '#test-support';
import { exportShard } from './export-points.js';
import { InspectedStore } from './inspected-store.js';
import { reportDatabase } from './report-database.js';
import { findShardFolders } from './shard-folders.js';

const dirs = { dataDir: '/data', walDir: '/wal' };
const WHOLE_TIME = { minNs: -(2n ** 63n), maxNs: 2n ** 63n - 1n };
const point = (series: string, timeNs: bigint, fields: NaivePoint['fields']): NaivePoint => ({
  series,
  timeNs,
  fields,
});

/** A shard with a file, tombstones and a log, as a killed process leaves it. */
const makeFiles = async (): Promise<SimulatedFileSystem> => {
  const files = new SimulatedFileSystem();
  const bench = new StoreBench({
    files,
    clock: new ManualClock(),
    logger: silentLogger,
    shardIds: [1],
  });
  await bench.open();
  await bench.write(1, [
    point('m,a=b', 1n, { f: 0.1, i: 2n ** 62n, b: true, s: 'a "b" \\ c' }),
    point('m,a=b', 2n, { f: -0 }),
    point('m,a=b', 3n, { f: 1e300 }),
    point('n,a=x\\ y', 2n ** 61n, { i: -5n }),
  ]);
  await bench.shard(1).engine.snapshot();
  await bench.delete(1, { series: ['m,a=b'], minNs: 3n, maxNs: 3n, measurement: '' });
  await bench.write(1, [point('m,a=b', 2n, { f: 7, b: false })]);
  files.stopAt = 0;
  await bench.close();
  files.restart();
  return files;
};

const withShard = async (
  files: SimulatedFileSystem,
  look: (store: InspectedStore, shard: Awaited<ReturnType<InspectedStore['open']>>) => void,
): Promise<void> => {
  const store = new InspectedStore({
    files,
    ...dirs,
    clock: new ManualClock(),
    logger: silentLogger,
  });
  const [folder] = await findShardFolders(files, dirs);
  const shard = await store.open(folder);
  look(store, shard);
  await store.close();
};

describe('a shard inspected offline', () => {
  const exported = async (range = WHOLE_TIME): Promise<string> => {
    let text = '';
    await withShard(await makeFiles(), (store, { shard }) => {
      for (const chunk of exportShard(shard, store.index('db'), range)) text += chunk.text;
    });
    return text;
  };

  it('is exported as a query would see it', async () => {
    expect(await exported()).toBe(
      'm,a=b b=true,f=0.1,i=4611686018427387904i,s="a \\"b\\" \\\\ c" 1\n' +
        'm,a=b b=false,f=7 2\n' +
        'n,a=x\\ y i=-5i 2305843009213693952\n',
    );
  });

  it('is exported between two times, both inclusive', async () => {
    expect(await exported({ minNs: 2n, maxNs: 2n })).toBe('m,a=b b=false,f=7 2\n');
  });

  it('is not changed on the disk', async () => {
    const files = await makeFiles();
    const before = files.paths().map((path) => [path, files.content(path).join()]);
    const { operationCount } = files;
    await withShard(files, () => undefined);
    expect(files.paths().map((path) => [path, files.content(path).join()])).toEqual(before);
    expect(files.operationCount).toBeGreaterThan(operationCount);
  });

  it('is reported by measurement', async () => {
    await withShard(await makeFiles(), (store, shard) => {
      const report = reportDatabase(store.index('db'), [shard]);
      expect(report).toMatchObject({
        seriesCount: 2,
        shardCount: 1,
        fileCount: 1,
        corruptFileCount: 0,
      });
      expect(report.measurements).toMatchObject([
        {
          name: 'm',
          seriesCount: 1,
          fields: ['b', 'f', 'i', 's'],
          tags: [{ key: 'a', valueCount: 1 }],
          blockCount: 4,
        },
        {
          name: 'n',
          seriesCount: 1,
          fields: ['i'],
          tags: [{ key: 'a', valueCount: 1 }],
          blockCount: 1,
        },
      ]);
    });
  });
});
