import fc from 'fast-check';
import { silentLogger, SystemClock, TidegateError } from '#kernel';
import { ShapeTable } from '#models';
import { ManualClock } from '#test-support';
import { ArrivalClock } from '../shared/arrival-clock.js';
import { Batcher } from '../shared/batcher.js';
import { goFields, goQuote, parseGoFloat } from '../shared/go-text.js';
import { IngestLedger } from '../shared/ingest-ledger.js';
import { LineAssembler, LineScratch } from '../shared/line-assembler.js';
import { assertBalanced, MemorySink } from '../testing/index.js';
import { GraphiteDecoder } from './graphite-decoder.js';
import { PathNamer } from './path-namer.js';
import { decodePickle } from './pickle-decoder.js';
import { PickleReader } from './pickle-reader.js';
import { Template } from './template.js';
import { TemplateMatcher } from './template-matcher.js';

const RUNS = 1000;

/** What some chunks of a connection become. */
async function decode(chunks: readonly Uint8Array[]): Promise<readonly string[]> {
  const sink = new MemorySink();
  const ledger = new IngestLedger('test', new SystemClock());
  const batcher = new Batcher(
    { database: 'db', retentionPolicy: '', batchSize: 7, batchPending: 3, batchTimeoutMs: 1e6 },
    { sink, ledger, shapes: new ShapeTable(), logger: silentLogger },
  );
  const decoder = new GraphiteDecoder({
    namer: new PathNamer({
      separator: '_',
      tags: ['dc=x'],
      templates: ['a.* host.measurement*', 'measurement.field*'],
      templateMatching: 'backtrack',
      areTagsParsed: true,
    }),
    batcher,
    ledger,
    arrivals: new ArrivalClock(new ManualClock()),
    counters: { pointsRx: 0, bytesRx: 0, pointsParseFail: 0, pointsNaNFail: 0 },
    lineBytesMax: 200,
    onReject: () => undefined,
  });
  const lines = new LineAssembler(
    new LineScratch(),
    200,
    (scratch, length) => decoder.decode(scratch, length, 'peer'),
    (raw) => decoder.reject(raw, 'peer', { reason: 'line too long', text: '' }),
  );
  for (const chunk of chunks) {
    lines.push(chunk);
    assertBalanced(ledger.snapshot());
  }
  lines.end();
  await batcher.close();
  const books = ledger.snapshot();
  assertBalanced(books);
  expect(books.inFlight).toBe(0);
  expect(books.stored).toBe(sink.lines('db').length);
  return sink.lines('db');
}

const path = fc
  .array(fc.constantFrom('a', 'b', 'cpu', 'ü', 'x,y', 'k=v', ''), { minLength: 1, maxLength: 4 })
  .map((sections) => sections.join('.'))
  .filter((text) => text !== '');
const number = fc.oneof(
  fc.integer().map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.tuple(fc.nat(), fc.nat()).map(([a, b]) => `-${a}.${b}`),
  fc.constantFrom('1_0', '.5', '5.', 'nan', '+inf', '0x1p4', 'x', '1e400', '00012', '-'),
);
const time = fc.oneof(
  fc.nat(2147472000).map(String),
  fc.constantFrom('', '-1', '1.5', '2147472000', '2147472001', '1e9', 'x', '-5'),
);
const line = fc.tuple(path, number, time).map((words) => words.join(' ').trimEnd());
const text = fc.array(line, { maxLength: 20 }).map((lines) => lines.join('\n'));
const cuts = fc.array(fc.nat(400), { maxLength: 6 });

function cut(bytes: Uint8Array, at: readonly number[]): Uint8Array[] {
  const places = [0, ...at.filter((place) => place < bytes.length), bytes.length];
  places.sort((a, b) => a - b);
  return places.slice(1).map((to, i) => bytes.subarray(places[i], to));
}

describe('GraphiteDecoder', () => {
  it('does not depend on how lines are cut into chunks', async () => {
    await fc.assert(
      fc.asyncProperty(text, cuts, async (lines, at) => {
        const bytes = Buffer.from(lines);
        expect(await decode(cut(bytes, at))).toEqual(await decode([bytes]));
      }),
      { numRuns: RUNS },
    );
  });

  it('reads a line the same whether it takes the fast path or not', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 8 }), async (lines) => {
        // The second time paths are known. Tabs are not for the fast path. Every point has its own time.
        const known = lines.filter((each) => each.split(' ').length === 3);
        const spaced = [...known, ...known].join('\n');
        const all = await decode([Buffer.from(spaced)]);
        const slow = await decode([Buffer.from(spaced.replaceAll(' ', '\t'))]);
        const isTimed = (each: string): boolean => !each.includes(' 16000000000000000');
        expect(all.filter(isTimed)).toEqual(slow.filter(isTimed));
      }),
      { numRuns: RUNS },
    );
  });

  it('takes any bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 600 }), cuts, async (bytes, at) => {
        await decode(cut(bytes, at));
      }),
      { numRuns: 2 * RUNS },
    );
  });
});

describe('decodePickle', () => {
  // pickle.dumps([('a.b', (5, 1.5))], protocol=2)
  const good = Buffer.from(
    '80025d7100285803000000612e6271014b05473ff8000000000000867102867103652e',
    'hex',
  );

  it('throws nothing but its own error, for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          decodePickle(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(TidegateError);
        }
      }),
      { numRuns: 5 * RUNS },
    );
  });

  it('throws nothing but its own error, for a pickle with a few bytes changed', () => {
    const change = fc.tuple(fc.nat(good.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { maxLength: 4 }), (changes) => {
        const bytes = Uint8Array.from(good);
        for (const [at, value] of changes) bytes[at] = value;
        const reader = new PickleReader(1000, {
          onPoint: () => undefined,
          onReject: () => undefined,
          onBroken: () => undefined,
        });
        reader.push(Uint8Array.from([0, 0, 0, bytes.length, ...bytes]));
        reader.end();
      }),
      { numRuns: 5 * RUNS },
    );
  });

  it.each([
    ['a class', '63 6f730a73797374656d0a 2e'],
    ['a call', '28 52 2e'],
    ['an object', '4e 4e 81 2e'],
    ['a dictionary', '7d 2e'],
    ['a persistent id', '50 310a 2e'],
    ['an extension', '82 01 2e'],
  ])('knows no %s', (_what, hex) => {
    expect(() => decodePickle(Buffer.from(hex.replaceAll(' ', ''), 'hex'))).toThrow(
      'is not allowed',
    );
  });

  it('makes no more lists than points can need', () => {
    expect(() => decodePickle(new Uint8Array(10_000).fill(0x5d))).toThrow('too many lists');
  });
});

describe('TemplateMatcher', () => {
  const section = fc.constantFrom('a', 'b', 'c', '*');
  const filter = fc.array(section, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('.'));
  const fallback = new Template('', 'measurement*', new Map(), '.');
  const of = (filters: readonly string[], isBacktracking: boolean): TemplateMatcher =>
    new TemplateMatcher(
      filters.map((each) => new Template(each, 'measurement*', new Map(), '.')),
      fallback,
      isBacktracking,
    );

  it('finds a filter that matches wherever there is one', () => {
    fc.assert(
      fc.property(fc.uniqueArray(filter, { maxLength: 6 }), filter, (filters, target) => {
        const matcher = of(filters, true);
        const found = matcher.match(target);
        const matching = matcher.matching(target);
        if (matching.length === 0) expect(found).toBe(fallback);
        else expect(matching).toContain(found);
        expect(matcher.walk(target).length > 0 || filters.length === 0).toBe(true);
      }),
      { numRuns: RUNS },
    );
  });

  it("finds what InfluxDB's search finds, where that finds anything", () => {
    fc.assert(
      fc.property(fc.uniqueArray(filter, { maxLength: 6 }), filter, (filters, target) => {
        const upstream = of(filters, false).match(target);
        if (upstream !== fallback) {
          expect(of(filters, true).match(target).filter).toBe(upstream.filter);
        }
      }),
      { numRuns: RUNS },
    );
  });

  it('turns back where InfluxDB does not (influxdata/influxdb#14621)', () => {
    const filters = ['a.b.x', 'a.*.c'];
    expect(of(filters, true).match('a.b.c').filter).toBe('a.*.c');
    expect(of(filters, false).match('a.b.c').filter).toBe('');
  });
});

describe("Go's texts", () => {
  it('reads decimals as Number does', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(parseGoFloat(String(value))).toBe(Number(String(value)));
      }),
      { numRuns: RUNS },
    );
  });

  it.each([
    ['1_000', 1000],
    ['_1', 'invalid syntax'],
    ['1__0', 'invalid syntax'],
    ['1_', 'invalid syntax'],
    ['0x1F', 'invalid syntax'],
    ['0x1Fp0', 31],
    ['0x_1p-2', 0.25],
    ['0x0p99999', 0],
    ['0x1p1024', 'value out of range'],
    ['1e309', 'value out of range'],
    ['+nan', 'invalid syntax'],
    ['-Infinity', -Infinity],
    ['', 'invalid syntax'],
    ['.', 'invalid syntax'],
    ['1e', 'invalid syntax'],
  ])('reads %j as %p', (input, value) => {
    expect(parseGoFloat(input)).toBe(value);
  });

  it.each([
    ['a"\\\n\x00', '"a\\"\\\\\\n\\x00"'],
    [Buffer.from('ü\u00a0\u{e000}').toString('latin1'), '"ü\\u00a0\\ue000"'],
    ['\xff a', '"\\xff a"'],
  ])('quotes %j', (input, quoted) => {
    expect(goQuote(input)).toBe(quoted);
  });

  it('cuts words at the white space of Unicode', () => {
    expect(goFields(Buffer.from('a\u00a0b\u2003 c\u3000\v').toString('latin1'))).toEqual([
      'a',
      'b',
      'c',
    ]);
  });
});
