import {
  ManualClock,
  type NaivePoint,
  type NaiveValue,
  RecordedLog,
  SimulatedFileSystem,
  StoreBench,
} from '#test-support';
import { copyFiles, damagedDisks, diskOf, type FileSet } from './damage.js';

const SERIES = ['m,a=b', 'm,a=c', 'n,x=y'];

const points = (round: number): NaivePoint[] =>
  SERIES.slice(0, 2).map((series, s) => ({
    series,
    timeNs: BigInt(round * 10 + s),
    fields: { f: round + s / 4 },
  }));

const open = async (
  files: SimulatedFileSystem,
  log = new RecordedLog(),
  indexLogBytesMax = 2 ** 20,
): Promise<StoreBench> => {
  const clock = new ManualClock();
  const bench = new StoreBench({ files, clock, logger: log, shardIds: [1], indexLogBytesMax });
  await bench.open();
  return bench;
};

/** What is listed, all values, and the type of a field without any. */
const contents = (bench: StoreBench): unknown => {
  const values: [string, [bigint, NaiveValue][]][] = SERIES.map((series) => [
    series,
    bench.read(1, series, 'f'),
  ]);
  return { listed: bench.seriesOf(1).sort(), values };
};

/** A store's files: two TSM files, tombstones, and an index whose last part is in its log or its image. */
async function filesOf(indexLogBytesMax: number): Promise<{ files: FileSet; expected: unknown }> {
  const disk = new SimulatedFileSystem();
  const bench = await open(disk, undefined, indexLogBytesMax);
  for (const round of [1, 2]) {
    await bench.write(1, points(round));
    if (round === 2) await bench.write(1, [{ series: 'n,x=y', timeNs: 5n, fields: { f: 5 } }]);
    await bench.shard(1).engine.snapshot();
  }
  const deletion = { minNs: -(2n ** 63n), maxNs: 2n ** 63n - 1n, measurement: '' };
  await bench.delete(1, { series: ['m,a=b'], ...deletion });
  const expected = contents(bench);
  await bench.close();
  return { files: copyFiles(disk), expected };
}

describe('a damaged series index', () => {
  it.each([
    ['tgidx', 1],
    ['tgilog', 1],
    ['tgilog', 2 ** 20],
  ])(
    '.%s (images after %d bytes): costs no value and no start, is said, and made anew',
    async (suffix, max) => {
      const { files, expected } = await filesOf(max);
      const path = [...files.keys()].find((name) => name.endsWith(suffix)) ?? '';
      const faults: string[] = [];
      let put = 0;
      for (const { damage, disk, log } of damagedDisks(files, path)) {
        const bench = await open(disk, log);
        expect(contents(bench)).toEqual(expected);
        await bench.settle();
        const aside = disk.paths().filter((name) => name.includes('.bad'));
        put += aside.length;
        if (aside.some((name) => !name.startsWith(path)))
          faults.push(`${damage.name}: ${aside.join()}`);
        // A log may be cut between two records, which is what a crash leaves.
        const isQuiet = damage.name.startsWith('cut') && suffix === 'tgilog';
        if (log.complaints.length === 0 && !isQuiet)
          faults.push(`${damage.name}: nothing was said`);
        if (suffix === 'tgidx' && aside.length !== 1) faults.push(`${damage.name}: not put aside`);
        await bench.close();
        const again = new RecordedLog();
        const restarted = await open(disk, again);
        expect(contents(restarted)).toEqual(expected);
        await restarted.close();
        if (again.complaints.length > 0)
          faults.push(`${damage.name}: said again at the next start`);
      }
      expect(faults.slice(0, 20)).toEqual([]);
      expect(put > 0).toBe(suffix === 'tgidx');
    },
    60_000,
  );

  it.each(['tgidx', 'tgilog'])(
    '.%s: what the disk cannot read (EIO) counts as damaged',
    async (suffix) => {
      const { files, expected } = await filesOf(1);
      const disk = diskOf(files);
      disk.fault = ({ path, kind }) => (path.endsWith(suffix) && kind === 'read' ? 'EIO' : null);
      const bench = await open(disk);
      expect(contents(bench)).toEqual(expected);
      disk.fault = () => null;
      await bench.close();
    },
  );
});
