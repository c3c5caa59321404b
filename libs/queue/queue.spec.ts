import { silentLogger } from '#kernel';
import { ManualClock, SimulatedFileSystem } from '../../test/support/index.js';
import { diskQueue, memoryQueue, type Queue, type QueueLimits } from './index.js';
import { entry, queueContract } from './testing/queue-contract.js';

const SEGMENT_BYTES = 500;

queueContract('a queue in memory', (given) => memoryQueue({ ...given, logger: silentLogger }), 100);

for (const recentBytesMax of [0, 1e6]) {
  queueContract(
    `a queue on disk that keeps ${recentBytesMax} bytes in memory`,
    (given) =>
      diskQueue({
        ...given,
        files: new SimulatedFileSystem(),
        directory: '/q',
        logger: silentLogger,
        segmentBytes: SEGMENT_BYTES,
        recentBytesMax,
        flushIntervalMs: 3_600_000,
      }),
    SEGMENT_BYTES,
  );
}

const LIMITS: QueueLimits = { bytesMax: 1e6, recordsMax: 0, whenFull: 'drop-oldest', keepMs: 0 };

function queueOn(files: SimulatedFileSystem, limits: Partial<QueueLimits> = {}): Queue {
  return diskQueue({
    files,
    directory: '/q',
    clock: new ManualClock(),
    logger: silentLogger,
    limits: { ...LIMITS, ...limits },
    segmentBytes: SEGMENT_BYTES,
    recentBytesMax: 0,
    flushIntervalMs: 3_600_000,
  });
}

async function drain(queue: Queue): Promise<string[]> {
  const reader = queue.reader('r');
  const found: string[] = [];
  for (;;) {
    const records = await reader.read(250);
    if (records.length === 0) return found;
    for (const { payload } of records) {
      found.push(new TextDecoder().decode(payload).replace(/\.+$/, ''));
    }
    reader.acknowledge();
  }
}

/** A closed queue of 12 records in three segments, of which the first two are delivered. */
async function filled(): Promise<SimulatedFileSystem> {
  const files = new SimulatedFileSystem();
  const queue = queueOn(files, { keepMs: null });
  await queue.open();
  const reader = queue.reader('r');
  for (let i = 0; i < 12; i++) await queue.append(entry(`${i}`, BigInt(i), 10));
  await reader.read(200);
  reader.acknowledge();
  await queue.close();
  return files;
}

const names = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => `${from + i}`);

describe('a queue on disk', () => {
  it('goes on where readers were', async () => {
    const files = await filled();
    const queue = queueOn(files);
    await queue.open();
    expect(queue.unclaimedReaders).toEqual(['r']);
    await queue.append(entry('12'));
    expect(await drain(queue)).toEqual(names(2, 13));
    expect(queue.reader('r').statistics).toMatchObject({ delivered: 101, droppedLost: 0 });
    await queue.close();
  });

  it('finds every damaged byte, loses no more than its record, and says how much', async () => {
    const whole = await filled();
    const paths = whole.paths();
    expect(paths.filter((path) => path.endsWith('.tgq'))).toHaveLength(3);
    for (const path of paths.filter((name) => name.endsWith('.tgq'))) {
      const content = whole.content(path);
      for (let at = 0; at < content.length; at++) {
        const files = new SimulatedFileSystem();
        for (const other of paths) files.put(other, whole.content(other));
        const bytes = Uint8Array.from(content);
        bytes[at] ^= 1 << (at % 8);
        files.put(path, bytes);
        const queue = queueOn(files);
        await queue.open();
        await queue.append(entry('12', 0n, 10));
        const found = await drain(queue);
        const missing = names(2, 13).filter((name) => !found.includes(name));
        expect(found).toEqual(names(2, 13).filter((name) => !missing.includes(name)));
        expect(missing.length).toBeLessThanOrEqual(1);
        expect(queue.reader('r').statistics.droppedLost).toBe(10 * missing.length);
        await queue.close();
      }
    }
  });

  it('survives any segment cut off anywhere', async () => {
    const whole = await filled();
    const paths = whole.paths();
    for (const path of paths.filter((name) => name.endsWith('.tgq'))) {
      const content = whole.content(path);
      for (let length = 0; length < content.length; length += 7) {
        const files = new SimulatedFileSystem();
        for (const other of paths) files.put(other, whole.content(other));
        files.put(path, content.slice(0, length));
        const queue = queueOn(files);
        await queue.open();
        await queue.append(entry('12', 0n, 10));
        const found = await drain(queue);
        expect(found.at(-1)).toBe('12');
        const missing = names(2, 13).filter((name) => !found.includes(name));
        expect(found).toEqual(names(2, 13).filter((name) => !missing.includes(name)));
        expect(missing.length).toBeLessThanOrEqual(5);
        expect(queue.reader('r').statistics.droppedLost).toBe(10 * missing.length);
        await queue.close();
      }
    }
  });

  it('begins at the oldest record when places are damaged', async () => {
    const whole = await filled();
    const content = whole.content('/q/positions');
    for (let at = 0; at < content.length; at += 5) {
      const files = new SimulatedFileSystem();
      for (const other of whole.paths()) files.put(other, whole.content(other));
      const bytes = Uint8Array.from(content);
      bytes[at] ^= 0x10;
      files.put('/q/positions', bytes);
      const queue = queueOn(files);
      await queue.open();
      expect(await drain(queue)).toEqual(names(0, 12));
      expect(files.paths()).toContain('/q/positions.bad');
      await queue.close();
    }
  });

  it('takes no record for one that is inside the payload of another', async () => {
    const whole = await filled();
    const [path] = whole.paths();
    const files = new SimulatedFileSystem();
    const queue = queueOn(files);
    await queue.open();
    queue.reader('r');
    const inner = whole.content(path);
    await queue.append({ payload: [inner], timeNs: 0n, items: 1, kind: 0 });
    await queue.append(entry('behind'));
    await queue.close();
    const [segment] = files.paths();
    const bytes = Uint8Array.from(files.content(segment));
    bytes[60] ^= 1;
    files.put(segment, bytes);
    const again = queueOn(files);
    await again.open();
    expect(await drain(again)).toEqual(['behind']);
    expect(again.reader('r').statistics.droppedLost).toBe(1);
    await again.close();
  });

  it('refuses what a full disk does not take, and goes on when there is room', async () => {
    const files = new SimulatedFileSystem();
    const queue = queueOn(files);
    await queue.open();
    const reader = queue.reader('r');
    await queue.append(entry('0'));
    files.fault = ({ kind }) => (kind === 'write' ? 'ENOSPC' : null);
    await expect(queue.append(entry('1', 0n, 4))).rejects.toMatchObject({
      code: 'queue.not-written',
    });
    files.fault = () => null;
    await queue.append(entry('2'));
    expect(await drain(queue)).toEqual(['0', '2']);
    expect(reader.statistics).toMatchObject({ offered: 6, delivered: 2, droppedLost: 4 });
    expect(reader.backlog.items).toBe(0);
    await queue.close();
  });

  it('closes every file', async () => {
    const files = await filled();
    expect(files.openCount).toBe(0);
  });
});
