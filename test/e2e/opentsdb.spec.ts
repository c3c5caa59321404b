/** OpenTSDB listeners of a whole server: over TLS, into real storage, and what storage refuses. */
import https from 'node:https';
import { connect } from 'node:tls';
import { freePort, query, type ServerProcess, startServer, temporaryFolder } from '#test-support';

describe('OpenTSDB over TLS', () => {
  const folder = temporaryFolder();
  let server: ServerProcess;
  let port = 0;

  beforeAll(async () => {
    port = await freePort();
    server = await startServer({
      folder: folder.path,
      toml: `[[opentsdb]]
enabled = true
bind-address = "127.0.0.1:${port}"
database = "tsdb"
batch-timeout = "10ms"
tls-enabled = true
certificate = "test/fixtures/tls/first.pem"
`,
    });
  }, 60_000);

  afterAll(async () => {
    await server.stop();
    folder.remove();
  }, 60_000);

  const put = (path: string, body: unknown): Promise<{ status: number; body: string }> =>
    new Promise((resolve, reject) => {
      const asked = https.request(
        { host: '127.0.0.1', port, path, method: 'POST', rejectUnauthorized: false, agent: false },
        (answer) => {
          let text = '';
          answer.on('data', (chunk: Buffer) => (text += chunk.toString()));
          answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: text }));
        },
      );
      asked.on('error', reject);
      asked.end(JSON.stringify(body));
    });

  const stored = async (name: string): Promise<unknown> =>
    (await query(server.url, `SELECT * FROM "${name}"`, { db: 'tsdb', epoch: 'ms' })).results?.[0]
      ?.series?.[0]?.values;

  it('takes telnet', async () => {
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
      let text = '';
      socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
      socket.on('close', () => resolve(text));
      socket.on('error', reject);
      socket.end('put t.telnet 1500000000123 1.5 h=a\nversion\n');
    });
    expect(answer).toBe('InfluxDB TSDB proxy');
    let values: unknown;
    for (let i = 0; i < 200 && values === undefined; i++) {
      values = await stored('t.telnet');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(values).toEqual([[1500000000123, 'a', 1.5]]);
  });

  it('takes HTTP, and has stored what it has answered', async () => {
    const point = { metric: 't.http', timestamp: 1500000000, value: 2, tags: { h: 'b' } };
    expect(await put('/api/put', point)).toEqual({ status: 204, body: '' });
    expect(await stored('t.http')).toEqual([[1500000000000, 'b', 2]]);
    const suggested = await new Promise<string>((resolve, reject) => {
      https
        .get(
          `https://127.0.0.1:${port}/api/suggest?type=metrics&q=t.h`,
          { rejectUnauthorized: false, agent: false },
          (answer) => answer.on('data', (chunk: Buffer) => resolve(chunk.toString())),
        )
        .on('error', reject);
    });
    expect(suggested).toBe('["t.http"]');
  });

  it('says what storage refuses, in all and for each data point', async () => {
    const good = { metric: 't.part', timestamp: 1500000000, value: 1, tags: { h: 'c' } };
    const refused = { metric: 't.time', timestamp: 1500000000, value: 1, tags: { time: 'x' } };
    const reason = 'invalid tag key: input tag "time" on measurement "t.time" is invalid';
    expect(await put('/api/put', [good, refused])).toEqual({
      status: 500,
      body: `write series error: partial write: ${reason} dropped=1\n`,
    });
    const detailed = await put('/api/put?details', [refused, good]);
    expect({ ...detailed, body: JSON.parse(detailed.body) as unknown }).toEqual({
      status: 400,
      body: { errors: [{ error: reason, datapoint: refused }], failed: 1, success: 1 },
    });
  });
});
