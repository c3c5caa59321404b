import { readFileSync } from 'node:fs';
import net from 'node:net';
import tls from 'node:tls';
import { silentLogger } from '#kernel';
import { RecordedLog } from '#test-support';
import { until } from '../testing/index.js';
import { type TcpConnection, TcpListener, type TcpListenerOptions } from './tcp-listener.js';

const CERTIFICATES = 'test/fixtures/tls';
const contextOf = (name: string): tls.SecureContextOptions => ({
  cert: readFileSync(`${CERTIFICATES}/${name}.pem`),
  key: readFileSync(`${CERTIFICATES}/${name}.pem`),
});

/** A listener, what it received, and how often a connection ended. */
async function listening(options: Partial<TcpListenerOptions> = {}) {
  const seen = { text: '', ends: 0, connections: [] as TcpConnection[] };
  const listener = new TcpListener({
    bindAddress: '127.0.0.1:0',
    logger: silentLogger,
    accept(connection) {
      seen.connections.push(connection);
      return {
        data: (chunk) => {
          seen.text += Buffer.from(chunk).toString();
          connection.write('ok\n');
        },
        end: () => void seen.ends++,
      };
    },
    ...options,
  });
  await listener.open();
  const port = Number((listener.address ?? '').split(':')[1]);
  return { listener, seen, port };
}

/** The certificate that a server shows, and its answer to a line. */
function ask(port: number, line: string): Promise<{ subject: string; answer: string }> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      const subject = String(socket.getPeerCertificate().fingerprint256);
      socket.once('data', (chunk: Buffer) => {
        socket.end();
        resolve({ subject, answer: chunk.toString() });
      });
      socket.write(line);
    });
    socket.on('error', reject);
  });
}

describe('TcpListener with TLS', () => {
  it('decrypts, answers, and counts connections', async () => {
    const { listener, seen, port } = await listening({ tls: contextOf('first') });
    expect((await ask(port, 'one\n')).answer).toBe('ok\n');
    expect(seen.text).toBe('one\n');
    await until('the end', () => seen.ends === 1);
    expect([listener.connectionsHandled, listener.connectionsActive]).toEqual([1, 0]);
    await listener.close();
  });

  it('takes up another certificate for new connections', async () => {
    const { listener, port } = await listening({ tls: contextOf('first') });
    const before = await ask(port, 'x');
    expect((await ask(port, 'x')).subject).toBe(before.subject);
    listener.setSecureContext(contextOf('second'));
    expect((await ask(port, 'x')).subject).not.toBe(before.subject);
    await listener.close();
  });

  it('outlives who does not speak it, and closes without waiting for them', async () => {
    const { listener, seen, port } = await listening({ tls: contextOf('first') });
    const plain = net.connect(port, '127.0.0.1');
    plain.on('error', () => undefined);
    plain.write('put a 1 1 a=b\n');
    await new Promise((done) => plain.on('close', done));
    const silent = net.connect(port, '127.0.0.1');
    silent.on('error', () => undefined);
    await new Promise((done) => silent.on('connect', done));
    expect((await ask(port, 'after\n')).answer).toBe('ok\n');
    const closed = new Promise((done) => silent.on('close', done));
    await listener.close();
    await closed;
    expect(seen.text).toBe('after\n');
  });

  it('counts those that have not shaken hands against the limit', async () => {
    const { listener, port } = await listening({ tls: contextOf('first'), connectionsMax: 1 });
    const silent = net.connect(port, '127.0.0.1');
    silent.on('error', () => undefined);
    await new Promise((done) => silent.on('connect', done));
    await expect(ask(port, 'x')).rejects.toThrow();
    expect(listener.connectionsRefused).toBe(1);
    await listener.close();
  });
});

describe('TcpListener', () => {
  it('tells of open connections', async () => {
    const { listener, port } = await listening();
    const socket = net.connect(port, '127.0.0.1');
    await until('the connection', () => listener.connections().length === 1);
    const [{ local, remote, connectedAt }] = listener.connections();
    expect([local, remote]).toEqual([
      `127.0.0.1:${port}`,
      `127.0.0.1:${(socket.address() as net.AddressInfo).port}`,
    ]);
    expect(connectedAt).toBeInstanceOf(Date);
    socket.destroy();
    await listener.close();
    expect(listener.connections()).toEqual([]);
  });

  it('cuts off a connection whose handler throws, and goes on', async () => {
    const log = new RecordedLog();
    let ends = 0;
    const { listener, port } = await listening({
      logger: log,
      accept: (connection) => ({
        data(chunk) {
          if (chunk[0] === 33) throw new TypeError('no !');
          connection.write(chunk);
        },
        end: () => void ends++,
      }),
    });
    const bad = net.connect(port, '127.0.0.1');
    bad.write('!');
    await new Promise((done) => bad.on('close', done));
    await until('its end', () => ends === 1);
    expect(listener.handlerFaults).toBe(1);
    const good = net.connect(port, '127.0.0.1');
    good.write('a');
    const [answer] = (await new Promise((done) => good.once('data', (data) => done([data])))) as [
      Buffer,
    ];
    expect(answer.toString()).toBe('a');
    good.destroy();
    await listener.close();
  });
});
