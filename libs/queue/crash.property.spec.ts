/** Whatever the disk loses: nothing confirmed as durable is lost, nothing is invented, order holds, counting holds. */
import fc from 'fast-check';
import { silentLogger } from '#kernel';
import { ManualClock, SimulatedFileSystem } from '../../test/support/index.js';
import '../../test/support/property-seed.js';
import { diskQueue, type Queue } from './index.js';

const RUNS = Number(process.env['FC_RUNS'] ?? 60);

type Step =
  | { readonly do: 'append'; readonly size: number }
  | { readonly do: 'read' }
  | { readonly do: 'flush' | 'restart' | 'kill' }
  | { readonly do: 'crash'; readonly after: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('append' as const), size: fc.nat(900) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('read' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom('flush' as const, 'restart' as const, 'kill' as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('crash' as const), after: fc.nat(12) }) },
);

const payloadOf = (n: number, size: number): Uint8Array =>
  new TextEncoder().encode(`${n} `.padEnd(size + 8, String.fromCharCode(97 + (n % 26))));

describe('queues on disks that fail', () => {
  it('keep what they confirmed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.nat(), async (steps, seed) => {
        const files = new SimulatedFileSystem(seed);
        const open = async (): Promise<Queue> => {
          const queue = diskQueue({
            files,
            directory: '/q',
            clock: new ManualClock(),
            logger: silentLogger,
            limits: { bytesMax: 1e9, recordsMax: 0, whenFull: 'drop-oldest', keepMs: 0 },
            segmentBytes: 1200,
            recentBytesMax: seed % 2 === 0 ? 0 : 4000,
            flushIntervalMs: 3_600_000,
          });
          await queue.open();
          queue.reader('r');
          return queue;
        };
        let queue = await open();
        await queue.flush();
        const sizes: number[] = [];
        /** By number: 0 may be there, 1 was written, 2 is durable. */
        const states: number[] = [];
        const received = new Set<number>();
        let lastReceived = -1;
        let number = 0;
        const receive = async (): Promise<void> => {
          const reader = queue.reader('r');
          const records = await reader.read(1500);
          for (const { payload } of records) {
            const n = Number.parseInt(new TextDecoder().decode(payload), 10);
            expect(Buffer.from(payload)).toEqual(Buffer.from(payloadOf(n, sizes[n])));
            // Between two restarts order is strict.
            expect(n).toBeGreaterThan(lastReceived);
            lastReceived = n;
            received.add(n);
          }
          if (records.length > 0) reader.acknowledge();
        };
        const reopen = async (how: 'restart' | 'crash'): Promise<void> => {
          files.stopAt = 0;
          await queue.close().catch(() => undefined);
          if (how === 'crash') {
            files.crash();
            for (let n = 0; n < states.length; n++) if (states[n] === 1) states[n] = 0;
          } else files.restart();
          lastReceived = -1;
          queue = await open();
        };
        for (const one of steps) {
          if (one.do === 'append') {
            sizes.push(one.size);
            states.push(0);
            const n = number++;
            await queue.append({
              payload: [payloadOf(n, one.size)],
              timeNs: 0n,
              items: 1,
              kind: 0,
            });
            states[n] = 1;
          } else if (one.do === 'read') await receive();
          else if (one.do === 'flush') {
            await queue.flush();
            states.forEach((state, n) => state === 1 && (states[n] = 2));
          } else if (one.do === 'restart') {
            await queue.close();
            states.forEach((state, n) => state === 1 && (states[n] = 2));
            lastReceived = -1;
            queue = await open();
          } else if (one.do === 'kill') await reopen('restart');
          else if (one.do === 'crash') {
            // The machine stops in the midst of what is done next.
            files.stopAt = files.operationCount + 1 + one.after;
            try {
              for (let i = 0; i < 6 && !files.isStopped; i++) {
                sizes.push(50);
                states.push(0);
                const n = number++;
                await queue.append({ payload: [payloadOf(n, 50)], timeNs: 0n, items: 1, kind: 0 });
                states[n] = 1;
                await receive();
                await queue.flush();
                states.forEach((state, k) => state === 1 && (states[k] = 2));
              }
            } catch {
              // It has stopped.
            }
            await reopen('crash');
          }
        }
        for (;;) {
          const { size } = received;
          const { backlog } = queue.reader('r');
          await receive();
          if (received.size === size && backlog.records === 0) break;
        }
        states.forEach((state, n) => {
          if (state > 0 && !received.has(n))
            expect(`record ${n} of state ${state}`).toBe('received');
        });
        await queue.close();
        expect(files.paths().filter((path) => path.endsWith('positions.bad'))).toEqual([]);
      }),
      { numRuns: RUNS },
    );
  }, 60_000);
});
