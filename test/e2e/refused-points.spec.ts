/**
 * Points that storage refuses of senders that nobody answers: kept as lines with who sent them and why, replayed when the cause is
 * mended; and who sent what, for every protocol.
 */
import { readFileSync } from 'node:fs';
import { sendTcp, sendUdp } from '#inputs/testing';
import {
  freePort,
  prometheusBody,
  query,
  type ServerProcess,
  startServer,
  temporaryFolder,
} from '#test-support';

interface Letter {
  readonly id: number;
  readonly listener: string;
  readonly peer: string;
  readonly reason: string;
  readonly text: string;
  readonly target: Readonly<Record<string, string>>;
  readonly unreplayable: string;
  readonly sample: string;
}

const NS = 1_600_000_000_000_000_000n;
const S = 1_600_000_000;

describe('points that storage refuses', () => {
  const folder = temporaryFolder();
  const ports: Record<string, string> = {};
  let server: ServerProcess;

  const ok = async (q: string, db = ''): Promise<readonly (readonly unknown[])[]> => {
    const { results } = await query(server.url, q, { db, epoch: 'ns' });
    expect(results?.[0]?.error).toBe(undefined);
    return results?.[0]?.series?.[0]?.values ?? [];
  };
  const list = async (listener: string): Promise<readonly Letter[]> => {
    const answer = await fetch(`${server.url}/deadletters?listener=${listener}`);
    return ((await answer.json()) as { letters: readonly Letter[] }).letters;
  };
  const untilListed = async (listener: string): Promise<Letter> => {
    for (let i = 0; i < 200; i++) {
      const [found] = await list(listener);
      if (found !== undefined) return found;
      await new Promise((done) => setTimeout(done, 25));
    }
    throw new RangeError(`no dead letter of ${listener}`);
  };
  const replay = async (listener: string): Promise<unknown> => {
    const target = `${server.url}/deadletters/replay?listener=${encodeURIComponent(listener)}`;
    return (await fetch(target, { method: 'POST' })).json();
  };
  const done = { replayed: 1, rejected: 0, failed: 0, reasons: [] };

  const start = async (prometheus: string): Promise<void> => {
    server = await startServer({
      folder: folder.path,
      toml: `
[cardinality]
max-new-series-per-peer = 12
[prometheus]
${prometheus}
[[udp]]
enabled = true
bind-address = "${ports['udp']}"
database = "u"
batch-timeout = "5ms"
[[udp]]
enabled = true
bind-address = "${ports['later']}"
database = "u"
retention-policy = "later"
batch-timeout = "5ms"
[[graphite]]
enabled = true
bind-address = "${ports['graphite']}"
database = "g"
batch-timeout = "5ms"
[[opentsdb]]
enabled = true
bind-address = "${ports['opentsdb']}"
database = "o"
batch-timeout = "5ms"
[[collectd]]
enabled = true
bind-address = "${ports['collectd']}"
database = "c"
typesdb = "test/fixtures/captures/collectd/types.db"
batch-timeout = "5ms"
`,
    });
  };

  beforeAll(async () => {
    for (const name of ['udp', 'later', 'graphite', 'opentsdb', 'collectd'])
      ports[name] = `127.0.0.1:${await freePort()}`;
    await start('max-samples-per-write = 1');
    for (const name of ['u', 'o', 'c', 'p']) await ok(`CREATE DATABASE ${name}`);
    await ok('CREATE DATABASE g WITH DURATION 1h');
  }, 60_000);

  afterAll(async () => {
    await server.stop();
    folder.remove();
  }, 60_000);

  it('for their type come back when the measurement is gone', async () => {
    const body = `m v=1i ${NS}`;
    await fetch(`${server.url}/write?db=u`, { method: 'POST', body });
    await sendUdp(ports['udp'] ?? '', Buffer.from(`m,b=2,a=1 v=1.5 ${NS + 1n}\ngood v=1 ${NS}`));
    expect(await untilListed('udp')).toMatchObject({
      listener: `udp ${ports['udp']}`,
      peer: '127.0.0.1',
      reason: 'field type conflict',
      text: expect.stringMatching(/^field type conflict: input field "v" on measurement "m"/),
      target: { form: 'line protocol', database: 'u', retentionPolicy: '' },
      unreplayable: '',
      sample: `m,a=1,b=2 v=1.5 ${NS + 1n}\\x0a`,
    });
    expect(await ok('SELECT v FROM good', 'u')).toHaveLength(1);
    expect(await replay('udp')).toMatchObject({ replayed: 0, rejected: 1, failed: 0 });
    await ok('DROP MEASUREMENT m', 'u');
    expect(await replay('udp')).toEqual(done);
    expect(await ok('SELECT v, a FROM m', 'u')).toEqual([[Number(NS), 1.5, '1']]);
    expect(await list('udp')).toEqual([]);
  }, 60_000);

  it('for a missing policy come back when it is there', async () => {
    await sendUdp(ports['later'] ?? '', Buffer.from(`l v=1 ${NS}\nl v=2 ${NS + 1n}`));
    expect(await untilListed('udp')).toMatchObject({
      reason: 'retention policy not found',
      text: 'retention policy not found: later',
      target: { database: 'u', retentionPolicy: 'later' },
    });
    expect(await replay('udp')).toMatchObject({ replayed: 0, failed: 1 });
    await ok('CREATE RETENTION POLICY later ON u DURATION INF REPLICATION 1');
    expect(await replay('udp')).toEqual(done);
    expect(await ok('SELECT v FROM later.l', 'u')).toHaveLength(2);
  }, 60_000);

  it('for their age come back when the policy keeps more', async () => {
    await sendTcp(ports['graphite'] ?? '', Buffer.from(`old.value 7 ${S}\n`));
    expect(await untilListed('graphite')).toMatchObject({
      reason: 'points beyond retention policy',
      sample: `old.value value=7 ${NS}\\x0a`,
    });
    await ok('ALTER RETENTION POLICY autogen ON g DURATION INF');
    expect(await replay('graphite')).toEqual(done);
    expect(await ok('SELECT value FROM "old.value"', 'g')).toHaveLength(1);
  }, 60_000);

  it('for a budget of new series name who is over it', async () => {
    const lines = Array.from({ length: 30 }, (_, i) => `put m ${S} 1 host=h${i}\n`).join('');
    await sendTcp(ports['opentsdb'] ?? '', Buffer.from(lines));
    expect(await untilListed('opentsdb')).toMatchObject({
      listener: `opentsdb ${ports['opentsdb']}`,
      peer: '127.0.0.1',
      reason: 'new series refused',
      text: 'new series refused: peer "127.0.0.1" is over its budget of 12 new series a minute',
    });
  }, 60_000);

  it('of collectd and of HTTP put have their sender, too', async () => {
    const capture = readFileSync('test/fixtures/captures/collectd/plain.pkts');
    await sendUdp(ports['collectd'] ?? '', capture.subarray(4, 4 + capture.readUInt32BE(0)));
    expect(await untilListed('collectd')).toMatchObject({
      peer: '127.0.0.1',
      reason: 'new series refused',
      text: expect.stringContaining('peer "127.0.0.1"'),
    });
    const put = await fetch(`http://${ports['opentsdb']}/api/put?details`, {
      method: 'POST',
      body: JSON.stringify(
        Array.from({ length: 30 }, (_, i) => ({
          metric: 'h',
          timestamp: S,
          value: 1,
          tags: { a: `b${i}` },
        })),
      ),
    });
    expect(put.status).toBe(400);
    expect(await put.text()).toContain('peer \\"127.0.0.1\\" is over its budget');
    // Of both ways one point is stored at least, by the series that are there.
    await fetch(`http://${ports['opentsdb']}/api/put`, {
      method: 'POST',
      body: JSON.stringify({ metric: 'm', timestamp: S + 1, value: 1, tags: { host: 'h0' } }),
    });
    const sources = await ok('SHOW TOP SOURCES BY POINTS');
    const peers = sources.filter(([listener]) => String(listener).startsWith('opentsdb'));
    expect(peers.map(([, peer]) => peer)).toEqual(['127.0.0.1']);
  }, 60_000);

  it('balance in the books', async () => {
    for (const row of await ok('SHOW INGEST')) {
      const [, received, stored, rejected, dropped, inFlight] = row.map(Number);
      expect(received).toBe(stored + rejected + dropped + inFlight);
    }
  });

  it('bodies of remote write come back when the limit is higher', async () => {
    const samples = [S, S + 1].map((seconds) => ({ timestamp: seconds * 1000, value: seconds }));
    const labels = [{ name: '__name__', value: 'pm' }];
    const body = prometheusBody('WriteRequest', { timeseries: [{ labels, samples }] });
    const target = `${server.url}/api/v1/prom/write?db=p`;
    expect((await fetch(target, { method: 'POST', body })).status).toBe(413);
    expect(await untilListed('prometheus')).toMatchObject({
      reason: 'malformed',
      target: { db: 'p' },
      unreplayable: '',
    });
    expect(await replay('prometheus')).toMatchObject({ replayed: 0, rejected: 1, failed: 0 });
    await server.stop();
    await start('');
    expect(await replay('prometheus')).toEqual(done);
    expect(await ok('SELECT value FROM pm', 'p')).toHaveLength(2);
  }, 60_000);
});
