/**
 * Speed of the block codecs in values a second, on blocks of 1,000 values that look like a collector's: times every ten
 * seconds with and without jitter, gauges with one decimal, counters, states. Run it from the build:
 *
 *   npm run build && node dist/libs/encoding/block-codecs.bench.js
 */
import {
  decodeBooleans,
  decodeFloats,
  decodeIntegers,
  decodeStrings,
  decodeTimes,
  encodeBooleans,
  encodeFloats,
  encodeIntegers,
  encodeStrings,
  encodeTimes,
  TimeBlock,
  ValueBlock,
} from './index.js';

const COUNT = 1000;
const BLOCKS = 64;
const BASE_NS = 1_500_000_000_000_000_000n;

/** A small generator with a fixed seed, so that runs compare. */
let state = 42;
function random(): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 4294967296;
}

const numbers = (next: (i: number) => number): Float64Array[] =>
  Array.from({ length: BLOCKS }, () => {
    const out = new Float64Array(COUNT);
    for (let i = 0; i < COUNT; i++) out[i] = next(i);
    return out;
  });

const times = new TimeBlock();
const values = new ValueBlock();
values.reserve(COUNT);

interface Codec {
  readonly name: string;
  readonly encode: (block: number, out: Uint8Array) => number;
  readonly decode: (bytes: Uint8Array, end: number) => void;
}

const timesCodec = (name: string, offsets: Float64Array[]): Codec => ({
  name,
  encode: (block, out) => encodeTimes(offsets[block]!, COUNT, BASE_NS, out, 0),
  decode: (bytes, end) => decodeTimes(bytes, 0, end, times),
});
const floatsCodec = (name: string, columns: Float64Array[]): Codec => ({
  name,
  encode: (block, out) => encodeFloats(columns[block]!, COUNT, out, 0),
  decode: (bytes, end) => decodeFloats(bytes, 0, end, values.numbers, COUNT),
});
const integersCodec = (name: string, columns: Float64Array[]): Codec => ({
  name,
  encode: (block, out) => encodeIntegers(columns[block]!, COUNT, out, 0),
  decode: (bytes, end) => decodeIntegers(bytes, 0, end, values, COUNT),
});

let walk = 50;
let counter = 0;
const texts = Array.from({ length: BLOCKS }, () => {
  const all = Array.from({ length: COUNT }, () => `GET /item/${Math.floor(random() * 1000)} 200`);
  const offsets = new Int32Array(COUNT + 1);
  all.forEach((text, i) => (offsets[i + 1] = offsets[i]! + text.length));
  return { bytes: new TextEncoder().encode(all.join('')), offsets };
});

const codecs: Codec[] = [
  timesCodec(
    'times, every 10 s',
    numbers((i) => i * 1e10),
  ),
  timesCodec(
    'times, ms jitter',
    numbers((i) => i * 1e10 + Math.floor(random() * 1000) * 1e6),
  ),
  timesCodec(
    'times, ns jitter',
    numbers((i) => i * 1e10 + Math.floor(random() * 1e6)),
  ),
  floatsCodec(
    'floats, same',
    numbers(() => 42.5),
  ),
  floatsCodec(
    'floats, whole walk',
    numbers(() => (walk += Math.floor(random() * 3) - 1)),
  ),
  floatsCodec(
    'floats, 1 decimal',
    numbers(() => Math.round((walk += random() - 0.5) * 10) / 10),
  ),
  floatsCodec(
    'floats, random',
    numbers(() => random()),
  ),
  integersCodec(
    'integers, walk of 1',
    numbers(() => (counter += Math.floor(random() * 3) - 1)),
  ),
  integersCodec(
    'integers, counter',
    numbers(() => (counter += Math.floor(random() * 5000))),
  ),
  {
    name: 'booleans',
    encode: (
      (columns) => (block, out) =>
        encodeBooleans(columns[block]!, COUNT, out, 0)
    )(numbers(() => (random() < 0.9 ? 1 : 0))),
    decode: (bytes, end) => decodeBooleans(bytes, 0, end, values.numbers, COUNT),
  },
  {
    name: 'strings, 17 bytes',
    encode: (block, out) => encodeStrings(texts[block]!, COUNT, out, 0),
    decode: (bytes, end) => decodeStrings(bytes, 0, end, values, COUNT),
  },
];

/** Millions of values a second in the best of a few rounds. */
function rate(run: (block: number) => void): number {
  let best = Infinity;
  for (let round = 0; round < 12; round++) {
    const started = performance.now();
    for (let repeat = 0; repeat < 8; repeat++)
      for (let block = 0; block < BLOCKS; block++) run(block);
    best = Math.min(best, performance.now() - started);
  }
  return (8 * BLOCKS * COUNT) / best / 1000;
}

/** Each codec is measured with all of them warm, as they are in a server. */
for (const last of [false, true]) {
  for (const codec of codecs) {
    const blocks = Array.from({ length: BLOCKS }, () => new Uint8Array(COUNT * 32));
    const ends = blocks.map((out, block) => codec.encode(block, out));
    const encoded = rate((block) => codec.encode(block, blocks[block]!));
    const decoded = rate((block) => codec.decode(blocks[block]!, ends[block]!));
    const size = ends.reduce((sum, end) => sum + end, 0) / (BLOCKS * COUNT);
    const line = `${codec.name.padEnd(22)} encode ${encoded.toFixed(0).padStart(5)} M/s  decode ${decoded.toFixed(0).padStart(5)} M/s  ${size.toFixed(2).padStart(6)} B/value`;
    if (last) process.stdout.write(`${line}\n`);
  }
}
