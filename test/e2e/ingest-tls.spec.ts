/** An encrypted listener of a real server: points come in, and a renewed certificate is taken up at SIGHUP. */
import { copyFileSync } from 'node:fs';
import { connect } from 'node:tls';
import { freePort, query, type ServerProcess, startServer, temporaryFolder } from '#test-support';

/** Sends a line; the common name of the certificate that was shown. */
const send = (port: number, line: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      const name = String(socket.getPeerCertificate().subject.CN);
      socket.on('close', () => resolve(name));
      socket.end(line);
      socket.resume();
    });
    socket.on('error', reject);
  });

describe('an encrypted listener', () => {
  const folder = temporaryFolder();
  const certificate = `${folder.path}/server.pem`;
  let server: ServerProcess;
  let port = 0;

  beforeAll(async () => {
    port = await freePort();
    copyFileSync('test/fixtures/tls/first.pem', certificate);
    server = await startServer({
      folder: folder.path,
      toml: `
[[opentsdb]]
enabled = true
bind-address = "127.0.0.1:${port}"
tls-enabled = true
certificate = "${certificate}"
batch-timeout = "5ms"
`,
    });
  }, 60_000);

  afterAll(async () => {
    await server.stop();
    folder.remove();
  }, 60_000);

  const until = async (holds: () => Promise<boolean>): Promise<void> => {
    for (let i = 0; i < 400 && !(await holds()); i++)
      await new Promise((done) => setTimeout(done, 25));
  };

  it('stores what it receives', async () => {
    expect(await send(port, 'put a.b 1500000000 1 h=x\n')).toBe('first.example');
    const count = async (): Promise<unknown> =>
      (await query(server.url, 'SELECT count(value) FROM "a.b"', { db: 'opentsdb' })).results?.[0]
        ?.series?.[0]?.values[0]?.[1];
    await until(async () => (await count()) === 1);
    expect(await count()).toBe(1);
  }, 30_000);

  it('takes up a renewed certificate at SIGHUP, and keeps the old one when the new one is bad', async () => {
    copyFileSync('test/fixtures/tls/second.pem', certificate);
    server.process.kill('SIGHUP');
    await until(async () => (await send(port, '')) === 'second.example');
    expect(await send(port, '')).toBe('second.example');
    copyFileSync('test/fixtures/tls/README.md', certificate);
    server.process.kill('SIGHUP');
    await until(() => Promise.resolve(server.output().includes('could not be reloaded')));
    expect(server.output()).toContain('could not be reloaded');
    expect(await send(port, '')).toBe('second.example');
  }, 30_000);

  it('shows who is connected', async () => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
    await new Promise((done) => socket.on('secureConnect', done));
    const name = `opentsdb:127.0.0.1:${port}`;
    const shown = async () =>
      (await query(server.url, 'SHOW DIAGNOSTICS')).results?.[0]?.series?.find(
        (table) => table.name === name,
      );
    await until(async () => ((await shown())?.values?.length ?? 0) > 0);
    const table = await shown();
    expect(table?.columns).toEqual(['local', 'remote', 'connect time']);
    expect(table?.values[0]?.[0]).toBe(`127.0.0.1:${port}`);
    socket.destroy();
  }, 30_000);
});
