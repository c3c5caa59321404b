/**
 * Replays recorded answers against servers that run already:
 * `node dist/test/compat/replay.js URL [AUTH_URL] [area …]`; an authentication server must have no users.
 */
import { formatResults, replay } from './golden-runner.js';
import { readAreas } from './golden-case.js';

const urls = process.argv.slice(2).filter((argument) => argument.startsWith('http'));
const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith('http'));
const [open = 'http://127.0.0.1:8086', auth] = urls;
const areas = readAreas('test/fixtures/influxql-golden')
  .filter((area) => wanted.length === 0 || wanted.includes(area.name))
  .map((area) => ({
    ...area,
    cases: area.cases.filter((golden) => golden.server !== 'auth' || auth !== undefined),
  }));
const results = await replay(areas, { open, auth: auth ?? open });
process.stdout.write(`${formatResults(results)}\n`);
process.exitCode = results.every((result) => result.failures.length === 0) ? 0 : 1;
