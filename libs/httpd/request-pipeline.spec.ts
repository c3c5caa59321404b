import http from 'node:http';
import type { AddressInfo } from 'node:net';
import zlib from 'node:zlib';
import { loadConfig } from '#config';
import { silentLogger, TidegateError } from '#kernel';
import { MetaError, Privilege, type User } from '#meta';
import { httpSection } from './httpd.config.js';
import { HttpService } from './http-service.js';
import type { HttpRoute, WriteRequest } from './ports.js';
import type { RouteSpec } from './request-pipeline.js';
import { routeSpecOf } from './route-mount.js';

const clock = { nowNs: () => 1_500_000_000_000_000_000n, monotonicMs: () => 0 };
const users: readonly User[] = [
  { name: 'root', hash: '', isAdmin: true, privileges: new Map() },
  { name: 'writer', hash: '', isAdmin: false, privileges: new Map([['d', Privilege.WRITE]]) },
];

interface SetUp {
  readonly toml?: string;
  readonly isReady?: boolean;
  readonly failure?: Error;
  readonly errorText?: string;
  readonly route?: HttpRoute;
}

/** A server over fake ports, routed by hand: /write, /query, and `route`. */
const serve = async ({ toml = '', isReady = true, failure, errorText, route }: SetUp = {}) => {
  const written: { request: WriteRequest; body: string }[] = [];
  const { config } = loadConfig({ http: httpSection }, `[http]\nlog-enabled = false\n${toml}`, {});
  const service = new HttpService(
    config.http,
    {
      writer: {
        write: (request) => {
          if (failure !== undefined) return Promise.reject(failure);
          const body = Buffer.from(request.body.subarray(0, request.length)).toString();
          written.push({ request, body });
          return Promise.resolve({
            points: 1,
            values: 1,
            dropped: 0,
            rejectedCount: 0,
            errorText: errorText ?? null,
            verdicts: null,
          });
        },
      },
      queries: {
        async *run({ statements }) {
          for (let i = 0; i < statements.length; i++) {
            yield await Promise.resolve({
              kind: 'end',
              statementId: i,
              error: null,
              messages: [],
            } as const);
          }
        },
      },
      users: {
        hasDatabase: (name) => name === 'd',
        hasAdmin: () => true,
        user: (name) => users.find((user) => user.name === name),
        authenticate: (name, password) => {
          const user = users.find((candidate) => candidate.name === name);
          return user !== undefined && password === 'p'
            ? Promise.resolve(user)
            : Promise.reject(MetaError.of('authentication-failed'));
        },
      },
      readiness: {
        pending: () => (isReady ? null : { phase: 'tsdb store', done: 1, total: 2 }),
        waitUntilReady: () => Promise.resolve(isReady),
      },
      self: {
        collect: () => [],
        metricsContentType: 'text/plain',
        renderMetrics: () => Promise.resolve(''),
        observeRequest: () => undefined,
      },
    },
    { clock, logger: silentLogger, readyTimeoutMs: 1, extensions: [] },
  );
  const { pipeline, writes, queries } = service.parts;
  const data = { privilege: 'user', needsStore: true, contentType: 'application/json' } as const;
  const specs: Record<string, RouteSpec> = {
    '/write': { ...data, handle: (exchange, identity) => writes.serve(exchange, identity) },
    '/query': { ...data, handle: (exchange, identity) => queries.serve(exchange, identity) },
    '/bare': {
      ...data,
      privilege: 'none',
      isBare: true,
      handle: (exchange) => exchange.sendEmpty(404),
    },
    ...(route === undefined ? {} : { [route.path]: routeSpecOf(route, service.mount) }),
  };
  const server = http.createServer((request, response) => {
    void pipeline.serve(request, response, specs[(request.url ?? '').split('?')[0]]);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const ask = async (path: string, init: RequestInit = {}) => {
    const answer = await fetch(`${url}${path}`, init);
    return { status: answer.status, headers: answer.headers, text: await answer.text() };
  };
  const close = (): void => {
    server.closeAllConnections();
    server.close();
  };
  closers.push(close);
  const short = async (path: string, init: RequestInit = {}): Promise<string> => {
    const { status, text } = await ask(path, init);
    return `${status} ${text.trimEnd()}`;
  };
  return { ask, short, written, statistics: () => service.collect()[0].values };
};

const closers: (() => void)[] = [];
afterEach(() => closers.splice(0).forEach((close) => close()));
const post = (
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
): RequestInit => ({
  method: 'POST',
  body,
  headers,
});

describe('a write', () => {
  it('hands its body over and counts', async () => {
    const { short, written, statistics } = await serve();
    expect(await short('/write?db=d&rp=r&precision=s&consistency=ALL', post('m f=1'))).toBe('204 ');
    expect(
      await short('/write?db=d', post(zlib.gzipSync('m f=2'), { 'Content-Encoding': 'gzip' })),
    ).toBe('204 ');
    expect(written.map(({ body }) => body)).toEqual(['m f=1', 'm f=2']);
    expect(written[0].request).toMatchObject({
      database: 'd',
      retentionPolicy: 'r',
      precision: 's',
      consistency: 'all',
      user: '',
    });
    expect(statistics()).toMatchObject({
      req: 2,
      writeReq: 2,
      writeReqBytes: 10,
      pointsWrittenOK: 2,
      reqActive: 0,
    });
  });

  it.each([
    ['/write', {}, '400 {"error":"database is required"}'],
    ['/write?db=x', {}, '404 {"error":"database not found: \\"x\\""}'],
    ['/write?db=d&consistency=foo', {}, '400 {"error":"invalid consistency level"}'],
    ['/write?db=d', { toml: 'max-body-size = 4' }, '413 {"error":"Request Entity Too Large"}'],
    [
      '/write?db=d',
      { errorText: 'partial write: x dropped=1' },
      '400 {"error":"partial write: x dropped=1"}',
    ],
    [
      '/write?db=d',
      { failure: new TidegateError('coordinator.write-timeout', 'timeout') },
      '500 {"error":"timeout"}',
    ],
    ['/write?db=d', { failure: new TypeError('bug') }, '500 {"error":"bug"}'],
    ['/write?db=d&pretty=true', { errorText: 'e' }, '400 {\n    "error": "e"\n}'],
  ])('to %s %j', async (path, options, answer) => {
    const { short } = await serve(options as SetUp);
    expect(await short(path, post('m f=1'))).toBe(answer);
  });

  it('of nothing has its consistency looked at all the same', async () => {
    const { short } = await serve();
    expect(await short('/write?db=d&consistency=foo', post(''))).toBe(
      '400 {"error":"invalid consistency level"}',
    );
  });

  it('is refused with a time to come back while the store opens', async () => {
    const { ask } = await serve({ isReady: false });
    const { status, headers } = await ask('/write?db=d', post('m f=1'));
    expect([status, headers.get('retry-after')]).toEqual([503, '5']);
  });

  it('stays within the limit when a small body is a large one compressed', async () => {
    const { short } = await serve({ toml: 'max-body-size = 1000' });
    const bomb = zlib.gzipSync(Buffer.alloc(500_000));
    expect(await short('/write?db=d', post(bomb, { 'Content-Encoding': 'gzip' }))).toBe(
      '413 {"error":"Request Entity Too Large"}',
    );
  });
});

describe('ids and cross-origin headers', () => {
  const names = ['request-id', 'x-request-id', 'access-control-allow-origin'];

  it.each([
    ['/query', ['an-id', 'an-id', 'http://o']],
    ['/bare', [null, null, null]],
  ])('of %s', async (path, values) => {
    const { ask } = await serve();
    const { headers } = await ask(path, {
      headers: { 'X-Request-Id': 'an-id', Origin: 'http://o' },
    });
    expect(names.map((name) => headers.get(name))).toEqual(values);
  });
});

describe('authentication', () => {
  const basic = (pair: string): Record<string, string> => ({
    Authorization: `Basic ${Buffer.from(pair).toString('base64')}`,
  });

  it('lets users do what they may', async () => {
    const { ask, short, written } = await serve({ toml: 'auth-enabled = true' });
    const anonymous = await ask('/write?db=d', post('m f=1'));
    expect([anonymous.status, anonymous.headers.get('www-authenticate')]).toEqual([
      401,
      'Basic realm="InfluxDB"',
    ]);
    expect(await short('/write?db=d', post('m f=1', basic('writer:p')))).toBe('204 ');
    expect(await short('/write?db=d&u=writer&p=p', post('m f=1'))).toBe('204 ');
    expect(written[0].request.user).toBe('writer');
    expect(await short('/write?db=d', post('m f=1', basic('writer:x')))).toBe(
      '401 {"error":"authorization failed"}',
    );
    expect(await short('/query?db=d&q=SELECT+f+FROM+m', { headers: basic('writer:p') })).toBe(
      `403 {"error":"error authorizing query: writer not authorized to execute statement 'SELECT f FROM m', requires READ on d"}`,
    );
    expect(await short('/query?q=SHOW+USERS', { headers: basic('root:p') })).toBe(
      '200 {"results":[{"statement_id":0}]}',
    );
    expect(await short('/query?q=SHOW+USERS', { headers: { Authorization: 'Bearer a.b.c' } })).toBe(
      '401 {"error":"bearer auth disabled"}',
    );
  });
});

describe('a route of another library', () => {
  it('gets the body, parameters and user, and answers as it likes', async () => {
    const route: HttpRoute = {
      method: 'POST',
      path: '/api/v1/prom/write',
      privilege: 'user',
      handle: (request) =>
        Promise.resolve({
          status: 207,
          headers: { 'X-Content': request.header('Content-Type') ?? '' },
          body: `${request.parameter('db')} ${request.user?.name ?? ''} ${Buffer.from(request.body).toString()}`,
        }),
    };
    const { ask } = await serve({ toml: 'auth-enabled = true', route });
    const { status, text, headers } = await ask(
      '/api/v1/prom/write?db=d&u=root&p=p',
      post('body', { 'Content-Type': 'a/b' }),
    );
    expect([status, text, headers.get('x-content')]).toEqual([207, 'd root body', 'a/b']);
  });
});

describe('every answer', () => {
  it('has ids, versions, configured headers, and permissions for other origins', async () => {
    const { ask } = await serve({ toml: '[http.headers]\nX-My = "yes"' });
    const { headers } = await ask('/query', { headers: { Origin: 'http://o' } });
    expect(headers.get('x-influxdb-build')).toBe('OSS');
    expect(headers.get('x-influxdb-version')).toMatch(/^1\.6\.7/);
    expect(headers.get('x-my')).toBe('yes');
    expect(headers.get('access-control-allow-origin')).toBe('http://o');
    expect(headers.get('x-influxdb-error')).toBe('missing required parameter "q"');
    expect(headers.get('request-id')).toBe(headers.get('x-request-id'));
    expect(
      (await ask('/query', { headers: { 'X-Request-Id': 'abc' } })).headers.get('request-id'),
    ).toBe('abc');
  });
});
