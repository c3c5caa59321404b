// Many histories of crashes of a store on a simulated disk: node scripts/crash-model.mjs [histories, default 2000] [seed].
// Build first. A history that goes wrong is shrunk and printed; keep it in test/crash/crash-cases.spec.ts.
import fc from 'fast-check';
import { crashHistory, liveThrough } from '../dist/test/support/crash-model.js';

const numRuns = Number(process.argv[2] ?? 2000);
const seed = Number(process.argv[3] ?? Date.now() % 2 ** 31);
const startedMs = performance.now();
let count = 0;
const details = await fc.check(
  fc.asyncProperty(crashHistory, async (history) => {
    const faults = await liveThrough(history);
    if (++count % 500 === 0) console.log(`${count} histories`);
    if (faults.length > 0) throw new TypeError(faults.join('\n'));
  }),
  { numRuns, seed },
);
const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
console.log(`seed ${seed}: ${count} histories in ${seconds} s`);
if (details.failed) {
  console.log(`path ${details.counterexamplePath}`);
  console.log(fc.stringify(details.counterexample[0]));
  console.log(String(details.errorInstance?.message ?? ''));
}
process.exit(details.failed ? 1 : 0);
