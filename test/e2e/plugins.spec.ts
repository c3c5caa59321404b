/**
 * Inputs that do not come with Tidegate: the example of docs/plugins.md, built and tested as its author would, in a real server;
 * and plugins that fail in every way there is, which the server outlives.
 */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { sendTcp } from '#inputs/testing';
import { freePort, query, type ServerProcess, startServer, temporaryFolder } from '#test-support';

const run = promisify(execFile);
const MODULES = resolve('node_modules');

/** Waits until a query has the wanted answer, and expects it. */
async function untilAnswer(server: ServerProcess, q: string, wanted: unknown): Promise<void> {
  let answer: unknown;
  for (let i = 0; i < 500; i++) {
    const { results } = await query(server.url, q, { db: 'sensors', epoch: 'ns' });
    answer = results?.[0]?.series?.[0]?.values;
    if (JSON.stringify(answer) === JSON.stringify(wanted)) break;
    await new Promise((done) => setTimeout(done, 20));
  }
  expect(answer).toEqual(wanted);
}

describe('the example plugin', () => {
  const folder = temporaryFolder();
  const example = join(folder.path, 'sensor');
  let server: ServerProcess | undefined;

  beforeAll(async () => {
    cpSync('docs/examples/sensor', example, {
      recursive: true,
      filter: (path) => !/(node_modules|dist)$/.test(path),
    });
    // What `npm install` does.
    mkdirSync(join(example, 'node_modules/@types'), { recursive: true });
    symlinkSync(resolve('.'), join(example, 'node_modules/tidegate'));
    for (const name of ['typescript', '@types/node'])
      symlinkSync(join(MODULES, name), join(example, 'node_modules', name));
    await run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', '.'], { cwd: example });
  }, 120_000);

  afterAll(async () => {
    await server?.stop();
    folder.remove();
  }, 60_000);

  it('passes its own tests', async () => {
    const { stdout } = await run(process.execPath, ['--test', 'dist/test/'], {
      cwd: example,
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    expect(stdout).toMatch(/# fail 0\n/);
    expect(stdout).toMatch(/# pass 1\d\n/);
  }, 120_000);

  it('runs in a server: its section, statistics, books and diagnostics', async () => {
    const address = `127.0.0.1:${await freePort()}`;
    // As installed on a machine where Tidegate lies elsewhere: nothing but the plugin's files.
    const installed = join(folder.path, 'server/plugins/sensor');
    cpSync(join(example, 'dist/src'), join(installed, 'dist/src'), { recursive: true });
    cpSync(join(example, 'package.json'), join(installed, 'package.json'));
    const keys = `bind-address = "${address}"\nbatch-timeout = "5ms"`;
    server = await startServer({
      folder: join(folder.path, 'server'),
      toml: `[[plugin]]\npackage = "./plugins/sensor"\n${keys}\n`,
    });
    await sendTcp(address, Buffer.from('t1;kitchen;21.5;1700000000\nt1;kitchen;warm\n'));
    await untilAnswer(server, 'SELECT * FROM sensor', [[1.7e18, 't1', 'kitchen', 21.5]]);
    const statistics = await query(server.url, "SHOW STATS FOR 'sensor'");
    const [series] = statistics.results?.[0]?.series ?? [];
    expect(series?.tags).toEqual({ bind: address });
    const counters = Object.fromEntries(
      (series?.columns ?? []).map((name, i) => [name, series?.values[0]?.[i]]),
    );
    expect(counters).toMatchObject({ pointsRx: 2, pointsParseFail: 1, pointsTx: 1 });
    const diagnostics = await query(server.url, "SHOW DIAGNOSTICS FOR 'plugins'");
    expect(diagnostics.results?.[0]?.series?.[0]?.values).toEqual([
      ['./plugins/sensor', 'open', address, 0, ''],
    ]);
    expect(await server.stop()).toBe(0);
    server = undefined;
  }, 60_000);
});

/** A plugin whose faults come after it was opened: its line tells it how to fail. */
const FAULTY = `
import net from 'node:net';
import { defineInput, defineListSection, IngestLedger, stringKey, TcpListener } from 'tidegate/inputs';

const section = defineListSection({
  name: 'faulty',
  doc: '',
  keys: { bindAddress: stringKey('bind-address', '', { doc: '' }) },
});
const fail = (word) => {
  switch (word) {
    case 'timer': setTimeout(() => { throw new TypeError('in a timer'); }, 1); break;
    case 'promise': void Promise.resolve().then(() => { throw new TypeError('in a promise'); }); break;
    case 'socket': net.connect(1, '127.0.0.1'); break;
    default: throw new TypeError('in data');
  }
};
export const input = defineInput({
  section,
  create({ bindAddress }, { clock, logger }) {
    const listener = new TcpListener({
      bindAddress,
      logger,
      accept: () => ({ data: (chunk) => fail(Buffer.from(chunk).toString()), end() {} }),
    });
    return {
      kind: 'faulty',
      ledger: new IngestLedger('faulty', clock),
      open: () => listener.open(),
      close: () => new Promise(() => {}),
      addresses: () => [listener.address ?? []].flat(),
      statistics() { throw new TypeError('in statistics'); },
    };
  },
});
`;

describe('plugins that fail', () => {
  const folder = temporaryFolder();
  let server: ServerProcess;
  let address = '';

  const file = (path: string, text: string): void => {
    mkdirSync(dirname(join(folder.path, path)), { recursive: true });
    writeFileSync(join(folder.path, path), text);
  };

  beforeAll(async () => {
    address = `127.0.0.1:${await freePort()}`;
    file('faulty.mjs', FAULTY);
    file('throws.mjs', `throw new TypeError('at import');`);
    file('refused.mjs', FAULTY.replace('bindAddress,', `bindAddress: '192.0.2.1:1',`));
    server = await startServer({
      folder: folder.path,
      toml: `
[[plugin]]
package = "tidegate-input-missing"
[[plugin]]
package = "./throws.mjs"
[[plugin]]
package = "./refused.mjs"
bind-address = "x"
[[plugin]]
package = "./faulty.mjs"
bind-address = "${address}"
`,
    });
  }, 60_000);

  afterAll(() => folder.remove());

  const states = async (): Promise<readonly unknown[][]> => {
    const { results } = await query(server.url, "SHOW DIAGNOSTICS FOR 'plugins'");
    return results?.[0]?.series?.[0]?.values ?? [];
  };

  it('are named, with what is wrong with them', async () => {
    const text = JSON.stringify(await states());
    expect(text).toMatch(/"tidegate-input-missing","not loaded",.*Cannot find package/);
    expect(text).toMatch(/"\.\/throws\.mjs","not loaded",.*at import/);
    expect(text).toMatch(/"\.\/refused\.mjs","failed",.*EADDRNOTAVAIL/);
    expect(text).toMatch(/"\.\/faulty\.mjs","open"/);
  });

  it.each([
    ['data', 'in data'],
    ['timer', 'in a timer'],
    ['promise', 'in a promise'],
    ['socket', 'ECONNREFUSED'],
  ])(
    'do not take the server along when they throw from a %s callback',
    async (word, text) => {
      await sendTcp(address, Buffer.from(word)).catch(() => undefined);
      const faults = async (): Promise<string> =>
        JSON.stringify((await states()).filter(([name]) => name === './faulty.mjs')) +
        (word === 'data' ? server.output() : '');
      for (let i = 0; i < 500 && !new RegExp(text).test(await faults()); i++)
        await new Promise((done) => setTimeout(done, 10));
      expect(await faults()).toMatch(new RegExp(text));
      expect((await fetch(`${server.url}/ping`)).status).toBe(204);
    },
    30_000,
  );

  it('do not keep it from stopping', async () => {
    expect(await server.stop()).toBe(0);
    expect(server.output()).toContain('its close() did not end within 5000 ms');
  }, 30_000);
});
