/** The bytes of docs/formats/queue.md. */
import { readFileSync } from 'node:fs';
import { silentLogger } from '#kernel';
import { ManualClock, SimulatedFileSystem } from '../../test/support/index.js';
import { diskQueue } from './index.js';

const page = readFileSync('docs/formats/queue.md', 'utf8');
const example = /```\n([^`]*)```/.exec(page)?.[1] ?? '';

it('a segment is as the page says', async () => {
  const files = new SimulatedFileSystem();
  const queue = diskQueue({
    files,
    directory: '/q',
    clock: new ManualClock(),
    logger: silentLogger,
    limits: { bytesMax: 1e6, recordsMax: 0, whenFull: 'block', keepMs: null },
    segmentBytes: 1e6,
    recentBytesMax: 0,
    flushIntervalMs: 3_600_000,
  });
  await queue.open();
  const payload = [new TextEncoder().encode('hi')];
  await queue.append({ payload, timeNs: 258n, items: 3, kind: 7 });
  await queue.close();
  const bytes = Buffer.from(files.content('/q/00000000000000000000.tgq')).toString('hex');
  expect(bytes).toBe(example.replace(/\s/g, ''));
});
