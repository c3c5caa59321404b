/** The priority of one thread changes, that of the process does not. */
import { existsSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { Worker } from 'node:worker_threads';

/** Field of /proc/…/stat behind the name in brackets. */
const NICE_FIELD = 16;

const inLinux = existsSync('/proc/thread-self') ? test : test.skip;

inLinux('the thread that asks goes behind others, and no other', async () => {
  const kernel = new URL('../../dist/libs/kernel/thread-priority.js', import.meta.url).href;
  const code = `import('${kernel}').then(({ lowerThreadPriority }) =>
    require('node:worker_threads').parentPort.postMessage(lowerThreadPriority(7)));
    setInterval(() => undefined, 1000);`;
  const worker = new Worker(code, { eval: true });
  const before = getPriority();
  const thread = await new Promise<number>((resolve, reject) => {
    worker.on('message', resolve);
    worker.on('error', reject);
  });
  const stat = readFileSync(`/proc/self/task/${thread}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(') ') + 2).split(' ');
  expect(Number(fields[NICE_FIELD])).toBe(7);
  expect(getPriority()).toBe(before);
  await worker.terminate();
});
