import { copyFileSync } from 'node:fs';
import { connect } from 'node:tls';
import { type ServerProcess, startServer, temporaryFolder } from '#test-support';

/** Common name of the certificate that a port shows, or the error. */
const nameOf = (port: number, maxVersion: 'TLSv1.2' | 'TLSv1.3' = 'TLSv1.3'): Promise<string> =>
  new Promise((resolve) => {
    const socket = connect(
      { port, host: '127.0.0.1', rejectUnauthorized: false, maxVersion },
      () => {
        resolve(String(socket.getPeerCertificate().subject.CN));
        socket.end();
      },
    );
    socket.on('error', (error) => resolve(error.message));
  });

const until = async (isTrue: () => Promise<boolean>): Promise<void> => {
  for (let i = 0; i < 200 && !(await isTrue()); i++)
    await new Promise((done) => setTimeout(done, 25));
};

describe('HTTPS', () => {
  const folder = temporaryFolder();
  const certificate = `${folder.path}/server.pem`;
  let server: ServerProcess;
  let port = 0;

  beforeAll(async () => {
    copyFileSync('test/fixtures/tls/first.pem', certificate);
    server = await startServer({
      folder: folder.path,
      isHttps: true,
      sections: { http: `https-enabled = true\nhttps-certificate = "${certificate}"` },
      toml: '[tls]\nmin-version = "tls1.3"\n',
    });
    port = Number(new URL(server.url).port);
  }, 60_000);

  afterAll(async () => {
    await server.stop();
    folder.remove();
  }, 60_000);

  it('takes up a renewed certificate at SIGHUP, and keeps the old one when the new one is bad', async () => {
    expect(await nameOf(port)).toBe('first.example');
    copyFileSync('test/fixtures/tls/second.pem', certificate);
    server.process.kill('SIGHUP');
    await until(async () => (await nameOf(port)) === 'second.example');
    expect(await nameOf(port)).toBe('second.example');
    copyFileSync('test/fixtures/tls/README.md', certificate);
    server.process.kill('SIGHUP');
    await until(() => Promise.resolve(server.output().includes('could not be reloaded')));
    expect(server.output()).toContain('could not be reloaded');
    expect(await nameOf(port)).toBe('second.example');
  });

  it('refuses versions below min-version', async () => {
    expect(await nameOf(port, 'TLSv1.2')).toMatch(/protocol version/);
  });
});
