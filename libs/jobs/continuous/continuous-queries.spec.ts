import { type Logger, silentLogger } from '#kernel';
import { JobsBench, ManualClock, SimulatedFileSystem } from '#test-support';

const MINUTE_MS = 60_000;
const MINUTE_NS = 60_000_000_000n;
/** 2020-09-13T12:00:00Z. */
const NOON_NS = 1_599_998_400_000_000_000n;
const never = new AbortController().signal;

/** A server with a database `d`, and the query `c`: points of `m` counted by the minute into `x`. */
class Bench {
  readonly clock: ManualClock;
  readonly files: SimulatedFileSystem;
  readonly logged: string[] = [];
  jobs: JobsBench;

  constructor(private readonly areLatePointsRecomputed = false) {
    // A second past, so that the first look finds nothing due.
    this.clock = new ManualClock(NOON_NS + 1_000_000_000n);
    this.files = new SimulatedFileSystem(1);
    this.jobs = this.make();
  }

  private make(): JobsBench {
    const log = (phrase: string): void => void this.logged.push(phrase);
    const logger: Logger = { ...silentLogger, warn: log, error: log, with: () => logger };
    const { files, clock, areLatePointsRecomputed } = this;
    const continuousQueries = { areLatePointsRecomputed };
    return new JobsBench({ files, folder: '/s', clock, logger, continuousQueries });
  }

  async open(
    query = 'BEGIN SELECT count(f) INTO x FROM m GROUP BY time(1m) fill(none) END',
  ): Promise<this> {
    await this.jobs.open();
    await this.jobs.query('CREATE DATABASE d');
    await this.define(query);
    return this;
  }

  async define(query: string, name = 'c'): Promise<void> {
    await this.jobs.query(`CREATE CONTINUOUS QUERY ${name} ON d ${query}`, 'd');
  }

  async restart(): Promise<void> {
    await this.jobs.close();
    this.jobs = this.make();
    await this.jobs.open();
  }

  /** Moves the clock and looks. */
  async after(minutes: number): Promise<void> {
    this.clock.advanceMs(minutes * MINUTE_MS);
    await this.look();
  }

  look(): Promise<void> {
    return this.jobs.continuousQueries.run(this.clock.nowNs(), never);
  }

  /** Writes a point `minutes` after noon. */
  async write(minutes: number, value = 1): Promise<void> {
    const timeNs = NOON_NS + BigInt(Math.round(minutes * 60_000)) * 1_000_000n;
    expect(await this.jobs.write('d', '', [`m f=${value} ${timeNs}`])).toBe(0);
  }

  /** Results by minute after noon. */
  async results(measurement = 'x', column = 'count'): Promise<Record<string, number>> {
    const rows = await this.jobs.rows(`SELECT * FROM ${measurement}`, 'd');
    return Object.fromEntries(
      rows.map((row) => [minuteOf(row['time'] as bigint), Number(row[column])]),
    );
  }

  async gaps(): Promise<unknown[][]> {
    const rows = await this.jobs.rows('SHOW CQ GAPS');
    return rows.map((row) => [
      row['name'],
      row['start'] === null ? null : minuteOf(textNs(row['start'])),
      row['end'] === null ? null : minuteOf(textNs(row['end'])),
      row['reason'],
      Number(row['attempts']),
      row['error'],
    ]);
  }
}

const minuteOf = (timeNs: bigint): number => Number((timeNs - NOON_NS) / MINUTE_NS);
const textNs = (text: unknown): bigint => BigInt(Date.parse(String(text))) * 1_000_000n;

describe('ContinuousQueries', () => {
  it('fills the gap of a downtime', async () => {
    const bench = await new Bench().open();
    await bench.look();
    for (let minute = 0; minute < 10; minute++) await bench.write(minute + 0.5);
    await bench.after(2);
    expect(await bench.results()).toEqual({ 0: 1, 1: 1 });
    await bench.restart();
    await bench.after(7);
    expect(await bench.results()).toEqual(
      Object.fromEntries(Array.from({ length: 9 }, (_, minute) => [minute, 1])),
    );
    expect(bench.jobs.runs).toHaveLength(1);
    expect(bench.jobs.continuousQueries.statistics).toMatchObject({
      queryOk: 1,
      queryFail: 0,
      windowsCaughtUp: 5,
    });
    expect(await bench.gaps()).toEqual([]);
    await bench.jobs.close();
  });

  it('cuts a long gap into pieces, the latest first', async () => {
    const bench = await new Bench().open();
    await bench.look();
    await bench.restart();
    await bench.after(15_000);
    expect(bench.jobs.runs).toHaveLength(10);
    expect(await bench.gaps()).toEqual([['c', 0, 5000, 'pending', 0, '']]);
    await bench.after(0);
    expect(await bench.gaps()).toEqual([]);
    expect(bench.jobs.runs).toHaveLength(15);
    await bench.jobs.close();
  });

  it('tries a failed run again, later and later', async () => {
    const bench = await new Bench().open();
    await bench.look();
    await bench.write(0.5);
    bench.jobs.beforeRun = () => {
      throw new TypeError('no disk');
    };
    await bench.after(1);
    expect(await bench.gaps()).toEqual([['c', 0, 1, 'failed', 1, 'no disk']]);
    expect(bench.logged).toContain('Error executing query');
    for (const [seconds, attempts] of [
      [9, 1],
      [1, 2],
      [19, 2],
      [1, 3],
    ] as const) {
      await bench.after(seconds / 60);
      expect((await bench.gaps())[0]?.[4]).toBe(attempts);
    }
    expect(bench.jobs.continuousQueries.statistics).toMatchObject({ queryOk: 0, queryFail: 3 });
    bench.jobs.beforeRun = () => undefined;
    // The state is durable.
    await bench.restart();
    expect(await bench.gaps()).toEqual([['c', 0, 1, 'failed', 3, 'no disk']]);
    await bench.after(10);
    expect(await bench.results()).toEqual({ 0: 1 });
    expect(await bench.gaps()).toEqual([]);
    await bench.jobs.close();
  });

  it('lists windows that got points behind their run', async () => {
    const bench = await new Bench().open();
    await bench.look();
    await bench.write(0.5);
    await bench.write(1.5);
    await bench.after(3);
    await bench.write(0.6);
    await bench.write(3.5);
    await bench.after(1);
    expect(await bench.results()).toEqual({ 0: 1, 1: 1, 3: 1 });
    expect(await bench.gaps()).toEqual([['c', 0, 1, 'late points', 0, '']]);
    await bench.restart();
    await bench.look();
    expect(await bench.gaps()).toEqual([['c', 0, 1, 'late points', 0, '']]);
    await bench.jobs.close();
  });

  it('computes windows with late points again when it is told to', async () => {
    const bench = await new Bench(true).open();
    await bench.look();
    await bench.write(0.5);
    await bench.after(3);
    const runs = bench.jobs.runs.length;
    await bench.write(0.6);
    await bench.write(1.1);
    await bench.look();
    expect(await bench.results()).toEqual({ 0: 2, 1: 1 });
    expect(bench.jobs.runs).toHaveLength(runs + 1);
    await bench.look();
    expect(bench.jobs.runs).toHaveLength(runs + 1);
    expect(await bench.gaps()).toEqual([]);
    await bench.jobs.close();
  });

  it('comes to an end where queries feed each other, and passes late points on before', async () => {
    const bench = await new Bench(true).open(
      'BEGIN SELECT sum(f) AS f INTO y FROM m GROUP BY time(1m) fill(none) END',
    );
    const sum = (into: string, from: string): string =>
      `BEGIN SELECT sum(f) AS f INTO ${into} FROM ${from} GROUP BY time(1m) fill(none) END`;
    await bench.define(sum('y', 'x'), 'd');
    await bench.define(sum('x', 'y'), 'e');
    const ran = (): readonly string[] =>
      bench.jobs.runs.splice(0).map(({ select }) => select.into?.name ?? '');
    await bench.look();
    await bench.write(0.5);
    await bench.after(3);
    // Around the circle once, as they stand in the list: what the last one wrote is late for the second.
    for (let i = 0; i < 6; i++) await bench.look();
    ran();
    await bench.write(0.6);
    await bench.look();
    expect(ran()).toEqual(['y']);
    await bench.look();
    expect(ran()).toEqual(['x']);
    for (let i = 0; i < 10; i++) await bench.look();
    expect(ran()).toEqual([]);
    expect(await bench.gaps()).toEqual([]);
    await bench.jobs.close();
  });

  it('does not call points late that RESAMPLE FOR will see', async () => {
    const bench = await new Bench().open(
      'RESAMPLE FOR 5m BEGIN SELECT count(f) INTO x FROM m GROUP BY time(1m) fill(none) END',
    );
    await bench.look();
    await bench.write(0.5);
    await bench.after(2);
    await bench.write(0.6);
    await bench.after(1);
    expect(await bench.results()).toEqual({ 0: 2 });
    expect(await bench.gaps()).toEqual([]);
    await bench.jobs.close();
  });

  it('hears of points in its own sources only', async () => {
    const bench = await new Bench().open();
    await bench.define(
      'BEGIN SELECT sum(count) INTO y FROM x GROUP BY time(1m) fill(none) END',
      'chained',
    );
    await bench.define(
      'BEGIN SELECT count(f) INTO own FROM /.*/ GROUP BY time(1m) fill(none) END',
      'own',
    );
    await bench.look();
    await bench.write(0.5);
    await bench.after(3);
    await bench.jobs.write('d', '', [`other f=1 ${NOON_NS}`]);
    await bench.look();
    expect(await bench.results('y', 'sum')).toEqual({ 0: 1 });
    // What it writes itself is not late for it; what others write into what it reads is.
    expect(await bench.gaps()).toEqual([['own', 0, 1, 'late points', 0, '']]);
    await bench.jobs.close();
  });

  it('computes windows again that a clock ahead of time had computed', async () => {
    const bench = await new Bench().open();
    await bench.look();
    await bench.after(600);
    expect(bench.jobs.runs).toHaveLength(1);
    // Set right again.
    await bench.after(-598);
    await bench.write(2.5);
    await bench.after(1);
    expect(await bench.results()).toEqual({ 2: 1 });
    await bench.after(5);
    // Nothing came for the minutes since, and they were computed before.
    expect(bench.jobs.runs).toHaveLength(2);
    expect(await bench.gaps()).toEqual([]);
    await bench.jobs.close();
  });

  it('starts anew when it is dropped and made again', async () => {
    const bench = await new Bench().open();
    await bench.look();
    await bench.write(0.5);
    await bench.after(2);
    await bench.jobs.query('DROP CONTINUOUS QUERY c ON d');
    await bench.after(5);
    await bench.define('BEGIN SELECT sum(f) INTO z FROM m GROUP BY time(1m) fill(none) END');
    await bench.look();
    await bench.write(8.5, 7);
    await bench.after(3);
    expect(await bench.results('z', 'sum')).toEqual({ 8: 7 });
    await bench.jobs.close();
  });

  it('leaves windows out that the target would not keep', async () => {
    const bench = await new Bench().open();
    await bench.jobs.query('CREATE RETENTION POLICY hour ON d DURATION 1h REPLICATION 1');
    await bench.define(
      'BEGIN SELECT count(f) INTO d.hour.x FROM m GROUP BY time(10m) fill(none) END',
      'kept',
    );
    await bench.look();
    await bench.write(5);
    await bench.write(115);
    await bench.restart();
    await bench.after(125);
    expect(await bench.results('d.hour.x')).toEqual({ 110: 1 });
    expect(bench.jobs.continuousQueries.statistics.windowsExpired).toBe(7);
    expect(await bench.gaps()).toEqual([]);
    await bench.jobs.close();
  });

  it('goes on after an interruption', async () => {
    const bench = await new Bench().open();
    await bench.look();
    await bench.write(0.5);
    const stop = new AbortController();
    bench.jobs.beforeRun = () => stop.abort();
    bench.clock.advanceMs(MINUTE_MS);
    await bench.jobs.continuousQueries.run(bench.clock.nowNs(), stop.signal);
    expect(await bench.gaps()).toEqual([['c', 0, 1, 'pending', 0, '']]);
    expect(bench.jobs.continuousQueries.statistics.queryFail).toBe(0);
    await bench.restart();
    await bench.look();
    expect(await bench.results()).toEqual({ 0: 1 });
    await bench.jobs.close();
  });

  it('says once what can never run', async () => {
    const bench = await new Bench().open();
    const query =
      'CREATE CONTINUOUS QUERY raw ON d BEGIN SELECT f INTO x FROM m GROUP BY time(1m) fill(none) END';
    await bench.jobs.meta.execute({
      kind: 'create-continuous-query',
      database: 'd',
      name: 'raw',
      query,
    });
    for (let i = 0; i < 3; i++) await bench.after(1);
    expect(await bench.gaps()).toEqual([
      ['raw', null, null, 'cannot run', 0, 'continuous queries must be aggregate queries'],
    ]);
    expect(bench.jobs.continuousQueries.statistics.queryFail).toBe(1);
    await bench.jobs.close();
  });

  it('keeps in memory what cannot be saved, and saves it later', async () => {
    const bench = await new Bench().open();
    await bench.look();
    await bench.write(0.5);
    await bench.write(1.5);
    bench.files.fault = ({ kind, path }) =>
      kind === 'write' && path.includes('meta') ? 'ENOSPC' : null;
    await bench.after(1);
    expect(bench.logged).toContain('Last runs of continuous queries could not be saved');
    bench.files.fault = () => null;
    await bench.after(1);
    expect(bench.jobs.runs).toHaveLength(2);
    expect(await bench.results()).toEqual({ 0: 1, 1: 1 });
    await bench.restart();
    await bench.look();
    expect(bench.jobs.runs).toHaveLength(0);
    await bench.jobs.close();
  });

  it('shows the gaps of one database', async () => {
    const bench = await new Bench().open();
    await bench.jobs.query('CREATE DATABASE other');
    await bench.look();
    bench.jobs.beforeRun = () => {
      throw new TypeError('broken');
    };
    await bench.after(1);
    expect(await bench.jobs.rows('SHOW CQ GAPS ON other')).toEqual([]);
    expect(await bench.jobs.query('show cq gaps on d')).toMatchObject([
      {
        name: 'd',
        columns: ['name', 'start', 'end', 'reason', 'attempts', 'next_try', 'error'],
        rowCount: 1,
      },
    ]);
    await bench.jobs.close();
  });
});
