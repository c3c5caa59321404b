import { readFileSync } from 'node:fs';
import { query, type ServerProcess, startServer, temporaryFolder } from '#test-support';

/** The datagrams of a capture: a 32-bit length before each. */
function datagrams(path: string): Buffer[] {
  const bytes = readFileSync(path);
  const found: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = bytes.readUInt32BE(at);
    found.push(bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return found;
}

/** The capture was made on this day; points without a time have the time at which they came in. */
const CAPTURE_DAY_NS = 1_795_253_000_000_000_000;
const DAY_NS = 86_400e9;

/** An answer with the times of reception masked; JSON knows no difference between 0 and -0. */
function comparable(answer: object): unknown {
  const nowNs = Date.now() * 1e6;
  return JSON.parse(JSON.stringify(answer), (_key, value: unknown) => {
    if (typeof value !== 'number') return value;
    if (Math.abs(value - nowNs) < 600e9) return '<now>';
    return value > CAPTURE_DAY_NS + 900e9 && value < CAPTURE_DAY_NS + DAY_NS ? '<now>' : value;
  });
}

describe('lines of real agents, sent over HTTP,', () => {
  const folder = temporaryFolder();
  let server: ServerProcess;

  beforeAll(async () => {
    server = await startServer({ folder: folder.path });
  }, 60_000);

  afterAll(async () => {
    await server.stop();
    folder.remove();
  }, 60_000);

  const f = async (agent: string): Promise<void> => {
    const golden = JSON.parse(readFileSync(`test/fixtures/agents/${agent}.json`, 'utf8')) as {
      precision: string;
      queries: { q: string; body: object }[];
    };
    await query(server.url, `CREATE DATABASE ${agent}`);
    await query(server.url, 'CREATE DATABASE bad');
    for (const datagram of datagrams(`test/fixtures/agents/${agent}.pkts`)) {
      // InfluxDB's UDP input dropped whole datagrams with a bad line, so that its answers lack their good ones.
      const isBad = /value=(inf|18446744073709551615i)/.test(datagram.toString());
      const db = isBad ? 'bad' : agent;
      const answer = await fetch(`${server.url}/write?db=${db}&precision=${golden.precision}`, {
        method: 'POST',
        body: new Uint8Array(datagram),
      });
      expect(answer.status).toBe(isBad ? 400 : 204);
      await answer.text();
    }
    for (const { q, body } of golden.queries) {
      const answer = await query(server.url, q, { db: agent, epoch: 'ns' });
      expect({ q, body: comparable(answer) }).toEqual({ q, body: comparable(body) });
    }
  };

  it('come back: python3-influxdb', () => f('python_influxdb_udp'));
  it('come back: collectd', () => f('collectd_write_influxdb_udp'));
});
