import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { answerClientError } from './client-error.js';

describe('connections that do not speak HTTP', () => {
  let server: Server;

  beforeAll(async () => {
    server = createServer({ maxHeaderSize: 1024 }, (request, response) => {
      // An answer that has begun when the body turns out to be none.
      if (request.url === '/begun') response.write('begun');
      request.resume();
    });
    server.on('clientError', answerClientError);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });

  afterAll(() => server.close());

  const answerTo = (bytes: string, later = ''): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
      let text = '';
      socket.setEncoding('utf8');
      socket.once('data', () => later !== '' && socket.write(later));
      socket.on('data', (part: string) => (text += part));
      socket.on('close', () => resolve(text));
      socket.on('error', reject);
      socket.write(bytes);
    });

  const plain = (status: string): string =>
    `HTTP/1.1 ${status}\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n${status}`;

  it.each([
    ['no request', 'hello\r\n\r\n', '400 Bad Request'],
    [
      'a header without a colon',
      'GET / HTTP/1.1\r\nHost: a\r\nbad header\r\n\r\n',
      '400 Bad Request',
    ],
    [
      'two lengths',
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx',
      '400 Bad Request',
    ],
    [
      'a chunk without a length',
      'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
      '400 Bad Request',
    ],
    [
      'long headers',
      `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(3000)}\r\n\r\n`,
      '431 Request Header Fields Too Large',
    ],
  ])('are told so: %s', async (_name, bytes, status) => {
    expect(await answerTo(bytes)).toBe(plain(status));
  });

  it('are cut off where an answer has begun', async () => {
    const head = 'POST /begun HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';
    const text = await answerTo(head, 'zz\r\n');
    expect(text).toContain('begun');
    expect(text).not.toContain('Bad Request');
  });
});
