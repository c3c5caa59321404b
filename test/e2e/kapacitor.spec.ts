/**
 * What Kapacitor does with its InfluxDB, request for request: looks whether it is there, lists databases, policies and subscriptions,
 * makes subscriptions of its own, takes what they bring over HTTP or UDP, and looks again every minute.
 * @see Kapacitor services/influxdb/service.go linkSubscriptions, influxdb/client.go
 */
import { createSocket } from 'node:dgram';
import { readdirSync } from 'node:fs';
import { query, type ServerProcess, startServer, temporaryFolder, WriteSink } from '#test-support';

const NAME = 'kapacitor-9c1f2f4e-6a52-4b52-9c40-27e7f4a1d8a1';
const AT = 1_500_000_000_000_000_000n;

interface Subscription {
  readonly database: string;
  readonly policy: string;
  readonly name: string;
  readonly mode: string;
  readonly destinations: readonly string[];
}

/** Its client, and the part of its service that keeps subscriptions. */
class Kapacitor {
  /** Statements sent. */
  readonly sent: string[] = [];

  constructor(
    private readonly url: string,
    private readonly destination: string,
  ) {}

  private get headers() {
    return {
      'User-Agent': 'KapacitorInfluxDBClient',
      Authorization: `Basic ${Buffer.from('kap:secret').toString('base64')}`,
    };
  }

  /** GET /ping: 204, with the version. */
  async ping(): Promise<string | null> {
    const answer = await fetch(`${this.url}/ping?wait_for_leader=30s`, { headers: this.headers });
    expect(answer.status).toBe(204);
    return answer.headers.get('X-Influxdb-Version');
  }

  /** POST /query without a body; any error fails. */
  private async query(q: string) {
    this.sent.push(q);
    const target = `${this.url}/query?${new URLSearchParams({ db: '', q })}`;
    const answer = await fetch(target, { method: 'POST', headers: this.headers });
    expect(answer.status).toBe(200);
    const { results } = (await answer.json()) as Awaited<ReturnType<typeof query>>;
    expect(results?.map(({ error }) => error)).toEqual([undefined]);
    return results?.[0]?.series ?? [];
  }

  async subscriptions(): Promise<readonly Subscription[]> {
    const series = await this.query('SHOW SUBSCRIPTIONS');
    return series.flatMap(({ name = '', columns, values }) =>
      values.map((row) => {
        const of = (column: string): unknown => row[columns.indexOf(column)];
        return {
          database: name,
          policy: String(of('retention_policy')),
          name: String(of('name')),
          mode: String(of('mode')),
          destinations: of('destinations') as readonly string[],
        };
      }),
    );
  }

  /** Makes its subscriptions as they should be; statements that change something. */
  async link(): Promise<readonly string[]> {
    expect(await this.ping()).toMatch(/^1\./);
    const changes: string[] = [];
    const change = async (q: string): Promise<void> => {
      changes.push(q);
      await this.query(q);
    };
    const all: (readonly [string, string])[] = [];
    const [databases] = await this.query('SHOW DATABASES');
    for (const [database] of databases?.values ?? []) {
      const [policies] = await this.query(`SHOW RETENTION POLICIES ON ${String(database)}`);
      expect(policies?.columns[0]).toBe('name');
      for (const [policy] of policies?.values ?? []) all.push([String(database), String(policy)]);
    }
    const existing = new Set<string>();
    for (const each of await this.subscriptions()) {
      if (each.name !== NAME) continue;
      const place = `${each.database}.${each.policy}`;
      // Changed or invalid: dropped and made anew.
      if (each.destinations[0] === this.destination) existing.add(place);
      else await change(`DROP SUBSCRIPTION "${NAME}" ON ${place}`);
    }
    for (const [database, policy] of all) {
      const place = `${database}.${policy}`;
      if (existing.has(place)) continue;
      await change(
        `CREATE SUBSCRIPTION "${NAME}" ON ${place} DESTINATIONS ANY '${this.destination}'`,
      );
    }
    return changes;
  }

  async unlink(): Promise<void> {
    for (const { name, database, policy } of await this.subscriptions())
      if (name === NAME) await this.query(`DROP SUBSCRIPTION "${name}" ON ${database}.${policy}`);
  }
}

describe('Kapacitor', () => {
  const folder = temporaryFolder();
  let server: ServerProcess;
  let sink: WriteSink;

  const admin = async (q: string): Promise<void> => {
    const form = new URLSearchParams({ q });
    const answer = await fetch(`${server.url}/query?u=kap&p=secret`, {
      method: 'POST',
      body: form,
    });
    expect(await answer.json()).toEqual({ results: [{ statement_id: 0 }] });
  };
  const write = async (db: string, body: string): Promise<void> => {
    const target = `${server.url}/write?db=${db}&u=kap&p=secret`;
    expect((await fetch(target, { method: 'POST', body })).status).toBe(204);
  };

  beforeAll(async () => {
    server = await startServer({ folder: folder.path, sections: { http: 'auth-enabled = true' } });
    sink = await WriteSink.open();
    const q = "CREATE USER kap WITH PASSWORD 'secret' WITH ALL PRIVILEGES";
    expect((await query(server.url, q)).results).toEqual([{ statement_id: 0 }]);
    await admin('CREATE DATABASE telegraf');
    await admin('CREATE RETENTION POLICY week ON telegraf DURATION 7d REPLICATION 1');
  }, 60_000);

  afterAll(async () => {
    await server.stop();
    await sink.close();
    folder.remove();
  }, 60_000);

  it('makes a subscription of each policy, and gets what is written', async () => {
    const kapacitor = new Kapacitor(server.url, sink.url);
    expect(await kapacitor.link()).toEqual([
      `CREATE SUBSCRIPTION "${NAME}" ON telegraf.autogen DESTINATIONS ANY '${sink.url}'`,
      `CREATE SUBSCRIPTION "${NAME}" ON telegraf.week DESTINATIONS ANY '${sink.url}'`,
    ]);
    await write('telegraf', `cpu,host=b,dc=a usage=1.0,n=2i ${AT}\nmem free=3 ${AT}`);
    await sink.until(() => sink.lines.length === 2);
    expect(sink.requests.map(({ target, body }) => ({ target, body }))).toEqual([
      {
        target: '/write?consistency=&db=telegraf&precision=ns&rp=autogen',
        body: `cpu,dc=a,host=b usage=1.0,n=2i ${AT}\nmem free=3 ${AT}\n`,
      },
    ]);
  }, 60_000);

  it('finds them as they were when it looks again, and after a restart of the server', async () => {
    expect(await new Kapacitor(server.url, sink.url).link()).toEqual([]);
    await server.stop();
    server = await startServer({ folder: folder.path, sections: { http: 'auth-enabled = true' } });
    const kapacitor = new Kapacitor(server.url, sink.url);
    expect(await kapacitor.link()).toEqual([]);
    expect((await kapacitor.subscriptions())[0]).toEqual({
      database: 'telegraf',
      policy: 'autogen',
      name: NAME,
      mode: 'ANY',
      destinations: [sink.url],
    });
  }, 60_000);

  it('adds what is new, and makes anew what has changed', async () => {
    await admin('CREATE DATABASE later');
    expect(await new Kapacitor(server.url, sink.url).link()).toEqual([
      `CREATE SUBSCRIPTION "${NAME}" ON later.autogen DESTINATIONS ANY '${sink.url}'`,
    ]);
    const moved = await WriteSink.open();
    expect(await new Kapacitor(server.url, moved.url).link()).toHaveLength(6);
    await write('later', `m v=1 ${AT}`);
    await moved.until(() => moved.lines.length === 1);
    expect(moved.requests[0]?.target).toBe('/write?consistency=&db=later&precision=ns&rp=autogen');
    await admin('DROP DATABASE later');
    const kapacitor = new Kapacitor(server.url, moved.url);
    expect(await kapacitor.link()).toEqual([]);
    expect((await kapacitor.subscriptions()).map(({ database }) => database)).toEqual([
      'telegraf',
      'telegraf',
    ]);
    await kapacitor.unlink();
    expect(await kapacitor.subscriptions()).toEqual([]);
    await moved.close();
  }, 60_000);

  it('with tokens makes them anew each time it looks, and misses nothing', async () => {
    const destinationOf = (token: string): string =>
      sink.url.replace('//', `//~subscriber:${token}@`);
    const tokenOf = (request: (typeof sink.requests)[number]): string => {
      const [, value = ''] = request.headers.find(([name]) => name === 'Authorization') ?? [];
      return Buffer.from(value.slice('Basic '.length), 'base64').toString();
    };
    let isUp = false;
    let asked = 0;
    sink.answer = () => {
      asked++;
      return { status: isUp ? 204 : 503 };
    };
    expect(await new Kapacitor(server.url, destinationOf('one')).link()).toHaveLength(2);
    const before = sink.lines.length;
    await write('telegraf', `cpu v=1 ${AT}`);
    await sink.until(() => asked > 0);
    // It finds xxxxx in the place of its token.
    const changes = await new Kapacitor(server.url, destinationOf('two')).link();
    expect(changes.map((q) => q.split(' ')[0])).toEqual(['DROP', 'DROP', 'CREATE', 'CREATE']);
    await write('telegraf', `cpu v=2 ${AT}`);
    isUp = true;
    await sink.until(() => sink.lines.length === before + 2);
    expect(sink.lines.slice(before)).toEqual([`cpu v=1 ${AT}`, `cpu v=2 ${AT}`]);
    const last = sink.requests.at(-1);
    expect(last === undefined ? '' : tokenOf(last)).toBe('~subscriber:two');
    const kapacitor = new Kapacitor(server.url, destinationOf('two'));
    expect((await kapacitor.subscriptions())[0]?.destinations).toEqual([destinationOf('xxxxx')]);
    await kapacitor.unlink();
    await write('telegraf', `cpu v=3 ${AT}`);
    await server.stop();
    expect(readdirSync(`${folder.path}/meta-queue`)).toEqual([]);
    server = await startServer({ folder: folder.path, sections: { http: 'auth-enabled = true' } });
    expect(sink.lines).toHaveLength(before + 2);
  }, 60_000);

  it('gets a line in each datagram over UDP', async () => {
    const socket = createSocket('udp4');
    const datagrams: string[] = [];
    const both = new Promise<void>((done) =>
      socket.on('message', (bytes) => {
        if (datagrams.push(bytes.toString()) === 2) done();
      }),
    );
    await new Promise<void>((done) => socket.bind(0, '127.0.0.1', done));
    const kapacitor = new Kapacitor(server.url, `udp://127.0.0.1:${socket.address().port}`);
    expect(await kapacitor.link()).toHaveLength(2);
    await write('telegraf', `cpu,host=b,dc=a usage=1.0 ${AT}\nmem free=3 ${AT}`);
    await both;
    expect(datagrams).toEqual([`cpu,dc=a,host=b usage=1.0 ${AT}`, `mem free=3 ${AT}`]);
    await kapacitor.unlink();
    await new Promise<void>((done) => socket.close(() => done()));
  }, 60_000);
});
