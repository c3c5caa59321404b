/**
 * Integer and unsigned blocks: zigzag of the differences, as one run, packed by simple-8b, or raw. Byte for byte what
 * InfluxDB 1.x writes; an unsigned block is the integer block of the same 64 bits. Values are float64 while they are exact,
 * int64 words beyond 2^53.
 *
 * @see docs/formats/blocks.md
 */
import { readU32, readU64AsNumber, writeI64, writeU32 } from './bytes.js';
import { EXACT_LIMIT, type ValueBlock } from './decoded-block.js';
import { CorruptionError } from './errors.js';
import {
  countSimple8b,
  decodeSimple8b,
  decodeWideSimple8b,
  encodeSimple8b,
  encodeWideSimple8b,
  ONES_WINDOW,
  SIMPLE8B_LIMIT,
} from './simple8b.js';
import {
  decodeZigzag,
  encodeZigzag,
  readVarint,
  readWideVarint,
  skipVarint,
  writeVarint,
  writeWideVarint,
} from './varint.js';

const RAW = 0;
const PACKED = 1;
const RUN = 2;
/** Encoding, and the first value. */
const HEADER_BYTES = 9;
/** Fewer values are not worth a run. */
const RUN_VALUES_MIN = 3;
const ATTEMPT = 'decode integers';

let scratch = new Float64Array(1024);

/** The most bytes the encoders take for `count` values. */
export function encodedIntegersMaxBytes(count: number): number {
  return HEADER_BYTES + 20 + 8 * count;
}

/**
 * Writes `values[0 .. count)` at `position` as an integer or unsigned block; count >= 1.
 * @param values whole, at most 2^53 in size (unsigned: not negative); beyond, use {@link encodeWideIntegers}
 * @param out has room for {@link encodedIntegersMaxBytes}
 * @returns the position behind the block
 */
export function encodeIntegers(
  values: Float64Array,
  count: number,
  out: Uint8Array,
  position: number,
): number {
  if (scratch.length < count) scratch = new Float64Array(count * 2);
  const first = encodeZigzag(values[0]!);
  const kind = takeDifferences(values, count, scratch);
  if (kind === WIDE || first >= EXACT_LIMIT) {
    return encodeWideIntegers(
      BigInt64Array.from(values.subarray(0, count), BigInt),
      count,
      out,
      position,
    );
  }
  const high = Math.floor(first / 4294967296);
  writeU32(out, position + 1, high);
  writeU32(out, position + 5, first - high * 4294967296);
  if (kind === EQUAL && count >= RUN_VALUES_MIN) {
    out[position] = RUN << 4;
    return writeVarint(out, writeVarint(out, position + HEADER_BYTES, scratch[0]!), count - 1);
  }
  out[position] = PACKED << 4;
  return encodeSimple8b(scratch, count - 1, out, position + HEADER_BYTES, ONES_WINDOW.INTEGERS);
}

/**
 * Writes 64-bit words, signed or unsigned alike, as an integer or unsigned block; count >= 1. Slow path.
 * @returns the position behind the block
 */
export function encodeWideIntegers(
  values: BigInt64Array,
  count: number,
  out: Uint8Array,
  position: number,
): number {
  const encoded = new BigInt64Array(count);
  let before = 0n;
  let isRun = count >= RUN_VALUES_MIN;
  let fits = true;
  for (let i = 0; i < count; i++) {
    const value = values[i]!;
    const difference = BigInt.asIntN(64, value - before);
    before = value;
    encoded[i] = (difference << 1n) ^ (difference >> 63n);
    // As unsigned words: what looks negative is 2^63 and more.
    if (encoded[i]! < 0n || encoded[i]! >= SIMPLE8B_LIMIT) fits = false;
    if (i > 1 && encoded[i] !== encoded[1]) isRun = false;
  }
  if (!fits && !isRun) {
    out[position] = RAW << 4;
    for (let i = 0; i < count; i++) writeI64(out, position + 1 + 8 * i, encoded[i]!);
    return position + 1 + 8 * count;
  }
  writeI64(out, position + 1, encoded[0]!);
  if (isRun) {
    out[position] = RUN << 4;
    const step = BigInt.asUintN(64, encoded[1]!);
    return writeVarint(out, writeWideVarint(out, position + HEADER_BYTES, step), count - 1);
  }
  out[position] = PACKED << 4;
  position += HEADER_BYTES;
  return encodeWideSimple8b(encoded.subarray(1), count - 1, out, position, ONES_WINDOW.INTEGERS);
}

/**
 * Decodes the integer block in `bytes[start .. end)`, which must hold exactly `count` values, to `block.numbers`, and to
 * `block.wide` too where a value is beyond 2^53 in size.
 * @throws CorruptionError
 */
export function decodeIntegers(
  bytes: Uint8Array,
  start: number,
  end: number,
  block: ValueBlock,
  count: number,
): void {
  if (end - start < HEADER_BYTES) throw new CorruptionError(ATTEMPT, start, 'cut off');
  block.wide = null;
  const encoding = bytes[start]! >>> 4;
  const numbers = block.reserve(count);
  if (encoding === PACKED) {
    const counted = countSimple8b(bytes, start + HEADER_BYTES, end);
    checkCount(1 + (counted < 0 ? -counted - 1 : counted), count, start);
    numbers[0] = readU64AsNumber(bytes, start + 1);
    if (counted >= 0 && numbers[0] < EXACT_LIMIT) {
      decodeSimple8b(bytes, start + HEADER_BYTES, end, numbers, 1);
      if (sumUp(numbers, count) < EXACT_LIMIT) return;
    }
  } else if (encoding === RUN) {
    const countAt = skipVarint(bytes, start + HEADER_BYTES, end);
    checkCount(1 + readVarint(bytes, countAt, end), count, start);
    const step = readWideVarint(bytes, start + HEADER_BYTES, end);
    if (fillRun(numbers, count, readU64AsNumber(bytes, start + 1), Number(step))) return;
  } else if (encoding === RAW) {
    checkCount((end - start - 1) / 8, count, start);
  } else throw new CorruptionError(ATTEMPT, start, `unknown encoding ${encoding}`);
  decodeWide(bytes, start, end, block, count);
}

/**
 * Decodes an unsigned block: {@link decodeIntegers}, with `block.wide` filled too where a value is beyond 2^53 as an unsigned
 * number.
 * @throws CorruptionError
 */
export function decodeUnsigned(
  bytes: Uint8Array,
  start: number,
  end: number,
  block: ValueBlock,
  count: number,
): void {
  decodeIntegers(bytes, start, end, block, count);
  const { numbers } = block;
  let hasWide = block.wide !== null;
  for (let i = 0; i < count && !hasWide; i++) hasWide = numbers[i]! < 0;
  if (!hasWide) return;
  if (block.wide === null) {
    const words = block.reserveWide(count);
    for (let i = 0; i < count; i++) words[i] = BigInt(numbers[i]!);
  }
  const words = block.wide!;
  for (let i = 0; i < count; i++) numbers[i] = Number(BigInt.asUintN(64, words[i]!));
}

/** What the differences of a block are: all equal, simply small, or beyond what the fast path handles. */
const EQUAL = 0;
const SMALL = 1;
const WIDE = 2;

/** Fills `out` with the zigzags of count - 1 differences and says of which kind they are. */
function takeDifferences(values: Float64Array, count: number, out: Float64Array): number {
  let before = values[0]!;
  let most = 0;
  let isRun = true;
  let step = 0;
  for (let i = 1; i < count; i++) {
    const value = values[i]!;
    const difference = value - before;
    before = value;
    const encoded = difference < 0 ? difference * -2 - 1 : difference * 2;
    out[i - 1] = encoded;
    if (encoded > most) most = encoded;
    if (i === 1) step = encoded;
    else if (encoded !== step) isRun = false;
  }
  if (most >= EXACT_LIMIT) return WIDE;
  return isRun ? EQUAL : SMALL;
}

/** Turns zigzags of differences into values; returns the largest size met, where 2^53 and more may be rounded. */
function sumUp(numbers: Float64Array, count: number): number {
  let value = 0;
  let most = 0;
  for (let i = 0; i < count; i++) {
    const encoded = numbers[i]!;
    if (encoded < 4294967296) value += (encoded >>> 1) ^ -(encoded & 1);
    else value += decodeZigzag(encoded);
    numbers[i] = value;
    if (value > most) most = value;
    else if (-value > most) most = -value;
  }
  return most;
}

/** True when all values are exact. */
function fillRun(
  numbers: Float64Array,
  count: number,
  encodedFirst: number,
  encodedStep: number,
): boolean {
  if (encodedFirst >= EXACT_LIMIT || encodedStep >= EXACT_LIMIT) return false;
  const first = decodeZigzag(encodedFirst);
  const step = decodeZigzag(encodedStep);
  if (Math.abs(step * (count - 1)) >= EXACT_LIMIT) return false;
  for (let i = 0; i < count; i++) numbers[i] = first + i * step;
  return Math.abs(numbers[count - 1]!) < EXACT_LIMIT;
}

function checkCount(found: number, expected: number, start: number): void {
  if (found !== expected) {
    throw new CorruptionError(ATTEMPT, start, `${found} values where ${expected} are due`);
  }
}

/** Any encoding, once it is checked, by 64-bit arithmetic. */
function decodeWide(
  bytes: Uint8Array,
  start: number,
  end: number,
  block: ValueBlock,
  count: number,
): void {
  const words = block.reserveWide(count);
  const encoding = bytes[start]! >>> 4;
  if (encoding === RAW) readWords(bytes, start + 1, words, count);
  else {
    readWords(bytes, start + 1, words, 1);
    if (encoding === RUN) {
      words.fill(BigInt.asIntN(64, readWideVarint(bytes, start + HEADER_BYTES, end)), 1, count);
    } else decodeWideSimple8b(bytes, start + HEADER_BYTES, end, words, 1);
  }
  const { numbers } = block;
  let value = 0n;
  let most = 0;
  for (let i = 0; i < count; i++) {
    const encoded = words[i]!;
    value = BigInt.asIntN(64, value + (((encoded >> 1n) & 0x7fffffffffffffffn) ^ -(encoded & 1n)));
    words[i] = value;
    const rounded = Number(value);
    numbers[i] = rounded;
    if (rounded > most) most = rounded;
    else if (-rounded > most) most = -rounded;
  }
  if (most < EXACT_LIMIT) block.wide = null;
}

function readWords(bytes: Uint8Array, position: number, words: BigInt64Array, count: number): void {
  const halves = new Uint32Array(words.buffer, words.byteOffset, count * 2);
  for (let i = 0; i < count; i++, position += 8) {
    halves[2 * i] = readU32(bytes, position + 4);
    halves[2 * i + 1] = readU32(bytes, position);
  }
}
