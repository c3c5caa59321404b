import http from 'node:http';
import net from 'node:net';
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { RecordedLog } from '#test-support';
import {
  assertBalanced,
  benchInput,
  conformanceChecks,
  type InputBench,
  sendTcp,
  until,
} from '../testing/index.js';
import { opentsdbInput } from './opentsdb.input.js';

const FIXTURES = 'test/fixtures/captures/opentsdb';
const LOCAL = 'bind-address = "127.0.0.1:0"\n';
const COUNTERS = [
  'httpConnsHandled',
  'tlConnsActive',
  'tlConnsHandled',
  'tlPointsRx',
  'tlBytesRx',
  'tlReadErr',
  'tlBadLine',
  'tlBadTime',
  'tlBadTag',
  'tlBadFloat',
  'batchesTx',
  'pointsTx',
  'batchesTxFail',
  'connsActive',
  'connsHandled',
  'droppedPointsInvalid',
];

const encodeTelnet = (first: number, count: number): Uint8Array =>
  Buffer.from(
    Array.from(
      { length: count },
      (_, i) => `put a.b${(first + i) % 7} ${1500000000 + first + i} ${first + i} h=1\n`,
    ).join(''),
  );

/** An HTTP request, as bytes. */
function encodeHttp(first: number, count: number): Uint8Array {
  const body = JSON.stringify(
    Array.from({ length: count }, (_, i) => ({
      metric: `a.b${(first + i) % 7}`,
      timestamp: 1500000000 + first + i,
      value: first + i,
      tags: { h: '1' },
    })),
  );
  return Buffer.from(
    `POST /api/put HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
}

interface Golden {
  readonly results: readonly {
    readonly series?: readonly {
      readonly name?: string;
      readonly tags?: Readonly<Record<string, string>>;
      readonly values: readonly (readonly number[])[];
    }[];
  }[];
}

/** A JSON text whose large integers are kept as strings. */
const exact = (text: string): unknown =>
  JSON.parse(text.replaceAll(/([[,:])(-?\d{16,})(?=[,\]}])/g, '$1"$2"'));

const escaped = (text: string): string => text.replace(/[,= ]/g, '\\$&');

/** Recorded series as the lines that they were. */
const linesOf = ({ results }: Golden): readonly string[] =>
  results
    .flatMap(({ series = [] }) => series)
    .flatMap(({ name = '', tags = {}, values }) => {
      const pairs = Object.entries(tags).filter(([, value]) => value !== '');
      const key = [
        name.replace(/[, ]/g, '\\$&'),
        ...pairs.map(([k, v]) => `${escaped(k)}=${escaped(v)}`),
      ].join(',');
      return values.map(([time, value]) => `${key} value=${Number(value)} ${time}`);
    })
    .sort();

/** Lines that sent bytes become, sorted, and what came back. */
async function stored(toml: string, ...pieces: readonly (string | Uint8Array)[]) {
  const log = new RecordedLog();
  const bench = benchInput(opentsdbInput, LOCAL + toml, { logger: log });
  await bench.input.open();
  const replies: string[] = [];
  for (const piece of pieces) {
    const reply = await sendTcp(bench.input.addresses()[0] ?? '', Buffer.from(piece));
    replies.push(reply.toString());
  }
  await bench.input.close();
  assertBalanced(bench.input.ledger.snapshot());
  const books = bench.input.ledger.snapshot();
  return { lines: [...bench.sink.lines('opentsdb')].sort(), replies, log, bench, books };
}

interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

function request(
  { input }: InputBench,
  path: string,
  options: http.RequestOptions = {},
  body?: Uint8Array | string,
): Promise<HttpAnswer> {
  const [host, port] = (input.addresses()[0] ?? '').split(':');
  return new Promise((resolve, reject) => {
    const method = body === undefined ? 'GET' : 'POST';
    const asked = http.request({ host, port, path, method, agent: false, ...options }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks).toString() }),
      );
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

/** Runs with an open listener. */
async function open<T>(toml: string, use: (bench: InputBench) => Promise<T>): Promise<T> {
  const bench = benchInput(opentsdbInput, LOCAL + toml);
  await bench.input.open();
  try {
    return await use(bench);
  } finally {
    bench.sink.release();
    await bench.input.close();
    assertBalanced(bench.input.ledger.snapshot());
    expect(bench.input.ledger.snapshot().inFlight).toBe(0);
  }
}

const put = (bench: InputBench, body: string | Uint8Array, path = '/api/put', headers = {}) =>
  request(bench, path, { headers }, body);

describe('OpentsdbInput', () => {
  it.each(
    conformanceChecks({
      definition: opentsdbInput,
      toml: LOCAL,
      transport: 'tcp',
      database: 'opentsdb',
      encode: encodeTelnet,
      garbage: Buffer.from('put a\n'),
      counters: COUNTERS,
      badConfigs: [],
    }).map((check): [string, () => Promise<void>] => [check.name, () => check.run()]),
  )('%s', (_name, run) => run());

  it.each(
    conformanceChecks({
      definition: opentsdbInput,
      toml: LOCAL,
      transport: 'tcp',
      database: 'opentsdb',
      encode: encodeHttp,
      replayed: Buffer.from(Buffer.from(encodeHttp(0, 7)).toString().split('\r\n\r\n')[1] ?? ''),
      garbage: Buffer.from(
        'POST /api/put HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1\r\n\r\n{',
      ),
      counters: COUNTERS,
      badConfigs: [],
    })
      // A request is one write and its sender is told: nothing is batched and nothing tried again.
      .filter(({ name }) => !/busy|before it closes|second|again, and counts|mutated/.test(name))
      .map((check): [string, () => Promise<void>] => [check.name, () => check.run()]),
  )('over HTTP: %s', (_name, run) => run());
});

describe('telnet', () => {
  const recorded = exact(readFileSync(`${FIXTURES}/telnet_lines.json`, 'utf8')) as {
    readonly line: string;
    readonly reply: string;
    readonly result: Golden;
    readonly stats_delta: Readonly<Record<string, number>>;
  }[];
  const counted = ['tlPointsRx', 'tlBadLine', 'tlBadTime', 'tlBadTag', 'tlBadFloat'];
  // Milliseconds are milliseconds; `time` is refused by storage; `exit` ends; commands of ours are no bad lines.
  const others = /time=5|^exit|^help|^stats/;

  it.each(recorded.filter(({ line }) => !others.test(line)).map((each) => [each.line, each]))(
    'stores %j as InfluxDB does',
    async (line, { result, reply, stats_delta: counters }) => {
      const { lines, replies, bench } = await stored(
        'answer-errors = false',
        `${line}put probe 1500000000 9 h=p\n`,
      );
      expect(lines).toEqual(linesOf(result));
      expect(replies).toEqual([reply]);
      const [{ values } = { values: {} as Record<string, number> }] = bench.input.statistics();
      for (const name of counted) {
        expect([name, values[name]]).toEqual([name, counters[name] ?? 0]);
      }
    },
  );

  it('sees where the series that came behind another does not come', async () => {
    const tail = ['m', 'm h=1', 'm h=12', 'mm h=1', 'm h=1 ', 'n'].map((name) => {
      const [metric, ...tags] = name.split(' ');
      return ['put', metric, '1500000000', '1', ...tags].join(' ');
    });
    // Every series behind every other, and what is no good in the place of one.
    const lines = tail.flatMap((each) => tail.flatMap((other) => [each, other]));
    const bad = ['put m 1500000000 1h=1', 'put m 1500000000 1', 'put m 150000000 1 h=1'];
    const all = [...lines, ...lines, ...tail.flatMap((each) => [each, ...bad])];
    const { lines: stored_, books } = await stored('', `${all.join('\n')}\n`);
    const wanted = all
      .filter((each) => each !== bad[0] && each !== bad[2])
      .map((each) => {
        const [, metric, , , tag = ''] = each.split(' ');
        return `${metric}${tag === '' ? '' : `,${tag}`} value=1 1500000000000000000`;
      });
    expect(stored_).toEqual(wanted.sort());
    expect(books.rejected.map(({ count }) => count)).toEqual([6, 6]);
  });

  it('takes thirteen digits for milliseconds', async () => {
    const { lines } = await stored('', 'put m 1559746555444 1\nput m 1559746555445 2 \n');
    expect(lines).toEqual(['m value=1 1559746555444000000', 'm value=2 1559746555445000000']);
  });

  it.each([
    ['', "unknown command: .  Try `help'.\n"],
    ['hello', "unknown command: hello.  Try `help'.\n"],
    ['put', 'put: illegal argument: not enough arguments (need least 4, got 0)\n'],
    ['put m 1', 'put: illegal argument: not enough arguments (need least 4, got 2)\n'],
    ['put m 1 2', 'put: illegal argument: Invalid timestamp: 1\n'],
    ['put m 15000000x0 2', 'put: illegal argument: Invalid timestamp: 15000000x0\n'],
    ['put m 9999999999999 2', 'put: illegal argument: Invalid timestamp: 9999999999999\n'],
    ['put m 1500000000 x', 'put: invalid value: x\n'],
    ['put m 1500000000 1 x', 'put: left out invalid tag: x\n'],
    ['put m 1500000000 1 a=1', ''],
    ['version', 'InfluxDB TSDB proxy'],
    ['help', 'available commands: exit help put stats version\n'],
  ])('answers %j', async (line, answer) => {
    const { replies } = await stored('', `${line}\n`);
    expect(replies).toEqual([answer]);
  });

  it('ends a connection with exit', async () => {
    const { lines } = await stored('', 'put a 1500000000 1\nexit\n');
    expect(lines).toEqual(['a value=1 1500000000000000000']);
  });

  it('shows its counters', async () => {
    const { replies } = await stored('', 'put a 1500000000 1\nstats\n');
    expect(replies[0]).toMatch(/^tsd\.tlPointsRx \d{10} 1 database=opentsdb$/m);
  });

  it('keeps a last line without a newline, and one that looks like HTTP at first', async () => {
    const { lines, replies } = await stored('', 'put a 1500000000 1 h=x', 'PUT m 1 1', 'GET');
    expect(lines).toEqual(['a,h=x value=1 1500000000000000000']);
    expect(replies).toEqual([
      '',
      "unknown command: PUT.  Try `help'.\n",
      "unknown command: GET.  Try `help'.\n",
    ]);
  });

  it("logs what is wrong in InfluxDB's words", async () => {
    const { log } = await stored('', 'put m 1 2\n');
    const found = log.lines.find(({ phrase }) => phrase === 'Time must be 10 or 13 chars');
    expect(found?.fields).toMatchObject({ time: '1', remote_addr: expect.stringMatching(/^127/) });
    const { log: quiet } = await stored('log-point-errors = false', 'put m 1 2\n');
    expect(quiet.lines.map(({ phrase }) => phrase)).not.toContain('Time must be 10 or 13 chars');
  });

  it('skips a line that is too long', async () => {
    const long = `put ${'x'.repeat(300)} 1500000000 1\n`;
    const { lines, replies } = await stored(
      'max-line-size = 100',
      `${long}put a 1500000000 1\n`,
      `${long.slice(0, 200)}`,
    );
    expect(lines).toEqual(['a value=1 1500000000000000000']);
    expect(replies).toEqual(Array.from({ length: 2 }, () => 'line is longer than 100 bytes\n'));
  });

  it('reads lines in pieces of any size', async () => {
    const bench = benchInput(opentsdbInput, LOCAL);
    await bench.input.open();
    const [host, port] = (bench.input.addresses()[0] ?? '').split(':');
    const socket = net.connect(Number(port), host);
    for (const byte of Buffer.from('put a.b 1500000000 1.5 h=1\nput a.b 1500000001 2 h=1\n')) {
      await new Promise<void>((resolve) => socket.write(Uint8Array.of(byte), () => resolve()));
    }
    socket.end();
    await until('both', () => bench.input.ledger.snapshot().received === 2);
    await bench.input.close();
    expect(bench.sink.lines('opentsdb')).toEqual([
      'a.b,h=1 value=1.5 1500000000000000000',
      'a.b,h=1 value=2 1500000001000000000',
    ]);
  });

  it.each(['collectd_default', 'collectd_tags_ds', 'netdata_telnet'])(
    'stores what %s sent as InfluxDB does',
    async (sender) => {
      const raw = readFileSync(`${FIXTURES}/raw/${sender}.conns`);
      const golden = exact(readFileSync(`${FIXTURES}/golden/${sender}.json`, 'utf8')) as {
        readonly queries: readonly { readonly q: string; readonly body: Golden }[];
      };
      const answer = golden.queries.find(({ q }) => q.includes('weekly'));
      const { lines } = await stored('', raw.subarray(4));
      const wanted = linesOf(answer?.body ?? { results: [] });
      expect(wanted.length).toBeGreaterThan(40);
      expect([...new Set(lines)]).toEqual(wanted);
    },
  );
});

describe('HTTP', () => {
  const recorded = exact(readFileSync(`${FIXTURES}/http_requests.json`, 'utf8')) as {
    readonly name: string;
    readonly method: string;
    readonly path: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body_b64: string;
    readonly response: HttpAnswer;
    readonly result: Golden;
    readonly stats_delta: Readonly<Record<string, number>>;
  }[];
  /** Answered as OpenTSDB does, or decided otherwise (docs/compat.md): see the tests below. */
  const others = new Set([
    ...['summary', 'details', 'version', 'version_post', 'suggest', 'aggregators', 'stats'],
    ...['empty_object', 'metric_missing', 'metric_empty', 'tag_time'],
  ]);
  /** InfluxDB takes the milliseconds for microseconds. */
  const inMs = (line: string): string =>
    line.replace(/ (\d{10})000(\d{3})000$/, (_all, s: string, ms: string) => ` ${s}${ms}000000`);

  it.each(recorded.filter(({ name }) => !others.has(name)).map((each) => [each.name, each]))(
    'answers and stores %s as InfluxDB does',
    async (_name, { method, path, headers, body_b64: encoded, response, result, stats_delta }) =>
      open('', async (bench) => {
        const body = Buffer.from(encoded, 'base64');
        const hasBody = encoded !== '' || method === 'POST';
        expect(await request(bench, path, { method, headers }, hasBody ? body : undefined)).toEqual(
          { status: response.status, body: response.body },
        );
        const wanted = linesOf(result).map((line) => (/^t\.d11/.test(line) ? line : inMs(line)));
        expect([...bench.sink.lines('opentsdb')].sort()).toEqual(wanted);
        expect(bench.input.statistics()[0]?.values['droppedPointsInvalid']).toBe(
          stats_delta['droppedPointsInvalid'] ?? 0,
        );
      }),
  );

  it('stores what netdata sent as InfluxDB does', () =>
    open('', async (bench) => {
      const sent = JSON.parse(readFileSync(`${FIXTURES}/raw/netdata_http.json`, 'utf8')) as {
        readonly body_b64: string;
      }[];
      for (const { body_b64: body } of sent) {
        expect(await put(bench, Buffer.from(body, 'base64'))).toEqual({ status: 204, body: '' });
      }
      const golden = exact(readFileSync(`${FIXTURES}/golden/netdata_http.json`, 'utf8')) as {
        readonly queries: readonly { readonly q: string; readonly body: Golden }[];
      };
      const answer = golden.queries.find(({ q }) => q.includes('weekly'));
      expect([...bench.sink.lines('opentsdb')].sort()).toEqual(
        linesOf(answer?.body ?? { results: [] }),
      );
    }));

  it('answers for every data point where details are asked for', () =>
    open('', async (bench) => {
      const good = { metric: 'a', timestamp: 1500000000, value: 1, tags: { h: '1' } };
      const bad = { metric: 'a', timestamp: 1500000001, value: 'x' };
      const nameless = { timestamp: 1500000002, value: 1 };
      const body = JSON.stringify([good, bad, nameless]);
      const answer = await put(bench, body, '/api/put?details');
      expect(answer.status).toBe(400);
      expect(JSON.parse(answer.body)).toEqual({
        errors: [
          { error: 'Unable to parse the data point', datapoint: bad },
          { error: 'missing measurement', datapoint: nameless },
        ],
        failed: 2,
        success: 1,
      });
      expect(bench.sink.lines('opentsdb')).toEqual(['a,h=1 value=1 1500000000000000000']);
      const summary = await put(bench, body, '/api/put?summary');
      expect(summary).toEqual({ status: 400, body: '{"failed":2,"success":1}' });
      expect(await put(bench, JSON.stringify(good), '/api/put?details&sync')).toEqual({
        status: 200,
        body: '{"errors":[],"failed":0,"success":1}',
      });
    }));

  it('drops data points without a metric', () =>
    open('', async (bench) => {
      expect(await put(bench, '[{},{"metric":null},{"metric":""},null]')).toEqual({
        status: 204,
        body: '',
      });
      expect(bench.input.statistics()[0]?.values['droppedPointsInvalid']).toBe(4);
      expect(bench.input.ledger.snapshot().rejected).toEqual([
        { name: 'bad data point', count: 4 },
      ]);
    }));

  it('refuses a body that is too large, before and after decompression', () =>
    open('max-body-size = "1k"', async (bench) => {
      const text = 'request body is larger than 1024 bytes\n';
      const large = `[${' '.repeat(2000)}]`;
      expect(await put(bench, large)).toEqual({ status: 413, body: text });
      const packed = gzipSync(large);
      expect(packed.length).toBeLessThan(100);
      expect(await put(bench, packed, '/api/put', { 'Content-Encoding': 'gzip' })).toEqual({
        status: 413,
        body: text,
      });
      expect(
        await put(bench, gzipSync('[]').subarray(0, 15), '/api/put', {
          'Content-Encoding': 'gzip',
        }),
      ).toEqual({ status: 400, body: 'could not read gzip, unexpected EOF\n' });
      expect(await put(bench, '[]')).toEqual({ status: 204, body: '' });
    }));

  it("tells the sender when a write fails, and that it is the sender's turn", () =>
    open('', async (bench) => {
      bench.sink.failures = 1;
      const body = '{"metric":"a","timestamp":1500000000,"value":1}';
      expect(await put(bench, body)).toEqual({
        status: 500,
        body: 'write series error: the disk is on fire\n',
      });
      expect(await put(bench, body)).toEqual({ status: 204, body: '' });
      expect(bench.input.ledger.snapshot()).toMatchObject({
        received: 2,
        stored: 1,
        dropped: [{ name: 'write', count: 1 }],
      });
    }));

  it('stores and answers what it has read before it closes', () =>
    open('', async (bench) => {
      bench.sink.hold();
      const answer = put(bench, '{"metric":"a","timestamp":1500000000,"value":1}');
      await until('the body', () => bench.input.ledger.snapshot().inFlight === 1);
      const closed = bench.input.close();
      bench.sink.release();
      expect(await answer).toEqual({ status: 204, body: '' });
      await closed;
      expect(bench.sink.lines('opentsdb')).toHaveLength(1);
    }));

  it('answers what senders and dashboards ask', () =>
    open('', async (bench) => {
      const get = async (path: string): Promise<unknown> =>
        JSON.parse((await request(bench, path)).body) as unknown;
      expect(await get('/api/suggest?type=metrics&q=a')).toEqual([]);
      await put(bench, '[{"metric":"ab","tags":{"h":"x"}},{"metric":"b"},{"metric":"aa"}]');
      expect(await get('/api/version')).toMatchObject({ version: '2.4.0' });
      expect(await get('/api/suggest?type=metrics&q=a')).toEqual(['aa', 'ab']);
      expect(await get('/api/suggest?type=metrics&max=1')).toEqual(['aa']);
      expect(await get('/api/suggest?type=tagk')).toEqual(['h']);
      expect(await get('/api/suggest?type=tagv')).toEqual(['x']);
      expect(await get('/api/v1/suggest?type=nonsense')).toEqual({
        error: { code: 400, message: "Invalid 'type' parameter:nonsense" },
      });
      expect(await get('/api/aggregators')).toEqual([]);
      expect(await get('/api/config')).toMatchObject({ 'tsd.core.auto_create_metrics': 'true' });
      expect(await get('/api/stats')).toContainEqual({
        metric: 'tsd.httpPointsRx',
        timestamp: expect.any(Number),
        value: '3',
        tags: { database: 'opentsdb' },
      });
    }));

  it('keeps a connection for many requests, whatever the pieces', () =>
    open('', async (bench) => {
      const [host, port] = (bench.input.addresses()[0] ?? '').split(':');
      const body = '{"metric":"a","timestamp":1500000000,"value":1}';
      const one = `POST /api/put HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
      const socket = net.connect(Number(port), host);
      let answered = '';
      socket.on('data', (chunk: Buffer) => (answered += chunk.toString()));
      for (const byte of one) {
        await new Promise<void>((resolve) => socket.write(byte, () => resolve()));
      }
      socket.write(one + one);
      await until('three answers', () => answered.split('204 No Content').length === 4);
      socket.destroy();
      await until('the end', () => bench.input.statistics()[0]?.values['connsActive'] === 0);
    }));
});
