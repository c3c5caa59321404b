import fc from 'fast-check';
import { JobsBench, ManualClock, SeededRandom, SimulatedFileSystem } from '#test-support';

const MINUTE_MS = 60_000;
const MINUTE_NS = 60_000_000_000n;
const HOUR_NS = 60n * MINUTE_NS;
const DAY_NS = 24n * HOUR_NS;
/** Clocks in Berlin and New York change within the 90 days that follow. */
const START_NS = BigInt(Date.parse('2026-09-01T00:00:00Z')) * 1_000_000n;
const never = new AbortController().signal;

const POLICIES = [
  { name: 'day', durationNs: DAY_NS, groupNs: 6n * HOUR_NS },
  { name: 'week', durationNs: 7n * DAY_NS, groupNs: DAY_NS },
  { name: 'ever', durationNs: 0n, groupNs: 7n * DAY_NS },
] as const;

const QUERIES: Readonly<Record<string, string>> = {
  hourly: 'SELECT count(f) INTO d.ever.hourly FROM d.day.m GROUP BY time(1h)',
  berlin: "SELECT count(f) INTO d.ever.berlin FROM d.week.m GROUP BY time(1d) tz('Europe/Berlin')",
  newyork:
    "SELECT count(f) INTO d.ever.newyork FROM d.ever.m GROUP BY time(6h, 1h) tz('America/New_York')",
};

/** The range of a run: its bounds are the two last comparisons of its condition. */
type Range = readonly [string, bigint, bigint];

/** A server that lives through restarts, on a simulated disk. */
class Lifetime {
  readonly files = new SimulatedFileSystem(1);
  readonly clock = new ManualClock(START_NS);
  readonly ranges: Range[] = [];
  jobs = this.make();

  private make(): JobsBench {
    return new JobsBench({ files: this.files, folder: '/s', clock: this.clock });
  }

  async open(): Promise<void> {
    await this.jobs.open();
    await this.jobs.query('CREATE DATABASE d WITH SHARD DURATION 7d NAME ever');
  }

  async restart(): Promise<void> {
    this.collect();
    await this.jobs.close();
    this.jobs = this.make();
    await this.jobs.open();
  }

  /** One look of continuous queries. */
  async look(): Promise<void> {
    await this.jobs.continuousQueries.run(this.clock.nowNs(), never);
    this.collect();
  }

  private collect(): void {
    for (const { select } of this.jobs.runs.splice(0)) {
      const bounds: bigint[] = [];
      JSON.stringify(select.condition, (_key, value: unknown) => {
        if (typeof value !== 'bigint') return value;
        bounds.push(value);
        return String(value);
      });
      this.ranges.push([select.into?.name ?? '', bounds[0] ?? 0n, bounds[1] ?? 0n]);
    }
  }

  /** The ranges of a query in order of time, as [start, end) of one piece each. */
  rangesOf(name: string): (readonly [bigint, bigint])[] {
    return this.ranges
      .filter(([query]) => query === name)
      .map(([, start, end]): readonly [bigint, bigint] => [start, end])
      .sort(([a], [b]) => (a < b ? -1 : 1));
  }
}

/** Each window once: every range begins where the one before it ended. */
const expectSeamless = (ranges: readonly (readonly [bigint, bigint])[]): void => {
  expect(ranges.length).toBeGreaterThan(0);
  expect(ranges.slice(1).map(([start]) => start)).toEqual(
    ranges.slice(0, -1).map(([, end]) => end),
  );
};

describe('ninety days', () => {
  it('pass with no group expired, none removed early, none made at a boundary, each window once', async () => {
    const life = new Lifetime();
    await life.open();
    for (const { name, durationNs, groupNs } of POLICIES.slice(0, 2)) {
      const hours = (ns: bigint): string => `${ns / HOUR_NS}h`;
      await life.jobs.query(
        `CREATE RETENTION POLICY ${name} ON d DURATION ${hours(durationNs)} REPLICATION 1 SHARD DURATION ${hours(groupNs)}`,
      );
    }
    for (const [name, select] of Object.entries(QUERIES))
      await life.jobs.query(`CREATE CONTINUOUS QUERY ${name} ON d BEGIN ${select} END`);
    const random = new SeededRandom(7);
    const policyOf = (name: string) =>
      life.jobs.meta.database('d')?.retentionPolicies.find((policy) => policy.name === name);
    const liveGroups = (name: string) =>
      (policyOf(name)?.shardGroups ?? []).filter(({ deletedAtNs }) => deletedAtNs === 0n);
    let inline = 0;
    const write = async (name: string, timesNs: readonly bigint[]): Promise<number> => {
      const before = liveGroups(name).length;
      const dropped = await life.jobs.write(
        'd',
        name,
        timesNs.map((ns) => `m f=1 ${ns}`),
      );
      inline += liveGroups(name).length - before;
      return dropped;
    };
    // Clocks gone wrong, which must not stop precreation.
    for (const name of ['week', 'ever']) await write(name, [START_NS + 26_000n * DAY_NS]);
    for (const { name } of POLICIES) await write(name, [START_NS]);
    const made = inline;
    await life.look();
    for (let step = 1; step <= 90 * 144; step++) {
      life.clock.advanceMs(10 * MINUTE_MS);
      const nowNs = life.clock.nowNs();
      await life.jobs.precreation.run(nowNs);
      for (const { name, durationNs } of POLICIES) {
        expect(await write(name, [nowNs, nowNs - 1n])).toBe(0);
        if (durationNs > 0n && step % 100 === 0)
          expect(await write(name, [nowNs - durationNs - 1n])).toBe(1);
      }
      if (step % 3 === 0) {
        await life.jobs.retention.run(nowNs, never);
        for (const { name, durationNs } of POLICIES.slice(0, 2)) {
          const expired = liveGroups(name).filter(({ endNs }) => endNs + durationNs < nowNs);
          expect(expired).toEqual([]);
        }
      }
      // Looks are late now and then.
      if (random.below(4) > 0) await life.look();
      if (random.below(1500) === 0) await life.restart();
      if (step % 720 !== 0) continue;
      // Nothing unexpired is touched: every point that the policy keeps is there.
      for (const { name, durationNs } of POLICIES) {
        const keptNs =
          durationNs === 0n || START_NS > nowNs - durationNs ? nowNs - START_NS : durationNs;
        const rows = await life.jobs.rows(
          `SELECT count(f) FROM d.${name}.m WHERE time > ${nowNs - keptNs} AND time <= ${nowNs}`,
        );
        const points = 2n * (keptNs / (10n * MINUTE_NS));
        expect([name, rows[0]?.['count']]).toEqual([name, points]);
        const folders = await life.files.list(`/s/data/d/${name}`);
        const known = liveGroups(name).flatMap(({ shards }) => shards.map(({ id }) => id));
        // What is left of expired ones waits for the next check.
        expect(folders.length).toBeLessThanOrEqual(known.length);
      }
    }
    expect(inline).toBe(made);
    await life.look();
    for (const [name] of Object.entries(QUERIES)) expectSeamless(life.rangesOf(name));
    // Days of 24 hours but for the end of summer time; two points each ten minutes.
    const days = await life.jobs.rows('SELECT count FROM d.ever.berlin');
    const odd = days.slice(1).filter((row) => row['count'] !== 288n);
    expect(odd.map((row) => [row['time'], row['count']])).toEqual([
      [BigInt(Date.parse('2026-10-24T22:00:00Z')) * 1_000_000n, 300n],
    ]);
    expect(days.length).toBeGreaterThan(88);
    await life.jobs.close();
  }, 120_000);
});

/** What happens next: time passes, and a look, a restart, a crash or a jump of the clock. */
const EVENT = fc.record({
  minutes: fc.integer({ min: 1, max: 200 }),
  what: fc.constantFrom('look', 'look', 'look', 'restart', 'skip'),
  jumpMinutes: fc.oneof(
    { weight: 8, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: -1440, max: 1440 }) },
  ),
});

describe('continuous queries under any clock', () => {
  it('compute each window once', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('', "tz('Europe/Berlin')", "tz('America/New_York')"),
        fc.constantFrom('10m', '1h', '1h, 7m', '1d'),
        fc.integer({ min: 0, max: 90 * 24 }),
        fc.array(EVENT, { minLength: 5, maxLength: 40 }),
        async (zone, grid, startHours, events) => {
          const life = new Lifetime();
          life.clock.advanceMs(startHours * 60 * MINUTE_MS);
          await life.open();
          await life.jobs.query(
            `CREATE CONTINUOUS QUERY c ON d BEGIN SELECT count(f) INTO d.ever.x FROM d.ever.m GROUP BY time(${grid}) ${zone} END`,
          );
          await life.look();
          let latestNs = life.clock.nowNs();
          for (const { minutes, what, jumpMinutes } of events) {
            life.clock.advanceMs((minutes + jumpMinutes) * MINUTE_MS);
            if (what === 'skip') continue;
            if (what === 'restart') await life.restart();
            await life.look();
            if (life.clock.nowNs() > latestNs) latestNs = life.clock.nowNs();
          }
          const ranges = life.rangesOf('x');
          for (const [i, [start, end]] of ranges.entries()) {
            expect(end > start).toBe(true);
            if (i > 0) expect(start).toBe(ranges[i - 1]?.[1]);
          }
          // Nothing that had ended at the latest look is left.
          const last = ranges.at(-1)?.[1];
          if (last !== undefined) expect(latestNs - last < 26n * HOUR_NS).toBe(true);
          await life.jobs.close();
        },
      ),
      { numRuns: 40 },
    );
  });

  it('compute windows anew whose points came when their time was', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(EVENT, { minLength: 5, maxLength: 40 }), async (events) => {
        const life = new Lifetime();
        await life.open();
        await life.jobs.query(
          'CREATE CONTINUOUS QUERY c ON d BEGIN SELECT count(f) INTO d.ever.x FROM d.ever.m GROUP BY time(30m) fill(none) END',
        );
        await life.look();
        for (const [i, { minutes, what, jumpMinutes }] of events.entries()) {
          life.clock.advanceMs((minutes + jumpMinutes) * MINUTE_MS);
          await life.jobs.write('d', '', [`m,i=${i} f=1 ${life.clock.nowNs()}`]);
          if (what === 'restart') await life.restart();
          if (what !== 'skip') await life.look();
        }
        // Far enough for the windows that the clock has been ahead of.
        life.clock.advanceMs(events.length * 1440 * MINUTE_MS);
        await life.look();
        await life.look();
        const select =
          'SELECT count(f) FROM d.ever.m WHERE time >= 0 GROUP BY time(30m) fill(none)';
        const wanted = await life.jobs.rows(select);
        expect(await life.jobs.rows('SELECT count FROM d.ever.x WHERE time >= 0')).toEqual(wanted);
        await life.jobs.close();
      }),
      { numRuns: 40 },
    );
  });
});
