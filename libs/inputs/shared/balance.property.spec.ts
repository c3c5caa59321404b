/**
 * The law of the books: random traffic to real listeners, with storage that is slow, fails and refuses, databases that are dropped,
 * connections that break and listeners that close. The equation holds at every step.
 */
import dgram from 'node:dgram';
import net from 'node:net';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { builtInInputs } from '../built-in.js';
import { assertBalanced, benchInput, type InputBench } from '../testing/index.js';
import { BalanceSheet, sheetLine, sheetTotal } from './balance-sheet.js';

const RUNS = 40;
const KEYS =
  'bind-address = "127.0.0.1:0"\nbatch-size = 7\nbatch-pending = 2\nbatch-timeout = "3ms"\n';
const CAPTURES = 'test/fixtures/captures/collectd';

/** The first datagrams of a capture. */
function packets(): readonly Buffer[] {
  const bytes = readFileSync(`${CAPTURES}/plain.pkts`);
  const found: Buffer[] = [];
  for (let at = 0; at < bytes.length && found.length < 12;) {
    const length = bytes.readUInt32BE(at);
    found.push(bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return found;
}

/** A pickle of one point, as carbon's relays send it. */
const pickle = Buffer.from('(lp0\n(Vsystem.load\np1\n(I1500000000\nF1.5\ntp2\ntp3\na.', 'latin1');
const frame = (body: Uint8Array): Buffer => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  return Buffer.concat([length, body]);
};

interface Listener {
  readonly kind: string;
  readonly keys: string;
  readonly transport: 'tcp' | 'udp';
  /** Which of its addresses. */
  readonly address: number;
  readonly database: string;
  readonly pieces: readonly Uint8Array[];
}

const text = (...pieces: readonly string[]): readonly Uint8Array[] =>
  pieces.map((piece) => Buffer.from(piece));

const listeners: readonly Listener[] = [
  {
    kind: 'udp',
    keys: '',
    transport: 'udp',
    address: 0,
    database: 'udp',
    pieces: text('m v=1 1\nm v=2 2', 'm v=\nm v=3 3\n', 'bad', 'm,t=x v="s" 4', '# nothing\n', ''),
  },
  {
    kind: 'graphite',
    keys: '',
    transport: 'tcp',
    address: 0,
    database: 'graphite',
    pieces: text('a.b 1 1500000000\n', 'a.b nan 1\nc 2\n', 'x\n', 'no end 5', 'a.b 1 2 3 4\n'),
  },
  {
    kind: 'graphite',
    keys: 'pickle-bind-address = "127.0.0.1:0"',
    transport: 'tcp',
    address: 1,
    database: 'graphite',
    pieces: [frame(pickle), frame(Buffer.from('cos\nsystem\n.')), Buffer.from([0, 0, 0, 9, 40])],
  },
  {
    kind: 'graphite',
    keys: 'protocol = "udp"',
    transport: 'udp',
    address: 0,
    database: 'graphite',
    pieces: text('a.b 1 1500000000\n', 'a.b x 1500000000', '\n\n', 'a 1 1\nb 2 2\n'),
  },
  {
    kind: 'opentsdb',
    keys: '',
    transport: 'tcp',
    address: 0,
    database: 'opentsdb',
    pieces: text(
      'put m 1500000000 1 h=a\n',
      'put m 1500000000 x h=a\nput m 1500000001 2 h=a\n',
      'version\n',
      'POST /api/put HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\n[{',
      'nonsense\n',
    ),
  },
  {
    kind: 'collectd',
    keys: `typesdb = "${CAPTURES}/types.db"`,
    transport: 'udp',
    address: 0,
    database: 'collectd',
    pieces: [...packets(), Buffer.from('hello'), Buffer.alloc(0)],
  },
];

const step = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('send' as const),
      piece: fc.nat(99),
      times: fc.integer({ min: 1, max: 9 }),
      isCut: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('hold' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('release' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('fail' as const),
      times: fc.integer({ min: 1, max: 2 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('refuse' as const),
      times: fc.integer({ min: 1, max: 9 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('drop database' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('close and open' as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

/** Sends a piece without waiting for what becomes of it. */
async function send(
  { transport, address }: Listener,
  bench: InputBench,
  bytes: Uint8Array,
  isCut: boolean,
): Promise<void> {
  const [host = '', port = ''] = (bench.input.addresses()[address] ?? '').split(':');
  if (port === '') return;
  if (transport === 'udp') {
    const socket = dgram.createSocket('udp4');
    await new Promise((done) => socket.send(bytes, Number(port), host, done));
    socket.close();
    return;
  }
  await new Promise<void>((done) => {
    const socket = net.connect(Number(port), host, () =>
      socket.write(bytes, () => {
        if (isCut) socket.resetAndDestroy();
        else socket.end();
        done();
      }),
    );
    socket.on('error', () => done());
    socket.resume();
  });
}

async function take(one: Step, listener: Listener, bench: InputBench): Promise<void> {
  const { sink, input } = bench;
  switch (one.do) {
    case 'send': {
      const piece = listener.pieces[one.piece % listener.pieces.length];
      for (let i = 0; i < one.times; i++) await send(listener, bench, piece, one.isCut);
      return;
    }
    case 'hold':
      return sink.hold();
    case 'release':
      return sink.release();
    case 'fail':
      sink.failures = one.times;
      return;
    case 'refuse':
      sink.refusals = one.times;
      return;
    case 'drop database':
      return sink.dropDatabase(listener.database);
    default:
      sink.release();
      await input.close();
      expect(input.ledger.snapshot().inFlight).toBe(0);
      return input.open();
  }
}

describe('the balance sheet', () => {
  it.each(
    listeners.map((listener): [string, Listener] => [
      `${listener.kind} ${listener.transport} ${listener.keys.split(' ')[0] ?? ''}`,
      listener,
    ]),
  )(
    'holds at every step for %s',
    async (_name, listener) => {
      const definition = builtInInputs.find(({ section }) => section.name === listener.kind);
      if (definition === undefined) throw new TypeError(listener.kind);
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 16 }), async (steps) => {
          const bench = benchInput(definition, KEYS + listener.keys);
          const { input, sink } = bench;
          const sheet = new BalanceSheet();
          sheet.add(() => [input.ledger]);
          const check = (): void => {
            for (const books of sheet.snapshots()) assertBalanced(books);
            const total = sheetTotal(sheet.snapshots().map(sheetLine));
            const { received, stored, rejected, dropped, inFlight } = total;
            expect(received).toBe(stored + rejected + dropped + inFlight);
            // What the sink has written may not be booked yet; nothing is booked that it has not.
            expect(stored).toBeLessThanOrEqual(sink.points);
          };
          const watch = setInterval(check, 1);
          await input.open();
          try {
            for (const one of steps) {
              await take(one, listener, bench);
              check();
            }
          } finally {
            sink.release();
            await input.close();
            clearInterval(watch);
          }
          check();
          const [books] = sheet.snapshots();
          expect(books?.inFlight).toBe(0);
          expect(books?.stored).toBe(sink.points);
        }),
        { numRuns: RUNS },
      );
    },
    120_000,
  );
});
