import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { freePort, query, startServer, temporaryFolder } from '#test-support';

const BIN = resolve('dist/apps/cli/main.js');
const folder = temporaryFolder();
afterAll(() => folder.remove());

interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command line to its end. */
const run = (
  args: readonly string[],
  environment: Record<string, string> = {},
  input = '',
): Promise<Finished> =>
  new Promise((done) => {
    const child = spawn(process.execPath, [BIN, ...args], {
      cwd: folder.path,
      env: { ...process.env, NODE_OPTIONS: '', ...environment },
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.on('exit', (code) => done({ code, stdout, stderr }));
    child.stdin.end(input);
  });

/** A configuration file over folders of its own. */
const configured = (name: string, http: string): string => {
  const path = join(folder.path, `${name}.toml`);
  const data = join(folder.path, name);
  writeFileSync(
    path,
    `[meta]\ndir = "${data}/meta"\n[data]\ndir = "${data}/data"\nwal-dir = "${data}/wal"\n[http]\n${http}\n`,
  );
  return path;
};

describe('the command line', () => {
  it('prints versions and configurations', async () => {
    expect((await run(['version'])).stdout).toMatch(/^Tidegate v\d+\.\d+\.\d+ \(InfluxDB 1\.6\.7/);
    expect((await run(['config'])).stdout).toBe(
      readFileSync('config/tidegate.sample.toml', 'utf8'),
    );
    const path = configured('printed', 'bind-address = ":1"');
    expect(
      (await run(['config', '-config', path], { INFLUXDB_HTTP_MAX_ROW_LIMIT: '7' })).stdout,
    ).toContain('max-row-limit = 7');
  });

  it.each([
    [{}, 'Meta.Dir must be specified. To generate a valid configuration file run'],
    [
      { INFLUXDB_HTTP_ENABLED: 'yes' },
      'apply env config: failed to apply INFLUXDB_HTTP_ENABLED to Enabled using type bool',
    ],
  ])('refuses to start on %j, and says why on standard error', async (environment, text) => {
    const { code, stderr } = await run(['run'], environment);
    expect(code).toBe(1);
    expect(stderr).toContain(`run: ${text}`);
  });

  it('fails with the name of the part that does not open', async () => {
    const taken = http.createServer();
    const port = await freePort();
    await new Promise<void>((done) => taken.listen(port, '127.0.0.1', done));
    const { code, stderr } = await run([
      'run',
      '-config',
      configured('taken', `bind-address = "127.0.0.1:${port}"`),
    ]);
    taken.close();
    expect(code).toBe(1);
    expect(stderr).toMatch(/run: open service: httpd: listen EADDRINUSE/);
  });
});

describe('a server', () => {
  it('stops on SIGTERM and has every acknowledged point afterwards', async () => {
    const options = { folder: join(folder.path, 'stopping') };
    const first = await startServer(options);
    await query(first.url, 'CREATE DATABASE d');
    let acknowledged = 0;
    const write = async (writer: number): Promise<void> => {
      for (let i = 0; ; i++) {
        const body = `m,writer=${writer} i=${i}i ${i + 1}`;
        const answer = await fetch(`${first.url}/write?db=d`, { method: 'POST', body }).catch(
          () => null,
        );
        if (answer?.status !== 204) return;
        acknowledged++;
      }
    };
    const writers = Promise.all([0, 1, 2, 3].map(write));
    await new Promise((done) => setTimeout(done, 300));
    expect(await first.stop()).toBe(0);
    await writers;
    for (const line of [
      'Signal received, initializing clean shutdown...',
      'Server shutdown completed',
    ]) {
      expect(first.output()).toContain(line);
    }
    const again = await startServer(options);
    const answer = await query(again.url, 'SELECT count(i) FROM m', { db: 'd' });
    await again.stop();
    const counted = Number(answer.results?.[0].series?.[0].values[0][1] ?? 0);
    expect(acknowledged).toBeGreaterThan(0);
    expect(counted).toBeGreaterThanOrEqual(acknowledged);
  });

  it('serves a Unix socket, and takes away its process id file', async () => {
    const socketPath = join(folder.path, 'tidegate.sock');
    const pidfile = join(folder.path, 'tidegate.pid');
    const config = configured(
      'socket',
      `bind-address = "127.0.0.1:0"\nunix-socket-enabled = true\nbind-socket = "${socketPath}"`,
    );
    const child = spawn(process.execPath, [BIN, 'run', '-config', config, '-pidfile', pidfile], {
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    let output = '';
    const listening = new Promise<void>((done) =>
      child.stderr.on('data', (chunk: Buffer) => {
        output += chunk.toString();
        if (output.includes('Listening for signals')) done();
      }),
    );
    const ended = new Promise<number | null>((done) => child.on('exit', done));
    await listening;
    expect(readFileSync(pidfile, 'utf8')).toBe(String(child.pid));
    const status = await new Promise((done, failed) => {
      http
        .get({ socketPath, path: '/ping' }, (response) => done(response.statusCode))
        .on('error', failed);
    });
    expect(status).toBe(204);
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
    expect(existsSync(pidfile)).toBe(false);
  });

  it('drops connections beyond its limit', async () => {
    const server = await startServer({
      folder: join(folder.path, 'limited'),
      sections: { http: 'max-connection-limit = 3' },
    });
    const { port } = new URL(server.url);
    let open = 5;
    // The connection that asked whether the server is ready may still be open, so two or three of five are dropped.
    const twoDropped = new Promise<void>((done) => {
      for (let i = 0; i < 5; i++) {
        connect(Number(port), '127.0.0.1')
          .on('close', () => --open <= 3 && done())
          .on('error', () => undefined)
          .resume()
          .unref();
      }
    });
    await twoDropped;
    await server.stop();
  });
});
