/**
 * Dead letters of a real server, by its command line: what listeners reject is kept over a kill, looked at, mended, replayed through
 * the same decoder and stored with the time at which it came in; users other than administrators do not see it.
 */
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { sendTcp, sendUdp } from '#inputs/testing';
import { freePort, query, type ServerProcess, startServer, temporaryFolder } from '#test-support';

interface Result {
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Runs `tidegate deadletters`. */
const cli = (...words: readonly string[]): Promise<Result> =>
  new Promise((done) => {
    const child = execFile(
      process.execPath,
      [resolve('dist/apps/cli/main.js'), 'deadletters', ...words],
      { encoding: 'buffer', env: { ...process.env, NODE_OPTIONS: '' } },
      (_error, stdout, stderr) => {
        done({ code: child.exitCode ?? -1, stdout, stderr: stderr.toString() });
      },
    );
  });

describe('tidegate deadletters', () => {
  const folder = temporaryFolder();
  const types = join(folder.path, 'types.db');
  let server: ServerProcess;
  let graphite = '';
  let collectd = '';

  const start = async (): Promise<void> => {
    server = await startServer({
      folder: folder.path,
      toml: `
[dead-letters]
http = true
[[graphite]]
enabled = true
bind-address = "${graphite}"
batch-timeout = "5ms"
[[collectd]]
enabled = true
bind-address = "${collectd}"
typesdb = "${types}"
batch-timeout = "5ms"
`,
    });
  };
  interface Listed {
    readonly id: number;
    readonly listener: string;
    readonly reason: string;
    readonly sample: string;
  }
  const list = async (...words: readonly string[]): Promise<readonly Listed[]> => {
    const { stdout, stderr } = await cli('list', '--host', server.url, '--json', ...words);
    expect(stderr).toBe('');
    return (JSON.parse(stdout.toString()) as { letters: readonly Listed[] }).letters;
  };
  /** Waits until so many letters of a listener are there. */
  async function untilListed(listener: string, count: number): Promise<readonly Listed[]> {
    let found: readonly Listed[] = [];
    for (let i = 0; i < 100; i++) {
      found = await list('--listener', listener);
      if (found.length >= count) break;
      await new Promise((done) => setTimeout(done, 50));
    }
    expect(found).toHaveLength(count);
    return found;
  }
  const rows = async (database: string, q: string): Promise<unknown> => {
    const { results } = await query(server.url, q, { db: database, epoch: 's' });
    return results?.[0]?.series?.[0]?.values;
  };

  beforeAll(async () => {
    graphite = `127.0.0.1:${await freePort()}`;
    collectd = `127.0.0.1:${await freePort()}`;
    writeFileSync(types, 'nothing value:GAUGE:U:U\n');
    await start();
    await query(server.url, 'CREATE DATABASE d');
  }, 60_000);

  afterAll(async () => {
    await server.stop();
    folder.remove();
  }, 60_000);

  it('lists what was rejected, and shows its bytes', async () => {
    await sendTcp(
      graphite,
      Buffer.from('a.b x 1500000000\na.b 1 1500000001\n\xff\x00 what\n', 'latin1'),
    );
    const letters = await untilListed('graphite', 2);
    expect(letters.map(({ sample }) => sample)).toEqual(['\\xff\\x00 what', 'a.b x 1500000000']);
    const { stdout } = await cli('show', String(letters[0]?.id), '--host', server.url);
    expect(stdout).toEqual(Buffer.from('\xff\x00 what', 'latin1'));
    const table = (await cli('list', '--host', server.url)).stdout.toString();
    expect(table).toMatch(/^id +time +listener +peer +bytes +reason +text +unreplayable +sample\n/);
    expect(table).toContain('a.b x 1500000000');
  }, 60_000);

  it('keeps them when the server is killed', async () => {
    await new Promise((done) => setTimeout(done, 50));
    await server.kill();
    await start();
    await untilListed('graphite', 2);
  }, 60_000);

  it('replays packets once their type is known', async () => {
    const capture = readFileSync('test/fixtures/captures/collectd/plain.pkts');
    const packet = capture.subarray(4, 4 + capture.readUInt32BE(0));
    await sendUdp(collectd, packet);
    const [letter] = await untilListed('collectd', 1);
    const again = await cli('replay', '--listener', 'collectd', '--host', server.url);
    expect(again.stdout.toString()).toMatch(/^0 replayed, 1 rejected, 0 failed\n/);
    writeFileSync(types, readFileSync('test/fixtures/captures/collectd/types.db'));
    const { stdout } = await cli('replay', String(letter?.id), '--host', server.url);
    expect(stdout.toString()).toBe('1 replayed, 0 rejected, 0 failed\n');
    expect(await list('--listener', 'collectd')).toEqual([]);
    const { results } = await query(server.url, 'SHOW MEASUREMENTS', { db: 'collectd' });
    expect(results?.[0]?.series?.[0]?.values.length).toBeGreaterThan(0);
  }, 60_000);

  it('replays lines of /write into their database, at their precision', async () => {
    const target = `${server.url}/write?db=d&precision=s`;
    const answer = await fetch(target, { method: 'POST', body: 'm v=1 10\nm v= 11\n' });
    expect(answer.status).toBe(400);
    await untilListed('http', 1);
    const { stdout } = await cli('replay', '--listener', 'http', '--host', server.url);
    expect(stdout.toString()).toMatch(/^0 replayed, 1 rejected, 0 failed\n {2}missing field value/);
    expect(await rows('d', 'SELECT v FROM m')).toEqual([[10, 1]]);
  }, 60_000);

  it('drops what nobody wants, and never all by mistake', async () => {
    const mistake = await cli('drop', '--host', server.url);
    expect([mistake.code, mistake.stderr]).toEqual([
      1,
      'deadletters: name the dead letters by id, listener or reason, or say all=true\n',
    ]);
    const { stdout } = await cli('drop', '--all', '--host', server.url);
    expect(stdout.toString()).toBe('3 dropped\n');
    expect(await list()).toEqual([]);
  }, 60_000);

  it('books replays, and counts', async () => {
    const { results } = await query(server.url, "SHOW INGEST FOR 'replays'");
    const [line = []] = results?.[0]?.series?.[0]?.values ?? [];
    const [, received, stored, rejected, dropped, inFlight] = line.map(Number);
    expect(received).toBe(stored + rejected + dropped + inFlight);
    expect(stored).toBeGreaterThan(0);
    const statistics = await query(server.url, "SHOW STATS FOR 'deadletters'");
    const [{ columns, values }] = statistics.results?.[0]?.series ?? [{ columns: [], values: [] }];
    const counters = Object.fromEntries(columns.map((name, i) => [name, values[0]?.[i]]));
    expect(counters).toMatchObject({ replayed: 1, removed: 3, failed: 0 });
  });

  it('says when there is no server', async () => {
    const { code, stderr } = await cli('list', '--host', 'http://127.0.0.1:1');
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^deadletters: cannot reach http/)]);
  });
});

describe('dead letters with authentication', () => {
  const folder = temporaryFolder();
  let server: ServerProcess;

  beforeAll(async () => {
    server = await startServer({ folder: folder.path, sections: { http: 'auth-enabled = true' } });
    const made = await query(server.url, `CREATE USER root WITH PASSWORD 'r' WITH ALL PRIVILEGES`);
    expect(made.results).toEqual([{ statement_id: 0 }]);
    const body = new URLSearchParams({ q: `CREATE USER reader WITH PASSWORD 'x'` });
    const answer = await fetch(`${server.url}/query?u=root&p=r`, { method: 'POST', body });
    expect(await answer.json()).toEqual({ results: [{ statement_id: 0 }] });
  }, 60_000);

  afterAll(async () => {
    await server.stop();
    folder.remove();
  }, 60_000);

  it('are for administrators', async () => {
    const status = async (path: string, method = 'GET'): Promise<number> =>
      (await fetch(`${server.url}${path}`, { method })).status;
    expect(await status('/deadletters')).toBe(401);
    expect(await status('/deadletters?u=reader&p=x')).toBe(403);
    expect(await status('/deadletters/drop?all=true&u=reader&p=x', 'POST')).toBe(403);
    expect(await status('/deadletters?u=root&p=r')).toBe(200);
    const flags = ['--host', server.url, '--username', 'root', '--password', 'r'];
    expect((await cli('list', ...flags)).code).toBe(0);
    expect((await cli('list', '--host', server.url)).stderr).toContain('credentials');
  });
});
