// Odd input to every decoder: node scripts/fuzz-decoders.mjs [pieces for each, default 100000] [seed] [report]. Build first.
import { writeFileSync } from 'node:fs';
import { fuzzDecoders } from '../dist/test/support/fuzz-decoders.js';

const pieces = Number(process.argv[2] ?? 100_000);
const seed = Number(process.argv[3] ?? Date.now() % 2 ** 31);
const decoders = await fuzzDecoders({ pieces, seed, tell: (line) => console.log(line) });
const report = { pieces, seed, node: process.version, decoders };
if (process.argv[4]) writeFileSync(process.argv[4], `${JSON.stringify(report, null, 2)}\n`);
const faults = Object.values(decoders).flatMap(({ faults: each }) => each);
console.log(faults.length === 0 ? 'no faults' : `${faults.length} faults`);
process.exit(faults.length === 0 ? 0 : 1);
