import { readFileSync } from 'node:fs';
import {
  benchFieldTypes,
  ManualClock,
  type NaivePoint,
  type NaiveValue,
  RecordedLog,
  SimulatedFileSystem,
  StoreBench,
} from '#test-support';
import { copyFiles, damagedDisks, diskOf, type FileSet } from './damage.js';

const SERIES = ['m,a=b', 'm,a=c', 'n,x=y'];
const FIELDS = Object.keys(benchFieldTypes);
const folder = 'db/autogen/1';

/** Two times of two series with all fields. */
const points = (round: number): NaivePoint[] =>
  [0, 1].flatMap((n) =>
    SERIES.slice(0, 2).map((series, s) => ({
      series,
      timeNs: BigInt(round * 10 + n),
      fields: { f: round + n / 4, i: BigInt(round * 100 + s), b: n === 0, s: `r${round}${n}${s}` },
    })),
  );

const open = async (files: SimulatedFileSystem, log = new RecordedLog()): Promise<StoreBench> => {
  const bench = new StoreBench({
    files,
    clock: new ManualClock(),
    logger: log,
    shardIds: [1],
    indexLogBytesMax: 100,
  });
  await bench.open();
  return bench;
};

/** All values by name. */
const contents = (bench: StoreBench): Map<string, NaiveValue> => {
  const found = new Map<string, NaiveValue>();
  for (const series of SERIES) {
    for (const field of FIELDS) {
      for (const [timeNs, value] of bench.read(1, series, field)) {
        const name = `${series} ${field} ${timeNs}`;
        if (found.has(name)) found.set(name, 'twice');
        else found.set(name, value);
      }
    }
  }
  return found;
};

/** Ends a store as a killed process does. */
const kill = async (bench: StoreBench, files: SimulatedFileSystem): Promise<void> => {
  files.stopAt = 0;
  await bench.close();
  files.restart();
};

/** Values that are not what they were; values that are there and were not. */
const wrong = (
  found: ReadonlyMap<string, NaiveValue>,
  expected: ReadonlyMap<string, NaiveValue>,
): string[] =>
  [...found].filter(([name, value]) => expected.get(name) !== value).map(([name]) => name);

const lost = (
  found: ReadonlyMap<string, NaiveValue>,
  expected: ReadonlyMap<string, NaiveValue>,
): string[] => [...expected.keys()].filter((name) => !found.has(name));

describe('a damaged segment of the log', () => {
  const first = `/wal/${folder}/000000001.tgwal`;
  let files: FileSet;
  let expected: ReadonlyMap<string, NaiveValue>;
  /** Where records begin: sizes of the segment before each write. */
  const starts: number[] = [];

  beforeAll(async () => {
    const disk = new SimulatedFileSystem();
    let bench = await open(disk);
    for (const round of [1, 2, 3]) {
      starts.push(round === 1 ? 8 : disk.content(first).length);
      await bench.write(1, points(round));
    }
    await kill(bench, disk);
    bench = await open(disk);
    await bench.write(1, points(4));
    expected = contents(bench);
    await kill(bench, disk);
    files = copyFiles(disk);
  });

  it('costs its own record or what is behind it, never another segment, and is said and kept', async () => {
    const faults: string[] = [];
    let kept = 0;
    for (const { damage, disk, log } of damagedDisks(files, first)) {
      const bench = await open(disk, log);
      const found = contents(bench);
      const isCut = damage.name.startsWith('cut');
      const missing = lost(found, expected);
      const damagedRound = starts.filter((start) => start <= damage.at).length;
      const roundsLost = new Set(
        missing.map((name) => Math.floor(Number(name.split(' ')[2]) / 10)),
      );
      if (wrong(found, expected).length > 0) faults.push(`${damage.name}: wrong values`);
      if (roundsLost.has(4)) faults.push(`${damage.name}: lost the other segment`);
      for (let round = 1; round < damagedRound; round++) {
        if (roundsLost.has(round)) faults.push(`${damage.name}: lost record ${round} before it`);
      }
      if (missing.length > 0 && !isCut) {
        if (log.complaints.length === 0) faults.push(`${damage.name}: nothing was said`);
        if (bench.shard(1).engine.statistics.damagedWalRecords === 0) {
          faults.push(`${damage.name}: not counted`);
        }
      }
      if (
        missing.length > 0 &&
        isCut &&
        !starts.includes(damage.at) &&
        damage.at > 0 &&
        log.complaints.length === 0
      ) {
        faults.push(`${damage.name}: nothing was said`);
      }
      await bench.close();
      const aside = disk.paths().filter((path) => path.includes('.bad'));
      kept += aside.length;
      // Damage in the middle is never thrown away with the log.
      if (missing.length > 0 && !isCut && damage.at < starts[2] && aside.length !== 1) {
        faults.push(`${damage.name}: put aside: ${aside.join(' ')}`);
      }
      const again = await open(disk);
      if (contents(again).size !== found.size) faults.push(`${damage.name}: changed by a restart`);
      await again.close();
    }
    expect(faults.slice(0, 20)).toEqual([]);
    expect(kept).toBeGreaterThan(0);
  }, 60_000);

  it('that the disk cannot read (EIO) costs itself, and is put aside', async () => {
    const disk = diskOf(files);
    disk.fault = ({ path, kind }) => (path === first && kind === 'readFile' ? 'EIO' : null);
    const bench = await open(disk);
    const found = contents(bench);
    expect(new Set([...found.keys()].map((name) => name.split(' ')[2]))).toEqual(
      new Set(['40', '41']),
    );
    await bench.close();
    expect(disk.paths()).toContain(`${first}.bad`);
  });
});

describe('a damaged file of a shard', () => {
  const tsm = `/data/${folder}/000000001-000000001.tsm`;
  const other = `/data/${folder}/000000002-000000001.tsm`;
  let files: FileSet;
  let expected: ReadonlyMap<string, NaiveValue>;
  /** Without the deletions. */
  let before: ReadonlyMap<string, NaiveValue>;

  beforeAll(async () => {
    const disk = new SimulatedFileSystem();
    const bench = await open(disk);
    await bench.write(1, points(1));
    await bench.shard(1).engine.snapshot();
    await bench.write(1, points(2));
    await bench.shard(1).engine.snapshot();
    before = contents(bench);
    const range = { measurement: '', minNs: 10n, maxNs: 10n };
    await bench.delete(1, { series: ['m,a=b'], ...range });
    await bench.delete(1, { series: ['m,a=c'], ...range, maxNs: 11n });
    expected = contents(bench);
    await bench.close();
    files = copyFiles(disk);
    expect([...files.keys()].filter((path) => path.startsWith('/data/'))).toEqual([
      tsm.replace('.tsm', '.tombstone'),
      tsm,
      `${tsm}.crc`,
      other,
      `${other}.crc`,
    ]);
  });

  /** Opens with each damage of a file; `check` says what is wrong. */
  const each = async (
    path: string,
    check: (outcome: {
      readonly name: string;
      readonly found: ReadonlyMap<string, NaiveValue>;
      readonly missing: readonly string[];
      readonly log: RecordedLog;
      readonly aside: readonly string[];
      readonly badFileCount: number;
    }) => string[],
  ): Promise<void> => {
    const faults: string[] = [];
    for (const { damage, disk, log } of damagedDisks(files, path)) {
      const bench = await open(disk, log);
      const found = contents(bench);
      await bench.settle();
      const missing = lost(found, expected);
      const aside = disk.paths().filter((name) => name.includes('.bad'));
      const { badFileCount } = bench.shard(1).engine.fileStore;
      const { name } = damage;
      if (missing.some((value) => value.split(' ')[2].startsWith('2'))) {
        faults.push(`${name}: lost values of the other file`);
      }
      faults.push(
        ...check({ name, found, missing, log, aside, badFileCount }).map(
          (text) => `${name}: ${text}`,
        ),
      );
      await bench.close();
      const again = await open(disk);
      if (contents(again).size !== found.size) faults.push(`${name}: changed by a restart`);
      await again.close();
    }
    expect(faults.slice(0, 20)).toEqual([]);
  };

  it('.tsm: costs its block or itself, is said, and put aside where the whole file is lost', async () => {
    await each(tsm, ({ found, missing, log, aside, badFileCount }) => {
      const faults = wrong(found, expected).map((name) => `${name} is wrong`);
      if (log.complaints.length === 0) faults.push('nothing was said');
      const keys = new Set(missing.map((name) => name.split(' ').slice(0, 2).join(' ')));
      if (aside.length === 0 && keys.size > 1)
        faults.push(`several blocks are lost: ${[...keys].join(', ')}`);
      if (aside.length !== badFileCount) faults.push('not counted');
      return faults;
    });
  }, 60_000);

  it('.crc: costs nothing', async () => {
    await each(`${tsm}.crc`, ({ found, missing, aside }) => [
      ...wrong(found, expected).map((name) => `${name} is wrong`),
      ...missing.map((name) => `${name} is lost`),
      ...aside.map((path) => `${path} was put aside`),
    ]);
  }, 60_000);

  it('.tombstone: costs itself, is said and put aside', async () => {
    await each(
      tsm.replace('.tsm', '.tombstone'),
      ({ found, missing, log, aside, badFileCount }) => {
        const faults = [
          ...wrong(found, before).map((name) => `${name} is wrong`),
          ...missing.map((name) => `${name} is lost`),
        ];
        const isSeenAgain = wrong(found, expected).length > 0;
        if (
          isSeenAgain &&
          (aside.length !== 1 || badFileCount !== 1 || log.complaints.length === 0)
        ) {
          faults.push(`what was deleted is seen again, and nothing is said: ${aside.join(' ')}`);
        }
        return faults;
      },
    );
  }, 60_000);

  it.each([
    ['the file', tsm],
    ['its tombstones', tsm.replace('.tsm', '.tombstone')],
  ])('%s: what the disk cannot read (EIO) is put aside like what is corrupt', async (_, path) => {
    const disk = diskOf(files);
    const log = new RecordedLog();
    disk.fault = (operation) =>
      operation.path === path && /^(open|read|readFile)$/.test(operation.kind) ? 'EIO' : null;
    const bench = await open(disk, log);
    const found = contents(bench);
    await bench.settle();
    expect(wrong(found, path === tsm ? expected : before)).toEqual([]);
    expect([...found.keys()].some((name) => name.endsWith(' 20'))).toBe(true);
    expect(disk.paths()).toContain(`${path}.bad`);
    expect(log.complaints.length).toBeGreaterThan(0);
    await bench.close();
  });
});

describe("a segment of InfluxDB's log", () => {
  const path = `/wal/${folder}/_00001.wal`;
  const segment = readFileSync('test/fixtures/tsm/influx.wal');

  it('that the disk cannot read (EIO) costs itself, is said and put aside', async () => {
    const disk = new SimulatedFileSystem();
    disk.put(path, segment);
    disk.put(path.replace('_00001', '_00002'), segment);
    disk.fault = (operation) =>
      operation.path === path && operation.kind === 'readFile' ? 'EIO' : null;
    const log = new RecordedLog();
    const bench = await open(disk, log);
    const series = bench.seriesOf(1);
    expect(series.length).toBeGreaterThan(0);
    expect(log.complaints.length).toBe(1);
    await bench.write(1, points(1));
    await bench.close();
    expect(disk.paths().filter((name) => name.startsWith('/wal/'))).toEqual([`${path}.bad`]);
    const again = await open(disk);
    expect(again.seriesOf(1)).toEqual([...series, ...SERIES.slice(0, 2)]);
    await again.close();
  });
});
