import { existsSync, readdirSync } from 'node:fs';
import { query, startServer, temporaryFolder } from '#test-support';

const folder = temporaryFolder();
afterAll(() => folder.remove());

const OFTEN = `[retention]
check-interval = "200ms"
[shard-precreation]
check-interval = "200ms"
[continuous_queries]
run-interval = "100ms"
recompute-late-points = true
`;

/** Waits until a condition holds; the last value seen is what a failing test shows. */
const until = async <T>(look: () => T | Promise<T>, isMet: (value: T) => boolean): Promise<T> => {
  for (let i = 0; i < 400; i++) {
    const value = await look();
    if (isMet(value)) return value;
    await new Promise((done) => setTimeout(done, 25));
  }
  return look();
};

const write = async (url: string, lines: readonly string[], params = ''): Promise<number> =>
  (await fetch(`${url}/write?db=d${params}`, { method: 'POST', body: lines.join('\n') })).status;

/** Rows of the first series of an answer. */
const rows = async (url: string, q: string): Promise<unknown[][]> =>
  (await query(url, q, { db: 'd', epoch: 'ns' })).results?.[0]?.series?.[0]?.values ?? [];

/** Counters of a part. */
const counters = async (url: string, module: string): Promise<Record<string, unknown>> => {
  const [series] = (await query(url, `SHOW STATS FOR '${module}'`)).results?.[0]?.series ?? [];
  return Object.fromEntries(
    (series?.columns ?? []).map((name, c) => [name, series?.values[0]?.[c]]),
  );
};

describe('scheduled jobs of a server', () => {
  it('run continuous queries, go on after a restart and after kill -9', async () => {
    const options = { folder: `${folder.path}/cq`, toml: OFTEN };
    let server = await startServer(options);
    await query(server.url, 'CREATE DATABASE d');
    await query(
      server.url,
      'CREATE CONTINUOUS QUERY c ON d BEGIN SELECT count(f) INTO x FROM m GROUP BY time(1s) fill(none) END',
    );
    await until(
      () => server.output(),
      (text) => text.includes('Starting scheduled job'),
    );
    // A query computes what ends behind its first look, which comes before this.
    const nowS = Math.floor(Date.now() / 1000) + 3;
    // Some of these seconds pass while the server is down.
    const seconds = Array.from({ length: 6 }, (_, i) => nowS + i);
    await write(
      server.url,
      seconds.map((second) => `m f=1 ${second}500000000`),
    );
    const counted = async (): Promise<number[]> =>
      (await rows(server.url, 'SELECT count FROM x')).map(([time]) => Number(time) / 1e9);
    await until(counted, (found) => found.includes(nowS));
    expect(await server.stop()).toBe(0);
    server = await startServer(options);
    await until(counted, (found) => found.includes(nowS + 2));
    await server.kill();
    server = await startServer(options);
    expect(await until(counted, (found) => found.length >= seconds.length)).toEqual(seconds);
    // A late one: its window is computed again.
    await write(server.url, [`m f=1 ${nowS}600000000`]);
    const first = async (): Promise<unknown> =>
      (await rows(server.url, `SELECT count FROM x WHERE time = ${nowS}s`))[0]?.[1];
    expect(await until(first, (count) => count === 2)).toBe(2);
    expect((await query(server.url, 'SHOW CQ GAPS')).results).toEqual([{ statement_id: 0 }]);
    expect(await counters(server.url, 'cq')).toMatchObject({ queryFail: 0 });
    expect(await server.stop()).toBe(0);
  }, 60_000);

  it('list what a continuous query could not compute', async () => {
    const server = await startServer({ folder: `${folder.path}/gaps`, toml: OFTEN });
    await query(server.url, 'CREATE DATABASE d; CREATE DATABASE gone');
    await query(
      server.url,
      'CREATE CONTINUOUS QUERY c ON d BEGIN SELECT count(f) INTO gone.autogen.x FROM m GROUP BY time(1s) END',
    );
    await query(server.url, 'DROP DATABASE gone');
    const gaps = await until(
      () => query(server.url, 'SHOW CQ GAPS ON d'),
      (answer) => answer.results?.[0]?.series !== undefined,
    );
    const [series] = gaps.results?.[0]?.series ?? [];
    expect([series?.name, series?.columns]).toEqual([
      'd',
      ['name', 'start', 'end', 'reason', 'attempts', 'next_try', 'error'],
    ]);
    expect(series?.values[0]?.[6]).toBe('database not found: gone');
    // The words are no reserved ones.
    expect((await query(server.url, 'SELECT cq, gaps FROM cq', { db: 'd' })).results).toEqual([
      { statement_id: 0 },
    ]);
    expect((await query(server.url, 'SHOW CQ')).error).toMatch(
      /^error parsing query: found CQ, exp/,
    );
    expect(await server.stop()).toBe(0);
  }, 60_000);

  it('remove what is expired and make what comes next', async () => {
    const options = { folder: `${folder.path}/rp`, toml: OFTEN };
    let server = await startServer(options);
    await query(server.url, 'CREATE DATABASE d');
    await query(
      server.url,
      'CREATE RETENTION POLICY old ON d DURATION 100h REPLICATION 1 SHARD DURATION 1h',
    );
    const hour = 3_600_000_000_000n;
    const nowNs = BigInt(Date.now()) * 1_000_000n;
    await write(server.url, [`m f=1 ${nowNs - 50n * hour}`, `m f=2 ${nowNs}`], '&rp=old');
    const path = `${options.folder}/data/d/old`;
    expect(readdirSync(path)).toHaveLength(2);
    await query(server.url, 'ALTER RETENTION POLICY old ON d DURATION 10h');
    expect(
      await until(
        () => readdirSync(path),
        (names) => names.length === 1,
      ),
    ).toHaveLength(1);
    expect(await rows(server.url, 'SELECT f FROM d.old.m')).toEqual([[Number(nowNs), 2]]);
    expect(await counters(server.url, 'retention')).toMatchObject({
      checkFail: 0,
      shardGroupsDeleted: 1,
      shardsDeleted: 1,
    });
    expect(await server.stop()).toBe(0);
    server = await startServer(options);
    expect(await rows(server.url, 'SELECT f FROM d.old.m')).toEqual([[Number(nowNs), 2]]);
    expect(existsSync(path)).toBe(true);
    await server.stop();
  }, 60_000);

  it('refuse times outside a write window, line by line', async () => {
    const server = await startServer({
      folder: `${folder.path}/window`,
      toml: '[coordinator]\nwrite-window-action = "refuse"\n',
    });
    await query(server.url, 'CREATE DATABASE d');
    const answer = await fetch(`${server.url}/write?db=d`, {
      method: 'POST',
      headers: { accept: 'application/vnd.tidegate.write+json' },
      body: `m f=1 ${Date.now()}\nm f=2`,
    });
    expect(answer.status).toBe(400);
    const { lines, points, dropped } = JSON.parse(await answer.text()) as {
      lines: { line: number; reason: string }[];
      points: number;
      dropped: number;
    };
    expect({ points, dropped, lines: lines.map(({ line }) => line) }).toEqual({
      points: 1,
      dropped: 1,
      lines: [1],
    });
    expect(lines[0]?.reason).toMatch(
      /^point time 1970-\S+ is more than 87600h0m0s behind the server's clock, did you mean precision=ms\?$/,
    );
    expect(await rows(server.url, 'SHOW SHARDS')).toHaveLength(1);
    expect(await counters(server.url, 'write')).toMatchObject({ writeWindowDrop: 1 });
    await server.stop();
  }, 60_000);
});
