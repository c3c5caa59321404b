import fc from 'fast-check';
import { SystemClock, TidegateError } from '#kernel';
import { loadConfig } from '#config';
import { MemorySink } from '#inputs/testing';
import { encodeSeriesKey, ShapeTable } from '#models';
import {
  bitsOf,
  decodeXorChunk,
  encodePrometheus,
  prometheusBody,
  SeededRandom,
  snappy,
} from '#test-support';
import '../../../test/support/property-seed.js';
import { crc32c } from './crc32c.js';
import { PrometheusService } from './prometheus-service.js';
import { prometheusSection } from './prometheus.config.js';
import type { PrometheusResult } from './ports.js';
import { CHUNK_MAX_BYTES, XorChunkEncoder } from './xor-chunk.js';

const V2 = 'application/x-protobuf;proto=io.prometheus.write.v2.Request';
const decoder = new TextDecoder();

async function bench() {
  const { config } = loadConfig({ prometheus: prometheusSection }, '', {});
  const sink = new MemorySink();
  await sink.ensureDatabase('db');
  const service = new PrometheusService({
    config: config.prometheus,
    sink,
    reader: {
      hasDatabase: () => true,
      hasRetentionPolicy: () => true,
      view: () => ({
        shards: [],
        measurementNames: () => [],
        tagKeys: () => [],
        series: () => ({
          count: 0,
          ids: new Int32Array(0),
          tagValueIds: () => new Int32Array(0),
          tagValueOf: () => '',
        }),
        close: () => undefined,
      }),
    },
    shapes: new ShapeTable(),
    clock: new SystemClock(),
  });
  const request = (body: Uint8Array, contentType: string) => ({
    parameter: (name: string) => (name === 'db' ? 'db' : ''),
    header: (name: string) => (name === 'content-type' ? contentType : undefined),
    body,
    signal: new AbortController().signal,
    peer: '',
    authorize: () => undefined,
    count: () => undefined,
  });
  const write = (body: Uint8Array, contentType = ''): Promise<PrometheusResult> =>
    service.write(request(body, contentType));
  const read = (body: Uint8Array): Promise<PrometheusResult> => service.read(request(body, ''));
  return { service, sink, write, read };
}

const word = fc.string({ unit: 'binary', maxLength: 12 });
const value = fc.oneof(
  fc.double(),
  fc.integer().map((n) => n / 100),
);
const ms = fc.oneof(
  fc.integer({ min: 1_500_000_000_000, max: 1_800_000_000_000 }),
  fc.integer({ min: -5000, max: 5000 }),
);
const series = fc.record({
  labels: fc.array(fc.record({ name: fc.oneof(fc.constant('__name__'), word), value: word }), {
    maxLength: 5,
  }),
  samples: fc.array(fc.record({ value, timestamp: ms }), { maxLength: 5 }),
});

interface SentSeries {
  readonly labels: readonly { readonly name: string; readonly value: string }[];
  readonly samples: readonly { readonly value: number; readonly timestamp: number }[];
}

/** The lines that a request stands for. */
function expectedLines(sent: readonly SentSeries[]): string[] {
  return sent.flatMap(({ labels, samples }) => {
    const byName = new Map(labels.map(({ name, value }) => [name, value]));
    const tags = [...byName].map(([key, value]) => ({ key, value }));
    const measurement = byName.get('__name__') ?? 'prom_metric_not_specified';
    const key = decoder.decode(encodeSeriesKey(measurement, tags));
    return samples
      .filter((sample) => Number.isFinite(sample.value))
      .map(({ value, timestamp }) => {
        const text = Object.is(value, -0) ? '-0' : String(value);
        return `${key} value=${text} ${BigInt(timestamp) * 1_000_000n}`;
      });
  });
}

/** The same request in the words of 2.0. */
function symbolised(sent: readonly SentSeries[]): object {
  const symbols = [''];
  const ref = (text: string): number => {
    const at = symbols.indexOf(text);
    return at >= 0 ? at : symbols.push(text) - 1;
  };
  const timeseries = sent.map(({ labels, samples }) => ({
    labels_refs: labels.flatMap(({ name, value }) => [ref(name), ref(value)]),
    samples,
  }));
  return { symbols, timeseries };
}

describe('laws of remote write', () => {
  it('stores what was sent, whichever version says it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(series, { maxLength: 6 }), async (sent) => {
        const wanted = expectedLines(sent);
        for (const [body, type] of [
          [prometheusBody('WriteRequest', { timeseries: sent }), ''],
          [prometheusBody('WriteRequest2', symbolised(sent)), V2],
        ] as const) {
          const { sink, write, service } = await bench();
          expect(await write(body, type)).toMatchObject({ status: 204 });
          expect(sink.lines('db')).toEqual(wanted);
          const { received, stored, rejected, inFlight } = service.ledger.snapshot();
          const refused = rejected.reduce((sum, { count }) => sum + count, 0);
          expect([stored + refused, inFlight]).toEqual([received, 0]);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('survives any body, in bounded memory, with its books in order', async () => {
    const { service, write, read } = await bench();
    const seeds = [
      encodePrometheus('WriteRequest', {
        timeseries: Array.from({ length: 20 }, (_, i) => ({
          labels: [
            { name: '__name__', value: 'metric' },
            { name: 'i', value: String(i) },
          ],
          samples: [{ value: i, timestamp: 1_600_000_000_000 + i }],
          exemplars: [{ value: 1 }],
          histograms: [{ count_int: 2 }],
        })),
        metadata: [{ type: 1, help: 'h' }],
      }),
      encodePrometheus('WriteRequest2', {
        symbols: ['', '__name__', 'm', 'a', 'b'],
        timeseries: [{ labels_refs: [1, 2, 3, 4], samples: [{ value: 1, timestamp: 2 }] }],
      }),
      encodePrometheus('ReadRequest', {
        queries: [
          {
            start_timestamp_ms: 1,
            end_timestamp_ms: 2,
            matchers: [{ type: 2, name: 'a', value: 'b.*(c|d)+' }],
            hints: { func: 'rate' },
          },
        ],
        accepted_response_types: [1, 0],
      }),
    ];
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        const random = new SeededRandom(seed);
        for (let i = 0; i < BODIES / RUNS; i++) {
          const plain = Buffer.from(seeds[random.below(seeds.length)] ?? []);
          if (random.below(4) > 0) mutate(plain, random);
          const body = Buffer.from(snappy(plain));
          if (random.below(3) === 0) mutate(body, random);
          const before = process.memoryUsage().arrayBuffers;
          for (const send of [() => write(body), () => write(body, V2), () => read(body)])
            await send().catch((error: unknown) => expect(error).toBeInstanceOf(TidegateError));
          // Nothing large is taken for a small body; what is collected later counts too.
          expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * 1024);
        }
      }),
      { numRuns: RUNS },
    );
    expect(service.ledger.snapshot().inFlight).toBe(0);
  }, 60_000);
});

/** Bodies of the fuzz test. */
const BODIES = 5000;
const RUNS = 50;

function mutate(bytes: Buffer, random: SeededRandom): void {
  for (let n = random.below(4); n >= 0; n--) {
    if (bytes.length > 0) bytes[random.below(bytes.length)] = random.below(256);
  }
}

describe('XOR chunks', () => {
  it('hold what was encoded, bit for bit', () => {
    const encoder = new XorChunkEncoder();
    const out = new Uint8Array(CHUNK_MAX_BYTES);
    const sample = fc.tuple(
      fc.oneof(fc.constant(15_000), fc.integer({ min: 0, max: 40_000 }), fc.maxSafeNat()),
      fc.oneof(value, fc.constantFrom(1, 1, 1.5, -0, Infinity)),
    );
    fc.assert(
      fc.property(ms, fc.array(sample, { minLength: 1, maxLength: 120 }), (start, samples) => {
        const timesMs = new Float64Array(120);
        const values = new Float64Array(120);
        let timeMs = start;
        samples.forEach(([delta, number], i) => {
          timesMs[i] = timeMs;
          values[i] = number;
          timeMs += Math.min(delta, 2 ** 40);
        });
        const words = new Int32Array(values.buffer);
        const length = encoder.encode({ timesMs, words }, samples.length, out);
        expect(decodeXorChunk(out.subarray(0, length))).toEqual(
          samples.map((_, i) => [timesMs[i], bitsOf(values[i] ?? 0)]),
        );
      }),
      { numRuns: 200 },
    );
  });

  it('have their checksum', () => {
    // RFC 3720, B.4: 32 bytes of zeros, and 0 to 31.
    expect(crc32c(new Uint8Array(32), 0, 32)).toBe(0x8a9136aa);
    expect(
      crc32c(
        Uint8Array.from({ length: 40 }, (_, i) => i),
        0,
        32,
      ),
    ).toBe(0x46dd794e);
  });
});
