/**
 * What InfluxDB's subscriber was recorded to send, sent by ours for the same writes: requests with their headers, bodies and
 * datagrams, byte for byte; and the recorded statements with their answers. Where we differ wilfully (docs/compat.md) it is listed here.
 */
import { createSocket, type Socket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { sendTcp, sendUdp } from '#inputs/testing';
import {
  freePort,
  prometheusBody,
  query,
  type ServerProcess,
  startServer,
  temporaryFolder,
  WriteSink,
} from '#test-support';

interface Recorded {
  readonly name: string;
  readonly input:
    string | { readonly params: Readonly<Record<string, string>>; readonly body: string };
  readonly http: readonly {
    readonly method: string;
    readonly path: string;
    readonly headers: readonly (readonly [string, string])[];
    readonly body: string;
  }[];
  readonly udp: readonly string[];
  readonly udp_count?: number;
}

interface Answered {
  readonly q: string;
  readonly status: number;
  readonly body: unknown;
}

const FOLDER = 'test/fixtures/captures';
const read = (name: string): unknown =>
  JSON.parse(readFileSync(`${FOLDER}/subscriptions/${name}`, 'utf8'));
const forwarded = read('forwarded.json') as readonly Recorded[];
const bigBatch = Array.from({ length: 1500 }, (_, n) => {
  return `big,i=${n} v=${n} 1500000000${String(n).padStart(9, '0')}`;
}).join('\n');

/** Wilful differences: what is not sent, or sent otherwise. */
const NOT_SENT = new Set(['http_field_conflict', 'http_empty']);
const OTHERWISE: Readonly<Record<string, readonly [RegExp, string]>> = {
  // Milliseconds are milliseconds.
  opentsdb_telnet_input: [/1500000000000123000$/gm, '1500000000123000000'],
};

describe('what subscribers get', () => {
  const folder = temporaryFolder();
  const ports: Record<string, string> = {};
  const datagrams: string[] = [];
  let server: ServerProcess;
  let sink: WriteSink;
  let socket: Socket;

  beforeAll(async () => {
    for (const name of ['udp', 'graphite', 'opentsdb', 'collectd'])
      ports[name] = `127.0.0.1:${await freePort()}`;
    const listener = (kind: string, keys = ''): string => `
[[${kind}]]
enabled = true
bind-address = "${ports[kind]}"
database = "sdb"
batch-timeout = "50ms"
${keys}`;
    server = await startServer({
      folder: folder.path,
      toml: [
        listener('udp'),
        listener('graphite'),
        listener('opentsdb'),
        listener('collectd', `typesdb = "${FOLDER}/collectd/types.db"`),
      ].join('\n'),
    });
    sink = await WriteSink.open();
    socket = createSocket('udp4');
    socket.on('message', (bytes) => datagrams.push(bytes.toString()));
    await new Promise<void>((done) => socket.bind(0, '127.0.0.1', done));
    // Room for 1,500 datagrams at one time.
    socket.setRecvBufferSize(4 * 2 ** 20);
    await query(server.url, 'CREATE DATABASE sdb');
    await query(server.url, 'CREATE RETENTION POLICY rp2 ON sdb DURATION 1h REPLICATION 1');
    const destinations = [
      `s_http ON sdb.autogen DESTINATIONS ALL '${sink.url}'`,
      `s_udp ON sdb.autogen DESTINATIONS ANY 'udp://127.0.0.1:${socket.address().port}'`,
    ];
    for (const one of destinations) {
      const { results } = await query(server.url, `CREATE SUBSCRIPTION ${one}`);
      expect(results).toEqual([{ statement_id: 0 }]);
    }
  }, 60_000);

  afterAll(async () => {
    await server.stop();
    await sink.close();
    socket.close();
    folder.remove();
  }, 60_000);

  /** Does what was done when it was recorded. */
  async function act({ name, input }: Recorded): Promise<void> {
    if (typeof input !== 'string') {
      const target = `${server.url}/write?${new URLSearchParams(input.params)}`;
      const body = name === 'http_big_batch' ? bigBatch : input.body;
      await fetch(target, { method: 'POST', body });
    } else if (name === 'collectd_input') {
      const packets = readFileSync(`${FOLDER}/collectd/plain.pkts`);
      await sendUdp(ports['collectd'] ?? '', packets.subarray(4, 4 + packets.readUInt32BE(0)));
    } else if (name === 'prometheus_input') {
      const labels = [
        { name: '__name__', value: 'pm' },
        { name: 'job', value: 'j' },
      ];
      const samples = [{ timestamp: 1500000000005, value: 2.5 }];
      const body = prometheusBody('WriteRequest', { timeseries: [{ labels, samples }] });
      await fetch(`${server.url}/api/v1/prom/write?db=sdb`, { method: 'POST', body });
    } else if (name.startsWith('select_into')) {
      // Recorded without the `,i` that the record names: InfluxDB 1.6.7 writes a point of each series with it, as we do.
      await query(server.url, input.replace('time(1s),i', 'time(1s)'), { db: 'sdb' });
    } else {
      const kind = name.split('_')[0] ?? '';
      const isUdp = kind === 'udp';
      await (isUdp ? sendUdp : sendTcp)(ports[kind] ?? '', Buffer.from(input));
    }
  }

  /** What was recorded, as we send it. */
  function expected({ name, http, udp }: Recorded) {
    const change = (text: string): string => {
      const [pattern, by] = OTHERWISE[name] ?? [/$^/g, ''];
      return text.replace(pattern, by);
    };
    const isSent = !NOT_SENT.has(name);
    return {
      requests: isSent ? http.map((each) => ({ ...each, body: change(each.body) })) : [],
      datagrams: isSent ? udp.map(change) : [],
    };
  }

  it.each(forwarded.map((one): [string, Recorded] => [one.name, one]))(
    '%s',
    async (name, one) => {
      const { requests, datagrams: lines } = expected(one);
      sink.requests.length = 0;
      datagrams.length = 0;
      await act(one);
      if (requests.length === 0) {
        // Something that comes behind it.
        const target = `${server.url}/write?db=sdb`;
        await fetch(target, { method: 'POST', body: 'behind v=1 1' });
      }
      const count = one.udp_count ?? lines.length;
      await sink.until(() => sink.requests.length >= Math.max(1, requests.length));
      while (datagrams.length < Math.max(1, count))
        await new Promise((done) => setTimeout(done, 5));
      if (requests.length === 0) {
        expect(sink.requests.map(({ body }) => body)).toEqual(['behind v=1 1\n']);
        expect(datagrams).toEqual(['behind v=1 1']);
        return;
      }
      const body = sink.requests.map((request) => request.body).join('');
      if (name === 'http_no_ts') {
        expect(body).toMatch(/^cpu,host=a v=1 \d{19}\n$/);
        expect(datagrams).toEqual([body.trimEnd()]);
        return;
      }
      const [wanted] = requests;
      const cut = /…<(\d+) bytes, (\d+) newlines/.exec(wanted?.body ?? '');
      if (cut === null) {
        expect(body).toBe(wanted?.body);
        expect(datagrams).toEqual(lines);
      } else {
        expect(body.startsWith(wanted?.body.slice(0, cut.index) ?? '?')).toBe(true);
        const newlines = body.split('\n').length - 1;
        expect([Buffer.byteLength(body), newlines]).toEqual([Number(cut[1]), Number(cut[2])]);
        expect(datagrams.join('\n')).toBe(body.trimEnd());
      }
      const headersOf = (pairs: readonly (readonly [string, string])[]) =>
        pairs.map(([key, value]) => [key, key === 'Host' || key === 'Content-Length' ? '' : value]);
      for (const request of sink.requests) {
        expect(request.target).toBe(wanted?.path);
        expect(headersOf(request.headers)).toEqual(headersOf(wanted?.headers ?? []));
      }
    },
    30_000,
  );
});

describe('statements about subscriptions', () => {
  const folder = temporaryFolder();
  let server: ServerProcess;

  beforeAll(async () => {
    server = await startServer({ folder: folder.path });
    await query(server.url, 'CREATE DATABASE sdb');
    await query(server.url, 'CREATE RETENTION POLICY rp2 ON sdb DURATION 1h REPLICATION 1');
  }, 60_000);
  afterAll(async () => {
    await server.stop();
    folder.remove();
  }, 60_000);

  it.each(
    (read('statements.json') as readonly Answered[]).map((one, i): [string, Answered] => [
      `${i} ${one.q}`,
      one,
    ]),
  )('%s', async (_name, { q, status, body }) => {
    const form = new URLSearchParams({ q });
    const answer = await fetch(`${server.url}/query`, { method: 'POST', body: form });
    expect(answer.status).toBe(status);
    expect(await answer.json()).toEqual(body);
  });
});
