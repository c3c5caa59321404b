/**
 * What every input must do, built in or not: a list of checks for any test runner. A check throws when the input fails it.
 */
import assert from 'node:assert/strict';
import { messageOf } from '#kernel';
import type { LedgerSnapshot } from '../shared/ingest-ledger.js';
import type { InputDefinition } from '../shared/input.js';
import {
  benchInput,
  type InputBench,
  inputConfig,
  sendTcp,
  sendUdp,
  until,
} from './input-bench.js';

/** An input to be checked. */
export interface ConformanceSubject {
  readonly definition: InputDefinition;
  /** Keys of its table that make it listen, on port 0 of 127.0.0.1: `bind-address = "127.0.0.1:0"`. */
  readonly toml: string;
  readonly transport: 'tcp' | 'udp';
  /** The database that it writes to. */
  readonly database: string;
  /** Good input: points number `first` to `first + count - 1`, all different. */
  encode(first: number, count: number): Uint8Array;
  /** Input that must be rejected, in part at least. */
  readonly garbage: Uint8Array;
  /** Seven good points in the form in which rejected input is handed out, where that is not the transport's. */
  readonly replayed?: Uint8Array;
  /** Counters that it must have. */
  readonly counters: readonly string[];
  /** Tables that must be refused, and what their error texts must contain. */
  readonly badConfigs: readonly { readonly toml: string; readonly text: string }[];
}

/** One check. */
export interface ConformanceCheck {
  readonly name: string;
  run(): Promise<void>;
}

/** Pieces of mutated input that the fuzz check sends. */
const FUZZ_PIECES = 300;
const BATCH_KEYS = 'batch-size = 10\nbatch-pending = 2\n';
const SLOW = `${BATCH_KEYS}batch-timeout = "1h"`;
const FAST = `${BATCH_KEYS}batch-timeout = "5ms"`;

/** All checks for an input. */
export function conformanceChecks(subject: ConformanceSubject): readonly ConformanceCheck[] {
  const check = (
    name: string,
    keys: string,
    test: (bench: InputBench, send: (bytes: Uint8Array) => Promise<void>) => Promise<void>,
  ): ConformanceCheck => ({
    name,
    run: async () => {
      const bench = benchInput(subject.definition, `${subject.toml}\n${keys}`);
      const { input, sink } = bench;
      await input.open();
      const [address = ''] = input.addresses();
      try {
        await test(bench, async (bytes) => {
          if (subject.transport === 'tcp') await sendTcp(address, bytes);
          else await sendUdp(address, bytes);
        });
        assertBalanced(input.ledger.snapshot());
      } finally {
        sink.release();
        await input.close();
      }
      const books = input.ledger.snapshot();
      assertBalanced(books);
      assert.equal(books.inFlight, 0, 'nothing is in flight after close()');
    },
  });
  const stored = ({ input }: InputBench): number => input.ledger.snapshot().stored;
  const { database, encode, garbage } = subject;
  return [
    check('opens and closes, again and again', FAST, async ({ input }) => {
      const [address = ''] = input.addresses();
      assert.match(address, /:[1-9]\d*$/, 'a real port in place of 0');
      await input.open();
      assert.deepEqual(input.addresses()[0], address, 'open() of an open input does nothing');
      await input.close();
      assert.deepEqual(input.addresses(), []);
      await input.close();
      await input.open();
      assert.equal(input.addresses().length > 0, true);
    }),
    check('stores what it receives and creates the database', FAST, async (bench, send) => {
      await send(encode(0, 25));
      await until('25 points to be stored', () => stored(bench) === 25);
      assert.equal(new Set(bench.sink.lines(database)).size, 25);
    }),
    check('counts garbage and goes on', FAST, async (bench, send) => {
      await send(garbage);
      await until('garbage to be rejected', () => {
        const { rejected, offenders } = bench.input.ledger.snapshot();
        return rejected.length > 0 && offenders.length > 0 && bench.rejected.length > 0;
      });
      const before = stored(bench);
      await send(encode(0, 5));
      await until('good input after it to be stored', () => stored(bench) >= before + 5);
    }),
    check('survives mutated input', FAST, async (bench, send) => {
      const random = new Mutator(encode(0, 3));
      for (let i = 0; i < FUZZ_PIECES; i++) await send(random.next());
      const before = stored(bench);
      await send(encode(100, 1));
      await until('a good point after it', () => stored(bench) > before);
    }),
    check(
      'holds senders back or drops with a count while the writer is busy',
      SLOW,
      async (bench, send) => {
        const { input, sink } = bench;
        sink.hold();
        const sends: Promise<void>[] = [];
        for (let i = 0; i < 100; i++) sends.push(send(encode(10 * i, 10)));
        if (subject.transport === 'udp') await Promise.all(sends);
        await until('the writer to be busy', () => input.ledger.snapshot().inFlight >= 20);
        sink.release();
        await Promise.all(sends);
        await until('everything to have an end', () => {
          const { received, inFlight } = input.ledger.snapshot();
          return received >= 1000 && inFlight < 10;
        });
        if (subject.transport === 'tcp') assert.deepEqual(input.ledger.snapshot().dropped, []);
      },
    ),
    check('stores what it has received before it closes', SLOW, async (bench, send) => {
      await send(encode(0, 7));
      await bench.input.close();
      assert.equal(stored(bench), 7);
      assert.equal(bench.sink.lines(database).length, 7);
    }),
    check(
      'tries a failed write again, and counts what is lost in the end',
      FAST,
      async (bench, send) => {
        const { input, sink } = bench;
        sink.failures = 1;
        await send(encode(0, 3));
        await until('the second try', () => stored(bench) === 3);
        sink.failures = Number.POSITIVE_INFINITY;
        await send(encode(3, 3));
        await until('the points to be in', () => input.ledger.snapshot().received === 6);
        await input.close();
        assert.deepEqual(input.ledger.snapshot().dropped, [{ name: 'write', count: 3 }]);
      },
    ),
    check('goes on when its database is dropped', FAST, async (bench, send) => {
      await send(encode(0, 5));
      await until('the first points', () => stored(bench) === 5);
      bench.sink.dropDatabase(database);
      await send(encode(0, 5));
      await until('the same points again', () => bench.sink.lines(database).length === 5);
    }),
    {
      name: 'takes what it rejected once more, without listening',
      run: async () => {
        const { input, sink } = benchInput(subject.definition, `${subject.toml}\n${SLOW}`);
        if (input.replay === undefined) return;
        const raw = await rejectedOf(subject);
        await input.replay(raw, '10.0.0.1:1');
        const { rejected } = input.ledger.snapshot();
        assert.equal(rejected.length > 0, true, 'garbage is rejected again');
        await input.replay(subject.replayed ?? encode(0, 7), '10.0.0.1:1');
        await input.close();
        const books = input.ledger.snapshot();
        assertBalanced(books);
        assert.equal(books.inFlight, 0, 'nothing is in flight after close()');
        assert.equal(books.stored >= 7, true, 'what is good is stored');
        assert.equal(sink.lines(database).length, books.stored);
      },
    },
    check('has the counters', FAST, async ({ input }) => {
      const [first] = input.statistics();
      for (const name of subject.counters) {
        assert.equal(typeof first?.values[name], 'number', `counter ${name}`);
      }
      await Promise.resolve();
    }),
    {
      name: 'refuses a configuration that cannot be used',
      run: async () => {
        for (const { toml, text } of subject.badConfigs) {
          assert.throws(
            () => inputConfig(subject.definition, toml),
            (error) => messageOf(error).includes(text),
            `${toml} has to be refused with: ${text}`,
          );
        }
        await Promise.resolve();
      },
    },
  ];
}

/** What an input hands out when it rejects the subject's garbage. */
async function rejectedOf(subject: ConformanceSubject): Promise<Uint8Array> {
  const { input, rejected } = benchInput(subject.definition, subject.toml);
  await input.open();
  const [address = ''] = input.addresses();
  if (subject.transport === 'tcp') await sendTcp(address, subject.garbage);
  else await sendUdp(address, subject.garbage);
  await until('garbage to be rejected', () => rejected.length > 0);
  await input.close();
  return rejected[0].raw;
}

/** The equation of the books. */
export function assertBalanced(books: LedgerSnapshot): void {
  const sum = (counts: LedgerSnapshot['rejected']): number =>
    counts.reduce((total, { count }) => total + count, 0);
  const { received, stored, rejected, dropped, inFlight } = books;
  assert.equal(
    received,
    stored + sum(rejected) + sum(dropped) + inFlight,
    'received = stored + rejected + dropped + in flight',
  );
  assert.ok(inFlight >= 0, 'nothing is stored that was not received');
}

/** Makes odd input of good input, always in the same order. */
class Mutator {
  private state = 0x9e3779b9;

  constructor(private readonly seed: Uint8Array) {}

  next(): Uint8Array {
    const bytes = Uint8Array.from(this.seed);
    switch (this.below(4)) {
      case 0:
        return bytes.subarray(0, this.below(bytes.length));
      case 1:
        return bytes.map(() => this.below(256));
      case 2:
        return Uint8Array.from([...bytes, ...bytes.subarray(this.below(bytes.length))]);
      default:
        for (let i = this.below(6); i >= 0; i--) bytes[this.below(bytes.length)] = this.below(256);
        return bytes;
    }
  }

  private below(limit: number): number {
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5;
    return (this.state >>> 0) % limit;
  }
}
