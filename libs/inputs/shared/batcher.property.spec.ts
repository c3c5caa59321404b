/**
 * Laws of the batcher: what is added is stored once and in order, in batches of the size that is configured or less, whatever storage
 * does meanwhile; a batch does not wait for more than its time; closing stores all.
 */
import fc from 'fast-check';
import '../../../test/support/property-seed.js';
import { silentLogger, SystemClock } from '#kernel';
import { FieldType, ShapeTable } from '#models';
import { assertBalanced, MemorySink, until } from '../testing/index.js';
import { Batcher } from './batcher.js';
import { IngestLedger } from './ingest-ledger.js';
import type { SinkOutcome, SinkWrite } from './point-sink.js';

const BATCH_SIZE = 5;

/** A sink that notes the sizes of batches. */
class SizedSink extends MemorySink {
  readonly sizes: number[] = [];

  override async write(write: SinkWrite): Promise<SinkOutcome> {
    const outcome = await super.write(write);
    this.sizes.push(write.batch.pointCount);
    return outcome;
  }
}

function bench(batchTimeoutMs: number, writersMax = 1) {
  const sink = new SizedSink();
  const ledger = new IngestLedger('l', new SystemClock());
  const config = { database: 'd', retentionPolicy: '', batchPending: 2, writersMax };
  const batcher = new Batcher(
    { ...config, batchSize: BATCH_SIZE, batchTimeoutMs },
    { sink, ledger, logger: silentLogger, shapes: new ShapeTable() },
  );
  let added = 0;
  const add = (producer: number): void => {
    const name = Buffer.from(`m${producer}`);
    const { builder } = batcher;
    let series = builder.find(name, 0, name.length, producer);
    if (series < 0) {
      const fields = [{ name: 'v', type: FieldType.FLOAT }];
      const found = builder.addSeries(name, { key: name, fields });
      series = typeof found === 'number' ? found : -1;
    }
    builder.addFloat(series, ++added, added, 0);
    ledger.receive(1);
    batcher.added();
  };
  return { sink, ledger, batcher, add };
}

const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('add' as const), n: fc.nat(12) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('let run' as const), n: fc.nat(3) }) },
  // Fewer than the tries of one batch.
  { weight: 1, arbitrary: fc.record({ do: fc.constant('fail' as const), n: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('hold' as const), n: fc.nat(0) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('release' as const), n: fc.nat(0) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('flush' as const), n: fc.nat(0) }) },
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

/** Takes the steps, closes, and gives the numbers that were stored, in order. */
async function run(steps: readonly Step[], writersMax: number) {
  const { sink, ledger, batcher, add } = bench(1, writersMax);
  let wanted = 0;
  for (const one of steps) {
    if (one.do === 'add') for (let i = 0; i < one.n; i++) add(++wanted % 3);
    else if (one.do === 'let run')
      for (let i = 0; i < one.n; i++) await new Promise((resolve) => setImmediate(resolve));
    else if (one.do === 'fail') sink.failures = one.n;
    else if (one.do === 'hold') sink.hold();
    else if (one.do === 'release') sink.release();
    else batcher.flush();
    assertBalanced(ledger.snapshot());
  }
  sink.release();
  sink.failures = 0;
  await batcher.close();
  assertBalanced(ledger.snapshot());
  const numbers = sink.lines('d').map((line) => Number(/ v=(\d+) /.exec(line)?.[1]));
  return { wanted, numbers, sizes: sink.sizes, books: ledger.snapshot() };
}

describe('Batcher', () => {
  it('stores what is added, once and in order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const { wanted, numbers, sizes, books } = await run(steps, 1);
        expect(numbers).toEqual(Array.from({ length: wanted }, (_, i) => i + 1));
        expect(Math.max(0, ...sizes)).toBeLessThanOrEqual(BATCH_SIZE);
        expect(books).toMatchObject({ received: wanted, stored: wanted, inFlight: 0 });
      }),
      { numRuns: 60 },
    );
  });

  it('stores what is added once, with several writers', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const { wanted, numbers, books } = await run(steps, 3);
        expect(numbers.sort((a, b) => a - b)).toEqual(
          Array.from({ length: wanted }, (_, i) => i + 1),
        );
        expect(books).toMatchObject({ received: wanted, stored: wanted, inFlight: 0 });
      }),
      { numRuns: 60 },
    );
  });

  it('hands on a batch that is not full when its time has come, and no sooner', async () => {
    const late = bench(3_600_000);
    late.add(0);
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
    expect(late.sink.batches).toBe(0);
    await late.batcher.close();
    expect(late.sink.batches).toBe(1);
    const soon = bench(1);
    soon.add(0);
    await until('its time', () => soon.sink.batches === 1);
    await soon.batcher.close();
    expect(soon.sink.batches).toBe(1);
  });
});
