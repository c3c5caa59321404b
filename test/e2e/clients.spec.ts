import { InfluxDB, FieldType } from 'influx';
import { InfluxDB as InfluxDB2, Point } from '@influxdata/influxdb-client';
import { query, type ServerProcess, startServer, temporaryFolder } from '#test-support';

describe('clients of npm', () => {
  const folder = temporaryFolder();
  let server: ServerProcess;

  beforeAll(async () => {
    server = await startServer({ folder: folder.path });
  }, 60_000);

  afterAll(async () => {
    await server.stop();
    folder.remove();
  }, 60_000);

  it('influx: pings, creates, writes and reads', async () => {
    const { hostname, port } = new URL(server.url);
    const client = new InfluxDB({
      host: hostname,
      port: Number(port),
      database: 'node',
      schema: [
        {
          measurement: 'response_times',
          fields: {
            path: FieldType.STRING,
            duration: FieldType.INTEGER,
            load: FieldType.FLOAT,
            ok: FieldType.BOOLEAN,
          },
          tags: ['host'],
        },
      ],
    });
    const [ping] = await client.ping(5000);
    expect(ping).toMatchObject({ online: true });
    await client.createDatabase('node');
    expect(await client.getDatabaseNames()).toContain('node');
    await client.writePoints([
      {
        measurement: 'response_times',
        tags: { host: 'a b' },
        fields: { path: '/x "y"', duration: 12, load: 0.5, ok: true },
        timestamp: new Date(1_600_000_000_000),
      },
      {
        measurement: 'response_times',
        tags: { host: 'c' },
        fields: { path: '/', duration: 30, load: 1.25, ok: false },
        timestamp: new Date(1_600_000_060_000),
      },
    ]);
    const rows = await client.query<{
      path: string;
      duration: number;
      load: number;
      ok: boolean;
      host: string;
    }>('SELECT * FROM response_times');
    expect(
      rows.map(({ path, duration, load, ok, host }) => ({ path, duration, load, ok, host })),
    ).toEqual([
      { path: '/x "y"', duration: 12, load: 0.5, ok: true, host: 'a b' },
      { path: '/', duration: 30, load: 1.25, ok: false, host: 'c' },
    ]);
    const groups = await client.query('SELECT mean(load) FROM response_times GROUP BY host');
    expect(groups.groups().map(({ tags, rows: values }) => [tags, values])).toMatchObject([
      [{ host: 'a b' }, [{ mean: 0.5 }]],
      [{ host: 'c' }, [{ mean: 1.25 }]],
    ]);
    await client.createRetentionPolicy('week', {
      duration: '7d',
      database: 'node',
      replication: 1,
    });
    expect((await client.showRetentionPolicies('node')).map(({ name }) => name)).toEqual([
      'autogen',
      'week',
    ]);
    await expect(client.query('SELECT x FROM', { database: 'node' })).rejects.toThrow(
      /error parsing query/,
    );
    await client.dropDatabase('node');
    expect(await client.getDatabaseNames()).not.toContain('node');
  });

  it('@influxdata/influxdb-client: writes', async () => {
    await query(server.url, 'CREATE DATABASE v2');
    const writer = new InfluxDB2({ url: server.url, token: 'u:p' }).getWriteApi(
      '',
      'v2/autogen',
      'ms',
    );
    writer.writePoint(
      new Point('m')
        .tag('a', 'b')
        .floatField('f', 1.5)
        .intField('i', 3)
        .timestamp(new Date(1_600_000_000_000)),
    );
    await writer.close();
    const answer = await query(server.url, 'SELECT * FROM m', { db: 'v2', epoch: 'ms' });
    expect(answer.results?.[0]?.series?.[0]).toEqual({
      name: 'm',
      columns: ['time', 'a', 'f', 'i'],
      values: [[1_600_000_000_000, 'b', 1.5, 3]],
    });
  });

  it('@influxdata/influxdb-client: is told that Flux is not spoken here', async () => {
    const reader = new InfluxDB2({ url: server.url, token: 'u:p' }).getQueryApi('');
    await expect(reader.collectRows('from(bucket: "v2")')).rejects.toMatchObject({
      statusCode: 403,
      body: expect.stringContaining('Flux is not supported'),
    });
  });
});
