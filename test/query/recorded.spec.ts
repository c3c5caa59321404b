/**
 * Statements and what InfluxDB 1.6.7 answered, one file a subject: `x.iql` has the statements and names the points they are
 * asked over, `x.json` the recorded answers (`node scripts/compare-queries.mjs --record test/query/x.iql`).
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { type ServerProcess, startServer } from '#test-support';
import { askQuery, isCloseTo, readScript } from '../support/query-script.js';
import { queryPoints } from '../support/query-points.js';

const folder = import.meta.dirname;
const scripts = readdirSync(folder).filter((name) => name.endsWith('.iql'));

describe('answers of InfluxDB 1.6.7', () => {
  let server: ServerProcess;
  const dataFolder = mkdtempSync(join(tmpdir(), 'tidegate-query-'));

  beforeAll(async () => {
    server = await startServer({ folder: dataFolder });
    for (const [name, points] of Object.entries(queryPoints)) {
      await askQuery(server.url, { db: name, form: { q: `CREATE DATABASE "${name}"` } });
      const body = points();
      if (body === '') continue;
      const url = `${server.url}/write?db=${name}&precision=s`;
      expect((await fetch(url, { method: 'POST', body })).status).toBe(204);
    }
  }, 60_000);

  afterAll(async () => {
    await server.stop();
    rmSync(dataFolder, { recursive: true, force: true });
  });

  it.each(scripts)('%s', async (script) => {
    const requests = readScript(readFileSync(join(folder, script), 'utf8'));
    const recorded = JSON.parse(
      readFileSync(join(folder, `${basename(script, '.iql')}.json`), 'utf8'),
    ) as readonly unknown[];
    expect(recorded).toHaveLength(requests.length);
    const wrong: unknown[] = [];
    for (const [i, request] of requests.entries()) {
      const answer = await askQuery(server.url, request);
      if (!isCloseTo(answer.body, recorded[i]))
        wrong.push({ request: request.form, answer: answer.body, recorded: recorded[i] });
    }
    expect(wrong).toEqual([]);
  });
});
