/**
 * The balance sheet of a real server: what came in by HTTP, INTO, continuous queries and listeners is accounted for, reason by reason,
 * and every view says the same.
 */
import { sendTcp, sendUdp } from '#inputs/testing';
import { freePort, query, type ServerProcess, startServer, temporaryFolder } from '#test-support';

type Row = readonly unknown[];

describe('SHOW INGEST', () => {
  const folder = temporaryFolder();
  let server: ServerProcess;
  let graphite = '';
  let udp = '';

  const tables = async (q: string): Promise<Readonly<Record<string, readonly Row[]>>> => {
    const { results } = await query(server.url, q);
    expect(results?.[0]?.error).toBeUndefined();
    return Object.fromEntries(
      (results?.[0]?.series ?? []).map(({ name = '', values }) => [name, values]),
    );
  };
  const sheetOf = async (listener: string): Promise<Row | undefined> =>
    (await tables('SHOW INGEST'))['ingest']?.find(([name]) => name === listener);
  /** Waits for a line of the sheet, and expects it. */
  async function untilSheet(line: Row): Promise<void> {
    let found: Row | undefined;
    for (let i = 0; i < 500 && JSON.stringify(found) !== JSON.stringify(line); i++) {
      found = await sheetOf(String(line[0]));
      await new Promise((done) => setTimeout(done, 20));
    }
    expect(found).toEqual(line);
  }
  const write = async (body: string, parameters = ''): Promise<number> => {
    const target = `${server.url}/write?db=d${parameters}`;
    return (await fetch(target, { method: 'POST', body })).status;
  };

  beforeAll(async () => {
    graphite = `127.0.0.1:${await freePort()}`;
    udp = `127.0.0.1:${await freePort()}`;
    server = await startServer({
      folder: folder.path,
      toml: `
[[graphite]]
enabled = true
bind-address = "${graphite}"
batch-timeout = "5ms"
[[udp]]
enabled = true
bind-address = "${udp}"
batch-timeout = "5ms"
[continuous_queries]
run-interval = "1s"
`,
    });
    await query(server.url, 'CREATE DATABASE d');
    await query(server.url, 'CREATE RETENTION POLICY short ON d DURATION 1h REPLICATION 1');
  }, 60_000);

  afterAll(async () => {
    await server.stop();
    folder.remove();
  }, 60_000);

  it('accounts for every line of /write', async () => {
    expect(await write('m v=1 1\nm v=2 2\nno line\nm v= 3')).toBe(400);
    expect(await write('m v="text" 4')).toBe(400);
    expect(await write('m v=1 1', '&rp=short')).toBe(400);
    expect(await write('m v=1 1', '&rp=nope')).toBe(500);
    await untilSheet(['http', 7, 2, 5, 0, 0]);
    const { losses } = await tables("SHOW INGEST FOR 'http'");
    expect([...(losses ?? [])].sort()).toEqual([
      ['http', 'rejected', 'bad line', 2],
      ['http', 'rejected', 'field type conflict', 1],
      ['http', 'rejected', 'points beyond retention policy', 1],
      ['http', 'rejected', 'retention policy not found', 1],
    ]);
  });

  it('shows the last offenders', async () => {
    const { offenders = [] } = await tables("SHOW INGEST FOR 'http'");
    expect(offenders.map(([, ...rest]) => rest)).toEqual([
      ['http', '127.0.0.1', 'bad line', 'missing field value', 'm v= 3'],
      ['http', '127.0.0.1', 'bad line', expect.any(String), 'no line'],
    ]);
    expect((await tables('SHOW INGEST LIMIT 1'))['offenders']).toHaveLength(1);
  });

  it('accounts for INTO and continuous queries', async () => {
    await query(server.url, 'SELECT v INTO d.autogen.copy FROM d.autogen.m');
    await untilSheet(['into', 2, 2, 0, 0, 0]);
    await query(server.url, 'SELECT v INTO d.short.copy FROM d.autogen.m');
    await untilSheet(['into', 4, 2, 2, 0, 0]);
    await query(
      server.url,
      'CREATE CONTINUOUS QUERY c ON d BEGIN SELECT count(v) AS n INTO counted FROM live GROUP BY time(1s) END',
    );
    for (let i = 0; i < 200 && (await sheetOf('continuous queries'))?.[2] === 0; i++) {
      await write('live v=1');
      await new Promise((done) => setTimeout(done, 50));
    }
    const [, received, stored, rejected, dropped, inFlight] =
      (await sheetOf('continuous queries')) ?? [];
    expect(Number(stored)).toBeGreaterThan(0);
    expect(received).toBe(Number(stored) + Number(inFlight));
    expect([rejected, dropped]).toEqual([0, 0]);
  }, 30_000);

  it('accounts for listeners', async () => {
    await sendTcp(graphite, Buffer.from('a.b 1 1500000000\na.b nan 1500000001\nnonsense\n'));
    await sendUdp(udp, Buffer.from('u v=1 1\nu v= 2'));
    await untilSheet([`graphite ${graphite}`, 3, 1, 2, 0, 0]);
    await untilSheet([`udp ${udp}`, 2, 1, 1, 0, 0]);
  });

  it('balances in all, and says the same everywhere', async () => {
    const lines = (await tables('SHOW INGEST'))['ingest'] ?? [];
    for (const [listener, received, ...places] of lines) {
      const sum = places.reduce((total: number, count) => total + Number(count), 0);
      expect([listener, sum]).toEqual([listener, received]);
    }
    const listeners = lines.filter(([name]) => name !== 'all');
    const total = (column: number): number =>
      listeners.reduce((sum, line) => sum + Number(line[column]), 0);
    expect(lines.at(-1)).toEqual(['all', ...[1, 2, 3, 4, 5].map(total)]);

    const http = (await sheetOf('http')) ?? [];
    const vars = (await (await fetch(`${server.url}/debug/vars`)).json()) as Record<
      string,
      { readonly values: Readonly<Record<string, number>> }
    >;
    expect(vars['ingest:http']?.values).toEqual({
      received: http[1],
      stored: http[2],
      rejected: 5,
      dropped: 0,
      inFlight: 0,
    });
    expect(vars['ingestLoss:http:rejected:field type conflict']?.values).toEqual({ points: 1 });
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    expect(metrics).toContain('tidegate_ingest_points_rejected_total{listener="http"} 5');
    expect(metrics).toContain(
      'tidegate_ingest_losses_total{listener="http",outcome="rejected",reason="bad line"} 2',
    );
    const statistics = await query(server.url, "SHOW STATS FOR 'ingest'");
    const tags = statistics.results?.[0]?.series?.map((series) => series.tags?.['listener']);
    expect(tags).toContain(`graphite ${graphite}`);
  });

  it('keeps its words usable as names', async () => {
    await write('ingest ingest=1 1');
    const { results } = await query(server.url, 'SELECT ingest FROM ingest', { db: 'd' });
    expect(results?.[0]?.series?.[0]?.name).toBe('ingest');
    const refused = await query(server.url, 'SHOW INGEST FOR http');
    expect(refused.error).toMatch(/found http, expected string/);
  });
});
