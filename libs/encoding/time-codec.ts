/**
 * Timestamp blocks: the first time in full, then differences, scaled down by a power of ten, as one run, packed by simple-8b,
 * or raw. Byte for byte what InfluxDB 1.x writes. Times are float64 offsets from a base where they fit (104 days), int64
 * beyond.
 *
 * @see docs/formats/blocks.md
 */
import { readI64, writeI64 } from './bytes.js';
import { BLOCK_VALUES_MAX, EXACT_LIMIT, type TimeBlock } from './decoded-block.js';
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
import { readVarint, readWideVarint, skipVarint, writeVarint, writeWideVarint } from './varint.js';

const RAW = 0;
const PACKED = 1;
const RUN = 2;
/** Encoding and scale, and the first timestamp. */
const HEADER_BYTES = 9;
/** The largest scale that is tried: 10^12 ns, 1,000 seconds. */
const SCALE_MAX = 12;
const ATTEMPT = 'decode times';

/** Powers of ten by exponent; the exponent has four bits in a block. */
const POWER = Float64Array.from({ length: 16 }, (_, exponent) => 10 ** exponent);

let scratch = new Float64Array(1024);

/** The most bytes {@link encodeTimes} and {@link encodeWideTimes} take for `count` timestamps. */
export function encodedTimesMaxBytes(count: number): number {
  return HEADER_BYTES + 20 + 8 * count;
}

/**
 * Writes the timestamps `baseNs + offsets[i]`, i < count, at `position`; count >= 1.
 * @param offsets whole and ascending, each below 2^53 in size
 * @param out has room for {@link encodedTimesMaxBytes}
 * @returns the position behind the block
 */
export function encodeTimes(
  offsets: Float64Array,
  count: number,
  baseNs: bigint,
  out: Uint8Array,
  position: number,
): number {
  const firstNs = baseNs + BigInt(offsets[0]!);
  if (scratch.length < count) scratch = new Float64Array(count * 2);
  const kind = takeDifferences(offsets, count, scratch);
  if (kind === WIDE) return encodeWideTimes(absolute(offsets, count, baseNs), count, out, position);
  const exponent = scaleOf(scratch, kind === EQUAL && count > 1 ? 1 : count - 1);
  writeI64(out, position + 1, firstNs);
  if (kind === EQUAL && count > 1) {
    out[position] = (RUN << 4) | exponent;
    position = writeVarint(out, position + HEADER_BYTES, scratch[0]! / POWER[exponent]!);
    return writeVarint(out, position, count);
  }
  out[position] = (PACKED << 4) | exponent;
  if (exponent > 0) divide(scratch, count - 1, POWER[exponent]!);
  return encodeSimple8b(scratch, count - 1, out, position + HEADER_BYTES, ONES_WINDOW.TIMES);
}

/**
 * Writes `times[0 .. count)`, nanoseconds since 1970, for spans that float64 offsets cannot hold; count >= 1. Slow path.
 * @returns the position behind the block
 */
export function encodeWideTimes(
  times: BigInt64Array,
  count: number,
  out: Uint8Array,
  position: number,
): number {
  const differences = new BigInt64Array(count - 1);
  let isRun = count > 1;
  let fits = true;
  for (let i = 1; i < count; i++) {
    const difference = times[i]! - times[i - 1]!;
    differences[i - 1] = difference;
    // A difference below zero or of 2^63 and more counts as a huge one, as in unsigned arithmetic.
    if (difference < 0n || difference >= SIMPLE8B_LIMIT) fits = false;
    if (differences[i - 1] !== differences[0]) isRun = false;
  }
  const [exponent, scale] = wideScaleOf(differences);
  writeI64(out, position + 1, times[0]!);
  if (isRun) {
    out[position] = (RUN << 4) | exponent;
    const step = BigInt.asUintN(64, differences[0]!) / scale;
    return writeVarint(out, writeWideVarint(out, position + HEADER_BYTES, step), count);
  }
  if (!fits) {
    out[position] = RAW << 4;
    for (let i = 1; i < count; i++) writeI64(out, position + 1 + 8 * i, differences[i - 1]!);
    return position + 1 + 8 * count;
  }
  out[position] = (PACKED << 4) | exponent;
  for (let i = 0; i < count - 1; i++) differences[i] = differences[i]! / scale;
  return encodeWideSimple8b(
    differences,
    count - 1,
    out,
    position + HEADER_BYTES,
    ONES_WINDOW.TIMES,
  );
}

/**
 * Decodes the timestamp block in `bytes[start .. end)` into `block`.
 * @param baseNs what offsets shall be relative to; null for the block's first timestamp. Where a timestamp is 2^53 ns or
 * more away from it, `block.wide` is filled in place of `block.offsets`.
 * @throws CorruptionError
 */
export function decodeTimes(
  bytes: Uint8Array,
  start: number,
  end: number,
  block: TimeBlock,
  baseNs: bigint | null = null,
): void {
  if (end - start < HEADER_BYTES) throw new CorruptionError(ATTEMPT, start, 'cut off');
  const encoding = bytes[start]! >>> 4;
  const firstNs = readI64(bytes, start + 1);
  block.baseNs = baseNs ?? firstNs;
  block.wide = null;
  const first = Number(firstNs - block.baseNs);
  const isNear = first > -EXACT_LIMIT && first < EXACT_LIMIT;
  if (encoding === PACKED) decodePacked(bytes, start, end, block, isNear ? first : NaN);
  else if (encoding === RUN) decodeRun(bytes, start, end, block, isNear ? first : NaN);
  else if (encoding === RAW) decodeRaw(bytes, start, end, block);
  else throw new CorruptionError(ATTEMPT, start, `unknown encoding ${encoding}`);
}

/**
 * Number of timestamps in the block in `bytes[start .. end)` without decoding them.
 * @throws CorruptionError
 */
export function countTimes(bytes: Uint8Array, start: number, end: number): number {
  if (end - start < HEADER_BYTES) throw new CorruptionError(ATTEMPT, start, 'cut off');
  const encoding = bytes[start]! >>> 4;
  if (encoding === RUN) return runCount(bytes, start, end);
  if (encoding === RAW) return (end - start - 1) >>> 3;
  const count = countSimple8b(bytes, start + HEADER_BYTES, end);
  return 1 + (count < 0 ? -count - 1 : count);
}

/** What the differences of a block are: all equal, simply small, or beyond what the fast path handles. */
const EQUAL = 0;
const SMALL = 1;
const WIDE = 2;

/** Fills `out` with count - 1 differences and says of which kind they are. */
function takeDifferences(offsets: Float64Array, count: number, out: Float64Array): number {
  let before = offsets[0]!;
  const equalTo = count > 1 ? offsets[1]! - before : 0;
  let least = equalTo;
  let most = equalTo;
  for (let i = 1; i < count; i++) {
    const offset = offsets[i]!;
    const difference = offset - before;
    before = offset;
    out[i - 1] = difference;
    if (difference < least) least = difference;
    if (difference > most) most = difference;
  }
  // Differences of exact offsets may themselves reach 2^54, where float64 rounds.
  if (least < 0 || most >= EXACT_LIMIT) return WIDE;
  return least === most ? EQUAL : SMALL;
}

/**
 * The exponent of the largest power of ten up to 10^12 that divides the first `count` differences. A quotient below 2^53
 * that is not whole never rounds to a whole one, because it is at least 1/power away from it.
 */
function scaleOf(differences: Float64Array, count: number): number {
  let exponent = SCALE_MAX;
  let power = POWER[exponent]!;
  for (let i = 0; i < count && exponent > 0; i++) {
    let quotient = differences[i]! / power;
    while (Math.floor(quotient) !== quotient) {
      power = POWER[--exponent]!;
      quotient = differences[i]! / power;
    }
  }
  return exponent;
}

function wideScaleOf(differences: BigInt64Array): [exponent: number, scale: bigint] {
  let exponent = SCALE_MAX;
  let scale = BigInt(POWER[exponent]!);
  for (let i = 0; i < differences.length && exponent > 0; i++) {
    const difference = BigInt.asUintN(64, differences[i]!);
    for (; difference % scale !== 0n; exponent--) scale /= 10n;
  }
  return [exponent, scale];
}

function divide(values: Float64Array, count: number, by: number): void {
  for (let i = 0; i < count; i++) values[i] = values[i]! / by;
}

function absolute(offsets: Float64Array, count: number, baseNs: bigint): BigInt64Array {
  const times = new BigInt64Array(count);
  for (let i = 0; i < count; i++) times[i] = baseNs + BigInt(offsets[i]!);
  return times;
}

/** @param first the first offset, or NaN when it is too far from the base */
function decodePacked(
  bytes: Uint8Array,
  start: number,
  end: number,
  block: TimeBlock,
  first: number,
): void {
  const words = start + HEADER_BYTES;
  const counted = countSimple8b(bytes, words, end);
  const count = 1 + (counted < 0 ? -counted - 1 : counted);
  const power = POWER[bytes[start]! & 15]!;
  block.count = count;
  if (counted >= 0 && first === first) {
    const offsets = block.reserve(count);
    decodeSimple8b(bytes, words, end, offsets, 1);
    offsets[0] = first;
    // A span of 2^53 and more may have been rounded on the way, even where it ends near the base.
    const last = sumUp(offsets, count, power);
    if (last < EXACT_LIMIT && last - first < EXACT_LIMIT && !mayWrap(block.baseNs, last)) return;
  }
  const times = block.reserveWide(count);
  decodeWideSimple8b(bytes, words, end, times, 1);
  const scale = BigInt(power);
  times[0] = readI64(bytes, start + 1);
  for (let i = 1; i < count; i++) times[i] = times[i - 1]! + times[i]! * scale;
  narrow(block);
}

/** Times this near to 2^63 ns are added up in 64 bits: a difference of unsorted times may have wrapped around. */
const NEAR_TIME_MAX = 2 ** 63 - 2 ** 54;

function mayWrap(baseNs: bigint, last: number): boolean {
  return Number(baseNs) + last >= NEAR_TIME_MAX;
}

/** Turns scaled differences into offsets and returns the last, which is the largest: differences are not negative. */
function sumUp(offsets: Float64Array, count: number, power: number): number {
  let offset = offsets[0]!;
  if (power === 1) for (let i = 1; i < count; i++) offsets[i] = offset += offsets[i]!;
  else for (let i = 1; i < count; i++) offsets[i] = offset += offsets[i]! * power;
  return offset;
}

function decodeRun(
  bytes: Uint8Array,
  start: number,
  end: number,
  block: TimeBlock,
  first: number,
): void {
  const count = runCount(bytes, start, end);
  const step =
    readWideVarint(bytes, start + HEADER_BYTES, end) * BigInt(POWER[bytes[start]! & 15]!);
  block.count = count;
  const stepNs = Number(step);
  const spanNs = stepNs * (count - 1);
  const last = first + spanNs;
  if (spanNs < EXACT_LIMIT && last < EXACT_LIMIT && !mayWrap(block.baseNs, last)) {
    const offsets = block.reserve(count);
    for (let i = 0; i < count; i++) offsets[i] = first + i * stepNs;
    return;
  }
  const times = block.reserveWide(count);
  times[0] = readI64(bytes, start + 1);
  for (let i = 1; i < count; i++) times[i] = times[i - 1]! + step;
  narrow(block);
}

function runCount(bytes: Uint8Array, start: number, end: number): number {
  const countAt = skipVarint(bytes, start + HEADER_BYTES, end);
  const count = readVarint(bytes, countAt, end);
  if (count < 1 || count > BLOCK_VALUES_MAX) {
    throw new CorruptionError(ATTEMPT, countAt, `${count} timestamps in one block`);
  }
  return count;
}

function decodeRaw(bytes: Uint8Array, start: number, end: number, block: TimeBlock): void {
  const sizeBytes = end - start - 1;
  if ((sizeBytes & 7) !== 0 || sizeBytes > BLOCK_VALUES_MAX * 8) {
    throw new CorruptionError(ATTEMPT, start, `${sizeBytes} bytes of raw timestamps`);
  }
  const count = sizeBytes / 8;
  const times = block.reserveWide(count);
  times[0] = readI64(bytes, start + 1);
  for (let i = 1; i < count; i++) times[i] = times[i - 1]! + readI64(bytes, start + 1 + 8 * i);
  block.count = count;
  narrow(block);
}

/** Moves absolute timestamps to offsets where all of them fit. */
function narrow(block: TimeBlock): void {
  const { baseNs, count } = block;
  const times = block.wide;
  if (times === null) return;
  let least = times[0]!;
  let most = least;
  for (let i = 1; i < count; i++) {
    const time = times[i]!;
    if (time < least) least = time;
    if (time > most) most = time;
  }
  const limit = BigInt(EXACT_LIMIT);
  if (most - baseNs >= limit || least - baseNs <= -limit) return;
  const offsets = block.reserve(count);
  for (let i = 0; i < count; i++) offsets[i] = Number(times[i]! - baseNs);
  block.wide = null;
}
