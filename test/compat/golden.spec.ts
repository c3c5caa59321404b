import { join } from 'node:path';
import { startServer, type ServerProcess, temporaryFolder } from '#test-support';
import { readAreas } from './golden-case.js';
import { formatResults, type GoldenResult, replay } from './golden-runner.js';

describe('recorded answers of InfluxDB 1.6.7', () => {
  const areas = readAreas('test/fixtures/influxql-golden');
  const folder = temporaryFolder();
  let servers: readonly ServerProcess[] = [];
  let results: readonly GoldenResult[] = [];

  beforeAll(async () => {
    servers = await Promise.all([
      startServer({ folder: join(folder.path, 'open') }),
      startServer({
        folder: join(folder.path, 'auth'),
        sections: { http: 'auth-enabled = true\nshared-secret = "conformance-secret"' },
      }),
    ]);
    results = await replay(areas, { open: servers[0].url, auth: servers[1].url });
    process.stdout.write(`${formatResults(results, 40)}\n`);
  }, 240_000);

  afterAll(async () => {
    await Promise.all(servers.map((server) => server.stop()));
    folder.remove();
  });

  it.each(areas.map(({ name }) => name))('%s', (name) => {
    expect(results.find((result) => result.area === name)?.failures).toEqual([]);
  });

  it('are all replayed', () => {
    expect(results.reduce((sum, result) => sum + result.total, 0)).toBe(1116);
  });
});
