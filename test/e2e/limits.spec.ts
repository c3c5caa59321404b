/** Limits and traces of the configuration, in a real server. */
import { setTimeout as sleep } from 'node:timers/promises';
import { query, type ServerProcess, startServer, temporaryFolder } from '#test-support';

/** Windows without end: only a limit stops it. */
const ENDLESS =
  "SELECT mean(v) FROM m WHERE t = '1' AND time >= 0 AND time < '2020-01-01' GROUP BY time(1u) fill(0)";

describe('limits of queries', () => {
  const folder = temporaryFolder();
  let server: ServerProcess;

  beforeAll(async () => {
    server = await startServer({
      folder: folder.path,
      sections: {
        http: 'max-row-limit = 3\nwrite-tracing = true\nuser-query-bytes-enabled = true',
      },
      toml: `[coordinator]
query-timeout = "600ms"
max-concurrent-queries = 2
log-queries-after = "100ms"
max-select-point = 80
max-select-series = 5
max-select-buckets = 10000000000000000`,
    });
    await query(server.url, 'CREATE DATABASE d');
    const lines = Array.from({ length: 60 }, (_, i) => `m,t=${i % 6} v=${i},w=${i} ${i + 1}`);
    const written = await fetch(`${server.url}/write?db=d`, {
      method: 'POST',
      body: lines.join('\n'),
    });
    expect(written.status).toBe(204);
  }, 60_000);

  afterAll(async () => {
    await server.stop();
    folder.remove();
  }, 60_000);

  const ask = async (text: string): Promise<unknown> => {
    const answer = await query(server.url, text, { db: 'd' });
    return answer.results?.[0]?.error ?? answer.error ?? answer.results?.[0]?.series;
  };

  it('end a query that runs too long, and log it as slow', async () => {
    expect(await ask(ENDLESS)).toBe('query-timeout limit exceeded');
    expect(server.output()).toContain('Detected slow query');
    expect(server.output()).toContain('GROUP BY time(1u)');
  });

  it('refuse what is one query too many', async () => {
    const running = [ask(ENDLESS), ask(ENDLESS)];
    let refusal: unknown;
    for (let i = 0; i < 50 && typeof refusal !== 'string'; i++) {
      await sleep(10);
      refusal = await ask('SHOW DATABASES');
    }
    expect(refusal).toBe('max-concurrent-queries limit exceeded(2, 2)');
    expect(await Promise.all(running)).toEqual([
      'query-timeout limit exceeded',
      'query-timeout limit exceeded',
    ]);
    expect(await ask('SHOW DATABASES')).toMatchObject([{ values: [['d']] }]);
  });

  it('bound the points, the series and the rows of a SELECT', async () => {
    expect(await ask('SELECT sum(v), sum(w) FROM m WHERE t =~ /[01234]/')).toMatch(
      /^max-select-point limit exceeded: \(\d+\/80\)$/,
    );
    expect(await ask('SELECT count(v) FROM m')).toMatch(
      /^max-select-series limit exceeded: \(\d+\/5\)$/,
    );
    const series = (await ask("SELECT v FROM m WHERE t = '1'")) as { values: unknown[] }[];
    expect(series[0]?.values.length).toBe(3);
  });

  it('show bodies of writes, and bytes of answers by user', async () => {
    expect(server.output()).toContain('Write body received by handler');
    expect(server.output()).toContain('m,t=0 v=0,w=0 1');
    const vars = (await (await fetch(`${server.url}/debug/vars`)).json()) as Record<
      string,
      { tags?: Record<string, string>; values?: Record<string, number> }
    >;
    const entry = Object.entries(vars).find(([key]) => key.startsWith('userquerybytes'))?.[1];
    expect(entry?.tags?.['user']).toBe('(anonymous)');
    expect(entry?.values?.['userQueryRespBytes']).toBeGreaterThan(100);
  });

  it('take profiles of the server', async () => {
    const heap = await fetch(`${server.url}/debug/pprof/heap?seconds=1`);
    expect(heap.headers.get('content-disposition')).toContain('tidegate.heapprofile');
    expect(await heap.json()).toHaveProperty('head.children');
    const cpu = await fetch(`${server.url}/debug/pprof/profile?seconds=1`);
    expect(await cpu.json()).toHaveProperty('nodes');
    expect((await fetch(`${server.url}/debug/pprof/goroutine`)).status).toBe(404);
    expect((await fetch(`${server.url}/debug/pprof/`)).status).toBe(200);
    expect((await fetch(`${server.url}/debug/pprof/heap?seconds=x`)).status).toBe(400);
  });
});

describe('a second signal', () => {
  it('ends the process at once', async () => {
    const folder = temporaryFolder();
    const server = await startServer({ folder: folder.path });
    await query(server.url, 'CREATE DATABASE d');
    await fetch(`${server.url}/write?db=d`, { method: 'POST', body: 'm v=1 1' });
    // A request in hand holds an orderly end up.
    const held = fetch(`${server.url}/debug/requests?seconds=20`).catch(() => undefined);
    await sleep(200);
    server.process.kill('SIGTERM');
    await sleep(300);
    const code = await server.stop();
    expect(code).not.toBe(0);
    await held;
    const again = await startServer({ folder: folder.path });
    expect(await query(again.url, 'SELECT v FROM m', { db: 'd' })).toMatchObject({
      results: [{ series: [{ values: [['1970-01-01T00:00:00.000000001Z', 1]] }] }],
    });
    await again.stop();
    folder.remove();
  }, 60_000);
});
