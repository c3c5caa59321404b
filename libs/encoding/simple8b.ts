/**
 * Simple-8b: whole numbers below 2^60 packed into 64-bit words, each with a 4-bit selector for how many values of how many
 * bits it holds. Selectors 0 and 1 stand for 240 and 120 ones. Words are big-endian; values start at the lowest bits.
 *
 * @see docs/formats/blocks.md
 * @see Anh and Moffat, Index compression using 64-bit words (2010)
 */
import { readWord, writeI64, writeU32 } from './bytes.js';
import { BLOCK_VALUES_MAX, EXACT_LIMIT } from './decoded-block.js';
import { CorruptionError } from './errors.js';

/** Values a word holds, by selector. */
const COUNT = Uint8Array.of(240, 120, 60, 30, 20, 15, 12, 10, 8, 7, 6, 5, 4, 3, 2, 1);
/** Bits of each value, by selector. */
const BITS = Uint8Array.of(0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 30, 60);
/** The first value too large, by selector. */
const LIMIT = Float64Array.from(BITS, (bits) => 2 ** bits);

/** The first value that simple-8b cannot hold. */
export const SIMPLE8B_LIMIT = 2n ** 60n;

/** Selector of a word that holds a single value of 60 bits. */
const SINGLE = 15;
const SINGLE_WORD = 15n << 60n;

/**
 * How far InfluxDB looks for ones before it writes a word of 240 or 120 of them: all that it looks at has to be ones. Its
 * time encoder looks at 240 values, its integer encoder at all that are left. (Later versions than 1.6 look at what the word
 * would hold; every version reads all of these.)
 */
export const ONES_WINDOW = { TIMES: 240, INTEGERS: Infinity } as const;

/**
 * Packs `values[0 .. count)`: whole, 0 <= value < 2^53. Each word takes as many values as fit, as InfluxDB does it.
 * @param out has room for 8 bytes a value
 * @param onesWindow one of {@link ONES_WINDOW}
 * @returns the position behind the last word
 */
export function encodeSimple8b(
  values: Float64Array,
  count: number,
  out: Uint8Array,
  position: number,
  onesWindow: number,
): number {
  for (let i = 0; i < count; position += 8) {
    const ones = values[i] === 1 ? runOfOnes(values, i, count, onesWindow) : 0;
    if (ones > 0) {
      writePair(out, position, ones === 240 ? 0 : 1 << 28, 0);
      i += ones;
    } else i = encodeWord(values, i, count, out, position);
  }
  return position;
}

/** {@link encodeSimple8b} for values of up to 60 bits. Slow path. */
export function encodeWideSimple8b(
  values: BigInt64Array,
  count: number,
  out: Uint8Array,
  position: number,
  onesWindow: number,
): number {
  // Below 2^53 these are exact; what is more needs a word of its own either way.
  const rounded = Float64Array.from(values.subarray(0, count), Number);
  for (let i = 0; i < count; position += 8) {
    const ones = rounded[i] === 1 ? runOfOnes(rounded, i, count, onesWindow) : 0;
    if (ones > 0) {
      writePair(out, position, ones === 240 ? 0 : 1 << 28, 0);
      i += ones;
    } else if (rounded[i]! < EXACT_LIMIT) i = encodeWord(rounded, i, count, out, position);
    else writeI64(out, position, values[i++]! | SINGLE_WORD);
  }
  return position;
}

/**
 * Number of values in the words of `bytes[start .. end)`.
 * @returns `count`, or `-count - 1` when one of them is 2^53 or more
 * @throws CorruptionError when the length is no multiple of 8 or there are more than {@link BLOCK_VALUES_MAX}
 */
export function countSimple8b(bytes: Uint8Array, start: number, end: number): number {
  if (((end - start) & 7) !== 0) {
    throw new CorruptionError(
      'read packed integers',
      start,
      `${end - start} bytes are no whole words`,
    );
  }
  let count = 0;
  let hasWide = false;
  for (let at = start; at < end; at += 8) {
    const selector = bytes[at]! >>> 4;
    count += COUNT[selector]!;
    if (selector === SINGLE && (bytes[at]! & 15 || bytes[at + 1]! >= 0x20)) hasWide = true;
  }
  if (count > BLOCK_VALUES_MAX) {
    throw new CorruptionError('read packed integers', start, `${count} values in one block`);
  }
  return hasWide ? -count - 1 : count;
}

/**
 * Unpacks words that {@link countSimple8b} has counted into `out` from `at` on; `out` has room for all of them. Values of
 * 2^53 and more come out rounded.
 */
export function decodeSimple8b(
  bytes: Uint8Array,
  start: number,
  end: number,
  out: Float64Array,
  at: number,
): void {
  for (let position = start; position < end; position += 8) {
    const high = readWord(bytes, position);
    const low = readWord(bytes, position + 4);
    const selector = high >>> 28;
    const count = COUNT[selector]!;
    if (selector < 2) out.fill(1, at, at + count);
    else if (selector === SINGLE) out[at] = (high & 0x0fffffff) * 4294967296 + (low >>> 0);
    else unpackWord(high, low, out, at);
    at += count;
  }
}

/** {@link decodeSimple8b} with exact 60-bit values. Slow path. */
export function decodeWideSimple8b(
  bytes: Uint8Array,
  start: number,
  end: number,
  out: BigInt64Array,
  at: number,
): void {
  const run = new Float64Array(COUNT[0]!);
  for (let position = start; position < end; position += 8) {
    const count = COUNT[bytes[position]! >>> 4]!;
    if (count === 1) {
      out[at] =
        (BigInt(readWord(bytes, position) & 0x0fffffff) << 32n) |
        BigInt(readWord(bytes, position + 4) >>> 0);
    } else {
      decodeSimple8b(bytes, position, position + 8, run, 0);
      for (let k = 0; k < count; k++) out[at + k] = BigInt(run[k]!);
    }
    at += count;
  }
}

/** Packs one word from `i` on and returns the position of the first value that it does not hold. */
function encodeWord(
  values: Float64Array,
  i: number,
  to: number,
  out: Uint8Array,
  position: number,
): number {
  const selector = densestSelector(values, i, to);
  if (selector === SINGLE) {
    const value = values[i]!;
    const high = Math.floor(value / 4294967296);
    writePair(out, position, high | (SINGLE << 28), value - high * 4294967296);
  } else packWord(values, i, selector, out, position);
  return i + COUNT[selector]!;
}

/** 240 or 120 when a word of so many ones is to be written at `i`, else 0. */
function runOfOnes(values: Float64Array, i: number, to: number, onesWindow: number): number {
  const window = to - i < onesWindow ? to - i : onesWindow;
  if (window < 120) return 0;
  for (let k = i + window - 1; k > i; k--) if (values[k] !== 1) return 0;
  return window >= 240 ? 240 : 120;
}

/** The selector that takes the most values from `i` on. Fitting is monotone: when n values do not fit, n + 1 do not. */
function densestSelector(values: Float64Array, i: number, to: number): number {
  let largest = values[i]!;
  let selector = SINGLE;
  let seen = 1;
  while (selector > 2) {
    const wanted = COUNT[selector - 1]!;
    if (i + wanted > to) break;
    while (seen < wanted) {
      const value = values[i + seen]!;
      if (value > largest) largest = value;
      seen++;
    }
    if (largest >= LIMIT[selector - 1]!) break;
    selector--;
  }
  return selector;
}

/** Packs the values of one word with selector 2 .. 14. */
function packWord(
  values: Float64Array,
  i: number,
  selector: number,
  out: Uint8Array,
  position: number,
): void {
  const bits = BITS[selector]!;
  const end = i + COUNT[selector]!;
  let low = 0;
  let high = 0;
  let shift = 0;
  for (; shift + bits <= 32 && i < end; shift += bits) low |= values[i++]! << shift;
  if (shift < 32 && i < end) {
    const value = values[i++]! | 0;
    low |= value << shift;
    high = value >>> (32 - shift);
    shift += bits;
  }
  for (shift -= 32; i < end; shift += bits) high |= values[i++]! << shift;
  writePair(out, position, high | (selector << 28), low);
}

/** Unpacks one word with selector 2 .. 14. */
function unpackWord(high: number, low: number, out: Float64Array, at: number): void {
  const selector = high >>> 28;
  const bits = BITS[selector]!;
  const mask = (1 << bits) - 1;
  const end = at + COUNT[selector]!;
  let shift = 0;
  for (; shift + bits <= 32 && at < end; shift += bits) out[at++] = (low >>> shift) & mask;
  if (shift < 32 && at < end) {
    out[at++] = ((low >>> shift) | (high << (32 - shift))) & mask;
    shift += bits;
  }
  for (shift -= 32; at < end; shift += bits) out[at++] = (high >>> shift) & mask;
}

function writePair(out: Uint8Array, position: number, high: number, low: number): void {
  writeU32(out, position, high);
  writeU32(out, position + 4, low);
}
