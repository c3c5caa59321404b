/** Keys that later versions of InfluxDB have, or that mean less than they say: what they do on a real server. */
import { chmodSync, copyFileSync } from 'node:fs';
import {
  freePort,
  prometheusBody,
  query,
  type ServerProcess,
  startServer,
  temporaryFolder,
} from '#test-support';
import { sendUdp } from '#inputs/testing';

const as = (user: string): string => `u=${user}&p=x`;

describe('ingress-metric-by-*, pprof-enabled, prom-read-auth-enabled', () => {
  const folder = temporaryFolder();
  let server: ServerProcess;
  let udp = '';

  const start = async (isReadAuthorized: boolean): Promise<void> => {
    server = await startServer({
      folder: folder.path,
      sections: {
        http: `auth-enabled = true\npprof-enabled = false\nprom-read-auth-enabled = ${isReadAuthorized}`,
        data: 'ingress-metric-by-measurement-enabled = true\ningress-metric-by-login-enabled = true',
      },
      toml: `[[udp]]
enabled = true
bind-address = "${udp}"
database = "d"
batch-timeout = "5ms"
writers = 4
`,
    });
  };
  const run = async (q: string): Promise<Awaited<ReturnType<typeof query>>> => {
    const form = new URLSearchParams({ q });
    const target = `${server.url}/query?db=d&${as('root')}`;
    return (await (await fetch(target, { method: 'POST', body: form })).json()) as never;
  };
  const ingress = async (): Promise<unknown> => {
    const { results } = await run("SHOW STATS FOR 'ingress'");
    return results?.[0]?.series?.map(({ tags, columns, values }) => [tags, columns, values[0]]);
  };
  const readStatus = async (user: string): Promise<number> => {
    const body = prometheusBody('ReadRequest', {
      queries: [{ matchers: [{ type: 0, name: '__name__', value: 'm' }] }],
    });
    const target = `${server.url}/api/v1/prom/read?db=d&${as(user)}`;
    return (await fetch(target, { method: 'POST', body })).status;
  };

  beforeAll(async () => {
    udp = `127.0.0.1:${await freePort()}`;
    await start(true);
    await query(server.url, "CREATE USER root WITH PASSWORD 'x' WITH ALL PRIVILEGES");
    for (const q of [
      'CREATE DATABASE d',
      "CREATE USER writer WITH PASSWORD 'x'",
      "CREATE USER nobody WITH PASSWORD 'x'",
      'GRANT WRITE ON d TO writer',
    ])
      expect((await run(q)).results).toEqual([{ statement_id: 0 }]);
  }, 60_000);

  afterAll(async () => {
    await server.stop();
    folder.remove();
  }, 60_000);

  it('counts what is written by measurement and login', async () => {
    expect(await ingress()).toBe(undefined);
    const target = `${server.url}/write?db=d&${as('writer')}`;
    const body = 'm,t=a v=1,w=2 1\nm,t=b v=1,w=2 1\nn v=1 1';
    expect((await fetch(target, { method: 'POST', body })).status).toBe(204);
    await sendUdp(udp, Buffer.from('m,t=a v=3 2'));
    for (;;) {
      const { results } = await run('SELECT count(v) FROM m');
      if (Number(results?.[0]?.series?.[0]?.values[0]?.[1]) === 3) break;
    }
    await run('SELECT * INTO copied FROM n');
    const columns = ['pointsWritten', 'seriesCreated', 'valuesWritten'];
    const tags = { db: 'd', rp: 'autogen' };
    expect(await ingress()).toEqual([
      [{ ...tags, measurement: 'copied', login: '_systemuser_selectinto' }, columns, [1, 1, 1]],
      [{ ...tags, measurement: 'm', login: '_systemuser_udpwriter' }, columns, [1, 0, 1]],
      [{ ...tags, measurement: 'm', login: 'writer' }, columns, [2, 2, 4]],
      [{ ...tags, measurement: 'n', login: 'writer' }, columns, [1, 1, 1]],
    ]);
    const metrics = await (await fetch(`${server.url}/metrics?${as('root')}`)).text();
    expect(metrics).toContain(
      'tidegate_ingress_points_total{database="d",retention_policy="autogen",measurement="m",login="writer"} 2\n',
    );
  }, 60_000);

  it('keeps statistics under /debug where profiles are off', async () => {
    const status = async (method: string, path: string): Promise<number> =>
      (await fetch(`${server.url}${path}`, { method })).status;
    expect(await status('GET', '/debug/vars')).toBe(200);
    expect(await status('POST', '/debug/vars')).toBe(200);
    expect(await status('GET', '/debug/requests?seconds=1')).toBe(200);
    expect(await status('GET', '/debug/pprof/')).toBe(404);
  });

  it('asks readers of remote read for READ, unless told not to', async () => {
    expect(await Promise.all(['nobody', 'root', 'unknown'].map(readStatus))).toEqual([
      403, 200, 401,
    ]);
    await server.stop();
    await start(false);
    expect(await Promise.all(['nobody', 'root', 'unknown'].map(readStatus))).toEqual([
      200, 200, 401,
    ]);
  }, 60_000);
});

describe('insecure-certificate', () => {
  const PHRASE = 'Private key can be read by other users';

  /** What a server with an encrypted OpenTSDB listener says of a key with these permissions. */
  async function f(mode: number, keys = ''): Promise<boolean> {
    const folder = temporaryFolder();
    const certificate = `${folder.path}/key.pem`;
    copyFileSync('test/fixtures/tls/first.pem', certificate);
    chmodSync(certificate, mode);
    const server = await startServer({
      folder: folder.path,
      toml: `[[opentsdb]]
enabled = true
bind-address = "127.0.0.1:${await freePort()}"
tls-enabled = true
certificate = "${certificate}"
${keys}`,
    });
    const output = server.output();
    await server.stop();
    folder.remove();
    return output.includes(PHRASE);
  }

  it('warns of keys that others may read, unless that is meant', async () => {
    expect(await f(0o600)).toBe(false);
    expect(await f(0o640)).toBe(false);
    expect(await f(0o644)).toBe(true);
    expect(await f(0o644, 'insecure-certificate = true')).toBe(false);
  }, 60_000);
});
