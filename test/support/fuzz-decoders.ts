/**
 * Feeds every decoder of the inputs with mutated captures, with what fast-check makes, and with pieces made to cost much: nothing may
 * be thrown but a TidegateError, the books have to balance, and no piece may take a second, or memory beyond sixteen times its size
 * (decompressed) and what a listener has anyway.
 */
import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { assertBalanced, type BareDecoder, bareDecoders, mutations } from '#inputs/testing';
import { messageOf, TidegateError } from '#kernel';
import { uncompress } from 'snappyjs';
import { encodePrometheus, snappy } from './prometheus-messages.js';

/** How long to go on, and from which seed. */
export interface FuzzDecodersOptions {
  /** For each decoder. */
  readonly pieces: number;
  readonly seed: number;
  readonly tell?: (line: string) => void;
}

/** What was seen of one decoder. */
export interface DecoderFuzzReport {
  readonly pieces: number;
  readonly bytes: number;
  /** Pieces that ended in an error of ours, by its code. */
  readonly refused: Readonly<Record<string, number>>;
  /** Points and pieces booked. */
  readonly received: number;
  readonly stored: number;
  /** Most CPU time that one piece took. */
  readonly slowestMs: number;
  /** Most memory that one piece took, in multiples of its size, beyond what a listener has anyway; 0 where none needed more. */
  readonly memoryFactor: number;
  /** Memory held after the first tenth and at the end, MiB. */
  readonly heldMiB: readonly [number, number];
  readonly faults: readonly string[];
}

/** Issue: no piece costs more than 1 s or 16 times its size in memory. */
const PIECE_MS_MAX = 1000;
const MEMORY_FACTOR_MAX = 16;
/** How often a piece that took more is measured again. */
const MEASURED_AGAIN = 3;
/** Batches, tables and scratch buffers at their first sizes, and garbage of small pieces. */
const LISTENER_BYTES = 16 * 2 ** 20;
const HELD_GROWTH_MIB_MAX = 64;
const ROUND = 250;
const FAULTS_MAX = 20;
const CAPTURES = 'test/fixtures/captures';

/** A decoder, what good input looks like, and words that it knows. */
interface Target {
  readonly seeds: readonly Uint8Array[];
  readonly words: readonly string[];
  /** Made to cost much. */
  readonly bombs: readonly (Uint8Array | Piece)[];
  /** Where pieces are compressed: how, and good content. */
  readonly wrapping?: {
    readonly seeds: readonly Uint8Array[];
    wrap(content: Uint8Array): Uint8Array;
  };
}

/** A piece, and its size decompressed. */
interface Piece {
  readonly bytes: Uint8Array;
  readonly size: number;
}

const file = (path: string): Buffer => readFileSync(`${CAPTURES}/${path}`);

/** Records of a capture: a 32-bit length before each. */
function records(path: string, max: number, bytesMax = 4096): readonly Uint8Array[] {
  const bytes = file(path);
  const found: Uint8Array[] = [];
  for (let at = 0; at < bytes.length && found.length < max;) {
    const length = bytes.readUInt32BE(at);
    found.push(bytes.subarray(at + 4, at + 4 + Math.min(length, bytesMax)));
    at += 4 + length;
  }
  return found;
}

const text = (...pieces: readonly string[]): readonly Uint8Array[] =>
  pieces.map((piece) => Buffer.from(piece));
const repeated = (piece: string, bytes: number): Uint8Array =>
  Buffer.from(piece.repeat(Math.ceil(bytes / piece.length)), 'latin1');
const unsnappy = (body: Uint8Array): Uint8Array => uncompress(new Uint8Array(body));
/** Content, compressed. */
const wrapped = (content: Uint8Array, wrap: (bytes: Uint8Array) => Uint8Array): Piece => ({
  bytes: wrap(content),
  size: content.length,
});
const zip = (content: Uint8Array): Uint8Array => gzipSync(content, { level: 1 });
const BOMB_BYTES = 512 * 1024;
const bomb = (piece: string): Uint8Array => repeated(piece, BOMB_BYTES);
/** As much as a socket gives at a time, or a datagram holds. */
const CHUNK_BYTES = 64 * 1024;
const chunk = (piece: string): Uint8Array => repeated(piece, CHUNK_BYTES);

function targets(): Readonly<Record<string, Target>> {
  const packets = ['plain', 'tg'].flatMap((name) => records(`collectd/${name}.pkts`, 40));
  const secure = ['sign', 'encrypt'].flatMap((name) => records(`collectd/${name}.pkts`, 20));
  const packet = packets[0] ?? new Uint8Array(0);
  const json = file('opentsdb/raw/netdata_http.json').subarray(0, 4000);
  const points = '[{"metric":"a.b","timestamp":1500000000,"value":1.5,"tags":{"h":"1"}}]';
  const telnet = ['netdata_telnet', 'collectd_tags_ds'].flatMap((name) =>
    records(`opentsdb/raw/${name}.conns`, 4),
  );
  const write = [0, 5, 9].map((n) => file(`prometheus/write/00${n}.snappy`));
  const read = [0, 3, 7].map((n) => file(`prometheus/read/00${n}.req.snappy`));
  const zeros = new Uint8Array(16 * 2 ** 20);
  const second = encodePrometheus('WriteRequest2', {
    symbols: ['', '__name__', 'up', 'job', 'x'],
    timeseries: [
      { labelsRefs: [1, 2, 3, 4], samples: [{ value: 1, timestamp: 1500000000000 }] },
      { labelsRefs: [1, 2], samples: [{ value: 2, timestamp: 1500000001000 }] },
    ],
  });
  return {
    'line protocol (udp)': {
      seeds: [
        ...records('udp/raw/collectd_write_influxdb_udp.pkts', 20),
        ...records('udp/raw/python_influxdb_udp.pkts', 20),
        ...text('m,a=b\\ c f="x\\"y",g=1i,h=t,i=1e9 1500000000000000000\n'),
      ],
      words: ['m', ',', '=', ' ', '"', '\\', '\n', '1', 'i', 't', '#', '1e400', '\0', 'ü'],
      bombs: [
        chunk('m '),
        chunk('\n'),
        chunk('m a=1\n'),
        chunk('m,a=b'),
        chunk('m a="'),
        chunk('a=1,'),
      ],
    },
    'graphite plaintext': {
      seeds: ['collectd_default', 'netdata', 'npm_statsd', 'shell', 'collectd_tags'].flatMap(
        (name) => records(`graphite/raw/${name}.conns`, 4),
      ),
      words: [
        'a',
        '.',
        ' ',
        '\n',
        '1',
        'nan',
        ';',
        '=',
        '-1',
        '1500000000',
        '\t',
        '\0',
        'ü',
        '1e9',
      ],
      bombs: [chunk('a.'), chunk('a 1\n'), chunk('\n'), chunk('a '), chunk('a;b=c;'), chunk('x\n')],
    },
    'graphite pickle': {
      seeds: [
        Buffer.from('(lp0\n(Vsystem.load\np1\n(I1500000000\nF1.5\ntp2\ntp3\na.', 'latin1'),
        Buffer.from('gAJdcQBVCHN5cy5sb2FkcQFKAC9oWUc/+AAAAAAAAIZxAoZxA2Eu', 'base64'),
        Buffer.from('gANdcQBYBwAAAGEuYi5jLmRxAUoAL2hZSwGGcQKGcQNhLg==', 'base64'),
      ],
      words: [
        '(',
        'l',
        't',
        '.',
        'I1\n',
        'F2\n',
        'Va\n',
        'p1\n',
        'g1\n',
        ']',
        'q\x01',
        'h\x01',
        'a',
        'e',
        '\x86',
        '\x80\x02',
        '2',
        '0',
        'X\xff\xff\xff\xff',
        'cos\nsystem\n',
      ],
      bombs: [
        bomb('('),
        bomb(']'),
        bomb('2'),
        bomb('(]'),
        bomb('Va\n'),
        bomb(']q\x01h\x01a'),
        bomb('K\x01'),
        bomb('\x86'),
      ],
    },
    'opentsdb telnet and JSON': {
      seeds: [...telnet, json, ...text(points, 'put a.b 1500000000 1.5 h=1 i=2\nversion\n')],
      words: [
        'put ',
        'a.b ',
        '1500000000 ',
        '1 ',
        'h=1',
        '\n',
        '\r\n',
        '{',
        '}',
        '[',
        ']',
        ',',
        ':',
        '"metric"',
        '"tags"',
        '"value"',
        '"timestamp"',
        '1e5',
        '"\\ud800"',
        'null',
        ' ',
      ],
      bombs: [
        bomb('['),
        bomb('{"metric":'),
        chunk('put '),
        chunk('put a 1 1 a=b\n'),
        bomb('[{},'),
        Buffer.from(`[${'{},'.repeat(BOMB_BYTES / 3)}{}]`),
        Buffer.from(`{"metric":"${'a'.repeat(BOMB_BYTES)}"}`),
      ],
    },
    'opentsdb gzip': {
      seeds: [gzipSync(json), gzipSync(points)],
      words: ['\x1f\x8b\x08', '\0\0\0\0', '\0\x03', '[', '\xff'],
      bombs: [zeros, bomb('[')].map((content) => wrapped(content, zip)),
      wrapping: { seeds: [json, ...text(points)], wrap: zip },
    },
    'collectd plain': {
      seeds: packets,
      words: [
        '\0\0',
        '\0\x06',
        '\0\x04',
        '\0\x05',
        '\x02\0',
        '\x02\x10',
        '\0\x08',
        '\0',
        '\x01',
        'cpu\0',
        '\xff',
      ],
      bombs: [
        Buffer.concat([packet, new Uint8Array(60_000)]),
        repeated('\0\x06\0\x06\0\0', 65_000),
        repeated('\0\0\0\x05\0', 65_000),
        repeated('\x02\x10\0\x24', 65_000),
      ],
    },
    'collectd signed and encrypted': {
      seeds: [...secure, ...packets.slice(0, 5)],
      words: ['\x02\0', '\x02\x10', '\0\x24', 'user', '\0', '\xff', '\0\x06'],
      bombs: [repeated('\x02\x10\0\x24', 65_000), repeated('\x02\0\0\x28', 65_000)],
    },
    'prometheus write': {
      seeds: write,
      wrapping: { seeds: write.map(unsnappy), wrap: snappy },
      words: ['\x0a', '\x12', '\x08', '\x01', '\xff', '\x7f', '__name__', '\0'],
      bombs: [
        wrapped(zeros, snappy),
        wrapped(repeated('\x0a\0', BOMB_BYTES), snappy),
        wrapped(repeated('\x0a\x02\x12\0', BOMB_BYTES), snappy),
        bomb('\xff'),
      ],
    },
    'prometheus write 2.0': {
      seeds: [snappy(second)],
      wrapping: { seeds: [second], wrap: snappy },
      words: ['\x22', '\x2a', '\x0a', '\x01', '\xff', '\x7f', 'up', '\0'],
      bombs: [
        wrapped(zeros, snappy),
        wrapped(repeated('\x22\0', BOMB_BYTES), snappy),
        wrapped(repeated('\x2a\0', BOMB_BYTES), snappy),
      ],
    },
    'prometheus read': {
      seeds: read,
      wrapping: { seeds: read.map(unsnappy), wrap: snappy },
      words: ['\x0a', '\x12', '\x1a', '\x08', '\x01', '.*', '(', '__name__', '\0'],
      bombs: [
        wrapped(zeros, snappy),
        wrapped(repeated('\x0a\0', BOMB_BYTES), snappy),
        wrapped(repeated('\x1a\0', 65_000), snappy),
      ],
    },
  };
}

/** Runs; a report by decoder. */
export async function fuzzDecoders(
  options: FuzzDecodersOptions,
): Promise<Readonly<Record<string, DecoderFuzzReport>>> {
  const decoders = bareDecoders(
    `typesdb = "${CAPTURES}/collectd/types.db"\nauth-file = "${CAPTURES}/collectd/auth_file"`,
  );
  const all = targets();
  const reports: Record<string, DecoderFuzzReport> = {};
  for (const [name, make] of Object.entries(decoders)) {
    const target = all[name];
    if (target === undefined) throw new TypeError(`nothing to feed ${name} with`);
    reports[name] = await new DecoderFuzz(make(), target, options).run();
    options.tell?.(`${name}: ${JSON.stringify(reports[name])}`);
  }
  return reports;
}

/** One decoder. */
class DecoderFuzz {
  private readonly refused: Record<string, number> = {};
  private readonly faults: string[] = [];
  private pieces = 0;
  private bytes = 0;
  private received = 0;
  private stored = 0;
  private slowestMs = 0;
  private memoryFactor = 0;

  constructor(
    private readonly decoder: BareDecoder,
    private readonly target: Target,
    private readonly options: FuzzDecodersOptions,
  ) {}

  async run(): Promise<DecoderFuzzReport> {
    const { pieces, seed } = this.options;
    const mutated = mutations(this.target.seeds, seed);
    let heldFirstMiB = 0;
    const { wrapping } = this.target;
    const content = wrapping === undefined ? null : mutations(wrapping.seeds, seed);
    for (let round = 0; this.pieces < pieces; round++) {
      const made = round % 2 === 0 ? null : this.made(seed + round);
      for (let i = 0; i < ROUND && this.pieces < pieces; i++) {
        const isWrapped = wrapping !== undefined && content !== null && i % 2 === 0;
        if (isWrapped) await this.feed(wrapped(made?.[i] ?? content(), wrapping.wrap));
        else {
          const bytes = made?.[i] ?? mutated();
          await this.feed({ bytes, size: bytes.length });
        }
      }
      await this.settle();
      if (heldFirstMiB === 0 && this.pieces >= pieces / 10) heldFirstMiB = heldMiB();
    }
    for (const each of this.target.bombs) {
      await this.feed(each instanceof Uint8Array ? { bytes: each, size: each.length } : each);
      await this.settle();
    }
    const heldLastMiB = heldMiB();
    if (heldLastMiB > heldFirstMiB + HELD_GROWTH_MIB_MAX)
      this.fault(`memory held grows from ${heldFirstMiB} to ${heldLastMiB} MiB`, null);
    const { bytes, refused, received, stored, slowestMs, faults } = this;
    return {
      pieces: this.pieces,
      bytes,
      refused,
      received,
      stored,
      slowestMs: Math.round(slowestMs),
      memoryFactor: Math.round(10 * this.memoryFactor) / 10,
      heldMiB: [heldFirstMiB, heldLastMiB],
      faults,
    };
  }

  /** Bytes and words by fast-check. */
  private made(seed: number): readonly Uint8Array[] {
    const { words } = this.target;
    const arbitrary = fc.oneof(
      fc.uint8Array({ maxLength: 400 }),
      fc
        .array(fc.constantFrom(...words), { maxLength: 60 })
        .map((chosen): Uint8Array => Buffer.from(chosen.join(''), 'latin1')),
    );
    return fc.sample(arbitrary, { numRuns: ROUND, seed });
  }

  private async feed({ bytes: piece, size }: Piece): Promise<void> {
    const wholeBytes = Math.max(1, piece.length, size);
    let factor = (await this.feedOnce(piece)) / wholeBytes;
    // Garbage that nobody has collected yet counts as used: what a piece really needs it needs every time.
    for (let i = 0; i < MEASURED_AGAIN && factor > MEMORY_FACTOR_MAX; i++) {
      heldMiB();
      factor = Math.min(factor, (await this.feedOnce(piece)) / wholeBytes);
    }
    this.memoryFactor = Math.max(this.memoryFactor, factor);
    if (factor > MEMORY_FACTOR_MAX) this.fault(`takes ${Math.round(factor)} times its size`, piece);
  }

  /** Gives a piece to the decoder; the bytes that it took beyond what a listener has anyway. */
  private async feedOnce(piece: Uint8Array): Promise<number> {
    this.pieces++;
    this.bytes += piece.length;
    const before = usedBytes();
    // Of this process: the machine may be busy.
    const started = process.cpuUsage();
    try {
      await this.decoder.feed(piece);
    } catch (error) {
      if (error instanceof TidegateError)
        this.refused[error.code] = (this.refused[error.code] ?? 0) + 1;
      else this.fault(`throws ${messageOf(error)}`, piece);
    }
    const { user, system } = process.cpuUsage(started);
    const tookMs = (user + system) / 1000;
    this.slowestMs = Math.max(this.slowestMs, tookMs);
    if (tookMs > PIECE_MS_MAX) this.fault(`takes ${Math.round(tookMs)} ms`, piece);
    return Math.max(0, usedBytes() - before - LISTENER_BYTES);
  }

  private async settle(): Promise<void> {
    const books = await this.decoder.settle();
    if (books === null) return;
    this.received += books.received;
    this.stored += books.stored;
    try {
      assertBalanced(books);
    } catch (error) {
      this.fault(messageOf(error), null);
    }
    if (books.inFlight !== 0) this.fault(`${books.inFlight} points stay in flight`, null);
  }

  private fault(what: string, piece: Uint8Array | null): void {
    if (this.faults.length >= FAULTS_MAX) return;
    const sample = piece === null ? '' : Buffer.from(piece.subarray(0, 200)).toString('base64');
    this.faults.push(`${what}${piece === null ? '' : ` (${piece.length} bytes, ${sample})`}`);
  }
}

function usedBytes(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Memory that is in use after a full collection, MiB. */
function heldMiB(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return Math.round(usedBytes() / 2 ** 20);
}
