// Random and mutated bodies against a real server: node scripts/fuzz-writes.mjs [bodies, default 100000] [seed]. Build first.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fuzzWrites } from '../dist/test/support/fuzz-writes.js';
import { startServer } from '../dist/test/support/server-process.js';

const bodies = Number(process.argv[2] ?? 100_000);
const seed = Number(process.argv[3] ?? Date.now() % 2 ** 31);
const folder = mkdtempSync(join(tmpdir(), 'tidegate-fuzz-'));
const server = await startServer({ folder });
const report = await fuzzWrites(server, { bodies, seed, tell: (line) => console.log(line) });
console.log(JSON.stringify(report, null, 2));
await server.stop();
rmSync(folder, { recursive: true, force: true });
process.exit(report.faults.length === 0 ? 0 : 1);
