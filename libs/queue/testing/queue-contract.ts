/** What holds of every queue, wherever it keeps its records. Called by the specs of both kinds. */
import { setImmediate as turn } from 'node:timers/promises';
import { type Queue, type QueueEntry, type QueueLimits, type QueueReader } from '../index.js';
import { RECORD_HEADER_BYTES } from '../record.js';
import { ManualClock } from '../../../test/support/index.js';

/** Makes a queue that is not open yet. */
export type QueueMaker = (given: {
  readonly clock: ManualClock;
  readonly limits: QueueLimits;
}) => Queue;

const PAYLOAD_BYTES = 100 - RECORD_HEADER_BYTES;
const bytesOf = (text: string): Uint8Array =>
  new TextEncoder().encode(text.padEnd(PAYLOAD_BYTES, '.'));

/** An entry of 100 bytes with its header. */
export function entry(text: string, timeNs = 0n, items = 1): QueueEntry {
  return { payload: [bytesOf(text)], timeNs, items, kind: 7 };
}

const texts = async (reader: QueueReader, bytesMax = 1e6): Promise<string[]> =>
  (await reader.read(bytesMax)).map(({ payload }) =>
    new TextDecoder().decode(payload).replace(/\.+$/, ''),
  );

const LIMITS: QueueLimits = { bytesMax: 1e6, recordsMax: 0, whenFull: 'drop-oldest', keepMs: 0 };

/** The cases. @param dropBytes in which steps the oldest are dropped */
export function queueContract(name: string, make: QueueMaker, dropBytes: number): void {
  const opened = async (limits: Partial<QueueLimits> = {}) => {
    const clock = new ManualClock();
    const queue = make({ clock, limits: { ...LIMITS, ...limits } });
    await queue.open();
    return { queue, clock };
  };
  const balance = (reader: QueueReader): number => {
    const { offered, rewound, delivered, droppedFull, droppedLost, droppedRefused } =
      reader.statistics;
    const gone = delivered + droppedFull + droppedLost + droppedRefused;
    return offered + rewound - gone - reader.backlog.items;
  };

  describe(name, () => {
    it('gives every reader all records in order, as they were put in', async () => {
      const { queue } = await opened();
      const [a, b] = [queue.reader('a'), queue.reader('b')];
      await queue.append({
        payload: [bytesOf('one'), bytesOf('two')],
        timeNs: -5n,
        items: 3,
        kind: 9,
      });
      await queue.append(entry('three', 8n));
      const [first, second] = await a.read(1e6);
      expect(first).toMatchObject({ timeNs: -5n, items: 3, kind: 9 });
      expect(Buffer.from(first.payload)).toEqual(Buffer.concat([bytesOf('one'), bytesOf('two')]));
      expect(second).toMatchObject({ timeNs: 8n, items: 1, kind: 7 });
      expect(a.backlog).toEqual({
        bytes: 2 * RECORD_HEADER_BYTES + 3 * PAYLOAD_BYTES,
        records: 2,
        items: 4,
      });
      a.acknowledge();
      expect(a.backlog).toEqual({ bytes: 0, records: 0, items: 0 });
      expect(await texts(a)).toEqual([]);
      expect((await b.read(1e6)).length).toBe(2);
      await queue.close();
    });

    it('begins with what comes after a reader was made', async () => {
      const { queue } = await opened();
      await queue.append(entry('before'));
      const reader = queue.reader('r');
      await queue.append(entry('after'));
      expect(await texts(reader)).toEqual(['after']);
      await queue.close();
    });

    it('gives the same records until they are acknowledged, at most so many bytes, one at least', async () => {
      const { queue } = await opened();
      const reader = queue.reader('r');
      for (const text of ['1', '2', '3']) await queue.append(entry(text));
      expect(await texts(reader, 250)).toEqual(['1', '2']);
      expect(await texts(reader, 1)).toEqual(['1', '2']);
      reader.acknowledge();
      expect(await texts(reader, 1)).toEqual(['3']);
      reader.acknowledge(1);
      expect(reader.statistics).toMatchObject({ offered: 3, delivered: 2, droppedRefused: 1 });
      expect(balance(reader)).toBe(0);
      await queue.close();
    });

    it('wakes a reader that waits, and ends its waiting when it closes', async () => {
      const { queue } = await opened();
      const reader = queue.reader('r');
      const waits = reader.waitForRecords();
      await queue.append(entry('1'));
      await waits;
      await texts(reader);
      reader.acknowledge();
      const last = reader.waitForRecords();
      await queue.close();
      await last;
      await expect(queue.append(entry('x'))).rejects.toMatchObject({ code: 'queue.full' });
    });

    it('drops the oldest that are not in flight', async () => {
      const { queue } = await opened({ bytesMax: 8 * dropBytes });
      const [slow, quick] = [queue.reader('slow'), queue.reader('quick')];
      const count = (20 * dropBytes) / 100;
      await queue.append(entry('0'));
      expect(await texts(slow, 1)).toEqual(['0']);
      for (let i = 1; i < count; i++) {
        await queue.append(entry(`${i}`));
        await texts(quick);
        quick.acknowledge();
        expect(slow.backlog.bytes).toBeLessThanOrEqual(8 * dropBytes);
      }
      await queue.flush();
      expect(queue.sizeBytes).toBeLessThanOrEqual(11 * dropBytes);
      slow.acknowledge();
      const left: string[] = [];
      for (let part = await texts(slow); part.length > 0; part = await texts(slow)) {
        left.push(...part);
        slow.acknowledge();
      }
      const first = count - left.length;
      expect(left).toEqual(Array.from({ length: left.length }, (_, i) => `${first + i}`));
      expect(left.length * 100).toBeGreaterThanOrEqual(6 * dropBytes);
      expect(slow.statistics).toMatchObject({
        offered: count,
        delivered: left.length + 1,
        droppedFull: first - 1,
        droppedLost: 0,
      });
      expect(quick.statistics).toMatchObject({ offered: count, droppedFull: 0 });
      expect([balance(slow), balance(quick)]).toEqual([0, 0]);
      await queue.close();
    });

    it('drops the newest for the reader who is full, and keeps no bytes for it', async () => {
      const { queue } = await opened({ bytesMax: 800, whenFull: 'drop-newest' });
      const [slow, quick] = [queue.reader('slow'), queue.reader('quick')];
      for (let i = 0; i < 100; i++) {
        await queue.append(entry(`${i}`));
        await texts(quick);
        quick.acknowledge();
      }
      expect(quick.statistics).toMatchObject({ delivered: 100, droppedFull: 0 });
      expect(await texts(slow)).toEqual(['0', '1', '2', '3', '4', '5', '6', '7']);
      slow.acknowledge();
      await queue.append(entry('later'));
      expect(await texts(slow)).toEqual(['later']);
      expect(slow.statistics).toMatchObject({ offered: 101, delivered: 8, droppedFull: 92 });
      expect([balance(slow), balance(quick)]).toEqual([0, 0]);
      await queue.flush();
      expect(queue.sizeBytes).toBeLessThanOrEqual(800 + 3 * dropBytes);
      await queue.close();
    });

    it('lets writers wait for room, in order', async () => {
      const { queue } = await opened({ bytesMax: 200, whenFull: 'block' });
      const reader = queue.reader('r');
      await queue.append(entry('1'));
      await queue.append(entry('2'));
      const done: string[] = [];
      const waits = ['3', '4'].map((text) => queue.append(entry(text)).then(() => done.push(text)));
      await turn();
      expect(done).toEqual([]);
      expect(await texts(reader, 100)).toEqual(['1']);
      reader.acknowledge();
      await waits[0];
      expect(done).toEqual(['3']);
      await texts(reader);
      reader.acknowledge();
      await waits[1];
      expect(await texts(reader)).toEqual(['4']);
      expect(balance(reader)).toBe(0);
      await queue.close();
    });

    it('refuses a writer that waited too long, and counts what it had', async () => {
      const { queue } = await opened({ bytesMax: 100, whenFull: 'block' });
      const reader = queue.reader('r');
      await queue.append(entry('1'));
      await expect(queue.append(entry('2', 0n, 5), 1)).rejects.toMatchObject({
        code: 'queue.full',
      });
      expect(reader.statistics).toMatchObject({ offered: 6, droppedFull: 5 });
      expect(balance(reader)).toBe(0);
      await queue.close();
    });

    it('goes back to a time among what it keeps', async () => {
      const { queue, clock } = await opened({ keepMs: 60_000 });
      const reader = queue.reader('r');
      const start = clock.nowNs();
      for (let i = 0; i < 40; i++) await queue.append(entry(`${i}`, start + BigInt(i)));
      await texts(reader);
      reader.acknowledge();
      await queue.flush();
      expect(await reader.rewind(start + 35n)).toBe(5);
      expect(await texts(reader, 200)).toEqual(['35', '36']);
      expect(await reader.rewind(start + 39n)).toBe(0);
      expect(await texts(reader)).toEqual(['39']);
      reader.acknowledge();
      expect(await reader.rewind(start + 1000n)).toBe(0);
      expect(await texts(reader)).toEqual([]);
      expect(balance(reader)).toBe(0);
      await queue.close();
    });

    it('keeps delivered records as long as it is told, within its size', async () => {
      const { queue, clock } = await opened({ keepMs: 60_000, bytesMax: 8 * dropBytes });
      const reader = queue.reader('r');
      for (let i = 0; i < (20 * dropBytes) / 100; i++) {
        await queue.append(entry(`${i}`, clock.nowNs()));
        await texts(reader);
        reader.acknowledge();
      }
      await queue.flush();
      expect(queue.sizeBytes).toBeLessThanOrEqual(10 * dropBytes);
      expect(queue.sizeBytes).toBeGreaterThanOrEqual(6 * dropBytes);
      clock.advanceMs(61_000);
      await queue.append(entry('new', clock.nowNs()));
      await texts(reader);
      reader.acknowledge();
      await queue.flush();
      expect(queue.sizeBytes).toBeLessThanOrEqual(2 * dropBytes);
      await queue.close();
    });

    it('keeps records without a reader up to its size', async () => {
      const { queue } = await opened({ keepMs: null, bytesMax: 8 * dropBytes });
      for (let i = 0; i < (20 * dropBytes) / 100; i++) await queue.append(entry(`${i}`));
      await queue.flush();
      expect(queue.sizeBytes).toBeLessThanOrEqual(10 * dropBytes);
      expect(queue.sizeBytes).toBeGreaterThanOrEqual(6 * dropBytes);
      await queue.close();
    });

    it('lets go of what a removed reader held', async () => {
      const { queue } = await opened();
      queue.reader('gone');
      for (let i = 0; i < (10 * dropBytes) / 100; i++) await queue.append(entry(`${i}`));
      queue.removeReader('gone');
      queue.reader('new');
      await queue.flush();
      expect(queue.sizeBytes).toBeLessThanOrEqual(2 * dropBytes);
      await queue.close();
    });

    it('says how long the oldest has waited', async () => {
      const { queue } = await opened();
      const reader = queue.reader('r');
      expect(reader.oldestTimeNs).toBe(null);
      await queue.append(entry('1', 100n));
      await queue.append(entry('2', 200n));
      await texts(reader, 1);
      expect(reader.oldestTimeNs).toBe(100n);
      reader.acknowledge();
      await texts(reader, 1);
      expect(reader.oldestTimeNs).toBe(200n);
      reader.acknowledge();
      expect(reader.oldestTimeNs).toBe(null);
      await queue.close();
    });
  });
}
