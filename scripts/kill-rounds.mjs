// Kills a server under load many times: node scripts/kill-rounds.mjs [rounds, default 200]. Build first.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { killRounds } from '../dist/test/support/kill-rounds.js';

const folder = mkdtempSync(join(tmpdir(), 'tidegate-kill-'));
const report = await killRounds(folder, Number(process.argv[2] ?? 200), (line) =>
  console.log(line),
);
console.log(JSON.stringify(report, null, 2));
rmSync(folder, { recursive: true, force: true });
process.exit(report.faults.length === 0 ? 0 : 1);
