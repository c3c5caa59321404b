// Hostile queries against a real server: node scripts/hostile-queries.mjs [concurrent, default 1000] [rows, default 2000000].
// Build first.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hostileQueries } from '../dist/test/support/hostile-queries.js';
import { startServer } from '../dist/test/support/server-process.js';

const concurrent = Number(process.argv[2] ?? 1000);
const rows = Number(process.argv[3] ?? 2_000_000);
const folder = mkdtempSync(join(tmpdir(), 'tidegate-hostile-'));
const server = await startServer({ folder });
const tell = (line) => console.log(line);
const report = await hostileQueries(server, { rows, concurrent, tell });
console.log(JSON.stringify(report, null, 2));
await server.stop();
rmSync(folder, { recursive: true, force: true });
process.exit(report.pingP99Ms < 100 ? 0 : 1);
