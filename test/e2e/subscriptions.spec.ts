/** Subscriptions of a real server: what arrives, what survives, what is shown. */
import { createSocket } from 'node:dgram';
import { readdirSync, readFileSync } from 'node:fs';
import {
  query,
  type ServerProcess,
  startServer,
  temporaryFolder,
  WriteSink,
} from '../support/index.js';

type Folder = ReturnType<typeof temporaryFolder>;

async function withServer(
  toml: string,
  run: (server: ServerProcess, folder: Folder) => Promise<void>,
): Promise<void> {
  const folder = temporaryFolder();
  const server = await startServer({ folder: folder.path, toml });
  try {
    await ok(server.url, 'CREATE DATABASE d');
    await run(server, folder);
  } finally {
    await server.stop();
    folder.remove();
  }
}

async function ok(url: string, q: string) {
  const answer = await query(url, q);
  expect(answer.error ?? answer.results?.find(({ error }) => error !== undefined)?.error).toBe(
    undefined,
  );
  return answer.results?.[0].series ?? [];
}

async function write(url: string, body: string, params = ''): Promise<number> {
  const { status } = await fetch(`${url}/write?db=d${params}`, { method: 'POST', body });
  return status;
}

/** Counters of one module by the tag `destination`, '' for those without. */
async function stats(url: string, module: string): Promise<Record<string, Record<string, number>>> {
  const series = await ok(url, `SHOW STATS FOR '${module}'`);
  return Object.fromEntries(
    series.map(({ tags, columns, values }) => [
      tags?.['destination'] ?? '',
      Object.fromEntries(columns.map((name, i) => [name, Number(values[0][i])])),
    ]),
  );
}

const AT = 1_500_000_000_000_000_000n;
const line = (n: number, name = 'm'): string => `${name} v=${n} ${AT + BigInt(n)}`;

describe('subscriptions', () => {
  it('sends what InfluxDB sends, as it sends it', async () => {
    const sink = await WriteSink.open();
    await withServer('', async ({ url }) => {
      const address = sink.url.replace('//', '//us:p%40w@');
      await ok(
        url,
        `CREATE SUBSCRIPTION s ON d.autogen DESTINATIONS ALL '${address}/some/path?x=1'`,
      );
      expect(await write(url, 'cpu,host=a v=1 1500000000000000000')).toBe(204);
      await sink.until(() => sink.requests.length === 1);
      expect(sink.requests[0]).toEqual({
        target: '/some/path/write?consistency=&db=d&precision=ns&rp=autogen&x=1',
        headers: [
          ['Host', `127.0.0.1:${sink.port}`],
          ['User-Agent', 'InfluxDBClient'],
          ['Content-Length', '35'],
          ['Authorization', `Basic ${Buffer.from('us:p@w').toString('base64')}`],
          ['Content-Type', ''],
          ['Accept-Encoding', 'gzip'],
        ],
        body: 'cpu,host=a v=1 1500000000000000000\n',
      });
    });
    await sink.close();
  });

  it('forwards only what was stored, times made nanoseconds (S14 e)', async () => {
    const sink = await WriteSink.open();
    await withServer('', async ({ url }) => {
      await ok(url, `CREATE SUBSCRIPTION s ON d.autogen DESTINATIONS ALL '${sink.url}'`);
      await ok(url, 'CREATE RETENTION POLICY other ON d DURATION INF REPLICATION 1');
      const f = async (body: string, params = ''): Promise<void> =>
        void (await write(url, body, params));
      await f('m v=1 1500000000123', '&precision=ms');
      await f(
        'm v=2 1500000001000000000\nbad\nm v="text" 1500000001000000001\nm v=3 1500000002000000000',
      );
      await f('m v=4 1500000003000000000', '&rp=other');
      await f('m v="text" 1500000001000000009');
      await f('# none\n\nm,b=1,a=2 i=5i,s="a\\"\\\\,\nb",b=T 1500000004000000000\n');
      await f('end v=1 1\n');
      await sink.until(() => sink.lines.some((one) => one.startsWith('end')));
      expect(sink.bodies.join('')).toBe(
        [
          'm v=1 1500000000123000000',
          'm v=2 1500000001000000000',
          'm v=3 1500000002000000000',
          'm,a=2,b=1 i=5i,s="a\\"\\\\,\nb",b=T 1500000004000000000',
          'end v=1 1\n',
        ].join('\n'),
      );
      const { subWriteOk, subWriteDrop } = (await stats(url, 'write'))[''];
      expect({ subWriteOk, subWriteDrop }).toEqual({ subWriteOk: 5, subWriteDrop: 0 });
    });
    await sink.close();
  });

  it('keeps order and counts nothing twice while a destination hangs, resets and answers 500 (S14 b, f, g)', async () => {
    const sink = await WriteSink.open();
    let requests = 0;
    sink.answer = () => {
      requests++;
      if (requests % 5 === 1) return 'reset';
      if (requests % 5 === 2) return { status: 500, body: '{"error":"x"}' };
      if (requests % 5 === 3) return 'hang';
      return requests % 5 === 4 ? { status: 404 } : { status: 204 };
    };
    await withServer('[subscriber]\nhttp-timeout = "400ms"', async ({ url }) => {
      await ok(url, `CREATE SUBSCRIPTION s ON d.autogen DESTINATIONS ALL '${sink.url}'`);
      for (let n = 0; n < 20; n++) await write(url, line(n));
      await sink.until(() => sink.lines.length >= 20);
      expect(sink.lines).toEqual(Array.from({ length: 20 }, (_, n) => line(n)));
      for (;;) {
        const [own] = Object.values(await stats(url, 'subscriber_queue'));
        if (own['pointsWaiting'] > 0) continue;
        expect(own).toMatchObject({
          pointsOffered: 20,
          pointsDelivered: 20,
          pointsDroppedQueueFull: 0,
          lagBytes: 0,
          lagSeconds: 0,
        });
        break;
      }
      expect((await stats(url, 'subscriber'))[sink.url]['pointsWritten']).toBe(20);
    });
    await sink.close();
  });

  it('counts no failure where ANY finds another destination, and takes them in turn (S14 c, d)', async () => {
    const [a, b] = [await WriteSink.open(), await WriteSink.open()];
    const dead = await WriteSink.open();
    await dead.close();
    const deadUrl = 'http://127.0.0.1:9';
    await withServer('', async ({ url }) => {
      await ok(
        url,
        `CREATE SUBSCRIPTION s ON d.autogen DESTINATIONS ANY '${a.url}', '${deadUrl}', '${b.url}'`,
      );
      for (let n = 0; n < 6; n++) {
        await write(url, line(n));
        const both = (): boolean => a.lines.length + b.lines.length > n;
        await Promise.race([a.until(both), b.until(both)]);
      }
      expect([a.lines, b.lines].map((lines) => lines.length)).toEqual([3, 3]);
      expect([...a.lines, ...b.lines].sort()).toEqual(Array.from({ length: 6 }, (_, n) => line(n)));
      const counted = await stats(url, 'subscriber');
      expect(counted['']).toMatchObject({ pointsWritten: 6, writeFailures: 0, createFailures: 0 });
      expect(counted[deadUrl]).toEqual({ pointsWritten: 0, writeFailures: 0 });
    });
    await Promise.all([a.close(), b.close()]);
  });

  it('sends whole points by UDP, several in a datagram up to its size (S14 a)', async () => {
    const socket = createSocket('udp4');
    const datagrams: string[] = [];
    await new Promise<void>((done) => socket.bind(0, '127.0.0.1', done));
    const arrived = (count: number): Promise<void> =>
      new Promise((done) => {
        const look = (): void => {
          if (datagrams.join('\n').split('\n').length >= count) done();
        };
        socket.on('message', (data) => {
          datagrams.push(data.toString());
          look();
        });
        look();
      });
    await withServer('[subscriber]\nudp-payload-size = 100', async ({ url }) => {
      await ok(
        url,
        `CREATE SUBSCRIPTION u ON d.autogen DESTINATIONS ANY 'udp://127.0.0.1:${socket.address().port}'`,
      );
      const long = `long s="${'x'.repeat(300)}" 7`;
      const lines = [line(1), line(2), line(3), line(4), long, line(5)];
      const all = arrived(lines.length);
      await write(url, lines.join('\n'));
      await all;
      expect(datagrams).toEqual([lines.slice(0, 3).join('\n'), lines[3], long, lines[5]]);
    });
    await new Promise<void>((done) => socket.close(() => done()));
  });

  it('finds refused lines among good ones and keeps them aside', async () => {
    const sink = await WriteSink.open();
    sink.answer = ({ body }) =>
      /poison/.test(body) ? { status: 400, body: '{"error":"will not"}' } : { status: 204 };
    await withServer('', async ({ url }, folder) => {
      await ok(url, `CREATE SUBSCRIPTION s ON d.autogen DESTINATIONS ALL '${sink.url}'`);
      const lines = Array.from({ length: 40 }, (_, n) => line(n, n % 17 === 3 ? 'poison' : 'm'));
      await write(url, lines.join('\n'));
      await write(url, 'end v=1 1');
      await sink.until(() => sink.lines.at(-1) === 'end v=1 1');
      const good = lines.filter((one) => !one.startsWith('poison'));
      expect(sink.lines).toEqual([...good, 'end v=1 1']);
      expect(Object.values(await stats(url, 'subscriber_queue'))[0]).toMatchObject({
        pointsOffered: 41,
        pointsDroppedRefused: 3,
      });
      const letters = `${folder.path}/meta-queue/dead-letters`;
      const [segment] = readdirSync(letters).filter((name) => name.endsWith('.tgq'));
      const text = readFileSync(`${letters}/${segment}`, 'latin1');
      for (const one of lines.filter((each) => each.startsWith('poison')))
        expect(text).toContain(`}\n${one}\n`);
      expect(text).toContain('"reason":"status 400: {\\"error\\":\\"will not\\"}"');
      // They are among the dead letters, and go out again.
      const list = async (): Promise<{ letters: readonly Record<string, unknown>[] }> =>
        (await fetch(`${url}/deadletters?listener=subscriber`)).json() as never;
      const [letter, ...others] = (await list()).letters;
      expect(others).toHaveLength(2);
      expect(letter).toMatchObject({
        listener: 'subscriber d.autogen.s',
        peer: sink.url,
        reason: 'refused by subscriber',
        text: 'status 400: {"error":"will not"}',
        target: { form: 'forwarded lines', subscription: 's' },
        unreplayable: '',
      });
      const replay = async (): Promise<unknown> =>
        (await fetch(`${url}/deadletters/replay?all=true`, { method: 'POST' })).json();
      expect(await replay()).toEqual({
        replayed: 0,
        rejected: 3,
        failed: 0,
        reasons: ['status 400: {"error":"will not"}'],
      });
      sink.answer = () => ({ status: 204 });
      expect(await replay()).toMatchObject({ replayed: 3, rejected: 0, failed: 0 });
      expect(sink.lines.slice(-3)).toEqual(lines.filter((each) => each.startsWith('poison')));
      expect((await list()).letters).toEqual([]);
    });
    await sink.close();
  });

  it('pauses, resumes, rewinds', async () => {
    const sink = await WriteSink.open();
    await withServer('', async ({ url }) => {
      await ok(url, `CREATE SUBSCRIPTION s ON d.autogen DESTINATIONS ALL '${sink.url}'`);
      const before = Date.now();
      await write(url, line(1));
      await sink.until(() => sink.lines.length === 1);
      await ok(url, 'PAUSE SUBSCRIPTION s ON d.autogen');
      await write(url, line(2));
      const [waiting] = Object.values(await stats(url, 'subscriber_queue'));
      expect(waiting).toMatchObject({ pointsWaiting: 1, isPaused: 1 });
      expect(waiting['lagBytes']).toBeGreaterThan(0);
      await ok(url, 'RESUME SUBSCRIPTION s ON d.autogen');
      await sink.until(() => sink.lines.length === 2);
      const time = new Date(before).toISOString();
      const f = async (): Promise<unknown[][] | undefined> =>
        (await ok(url, `REWIND SUBSCRIPTION s ON d.autogen TO '${time}'`))[0]?.values;
      expect(await f()).toEqual([[sink.url, 2]]);
      await sink.until(() => sink.lines.length === 4);
      expect(sink.lines).toEqual([line(1), line(2), line(1), line(2)]);
      const answer = await query(url, 'PAUSE SUBSCRIPTION nope ON d.autogen');
      expect(answer.results?.[0].error).toBe('subscription not found');
    });
    await sink.close();
  });

  it('forwards the points that a condition means', async () => {
    const sink = await WriteSink.open();
    await withServer('', async ({ url }) => {
      await ok(
        url,
        `CREATE SUBSCRIPTION s ON d.autogen DESTINATIONS ALL '${sink.url}' WHERE _name =~ /^m/ AND host != 'b'`,
      );
      await write(url, 'm,host=a v=1 1\nm,host=b v=2 2\nother,host=a v=3 3\nm2 v=4 4');
      await write(url, 'm,host=b v=2 5');
      await write(url, 'm v=5 6\nm v=6 7');
      await sink.until(() => sink.lines.length === 4);
      expect(sink.bodies.join('')).toBe('m,host=a v=1 1\nm2 v=4 4\nm v=5 6\nm v=6 7\n');
      const answer = await query(
        url,
        `CREATE SUBSCRIPTION t ON d.autogen DESTINATIONS ALL '${sink.url}' WHERE v > 3`,
      );
      expect(answer.results?.[0].error).toMatch(/^WHERE of a subscription compares/);
    });
    await sink.close();
  });

  it('goes on behind a kill -9 with what was acknowledged, without what was dropped', async () => {
    const sink = await WriteSink.open();
    sink.answer = () => ({ status: 503 });
    const folder = temporaryFolder();
    let server = await startServer({ folder: folder.path });
    await ok(server.url, 'CREATE DATABASE d');
    const create = (name: string, address: string): Promise<unknown> =>
      ok(server.url, `CREATE SUBSCRIPTION ${name} ON d.autogen DESTINATIONS ALL '${address}'`);
    await create('s', sink.url);
    await create('paused', `${sink.url}/paused`);
    await ok(server.url, 'PAUSE SUBSCRIPTION paused ON d.autogen');
    for (let n = 0; n < 50; n++) await write(server.url, line(n));
    await server.kill();
    sink.answer = () => ({ status: 204 });
    server = await startServer({ folder: folder.path });
    await write(server.url, line(50));
    await sink.until(() => sink.lines.includes(line(50)));
    expect([...new Set(sink.lines)]).toEqual(Array.from({ length: 51 }, (_, n) => line(n)));
    await ok(server.url, 'DROP SUBSCRIPTION s ON d.autogen');
    await ok(server.url, 'DROP SUBSCRIPTION paused ON d.autogen');
    await write(server.url, line(51));
    expect(readdirSync(`${folder.path}/meta-queue`)).toEqual([]);
    expect(Object.keys(await stats(server.url, 'subscriber'))).toEqual(['']);
    await server.stop();
    folder.remove();
    await sink.close();
  }, 30_000);

  it('never shows a password (S14 h)', async () => {
    await withServer('', async ({ url, output }) => {
      const address = 'http://us:SECRET@127.0.0.1:9';
      const q = `CREATE SUBSCRIPTION s ON d.autogen DESTINATIONS ALL '${address}'`;
      const texts = [await (await fetch(`${url}/query?${new URLSearchParams({ q })}`)).text()];
      await write(url, line(1));
      for (;;) {
        const { writeFailures } = (await stats(url, 'subscriber'))[''];
        if (writeFailures > 0) break;
      }
      const get = async (path: string): Promise<void> =>
        void texts.push(await (await fetch(`${url}${path}`)).text());
      await get('/query?q=SHOW+SUBSCRIPTIONS');
      await get('/query?q=SHOW+STATS');
      await get('/debug/vars');
      await get('/metrics');
      await get(
        `/query?${new URLSearchParams({ q: q.replace('http:', 'ftp:').replace(' s ', ' t ') })}`,
      );
      texts.push(output());
      expect(texts.join('\n')).toContain('http://us:xxxxx@127.0.0.1:9');
      expect(texts.join('\n')).not.toContain('SECRET');
    });
  });

  it('says once a minute that nobody is there', async () => {
    await withServer('', async ({ url, output }) => {
      await ok(url, `CREATE SUBSCRIPTION s ON d.autogen DESTINATIONS ALL 'http://127.0.0.1:9'`);
      await write(url, line(1));
      for (;;) {
        const { writeFailures } = (await stats(url, 'subscriber'))[''];
        if (writeFailures >= 3) break;
      }
      expect(output().split('Write failed')).toHaveLength(2);
    });
  });
});
