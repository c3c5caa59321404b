import { SystemClock } from '#kernel';
import { loadConfig } from '#config';
import { MemorySink } from '#inputs/testing';
import { ShapeTable } from '#models';
import { bitsOf, prometheusBody, snappy, STALE_STAND_IN as STALE } from '#test-support';
import type { RejectedInput } from '../shared/ingest-ledger.js';
import { PrometheusService } from './prometheus-service.js';
import { prometheusSection } from './prometheus.config.js';
import type { PrometheusRequest, SeriesReader } from './ports.js';

const V2 = 'application/x-protobuf;proto=io.prometheus.write.v2.Request';

const noReader: SeriesReader = {
  hasDatabase: () => false,
  hasRetentionPolicy: () => false,
  view: () => {
    throw new RangeError('nothing to read');
  },
};

interface Post {
  readonly headers?: Readonly<Record<string, string>>;
  readonly parameters?: Readonly<Record<string, string>>;
}

/** A service over a sink with the database `db`. */
async function bench(toml = '', rejected: RejectedInput[] = []) {
  const { config } = loadConfig({ prometheus: prometheusSection }, `[prometheus]\n${toml}`, {});
  const sink = new MemorySink();
  await sink.ensureDatabase('db');
  const service = new PrometheusService({
    config: config.prometheus,
    sink,
    reader: noReader,
    shapes: new ShapeTable(),
    clock: new SystemClock(),
    rejects: { reject: (each) => void rejected.push({ ...each, raw: each.raw.slice() }) },
  });
  const counts: Record<string, number> = {};
  const post = async (body: Uint8Array, { headers = {}, parameters = { db: 'db' } }: Post = {}) => {
    const request: PrometheusRequest = {
      parameter: (name) => parameters[name] ?? '',
      header: (name) => headers[name],
      body,
      signal: new AbortController().signal,
      peer: 'p',
      authorize: () => undefined,
      count: (counter, by) => (counts[counter] = (counts[counter] ?? 0) + by),
    };
    try {
      const { status, headers: answered } = await service.write(request);
      return { status, headers: answered };
    } catch (error) {
      return { status: (error as { code: string }).code, text: (error as Error).message };
    }
  };
  const statistics = () => service.statistics()[0]?.values ?? {};
  return { service, sink, post, counts, statistics, lines: () => sink.lines('db') };
}

const labels = (pairs: Readonly<Record<string, string>>) =>
  Object.entries(pairs).map(([name, value]) => ({ name, value }));
const series = (
  pairs: Readonly<Record<string, string>>,
  ...samples: readonly (readonly [number, number])[]
) => ({
  labels: labels(pairs),
  samples: samples.map(([timestamp, value]) => ({ timestamp, value })),
});
const v1 = (...timeseries: object[]) => prometheusBody('WriteRequest', { timeseries });

describe('remote write 1.0', () => {
  it('stores samples as InfluxDB does', async () => {
    const { post, lines, counts, service } = await bench();
    const answer = await post(
      v1(
        series({ __name__: 'm', z: '1', a: 'x y,=', e: '' }, [1500, 1.5], [-1500, 0], [0, -2e300]),
        series({ a: 'b' }, [1_600_000_000_123, 7]),
        series({ __name__: 'm ü', a: '1', b: '2' }, [1_600_000_000_123, 0.1]),
      ),
    );
    expect(answer).toEqual({ status: 204, headers: { 'Content-Type': 'application/json' } });
    expect(lines()).toEqual([
      'm,__name__=m,a=x\\ y\\,\\=,z=1 value=1.5 1500000000',
      'm,__name__=m,a=x\\ y\\,\\=,z=1 value=0 -1500000000',
      'm,__name__=m,a=x\\ y\\,\\=,z=1 value=-2e+300 0',
      'prom_metric_not_specified,a=b value=7 1600000000123000000',
      'm\\ ü,__name__=m\\ ü,a=1,b=2 value=0.1 1600000000123000000',
    ]);
    expect(counts).toMatchObject({ promWriteReq: 1, writeReq: 1, pointsWrittenOK: 5 });
    expect(service.ledger.snapshot()).toMatchObject({ received: 5, stored: 5, inFlight: 0 });
  });

  it('knows a series again, and takes labels behind samples', async () => {
    const { post, lines } = await bench();
    const first = series({ __name__: 'm', a: '1' }, [1000, 1]);
    await post(v1(first));
    await post(v1(first, first));
    // TimeSeries{ labels m, samples, labels a=1 }
    const late = Buffer.from(
      '0a25' +
        '0a0d0a085f5f6e616d655f5f12016d' +
        '120c09000000000000004010d00f' +
        '0a060a0161120131',
      'hex',
    );
    expect(await post(snappy(late))).toMatchObject({ status: 204 });
    expect(lines()).toEqual([
      ...Array.from({ length: 3 }, () => 'm,__name__=m,a=1 value=1 1000000000'),
      'm,__name__=m,a=1 value=2 2000000000',
    ]);
  });

  it('drops and counts what is no finite number', async () => {
    const { post, lines, statistics, service } = await bench();
    const values = [1, NaN, STALE, Infinity, -Infinity, STALE, 2];
    const samples = values.map((value, i) => [1000 * (i + 1), value] as const);
    expect(await post(v1(series({ __name__: 'm' }, ...samples)))).toMatchObject({ status: 204 });
    expect(lines()).toEqual(['m,__name__=m value=1 1000000000', 'm,__name__=m value=2 7000000000']);
    expect(statistics()).toMatchObject({
      pointsRx: 7,
      pointsTx: 2,
      nanDropped: 1,
      staleDropped: 2,
      positiveInfinityDropped: 1,
      negativeInfinityDropped: 1,
    });
    expect(service.ledger.snapshot()).toMatchObject({
      received: 7,
      stored: 2,
      rejected: [
        { name: 'NaN', count: 1 },
        { name: 'staleness marker', count: 2 },
        { name: '+Inf', count: 1 },
        { name: '-Inf', count: 1 },
      ],
    });
  });

  it('keeps their bits where told so', async () => {
    const { post, sink, service } = await bench('lossless = true');
    const bits: string[] = [];
    const write = sink.write.bind(sink);
    sink.write = (request) => {
      const { batch } = request;
      for (let i = 0; i < batch.bigIntegerCount; i++)
        bits.push(BigInt.asUintN(64, batch.bigIntegers[i] ?? 0n).toString(16));
      return write(request);
    };
    const samples = [1, NaN, STALE, Infinity].map((value, i) => [1000 * i, value] as const);
    await post(v1(series({ __name__: 'm', a: 'b' }, ...samples)));
    expect(bits).toEqual([bitsOf(NaN), '7ff0000000000002', '7ff0000000000000']);
    expect(service.ledger.snapshot()).toMatchObject({ received: 4, stored: 4 });
    expect(sink.lines('db')[0]).toBe('m,__name__=m,a=b value=1 0');
    expect(sink.lines('db')[2]).toMatch(/^m,__name__=m,a=b value_bits=.*i 2000000000$/);
  });

  it('counts exemplars, histograms and metadata as left out', async () => {
    const { post, service } = await bench();
    const timeseries = [
      {
        ...series({ __name__: 'm' }, [1000, 1]),
        exemplars: [{ value: 1, timestamp: 1 }],
        histograms: [{ count_int: 3 }, { count_int: 4 }],
      },
    ];
    const metadata = [{ type: 1, metric_family_name: 'm', help: 'h' }];
    await post(prometheusBody('WriteRequest', { timeseries, metadata }));
    expect(service.ledger.snapshot()).toMatchObject({
      received: 5,
      stored: 1,
      rejected: [
        { name: 'exemplar', count: 1 },
        { name: 'native histogram', count: 2 },
        { name: 'metadata', count: 1 },
      ],
    });
  });
});

describe('remote write 2.0', () => {
  const post2 = async (content: object, toml = '') => {
    const made = await bench(toml);
    const body = prometheusBody('WriteRequest2', content);
    const answer = await made.post(body, { headers: { 'content-type': V2 } });
    return { ...made, answer };
  };

  it('stores the same points, and says how many', async () => {
    const { answer, lines, service } = await post2({
      symbols: ['', '__name__', 'm', 'a', 'b', 'help'],
      timeseries: [
        {
          labels_refs: [1, 2, 3, 4],
          samples: [
            { value: 1, timestamp: 1000 },
            { value: NaN, timestamp: 2000 },
          ],
          histograms: [{ count_int: 1 }],
          exemplars: [{ value: 1 }],
          metadata: { type: 1, help_ref: 5 },
        },
        { labels_refs: [3, 2], samples: [{ value: 2, timestamp: 1000 }] },
      ],
    });
    expect(answer).toEqual({
      status: 204,
      headers: {
        'Content-Type': 'application/json',
        'X-Prometheus-Remote-Write-Samples-Written': '2',
        'X-Prometheus-Remote-Write-Histograms-Written': '0',
        'X-Prometheus-Remote-Write-Exemplars-Written': '0',
      },
    });
    expect(lines()).toEqual([
      'm,__name__=m,a=b value=1 1000000000',
      'prom_metric_not_specified,a=m value=2 1000000000',
    ]);
    expect(service.ledger.snapshot()).toMatchObject({ received: 6, stored: 2, inFlight: 0 });
  });

  it.each([
    [
      'a reference to nothing',
      { symbols: ['', 'a'], timeseries: [{ labels_refs: [1, 2] }] },
      'labels_refs: no symbol 2, there are 2',
    ],
    [
      'an odd number of references',
      { symbols: ['', 'a'], timeseries: [{ labels_refs: [1] }] },
      'labels_refs: an odd number of references',
    ],
    ['a first symbol that is not empty', { symbols: ['a'] }, 'symbols: the first is not empty'],
  ])('refuses %s', async (_, content, text) => {
    const { answer, service } = await post2(content);
    expect(answer).toEqual({ status: 'inputs.bad-request', text });
    expect(service.ledger.snapshot()).toMatchObject({ received: 1, stored: 0, inFlight: 0 });
  });

  it('bounds what a few references to a long symbol stand for', async () => {
    const long = 'x'.repeat(50_000);
    const labels_refs = Array.from({ length: 400 }, () => 1);
    const { answer } = await post2(
      { symbols: ['', long], timeseries: [{ labels_refs, samples: [{ value: 1 }] }] },
      'max-decompressed-size = "1m"',
    );
    expect(answer).toMatchObject({ status: 'inputs.too-large' });
  });
});

describe('what a remote write is refused for', () => {
  const good = v1(series({ __name__: 'm' }, [1000, 1]));
  const gzip = Buffer.from('H4sIAAAAAAAAAwMAAAAAAAAAAAA=', 'base64');
  const f = (
    name: string,
    body: Uint8Array,
    options: Post,
    wanted: readonly [number | string, string?],
  ) => ({
    name,
    body,
    options,
    wanted,
  });
  it.each([
    f('no database', good, { parameters: {} }, ['inputs.bad-request', 'database is required']),
    f('unknown database', good, { parameters: { db: 'x"' } }, [
      'inputs.not-found',
      'database not found: "x\\""',
    ]),
    f('bad consistency', good, { parameters: { db: 'db', consistency: 'x' } }, [
      'inputs.bad-request',
      'invalid consistency level',
    ]),
    f('no snappy', Buffer.from('hello world'), {}, ['inputs.bad-request', 'snappy: corrupt input']),
    f('nothing', Buffer.alloc(0), {}, ['inputs.bad-request', 'snappy: corrupt input']),
    f('a length that cannot be', Buffer.from([255, 255, 255, 127, 0]), {}, [
      'inputs.bad-request',
      'snappy: corrupt input',
    ]),
    f('a cut message', snappy(Buffer.from([0x0a, 5, 0])), {}, [
      'inputs.bad-request',
      'unexpected EOF',
    ]),
    f('another wire type', snappy(Buffer.from([0x08, 5])), {}, [
      'inputs.bad-request',
      'proto: wrong wireType = 0 for field Timeseries',
    ]),
    f(
      'a message of another kind',
      good,
      { headers: { 'content-type': 'application/x-protobuf;proto=x.Y' } },
      [
        'inputs.unsupported-media-type',
        'unsupported protobuf message "x.Y"; known are prometheus.WriteRequest and io.prometheus.write.v2.Request',
      ],
    ),
    f('JSON', Buffer.from('{}'), { headers: { 'content-type': 'application/json' } }, [
      'inputs.unsupported-media-type',
      'unsupported Content-Type "application/json", want application/x-protobuf',
    ]),
    f('gzip', gzip, { headers: { 'content-encoding': 'gzip' } }, [
      'inputs.unsupported-media-type',
      'unsupported Content-Encoding "gzip", want snappy',
    ]),
    f(
      'nothing: headers that lie',
      good,
      { headers: { 'content-type': 'text/plain', 'content-encoding': 'gzip' } },
      [204],
    ),
  ])('$name', async ({ body, options, wanted }) => {
    const { post, lines, service } = await bench();
    const { status, text } = (await post(body, options)) as { status: unknown; text?: string };
    expect([status, text]).toEqual([wanted[0], wanted[1]]);
    expect(lines()).toHaveLength(status === 204 ? 1 : 0);
    expect(service.ledger.snapshot().inFlight).toBe(0);
  });

  it('stores nothing of a body whose end cannot be read, and goes on', async () => {
    const { post, lines } = await bench();
    const bad = Buffer.concat([
      Buffer.from('0a1b0a0d0a085f5f6e616d655f5f12016d120a090000000000000040100a', 'hex'),
      Buffer.from([0x0a]),
    ]);
    expect(await post(snappy(bad))).toEqual({
      status: 'inputs.bad-request',
      text: 'unexpected EOF',
    });
    await post(good);
    expect(lines()).toEqual(['m,__name__=m value=1 1000000000']);
  });

  it('has limits', async () => {
    const many = v1(series({ __name__: 'm' }, [1, 1], [2, 1], [3, 1]));
    const f = async (toml: string) => (await (await bench(toml)).post(many)) as { text?: string };
    expect((await f('max-samples-per-write = 2')).text).toBe(
      'more than 2 samples in a request (max-samples-per-write)',
    );
    expect((await f('max-decompressed-size = 20')).text).toMatch(
      /^body of \d+ bytes exceeds max-decompressed-size \(20\)$/,
    );
  });

  it('refuses series with keys that are too long, and stores the others', async () => {
    const { post, lines, service } = await bench();
    const long = series({ __name__: 'm', a: 'x'.repeat(70_000) }, [1000, 1], [2000, 1]);
    expect(await post(v1(long, series({ __name__: 'm' }, [1000, 1])))).toMatchObject({
      status: 'inputs.bad-request',
      text: expect.stringMatching(
        /^partial write: max key length exceeded: \d+ > 65535 dropped=2$/,
      ) as string,
    });
    expect(lines()).toHaveLength(1);
    expect(service.ledger.snapshot()).toMatchObject({ received: 3, stored: 1, inFlight: 0 });
  });

  it('lets the sender keep what cannot be written now', async () => {
    const { post, sink, service } = await bench();
    sink.failures = 1;
    expect(await post(good)).toMatchObject({ status: 'test.write-failed' });
    expect(await post(good)).toMatchObject({ status: 204 });
    expect(service.ledger.snapshot()).toMatchObject({
      received: 2,
      stored: 1,
      dropped: [{ name: 'write', count: 1 }],
      inFlight: 0,
    });
  });
});

describe('dead letters of remote write', () => {
  const letterOf = (rejected: RejectedInput) => ({ ...rejected, id: 1 });

  it('are bodies that can be taken once more, with what they came with', async () => {
    const rejected: RejectedInput[] = [];
    const strict = await bench('max-samples-per-write = 1', rejected);
    const body = v1(series({ __name__: 'm' }, [1, 1], [2, 2]));
    const headers = { 'content-type': 'application/x-protobuf', authorization: 'Basic secret' };
    const parameters = { db: 'db', rp: 'r', u: 'user', p: 'secret' };
    expect((await strict.post(body, { headers, parameters })).status).toBe('inputs.too-large');
    expect(rejected.map(({ target }) => target)).toEqual([
      { db: 'db', rp: 'r', 'content-type': 'application/x-protobuf' },
    ]);
    const [letter] = rejected.map(letterOf);
    if (letter === undefined) throw new TypeError('no letter');
    const again = strict.service.newTaker();
    await again.take(letter);
    expect(again.books()).toMatchObject({ stored: 0, rejected: [{ name: 'malformed', count: 1 }] });
    const mended = await bench();
    const taker = mended.service.newTaker();
    await taker.take(letter);
    await taker.close();
    expect(taker.books()).toMatchObject({ stored: 2, rejected: [], dropped: [] });
    expect(mended.lines()).toHaveLength(2);
    expect(mended.service.ledger.snapshot().received).toBe(0);
  });

  it('say where their database is gone', async () => {
    const { service, sink } = await bench();
    sink.dropDatabase('db');
    const raw = v1(series({ __name__: 'm' }, [1, 1]));
    const target = { db: 'db' };
    const rest = { listener: 'prometheus', peer: '', reason: '', text: '', timeNs: 0n };
    await expect(service.newTaker().take({ ...rest, id: 1, raw, target })).rejects.toThrow(
      'database not found: "db"',
    );
  });

  it('are lines, of samples that storage refuses', async () => {
    const rejected: RejectedInput[] = [];
    const { post, sink } = await bench('', rejected);
    sink.refusals = 1;
    expect(await post(v1(series({ __name__: 'm' }, [1, 1], [2, 2])))).toMatchObject({
      text: 'partial write: points beyond retention policy dropped=1',
    });
    expect(rejected.map(({ raw }) => Buffer.from(raw).toString())).toEqual([
      'm,__name__=m value=2 2000000\n',
    ]);
    expect(rejected[0]?.target).toEqual({
      form: 'line protocol',
      database: 'db',
      retentionPolicy: '',
    });
  });
});
