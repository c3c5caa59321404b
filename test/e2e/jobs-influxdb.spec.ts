import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { formatRfc3339, printExpr, type SelectStatement } from '#influxql';
import { NodeFileSystem } from '#kernel';
import { type BenchRow, JobsBench, ManualClock, temporaryFolder } from '#test-support';

/** See test/fixtures/continuous-queries/README.md. Times are nanoseconds as text. */
interface Recording {
  readonly stored: Readonly<Record<string, string>>;
  readonly queries: Readonly<Record<string, string>>;
  /** Looks of the service at which something ran: name, start and end of each run. */
  readonly passes: readonly { readonly at: string; readonly runs: readonly string[][] }[];
  readonly writes: readonly { readonly at: string; readonly lines: readonly string[] }[];
  readonly results: Readonly<
    Record<
      string,
      readonly {
        readonly tags?: Readonly<Record<string, string>>;
        readonly columns: readonly string[];
        readonly values: readonly (readonly unknown[])[];
      }[]
    >
  >;
}

const recording = JSON.parse(
  gunzipSync(readFileSync('test/fixtures/continuous-queries/influxdb-1.6.7.json.gz')).toString(),
) as Recording;

const folder = temporaryFolder();
afterAll(() => folder.remove());

/** Name and range of the query that ran a SELECT INTO; all are named after their target but one, which has none. */
const ranOf = ({ into, condition }: SelectStatement): readonly string[] => {
  const text = condition === null ? '' : printExpr(condition);
  const [, start = '', end = ''] = /time >= '([^']+)' AND time < '([^']+)'/.exec(text) ?? [];
  return [into === null || into.name === '' ? 'star' : into.name, start, end];
};

/**
 * A row as JSON has it: integers and times (whole seconds here, hence exact) as numbers. Fractions to ten digits: InfluxDB
 * adds up the points of several series in order of time, we series by series.
 */
const plain = (row: BenchRow): BenchRow =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]) => {
      if (typeof value === 'bigint') return [name, Number(value)];
      return [name, typeof value === 'number' ? Number(value.toFixed(10)) : value];
    }),
  );

describe('continuous queries beside InfluxDB 1.6.7', () => {
  it('ran the same windows at the same times, with the same results', async () => {
    const firstMs = Number(BigInt(recording.writes[0].at) / 1_000_000n);
    const clock = new ManualClock(BigInt(firstMs) * 1_000_000n);
    const bench = new JobsBench({ files: new NodeFileSystem(), folder: folder.path, clock });
    await bench.open();
    const moveTo = (timeNs: bigint): void => {
      clock.advanceMs(Number(timeNs - clock.nowNs()) / 1e6);
    };
    await bench.query('CREATE DATABASE d');
    await bench.query('CREATE RETENTION POLICY long ON d DURATION INF REPLICATION 1');
    await bench.query('CREATE DATABASE gone WITH NAME long');
    const events = [
      ...recording.passes.map((pass) => ({ at: BigInt(pass.at), pass, lines: null })),
      ...recording.writes.map(({ at, lines }) => ({ at: BigInt(at), pass: null, lines })),
    ].sort((a, b) => (a.at < b.at ? -1 : 1));
    for (const [i, { at, pass, lines }] of events.entries()) {
      moveTo(at);
      if (lines !== null) {
        expect(await bench.write('d', '', lines)).toBe(0);
        if (i > 0) continue;
        for (const [name, text] of Object.entries(recording.queries))
          await bench.query(`CREATE CONTINUOUS QUERY "${name}" ON d ${text}`);
        await bench.query('DROP DATABASE gone');
        expect(
          (await bench.rows('SHOW CONTINUOUS QUERIES')).map(({ name, query }) => [name, query]),
        ).toEqual(Object.entries(recording.stored));
        continue;
      }
      bench.runs.length = 0;
      await bench.continuousQueries.run(clock.nowNs(), new AbortController().signal);
      const expected = pass.runs.map(([name, start, end]) => [
        name,
        formatRfc3339(BigInt(start)),
        formatRfc3339(BigInt(end)),
      ]);
      const isDue = (name: string | undefined): boolean => expected.some(([due]) => due === name);
      // The query that always fails is tried again in between, which InfluxDB does not do.
      const ran = bench.runs
        .map(({ select }) => ranOf(select))
        .filter(([name]) => name !== 'bad' || isDue(name));
      expect({ at, ran }).toEqual({ at, ran: expected });
    }
    for (const [measurement, series] of Object.entries(recording.results)) {
      const rows = await bench.rows(`SELECT * FROM d.long."${measurement}" GROUP BY *`);
      const expected = series.flatMap(({ tags, columns, values }) =>
        values.map((row) =>
          Object.fromEntries([
            ...Object.entries(tags ?? {}),
            ...columns.map((column, c): [string, unknown] => [column, row[c]]),
          ]),
        ),
      );
      expect({ measurement, rows: rows.map(plain) }).toEqual({
        measurement,
        rows: expected.map(plain),
      });
    }
    await bench.close();
  });
});
