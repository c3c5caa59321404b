import { loadConfig } from '#config';
import { SystemClock } from '#kernel';
import { type ColumnBatch, FieldType, ShapeTable } from '#models';
import { MemorySink } from '#inputs/testing';
import { bitsOf, prometheusBody, seriesOfSamples, seriesOfStream } from '#test-support';
import type { SeriesReader, ShardReader } from './ports.js';
import { PrometheusService } from './prometheus-service.js';
import { prometheusSection } from './prometheus.config.js';

/** A batch with one value a second, from second `from` on. */
function batchOf(from: number, values: readonly number[]): ColumnBatch {
  return {
    count: values.length,
    baseNs: BigInt(from) * 1_000_000_000n,
    offsets: Float64Array.from(values, (_, i) => i * 1e9),
    numbers: Float64Array.from(values),
    wide: null,
    strings: null,
  };
}

/** `count` series `m,n=i`, each with the same batches. */
class FakeReader implements SeriesReader {
  open = 0;
  batchesRead = 0;
  onBatch: () => void = () => undefined;

  constructor(
    private readonly count: number,
    private readonly batches: readonly ColumnBatch[],
    private readonly fields: ReadonlyMap<string, FieldType> = new Map([['value', FieldType.FLOAT]]),
  ) {}

  hasDatabase(): boolean {
    return true;
  }

  hasRetentionPolicy(): boolean {
    return true;
  }

  view(): ReturnType<SeriesReader['view']> {
    this.open++;
    const { count } = this;
    return {
      shards: [this.shard()],
      measurementNames: () => ['m'],
      tagKeys: () => ['n'],
      series: () => ({
        count,
        ids: Int32Array.from({ length: count }, (_, i) => i),
        tagValueIds: () => Int32Array.from({ length: count }, (_, i) => i + 1),
        tagValueOf: (_key, id) => String(id - 1),
      }),
      close: () => this.open--,
    };
  }

  private shard(): ShardReader {
    return {
      fieldType: (_measurement, field) => this.fields.get(field) ?? null,
      hasSeries: () => true,
      cursor: () => {
        let at = 0;
        return {
          next: () => {
            this.batchesRead++;
            this.onBatch();
            return this.batches[at++] ?? null;
          },
          close: () => undefined,
        };
      },
    };
  }
}

function bench(reader: SeriesReader, toml = '') {
  const { config } = loadConfig({ prometheus: prometheusSection }, `[prometheus]\n${toml}`, {});
  const service = new PrometheusService({
    config: config.prometheus,
    sink: new MemorySink(),
    reader,
    shapes: new ShapeTable(),
    clock: new SystemClock(),
  });
  const statistics = () => service.statistics()[0]?.values ?? {};
  const ask = (isStreamed = false, signal = new AbortController().signal) =>
    service.read({
      parameter: () => 'db',
      header: () => undefined,
      body: prometheusBody('ReadRequest', {
        queries: [{ matchers: [{ type: 2, name: '__name__', value: '.+' }] }],
        accepted_response_types: isStreamed ? [1] : [],
      }),
      signal,
      peer: '',
      authorize: () => undefined,
      count: () => undefined,
    });
  return { ask, statistics };
}

const inPieces = (body: unknown): AsyncGenerator<Uint8Array> => body as AsyncGenerator<Uint8Array>;
const oneSample = [batchOf(1, [0.5])];
const textOf = (error: unknown): string => (error as Error).message;

describe('remote read', () => {
  it('answers in one piece, or frame by frame', async () => {
    const reader = new FakeReader(3, [batchOf(1, [1, -2]), batchOf(3, [0])]);
    const { ask, statistics } = bench(reader);
    const samples = [1, -2, 0].map((value, i) => [1000 * (i + 1), bitsOf(value)]);
    const wanted = ['0', '1', '2'].map((n) => ({ labels: { n }, samples }));
    expect(seriesOfSamples((await ask()).body as Uint8Array)).toEqual(wanted);
    const frames: Uint8Array[] = [];
    for await (const frame of inPieces((await ask(true)).body)) frames.push(frame);
    expect(frames).toHaveLength(3);
    expect(seriesOfStream(Buffer.concat(frames))).toEqual(wanted);
    expect(statistics()).toMatchObject({ readReq: 2, readSeries: 6, readSamples: 18 });
    expect(reader.open).toBe(0);
  });

  it('lays the bits of NaN between values', async () => {
    const bits = new BigInt64Array([
      BigInt.asIntN(64, 0x7ff0000000000002n),
      5n,
      -4503599627370496n,
    ]);
    const shard: ShardReader = {
      fieldType: (_measurement, field) =>
        field === 'value' ? FieldType.INTEGER : FieldType.INTEGER,
      hasSeries: () => true,
      cursor: ({ fields }) => {
        const lanes = [[batchOf(1, [10, 20, 30, 40])], [{ ...batchOf(3, [0, 0, 0]), wide: bits }]];
        expect(fields).toEqual(['value', 'value_bits']);
        return { next: (field) => lanes[field]?.shift() ?? null, close: () => undefined };
      },
    };
    const reader = new FakeReader(1, []);
    const view = reader.view.bind(reader);
    reader.view = () => ({ ...view(), shards: [shard] });
    const [series] = seriesOfSamples((await bench(reader).ask()).body as Uint8Array);
    // Second 3 has both, and the value counts; 5 is nobody's bits; then minus infinity.
    expect(series?.samples).toEqual([
      [1000, bitsOf(10)],
      [2000, bitsOf(20)],
      [3000, bitsOf(30)],
      [4000, bitsOf(40)],
      [5000, bitsOf(-Infinity)],
    ]);
  });

  it('leaves strings out and counts them', async () => {
    const reader = new FakeReader(2, oneSample, new Map([['value', FieldType.STRING]]));
    const { ask, statistics } = bench(reader);
    expect(seriesOfSamples((await ask()).body as Uint8Array)).toEqual([]);
    expect(statistics()).toMatchObject({ readStringsSkipped: 1 });
  });

  it('ends with its client', async () => {
    const reader = new FakeReader(100_000, oneSample);
    const { ask, statistics } = bench(reader);
    const client = new AbortController();
    reader.onBatch = () => reader.batchesRead === 1000 && client.abort();
    await expect(ask(false, client.signal)).rejects.toThrow('client has gone');
    expect(reader.batchesRead).toBeLessThan(100_000);
    expect(reader.open).toBe(0);
    expect(statistics()).toMatchObject({ readReqActive: 0, readReqCancelled: 1, readReqFail: 0 });
  });

  it('ends when nobody takes its frames any more', async () => {
    const reader = new FakeReader(100_000, oneSample);
    const { ask, statistics } = bench(reader);
    const frames = inPieces((await ask(true)).body);
    await frames.next();
    expect([reader.open, statistics()['readReqActive']]).toEqual([1, 1]);
    await frames.return(undefined);
    expect([reader.open, statistics()['readReqActive']]).toEqual([0, 0]);
  });

  it.each([
    ['max-series-per-read = 2', 'exceeded series limit (2, max-series-per-read)'],
    ['max-samples-per-read = 2', 'exceeded sample limit (2, max-samples-per-read)'],
    ['max-read-response-size = 40', 'exceeded response size (40, max-read-response-size)'],
    ['read-timeout = "1us"', 'remote read took longer than 0.000001s (read-timeout)'],
  ])('has a limit: %s', async (toml, text) => {
    const reader = new FakeReader(30_000, oneSample);
    const { ask, statistics } = bench(reader, toml);
    expect(await ask().catch(textOf)).toBe(text);
    expect(reader.open).toBe(0);
    expect(statistics()).toMatchObject({ readReqActive: 0, readReqFail: 1 });
  });

  it('runs so many at one time, lets so many wait, and refuses the rest', async () => {
    const { ask, statistics } = bench(new FakeReader(2, oneSample), 'max-concurrent-reads = 1');
    const first = inPieces((await ask(true)).body);
    await first.next();
    const waiting = Array.from({ length: 10 }, () => ask());
    expect(statistics()).toMatchObject({ readReqActive: 1, readReqWaiting: 10 });
    expect(await ask().catch(textOf)).toBe('too many remote reads (max-concurrent-reads 1)');
    await first.return(undefined);
    for (const { status } of await Promise.all(waiting)) expect(status).toBe(200);
    expect(statistics()).toMatchObject({ readReqActive: 0, readReqWaiting: 0 });
  });

  it('waits no longer than its client', async () => {
    const { ask, statistics } = bench(new FakeReader(2, oneSample), 'max-concurrent-reads = 1');
    const first = inPieces((await ask(true)).body);
    await first.next();
    const client = new AbortController();
    const second = ask(false, client.signal);
    client.abort();
    await expect(second).rejects.toThrow('client has gone');
    await first.return(undefined);
    expect(statistics()).toMatchObject({ readReqActive: 0, readReqWaiting: 0 });
    expect((await ask()).status).toBe(200);
  });
});
