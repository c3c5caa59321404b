import { silentLogger, SystemClock } from '#kernel';
import { PointsBuilder, ShapeTable } from '#models';
import { MemorySink, until } from '../testing/index.js';
import { BatchWriter } from './batch-writer.js';
import { IngestLedger } from './ingest-ledger.js';
import type { SinkOutcome, SinkWrite } from './point-sink.js';

/** A sink that counts how many writes are under way. */
class CountingSink extends MemorySink {
  active = 0;
  most = 0;

  override async write(write: SinkWrite): Promise<SinkOutcome> {
    this.most = Math.max(this.most, ++this.active);
    try {
      return await super.write(write);
    } finally {
      this.active--;
    }
  }
}

function bench(writersMax: number | undefined, batchPending = 3) {
  const sink = new CountingSink();
  const ledger = new IngestLedger('l', new SystemClock());
  const reliefs: number[] = [];
  const writer: BatchWriter = new BatchWriter(
    { database: 'd', retentionPolicy: '', batchPending, ...(writersMax && { writersMax }) },
    { sink, ledger, logger: silentLogger, onRelief: () => reliefs.push(sink.batches) },
  );
  const builder = new PointsBuilder(new ShapeTable());
  const done: number[] = [];
  /** A batch of one point, whose value is its number. */
  const push = (n: number): void => {
    const name = Buffer.from('m');
    let series = builder.find(name, 0, 1, 7);
    if (series < 0) {
      const added = builder.addSeries(name, { key: name, fields: [{ name: 'v', type: 0 }] });
      series = typeof added === 'number' ? added : -1;
    }
    builder.addFloat(series, n, n, 0);
    ledger.receive(1);
    const batch = builder.take(sink.series('d'));
    writer.push(batch, () => done.push(n));
  };
  return { sink, ledger, writer, reliefs, done, push };
}

describe('BatchWriter', () => {
  it('writes one batch after the other, in order', async () => {
    const { sink, writer, push, done, reliefs } = bench(undefined);
    await sink.ensureDatabase('d');
    sink.hold();
    for (let n = 1; n <= 3; n++) push(n);
    expect(writer.isBusy).toBe(true);
    await until('the first', () => sink.active === 1);
    sink.release();
    await writer.drain();
    expect([sink.most, done, reliefs.length]).toEqual([1, [1, 2, 3], 1]);
    expect(sink.lines('d').map((line) => line.split(' ')[1])).toEqual(['v=1', 'v=2', 'v=3']);
  });

  it('writes as many at one time as there are writers, and lets as many more wait', async () => {
    const { sink, writer, push, done, ledger, reliefs } = bench(3);
    await sink.ensureDatabase('d');
    sink.hold();
    for (let n = 1; n <= 4; n++) push(n);
    expect(writer.isBusy).toBe(false);
    push(5);
    expect(writer.isBusy).toBe(true);
    await until('three', () => sink.active === 3);
    sink.release();
    await writer.drain();
    expect([sink.most, done.sort(), reliefs.length]).toEqual([3, [1, 2, 3, 4, 5], 1]);
    expect(ledger.snapshot()).toMatchObject({ received: 5, stored: 5, inFlight: 0 });
  });

  it('wakes all that wait for a further try when it closes', async () => {
    const { sink, writer, push, ledger } = bench(2);
    await sink.ensureDatabase('d');
    sink.failures = Number.POSITIVE_INFINITY;
    for (let n = 1; n <= 3; n++) push(n);
    await until('two tries', () => sink.most === 2 && sink.active === 0);
    await writer.drain();
    expect(ledger.snapshot().dropped).toEqual([{ name: 'write', count: 3 }]);
  });
});
