import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { silentLogger, SystemClock } from '#kernel';
import { ShapeTable } from '#models';
import { Batcher } from '../shared/batcher.js';
import { IngestLedger } from '../shared/ingest-ledger.js';
import { LineAssembler, LineScratch } from '../shared/line-assembler.js';
import { assertBalanced, fuzzInput, MemorySink } from '../testing/index.js';
import { DatapointReader } from './datapoint-reader.js';
import { opentsdbInput } from './opentsdb.input.js';
import { PutDecoder } from './put-decoder.js';
import { lineTooLong, TelnetDecoder } from './telnet-decoder.js';

const FIXTURES = 'test/fixtures/captures/opentsdb';
const LOCAL = 'bind-address = "127.0.0.1:0"\nanswer-errors = false';

/** A decoder that keeps what it knows of series, and what it stores of lines. */
function telnet() {
  const sink = new MemorySink();
  const ledger = new IngestLedger('test', new SystemClock());
  const batcher = new Batcher(
    { database: 'db', retentionPolicy: '', batchSize: 5, batchPending: 100, batchTimeoutMs: 1e6 },
    { sink, ledger, shapes: new ShapeTable(), logger: silentLogger },
  );
  const decoder = new TelnetDecoder({
    batcher,
    ledger,
    counters: {
      tlPointsRx: 0,
      tlBytesRx: 0,
      tlBadLine: 0,
      tlBadTime: 0,
      tlBadTag: 0,
      tlBadFloat: 0,
    },
    lineBytesMax: 500,
    command: () => false,
    onReject: () => undefined,
  });
  const sender = {
    peer: 'peer',
    answer: () => undefined,
    complain: () => undefined,
    close: () => undefined,
  };
  const scratch = new LineScratch();
  return async (...chunks: readonly Uint8Array[]): Promise<readonly string[]> => {
    const before = sink.lines('db').length;
    const lines = new LineAssembler(
      scratch,
      500,
      (from, length) => decoder.decode(from, length, sender),
      (raw) => decoder.reject(raw, lineTooLong(500), sender),
    );
    for (const chunk of chunks) lines.push(chunk);
    lines.end();
    await batcher.close();
    const books = ledger.snapshot();
    assertBalanced(books);
    expect(books.inFlight).toBe(0);
    expect(books.stored).toBe(sink.lines('db').length);
    return sink.lines('db').slice(before);
  };
}

const lineOf = (words: readonly string[]): string => words.join(' ');
const metric = fc.oneof(
  fc.constantFrom('a', 'ab', 'abc', 'abcd', 'abcdefgh', 'm.ü', 'x,y', 'k=v', 'a\0b', 'm\u00a0n'),
  fc.string({ minLength: 1, maxLength: 9 }).map((text) => text.replaceAll(/\s/g, '_')),
);
const time = fc.oneof(
  fc.integer({ min: 1_000_000_000, max: 9_223_372_035 }).map(String),
  fc.integer({ min: 1_000_000_000_000, max: 9_223_372_035_999 }).map(String),
  fc.constantFrom('1', '-150000000', '15000000x0', '9999999999', '9999999999999', '+150000000'),
);
const value = fc.oneof(
  fc.integer().map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.tuple(fc.nat(), fc.nat()).map(([a, b]) => `-${a}.${b}`),
  fc.constantFrom('.5', '5.', 'nan', '+inf', '0x1p4', 'x', '1e400', '00012', '-', '1_0'),
);
const tag = fc.oneof(
  fc.constantFrom('a=1', 'b=2', 'a=', '=', 'x', 'a=b=c', 'h=ä', '', ' '),
  fc.string({ maxLength: 6 }).map((text) => `t=${text.replaceAll(/\s/g, '_')}`),
);
const line = fc
  .tuple(metric, time, value, fc.array(tag, { maxLength: 4 }), fc.constantFrom('', '\r', ' \r'))
  .map(([m, t, v, tags, end]) => lineOf(['put', m, t, v, ...tags]) + end);

describe('telnet lines', () => {
  it('mean the same whatever was known before and however they are cut', async () => {
    const known = telnet();
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { minLength: 1, maxLength: 12 }),
        fc.nat(300),
        async (lines, at) => {
          // Each line to a decoder that knows nothing, then all of them to one that knows more and more.
          const alone: string[] = [];
          for (const each of lines) alone.push(...(await telnet()(Buffer.from(`${each}\n`))));
          const bytes = Buffer.from(lines.join('\n'));
          expect(await known(bytes.subarray(0, at), bytes.subarray(at))).toEqual(alone);
          expect(await known(bytes)).toEqual(alone);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('stay harmless when mutated', async () => {
    const { received } = await fuzzInput({
      definition: opentsdbInput,
      toml: LOCAL,
      transport: 'tcp',
      database: 'opentsdb',
      seeds: [
        Buffer.from('put a.b 1500000000 1.5 h=1 i=2\r\nput a.c 1500000000123 -7 h=1\nversion\n'),
        readFileSync(`${FIXTURES}/raw/netdata_telnet.conns`).subarray(4, 400),
        readFileSync(`${FIXTURES}/raw/collectd_tags_ds.conns`).subarray(4, 500),
      ],
      pieces: 2500,
      seed: 11,
    });
    expect(received).toBeGreaterThan(2500);
  }, 60_000);
});

const json = fc.jsonValue({ maxDepth: 3 });
const datapoint = fc.oneof(
  fc.record(
    {
      metric: fc.oneof(metric, fc.constant(null)),
      timestamp: fc.oneof(fc.integer({ min: -(2 ** 31), max: 2 ** 31 }), fc.maxSafeInteger()),
      value: fc.oneof(
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.integer(),
        fc.constant(null),
      ),
      tags: fc.dictionary(fc.string({ maxLength: 4 }), fc.string({ maxLength: 4 }), { maxKeys: 3 }),
      extra: json,
    },
    { requiredKeys: [] },
  ),
  fc.record({ metric, value: json, timestamp: json, tags: json }, { requiredKeys: [] }),
);

/** What Go's decoder makes of a data point, by way of JSON.parse; null where it refuses it. */
function naive(point: unknown): { metric: string; timestamp: number; value: number } | null {
  const { metric: name, timestamp, value: number, tags } = point as Record<string, unknown>;
  const isNone = (each: unknown): boolean => each === undefined || each === null;
  if (!isNone(name) && typeof name !== 'string') return null;
  if (!isNone(timestamp) && !(typeof timestamp === 'number' && /^-?\d+$/.test(String(timestamp)))) {
    return null;
  }
  if (!isNone(number) && typeof number !== 'number') return null;
  if (!isNone(tags)) {
    if (typeof tags !== 'object' || Array.isArray(tags)) return null;
    const values = Object.values(tags as object) as readonly unknown[];
    if (!values.every((each) => each === null || typeof each === 'string')) return null;
  }
  return {
    metric: (name as string | null | undefined) ?? '',
    timestamp: (timestamp as number | null | undefined) ?? 0,
    value: (number as number | null | undefined) ?? 0,
  };
}

describe('data points', () => {
  it('are read as JSON.parse reads them', () => {
    const reader = new DatapointReader();
    fc.assert(
      fc.property(datapoint, fc.constantFrom(0, 1), (point, indent) => {
        const text = JSON.stringify(point, null, indent);
        const bytes = Buffer.from(text);
        reader.start(bytes);
        const end = reader.read(0);
        const wanted = naive(JSON.parse(text));
        expect(end).toBe(wanted === null ? -1 : bytes.length);
        if (wanted === null) return;
        const { metric: name, tags } = reader.names();
        expect({
          metric: Buffer.from(name, 'latin1').toString(),
          timestamp: reader.timestamp,
          value: reader.value,
        }).toEqual({ ...wanted, value: Number(wanted.value) });
        expect(
          Object.fromEntries(
            [...tags].map(([k, v]) => [
              Buffer.from(k, 'latin1').toString(),
              Buffer.from(v, 'latin1').toString(),
            ]),
          ),
        ).toEqual(
          Object.fromEntries(
            Object.entries(point.tags ?? {}).map(([k, v]) => [k, (v as string | null) ?? '']),
          ),
        );
      }),
      { numRuns: 1500 },
    );
  });

  it('never throw, whatever the bytes', () => {
    const decoder = new PutDecoder(new ShapeTable());
    const seeds = [
      '[{"metric":"a","timestamp":1500000000,"value":1.5,"tags":{"h":"x\\u00e4","i":null}},{"x":[{}]}]',
      '{"Metric":"a","TIMESTAMP":1500000000123,"value":-1e3,"tags":{"h":"x"},"y":"\\\\"}',
    ].map((text) => Buffer.from(text));
    const edit = fc.tuple(fc.nat(120), fc.nat(3), fc.constantFrom(...'[]{},:"\\0-e.nul \xff'));
    fc.assert(
      fc.property(
        fc.constantFrom(...seeds),
        fc.array(edit, { maxLength: 5 }),
        fc.boolean(),
        (seed, edits, isDetailed) => {
          let text = seed.toString('latin1');
          for (const [at, gone, put] of edits) {
            text = text.slice(0, at) + put + text.slice(at + gone);
          }
          const body = Buffer.from(text, 'latin1');
          const content = decoder.decode(body, isDetailed, null);
          const { batch, datapoints, failed, error } = content;
          if (error === '') expect(batch.pointCount + failed).toBe(datapoints);
          else expect(batch.pointCount).toBe(0);
          decoder.recycle(batch);
        },
      ),
      { numRuns: 2500 },
    );
  });

  it.each([
    ['many small ones', `[${'{},'.repeat(300_000)}{}]`],
    ['deep nesting', `{"x":${'['.repeat(400_000)}`],
    ['nesting that ends', `{"x":${'['.repeat(9000)}${']'.repeat(9000)}}`],
    ['escapes', `{"metric":"${'\\"'.repeat(400_000)}"}`],
    ['a long number', `{"value":${'1'.repeat(900_000)}}`],
    ['many names', `{${'"a":1,'.repeat(30_000)}"b":2}`],
    ['an open string', `["${'x'.repeat(900_000)}`],
  ])('cost little: %s', (_name, text) => {
    const decoder = new PutDecoder(new ShapeTable());
    const body = Buffer.from(text);
    const before = process.memoryUsage();
    const content = decoder.decode(body, true, null);
    const after = process.memoryUsage();
    const grown = after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers;
    expect(grown).toBeLessThan(16 * body.length + 8e6);
    expect(
      content.batch.pointCount + content.failed + Number(content.error !== ''),
    ).toBeGreaterThan(0);
  });
});

describe('requests', () => {
  it('stay harmless when mutated', async () => {
    const body = '[{"metric":"a","timestamp":1500000000,"value":1,"tags":{"h":"1"}}]';
    const packed = gzipSync(body);
    const head = (length: number, more = ''): Buffer =>
      Buffer.from(
        `POST /api/put?details HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${more}Content-Length: ${length}\r\n\r\n`,
      );
    const report = await fuzzInput({
      definition: opentsdbInput,
      toml: LOCAL,
      transport: 'tcp',
      database: 'opentsdb',
      seeds: [
        Buffer.concat([head(body.length), Buffer.from(body)]),
        Buffer.concat([head(packed.length, 'Content-Encoding: gzip\r\n'), packed]),
        Buffer.from(
          'GET /api/suggest?type=metrics&q=a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
        ),
      ],
      pieces: 1500,
      seed: 12,
    });
    expect(report.stored).toBeGreaterThan(0);
  }, 60_000);
});
