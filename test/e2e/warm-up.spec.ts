/** A server practises while it has nothing to do, and nothing of that is seen afterwards. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { query, type ServerProcess, startServer } from '../support/server-process.js';

let folder: string;
let server: ServerProcess;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tidegate-warm-up-test-'));
  server = await startServer({ folder, isWarmUpEnabled: true });
});

afterEach(async () => {
  await server.kill();
  rmSync(folder, { recursive: true, force: true });
});

const practised = /Warm-up ended" .*practisedMs=(\d+)/;
const until = async (isTrue: () => boolean): Promise<void> => {
  while (!isTrue()) await new Promise((done) => setTimeout(done, 20));
};

test('practises once, leaves no file, no database and no count', async () => {
  await until(() => practised.test(server.output()));
  expect(server.output()).not.toContain('Warm-up ended early');
  expect(Number(practised.exec(server.output())?.[1])).toBeGreaterThan(0);
  expect(readdirSync(join(folder, 'meta'))).not.toContain('warm-up');
  const databases = await query(server.url, 'SHOW DATABASES');
  expect(databases.results?.[0]?.series?.[0]?.values ?? []).toEqual([]);
  const stats = await query(server.url, "SHOW STATS FOR 'write'");
  const [series] = stats.results?.[0]?.series ?? [];
  expect(series?.values?.[0]?.[series.columns.indexOf('pointReq')]).toBe(0);
}, 120_000);

test('ends at once when the server does, and cleans up what a killed one left', async () => {
  const practice = join(folder, 'meta/warm-up');
  await until(() => existsSync(practice));
  expect(await server.stop()).toBe(0);
  expect(existsSync(practice)).toBe(false);
  server = await startServer({ folder, isWarmUpEnabled: true });
  await until(() => existsSync(practice));
  await server.kill();
  server = await startServer({ folder, isWarmUpEnabled: true });
  await until(() => practised.test(server.output()));
  expect(existsSync(practice)).toBe(false);
}, 120_000);
