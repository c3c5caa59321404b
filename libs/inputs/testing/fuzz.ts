/**
 * Sends mutated input to a listener, many pieces, and checks that it stays up: nothing is thrown, the books balance, no piece
 * keeps the process from its other work for long, and good input is stored afterwards.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { InputDefinition } from '../shared/input.js';
import { assertBalanced } from './conformance.js';
import { benchInput, sendTcp, sendUdp, until } from './input-bench.js';

/** An input and what to make odd input of. */
export interface FuzzSubject {
  readonly definition: InputDefinition;
  /** Keys of its table that make it listen on port 0 of 127.0.0.1. */
  readonly toml: string;
  readonly transport: 'tcp' | 'udp';
  readonly database: string;
  /** Good input, as senders make it. */
  readonly seeds: readonly Uint8Array[];
  readonly pieces: number;
  readonly seed: number;
}

/** What was seen. */
export interface InputFuzzReport {
  readonly pieces: number;
  readonly received: number;
  readonly stored: number;
  readonly rejected: number;
  /** Lost while the writer was busy or in the kernel. */
  readonly dropped: number;
  /** Longest time in which the process did nothing else. */
  readonly longestMs: number;
}

/** Pieces between two looks at the books. */
const ROUND_PIECES = 500;
const AT_ONCE = 8;
/** Turns of the event loop that a datagram is waited for. */
const TURNS_MAX = 50;
/** No piece may take longer. */
const PIECE_MS_MAX = 1000;

/** Runs. @throws where the input fails */
export async function fuzzInput(subject: FuzzSubject): Promise<InputFuzzReport> {
  const { definition, toml, transport, database, pieces, seeds } = subject;
  const bench = benchInput(definition, `${toml}\nbatch-timeout = "5ms"`);
  const { input, sink } = bench;
  const delay = monitorEventLoopDelay({ resolution: 5 });
  const next = mutations(seeds, subject.seed);
  await input.open();
  const [address = ''] = input.addresses();
  const sendSome = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      const piece = next();
      if (transport === 'udp') await sendAndWait(piece);
      // A peer may be cut off.
      else await sendTcp(address, piece).catch(() => undefined);
    }
  };
  /** The kernel drops what is not read at once. */
  const sendAndWait = async (piece: Uint8Array): Promise<void> => {
    const bytes = (): number => input.statistics()[0]?.values['bytesRx'] ?? 0;
    const before = bytes();
    await sendUdp(address, piece);
    for (let turn = 0; turn < TURNS_MAX && bytes() < before + piece.length; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  delay.enable();
  try {
    for (let done = 0; done < pieces; done += ROUND_PIECES) {
      const senders = transport === 'udp' ? 1 : AT_ONCE;
      const each = Math.ceil(Math.min(ROUND_PIECES, pieces - done) / senders);
      await Promise.all(Array.from({ length: senders }, () => sendSome(each)));
      assertBalanced(input.ledger.snapshot());
      bench.rejected.length = 0;
      sink.dropDatabase(database);
    }
    delay.disable();
    const { stored } = input.ledger.snapshot();
    const [good = new Uint8Array(0)] = seeds;
    if (transport === 'udp') await sendUdp(address, good);
    else await sendTcp(address, good);
    await until('good input after it', () => input.ledger.snapshot().stored > stored);
  } finally {
    await input.close();
  }
  const books = input.ledger.snapshot();
  assertBalanced(books);
  const longestMs = Math.round(delay.max / 1e6);
  if (longestMs > PIECE_MS_MAX) await until(`pieces shorter than ${longestMs} ms`, () => false);
  const sum = (counts: typeof books.rejected): number =>
    counts.reduce((total, { count }) => total + count, 0);
  return {
    pieces,
    received: books.received,
    stored: books.stored,
    rejected: sum(books.rejected),
    dropped: sum(books.dropped),
    longestMs,
  };
}

/** Makes odd input of good input, always in the same order for a seed. */
export function mutations(seeds: readonly Uint8Array[], seed: number): () => Uint8Array {
  let state = (Math.imul(seed, 0x9e3779b1) ^ 0x2545f491) | 1;
  const below = (limit: number): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return limit === 0 ? 0 : (state >>> 0) % limit;
  };
  const pick = (): Uint8Array => seeds[below(seeds.length)] ?? new Uint8Array(0);
  const splice = (bytes: Uint8Array, at: number, gone: number, put: Uint8Array): Uint8Array =>
    Uint8Array.from([...bytes.subarray(0, at), ...put, ...bytes.subarray(at + gone)]);
  return () => {
    let bytes: Uint8Array = Uint8Array.from(pick());
    for (let edits = below(5); edits >= 0; edits--) {
      const at = below(bytes.length + 1);
      switch (below(6)) {
        case 0:
          bytes = bytes.slice(0, at);
          break;
        case 1:
          bytes = splice(bytes, at, 1 + below(8), new Uint8Array(0));
          break;
        case 2:
          bytes = splice(
            bytes,
            at,
            0,
            Uint8Array.from({ length: 1 + below(4) }, () => below(256)),
          );
          break;
        case 3:
          bytes = splice(bytes, at, 0, bytes.subarray(at, at + below(40)));
          break;
        case 4: {
          const other = pick();
          bytes = splice(bytes, at, 0, other.subarray(below(other.length)));
          break;
        }
        default:
          if (at < bytes.length)
            bytes[at] = below(2) === 0 ? below(256) : bytes[at] ^ (1 << below(8));
      }
    }
    return bytes.subarray(0, PIECE_BYTES_MAX);
  };
}

/** What fits in a datagram. */
const PIECE_BYTES_MAX = 60_000;
