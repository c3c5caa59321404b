/**
 * What the server says of itself: the same numbers in SHOW STATS, /debug/vars, /metrics and the stored statistics, under
 * InfluxDB's names, moved by exactly what was done; dashboards and rules that name metrics which are there.
 */
import { spawnSync } from 'node:child_process';
import dgram from 'node:dgram';
import { existsSync, readFileSync } from 'node:fs';
import net from 'node:net';
import { resolve } from 'node:path';
import { freePort, query, type ServerProcess, startServer, temporaryFolder } from '#test-support';

const folder = temporaryFolder();
const servers: ServerProcess[] = [];
afterAll(async () => {
  for (const server of servers) await server.kill();
  folder.remove();
});

const start = async (options: Parameters<typeof startServer>[0]): Promise<ServerProcess> => {
  const server = await startServer(options);
  servers.push(server);
  return server;
};

type Fields = Record<string, number>;

/** A part's numbers under its name and tags. */
interface Entry {
  readonly name: string;
  readonly tags: Record<string, string>;
  readonly fields: Fields;
}

/** Waits until a condition holds; the last value seen is what a failing test shows. */
const until = async <T>(look: () => Promise<T>, isMet: (value: T) => boolean): Promise<T> => {
  for (let i = 0; i < 400; i++) {
    const value = await look();
    if (isMet(value)) return value;
    await new Promise((done) => setTimeout(done, 25));
  }
  return look();
};

const showStats = async (url: string, q = 'SHOW STATS'): Promise<Entry[]> =>
  ((await query(url, q)).results?.[0]?.series ?? []).map(
    ({ name = '', tags = {}, columns, values }) => ({
      name,
      tags,
      fields: Object.fromEntries(columns.map((column, i) => [column, Number(values[0]?.[i])])),
    }),
  );

const debugVars = async (url: string): Promise<Entry[]> => {
  const all = (await (await fetch(`${url}/debug/vars`)).json()) as Record<string, unknown>;
  return Object.values(all).flatMap((value) => {
    const { name, tags, values } = value as Partial<{ name: string; tags: object; values: Fields }>;
    return name === undefined || values === undefined
      ? []
      : [{ name, tags: { ...tags }, fields: values }];
  });
};

/** `name{labels}` to value. */
const metrics = async (url: string): Promise<Map<string, number>> => {
  const text = await (await fetch(`${url}/metrics`)).text();
  return new Map(
    text
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => {
        const at = line.lastIndexOf(' ');
        return [line.slice(0, at), Number(line.slice(at + 1))];
      }),
  );
};

/** The fields of a part, of one database where it has several entries. */
const fieldsOf = (all: readonly Entry[], name: string, database?: string): Fields =>
  all.find((e) => e.name === name && (database === undefined || e.tags['database'] === database))
    ?.fields ?? {};

const post = async (url: string, path: string, body: string): Promise<number> =>
  (await fetch(`${url}${path}`, { method: 'POST', body })).status;

/** Listeners of every kind, on ports of their own. */
const listeners = async () => {
  const [udp, graphite, opentsdb, collectd] = await Promise.all([
    freePort(),
    freePort(),
    freePort(),
    freePort(),
  ]);
  const toml = `[[udp]]
enabled = true
bind-address = "127.0.0.1:${udp}"
batch-timeout = "10ms"
[[graphite]]
enabled = true
bind-address = "127.0.0.1:${graphite}"
batch-timeout = "10ms"
[[opentsdb]]
enabled = true
bind-address = "127.0.0.1:${opentsdb}"
batch-timeout = "10ms"
[[collectd]]
enabled = true
bind-address = "127.0.0.1:${collectd}"
typesdb = "${resolve('test/fixtures/captures/collectd/types.db')}"
`;
  return { udp, graphite, opentsdb, toml };
};

const sendUdp = (port: number, text: string): Promise<void> =>
  new Promise((done) => {
    const socket = dgram.createSocket('udp4');
    socket.send(text, port, '127.0.0.1', () => socket.close(() => done()));
  });

const sendTcp = (port: number, text: string): Promise<void> =>
  new Promise((done, failed) => {
    const socket = net.connect(port, '127.0.0.1', () => socket.end(text));
    socket.on('error', failed);
    socket.on('close', () => done());
    socket.resume();
  });

/** Prometheus' linter, where it is installed. */
const PROMTOOL = 'promtool';
const hasPromtool = spawnSync(PROMTOOL, ['--version']).error === undefined;
const withPromtool = hasPromtool ? it : it.skip;

describe('statistics', () => {
  let server: ServerProcess;
  let ports: Awaited<ReturnType<typeof listeners>>;
  beforeAll(async () => {
    ports = await listeners();
    server = await start({ folder: `${folder.path}/views`, toml: ports.toml });
  });

  it('move by exactly what was done, and are the same in every view', async () => {
    const { url } = server;
    await query(url, 'CREATE DATABASE t');
    const before = await showStats(url);
    expect(await post(url, '/write?db=t', 'm,h=a i=1i,f=2\nm,h=b i=1i,f=2\nm,h=c i=1i,f=2')).toBe(
      204,
    );
    expect(await post(url, '/write?db=t', 'm,h=a i=3i\nbad\nm,h=a f="x"')).toBe(400);
    expect(await post(url, '/write?db=none', 'm f=1')).toBe(404);
    expect((await fetch(`${url}/ping`)).status).toBe(204);
    await sendUdp(ports.udp, 'u f=1\nu,h=x f=1\nbad');
    await sendTcp(ports.graphite, 'a.b 1 1600000000\na.b 2 1600000001\nbad\n');
    const after = await until(
      () => showStats(url),
      (all) =>
        fieldsOf(all, 'udp')['pointsTx'] === 2 && fieldsOf(all, 'graphite')['pointsTx'] === 2,
    );
    const moved = (name: string, database?: string): Fields => {
      const old = fieldsOf(before, name, database);
      const fields = Object.entries(fieldsOf(after, name, database));
      return Object.fromEntries(
        fields
          .map(([field, value]) => [field, value - (old[field] ?? 0)])
          .filter(([, by]) => by !== 0),
      );
    };
    expect(moved('httpd')).toMatchObject({
      writeReq: 3,
      pingReq: 1,
      pointsWrittenOK: 4,
      valuesWrittenOK: 7,
      pointsWrittenDropped: 1,
      pointsWrittenFail: 1,
      clientError: 2,
      writeReqBytes: 44 + 26,
    });
    expect(moved('write')).toEqual({
      req: 4,
      pointReq: 9,
      pointReqLocal: 8,
      writeDrop: 1,
      writeOk: 4,
      subWriteOk: 4,
    });
    expect(moved('shard', 't')).toMatchObject({
      writeReq: 2,
      writeReqOk: 2,
      writePointsOk: 4,
      writeValuesOk: 7,
      writePointsDropped: 1,
      seriesCreate: 3,
      fieldsCreate: 2,
    });
    expect(moved('database', 't')).toEqual({ numMeasurements: 1, numSeries: 3 });
    expect(moved('tsm1_cache', 't')).toMatchObject({ writeOk: 2 });
    expect(moved('tsm1_wal', 't')).toMatchObject({ writeOk: 2, syncs: 2 });
    expect(moved('udp')).toEqual({
      bytesRx: 19,
      pointsParseFail: 1,
      pointsRx: 2,
      pointsTx: 2,
      batchesTx: 1,
    });
    expect(moved('graphite')).toMatchObject({
      pointsRx: 3,
      pointsParseFail: 1,
      pointsTx: 2,
      connsHandled: 1,
    });

    // The same numbers elsewhere: all that asking does not move.
    const vars = await debugVars(url);
    for (const name of ['write', 'udp', 'opentsdb', 'cq', 'retention', 'shard-precreation'])
      expect({ name, fields: fieldsOf(vars, name) }).toEqual({
        name,
        fields: fieldsOf(after, name),
      });
    for (const name of ['database', 'shard', 'tsm1_engine', 'tsm1_wal', 'tsm1_filestore'])
      expect({ name, fields: fieldsOf(vars, name, 't') }).toEqual({
        name,
        fields: fieldsOf(after, name, 't'),
      });
    expect(vars.map(({ name, tags }) => ({ name, tags }))).toEqual(
      after.map(({ name, tags }) => ({ name, tags })),
    );
    const shown = await metrics(url);
    const policy = '{database="t",retention_policy="autogen"}';
    const udp = `{input="udp",bind="127.0.0.1:${ports.udp}"}`;
    const pairs: readonly (readonly [string, number | undefined])[] = [
      ['tidegate_http_write_requests_total', fieldsOf(after, 'httpd')['writeReq']],
      ['tidegate_http_points_written_total', fieldsOf(after, 'httpd')['pointsWrittenOK']],
      ['tidegate_http_points_dropped_total', fieldsOf(after, 'httpd')['pointsWrittenDropped']],
      ['tidegate_http_points_rejected_total', fieldsOf(after, 'httpd')['pointsWrittenFail']],
      ['tidegate_http_client_errors_total', fieldsOf(after, 'httpd')['clientError']],
      ['tidegate_http_write_request_bytes_total', fieldsOf(after, 'httpd')['writeReqBytes']],
      ['tidegate_http_request_duration_seconds_count{handler="write",code="2xx"}', 1],
      ['tidegate_http_request_duration_seconds_count{handler="write",code="4xx"}', 2],
      ['tidegate_write_points_total', fieldsOf(after, 'write')['pointReq']],
      ['tidegate_write_points_stored_total', fieldsOf(after, 'write')['pointReqLocal']],
      [
        `tidegate_shard_points_written_total${policy}`,
        fieldsOf(after, 'shard', 't')['writePointsOk'],
      ],
      [`tidegate_shard_written_bytes_total${policy}`, fieldsOf(after, 'shard', 't')['writeBytes']],
      [`tidegate_shard_disk_bytes${policy}`, fieldsOf(after, 'shard', 't')['diskBytes']],
      [`tidegate_cache_bytes${policy}`, fieldsOf(after, 'tsm1_cache', 't')['memBytes']],
      [`tidegate_wal_syncs_total${policy}`, fieldsOf(after, 'tsm1_wal', 't')['syncs']],
      ['tidegate_database_series{database="t"}', 3],
      [`tidegate_input_points_received_total${udp}`, 2],
      [`tidegate_input_parse_failures_total${udp}`, 1],
    ];
    for (const [name, value] of pairs) expect([name, shown.get(name)]).toEqual([name, value]);
    const syncs = after
      .filter(({ name }) => name === 'tsm1_wal')
      .reduce((sum, e) => sum + (e.fields['syncs'] ?? 0), 0);
    expect(shown.get('tidegate_wal_sync_duration_seconds_count')).toBe(syncs);
  });

  it("have InfluxDB's names, tags and fields", async () => {
    const { url } = server;
    const { statistics, diagnostics } = JSON.parse(
      readFileSync('test/fixtures/monitor/influxdb-names.json', 'utf8'),
    ) as {
      statistics: { name: string; tags: string[]; fields: string[] }[];
      diagnostics: { name: string; columns: string[] }[];
    };
    await query(url, `CREATE SUBSCRIPTION s ON t.autogen DESTINATIONS ANY 'http://127.0.0.1:1'`);
    const all = await until(
      () => showStats(url),
      (list) => list.some(({ tags }) => 'destination' in tags),
    );
    for (const { name, tags, fields } of statistics) {
      const found = all.find(
        (entry) => entry.name === name && Object.keys(entry.tags).length === tags.length,
      );
      expect({ name, tags: Object.keys(found?.tags ?? { missing: true }).sort() }).toEqual({
        name,
        tags,
      });
      expect({
        name,
        missing: fields.filter((field) => !(field in (found?.fields ?? {}))),
      }).toEqual({
        name,
        missing: [],
      });
    }
    const tables = (await query(url, 'SHOW DIAGNOSTICS')).results?.[0]?.series ?? [];
    for (const { name, columns } of diagnostics) {
      if (name === 'config-monitor') continue;
      expect({ name, columns: tables.find((table) => table.name === name)?.columns }).toEqual({
        name,
        columns,
      });
    }
    expect(tables.find(({ name }) => name === 'config-monitor')).toMatchObject({
      columns: ['store-enabled'],
      values: [[false]],
    });
    expect((await showStats(url, "SHOW STATS FOR 'udp'")).map(({ name }) => name)).toEqual(['udp']);
    expect(await query(url, "SHOW STATS FOR 'nope'")).toEqual({ results: [{ statement_id: 0 }] });
    const build = await query(url, "SHOW DIAGNOSTICS FOR 'build'");
    expect(build.results?.[0]?.series?.map(({ name }) => name)).toEqual(['build']);
  });

  it('are not stored unless asked for', async () => {
    const databases = await query(server.url, 'SHOW DATABASES');
    expect(JSON.stringify(databases)).not.toContain('_internal');
    expect(existsSync(`${folder.path}/views/data/_internal`)).toBe(false);
  });

  withPromtool('pass the linter of Prometheus', async () => {
    const text = await (await fetch(`${server.url}/metrics`)).text();
    const { stdout, stderr, status } = spawnSync(PROMTOOL, ['check', 'metrics'], {
      input: text,
      encoding: 'utf8',
    });
    expect({ stdout, stderr, status }).toEqual({ stdout: '', stderr: '', status: 0 });
  });

  withPromtool('have alert rules that Prometheus takes', () => {
    const { status } = spawnSync(PROMTOOL, [
      'check',
      'rules',
      'config/prometheus/tidegate.rules.yml',
    ]);
    expect(status).toBe(0);
  });
});

describe('dashboards and rules', () => {
  it('name metrics that a running server has', async () => {
    const { toml } = await listeners();
    const server = await start({
      folder: `${folder.path}/names`,
      toml: `${toml}[cardinality]\nmax-new-series-per-peer = 1\n`,
    });
    const { url } = server;
    await query(url, 'CREATE DATABASE t');
    await query(url, `CREATE SUBSCRIPTION s ON t.autogen DESTINATIONS ANY 'http://127.0.0.1:1'`);
    await post(url, '/write?db=t', 'm f=1\nm,h=1 f=1');
    const names = new Set([...(await metrics(url)).keys()].map((key) => key.replace(/\{.*/, '')));
    const files = ['config/grafana/tidegate.json', 'config/prometheus/tidegate.rules.yml'];
    const used = files.flatMap((path) =>
      [...readFileSync(path, 'utf8').matchAll(/\b(?:tidegate|process|nodejs)_[a-z0-9_]+/g)].map(
        ([name]) => name,
      ),
    );
    expect(used.length).toBeGreaterThan(60);
    expect([...new Set(used)].filter((name) => !names.has(name))).toEqual([]);
  });
});

describe('stored statistics', () => {
  it('are written every interval with the host as a tag, come back after a DROP, and equal SHOW STATS', async () => {
    const server = await start({
      folder: `${folder.path}/stored`,
      sections: { monitor: 'store-enabled = true\nstore-interval = "200ms"' },
    });
    const { url } = server;
    const last = async (
      measurement: string,
      where = '',
    ): Promise<Fields & { hostname?: string }> => {
      const q = `SELECT * FROM "_internal"."monitor"."${measurement}" ${where} ORDER BY time DESC LIMIT 1`;
      const series = (await query(url, q, { epoch: 'ns' })).results?.[0]?.series?.[0];
      return Object.fromEntries(
        (series?.columns ?? []).map((column, i) => [column, series?.values[0]?.[i] as number]),
      );
    };
    await query(url, 'CREATE DATABASE t');
    await post(url, '/write?db=t', 'm,h=a f=1\nm,h=b f=1');
    const shard = await until(
      () => last('shard', `WHERE "database" = 't'`),
      (fields) => fields['writePointsOk'] === 2,
    );
    const [shown] = (await showStats(url, "SHOW STATS FOR 'shard'")).filter(
      (e) => e.tags['database'] === 't',
    );
    const { time, hostname, ...rest } = shard;
    expect(rest).toEqual({ ...shown?.tags, ...shown?.fields });
    expect(hostname).not.toBe('');
    expect(Number(BigInt(time ?? 1) % 200_000_000n)).toBe(0);
    expect(await last('httpd')).toMatchObject({ pointsWrittenOK: 2, writeReq: 1 });
    const policies = await query(url, 'SHOW RETENTION POLICIES ON _internal');
    expect(policies.results?.[0]?.series?.[0]?.values).toEqual([
      ['monitor', '168h0m0s', '24h0m0s', 1, true],
    ]);
    await query(url, 'DROP DATABASE _internal');
    const again = await until(
      () => last('write'),
      (fields) => 'pointReq' in fields,
    );
    expect(again).toHaveProperty('hostname');
  });
});

describe('who does this', () => {
  it('is told by SHOW TOP and kept within budgets, line by line where asked', async () => {
    const { graphite, toml } = await listeners();
    const server = await start({
      folder: `${folder.path}/who`,
      toml: `${toml}[cardinality]\nmax-new-series-per-measurement = 2\n`,
    });
    const { url } = server;
    await query(url, 'CREATE DATABASE t');
    const response = await fetch(`${url}/write?db=t`, {
      method: 'POST',
      headers: { Accept: 'application/vnd.tidegate.write+json' },
      body: 'm,h=1 f=1\nm,h=2 f=1\nm,h=3 f=1\nm,h=1 f=2 1',
    });
    const reason =
      'new series refused: measurement "t.m" is over its budget of 2 new series a minute';
    expect([response.status, await response.json()]).toEqual([
      400,
      {
        error: `partial write: ${reason} dropped=1`,
        points: 3,
        rejected: 0,
        dropped: 1,
        lines: [{ line: 3, reason, text: 'm,h=3 f=1' }],
      },
    ]);
    expect(
      (await showStats(url, "SHOW STATS FOR 'cardinality'")).map(({ tags, fields }) => ({
        ...tags,
        ...fields,
      })),
    ).toEqual([{ action: 'refused', budget: 'measurement', who: 't.m', points: 1 }]);
    await sendTcp(graphite, 'g 1 1600000000\n');
    const sources = await until(
      async () =>
        (await query(url, 'SHOW TOP SOURCES BY NEW SERIES OVER 2m')).results?.[0]?.series?.[0],
      (series) => series?.values.length === 2,
    );
    expect(sources).toMatchObject({
      name: 'sources',
      columns: ['listener', 'peer', 'new_series', 'error'],
      values: [
        ['http', '127.0.0.1', 2, 0],
        [`graphite 127.0.0.1:${graphite}`, '127.0.0.1', 1, 0],
      ],
    });
  });
});
