/**
 * Float blocks: each value is XORed with the one before, and the bits that differ are written (Gorilla). A NaN of fixed bits
 * ends the stream. Byte for byte what InfluxDB 1.x writes.
 *
 * @see docs/formats/blocks.md
 * @see Pelkonen et al., Gorilla: a fast, scalable, in-memory time series database (2015)
 */
import { type BitWriter, createBitWriter, flushBits, putBits, startBits } from './bit-writer.js';
import { writeU32 } from './bytes.js';
import { CorruptionError, UnsupportedValueError } from './errors.js';

/** First byte of a block: the encoding in the upper four bits. */
const XOR_ENCODING = 0x10;
/** The NaN that ends a stream. */
const END_HIGH = 0x7ff80000;
const END_LOW = 1;
/** Bytes before the second value. */
const HEADER_BYTES = 9;
/** What one value may take and what a read may look ahead, so that the inner loop checks its position once a value. */
const PADDING_BYTES = 24;

const writer = createBitWriter();

/** The most bytes {@link encodeFloats} takes for `count` values: 77 bits each and for the end, and the header. */
export function encodedFloatsMaxBytes(count: number): number {
  return HEADER_BYTES + Math.ceil(((count + 1) * 77) / 8) + 4;
}

/**
 * Writes `values[0 .. count)` at `position`, count >= 1.
 * @param out has room for {@link encodedFloatsMaxBytes}
 * @returns the position behind the block
 * @throws UnsupportedValueError for NaN, which would end the stream; InfluxDB 1.x refuses it in the same way
 */
export function encodeFloats(
  values: Float64Array,
  count: number,
  out: Uint8Array,
  position: number,
): number {
  for (let i = 0; i < count; i++) {
    if (values[i] !== values[i]) throw new UnsupportedValueError('unsupported value: NaN');
  }
  const words = new Int32Array(values.buffer, values.byteOffset, count * 2);
  out[position] = XOR_ENCODING;
  writeU32(out, position + 1, words[1]!);
  writeU32(out, position + 5, words[0]!);
  startBits(writer, out, position + HEADER_BYTES);
  putDifferences(writer, words, count);
  return flushBits(writer);
}

/** Writes values 1 .. count - 1 and the end. `words` holds low and high halves in turn (all our machines are little-endian). */
function putDifferences(to: BitWriter, words: Int32Array, count: number): void {
  let leading = 64;
  let trailing = 0;
  let lowBefore = words[0]!;
  let highBefore = words[1]!;
  for (let i = 1; i <= count; i++) {
    const low = i < count ? words[2 * i]! : END_LOW;
    const high = i < count ? words[2 * i + 1]! : END_HIGH;
    const xorLow = low ^ lowBefore;
    const xorHigh = high ^ highBefore;
    lowBefore = low;
    highBefore = high;
    if ((xorLow | xorHigh) === 0) {
      putBits(to, 0, 1);
      continue;
    }
    // Five bits hold the count of leading zeros: InfluxDB takes it modulo 32, so a run of 40 is written as 8.
    const leadingNow = (xorHigh !== 0 ? Math.clz32(xorHigh) : Math.clz32(xorLow)) & 31;
    const trailingNow =
      xorLow !== 0 ? 31 - Math.clz32(xorLow & -xorLow) : 63 - Math.clz32(xorHigh & -xorHigh);
    if (leadingNow >= leading && trailingNow >= trailing) {
      putBits(to, 2, 2);
    } else {
      leading = leadingNow;
      trailing = trailingNow;
      putBits(to, (3 << 11) | (leading << 6) | ((64 - leading - trailing) & 63), 13);
    }
    const significant = 64 - leading - trailing;
    const shiftedLow =
      trailing === 0
        ? xorLow
        : trailing < 32
          ? (xorLow >>> trailing) | (xorHigh << (32 - trailing))
          : xorHigh >>> (trailing - 32);
    if (significant > 32) {
      putBits(to, xorHigh >>> trailing, significant - 32);
      putBits(to, shiftedLow, 32);
    } else putBits(to, shiftedLow, significant);
  }
}

/** A copy of the block being decoded with zero bytes behind it, so that reading ahead needs no check. */
let scratch = new DataView(new ArrayBuffer(16384));

/**
 * Decodes the float block in `bytes[start .. end)`, which must hold exactly `count` values, to the front of `out`.
 * @param out has room for `count` values
 * @throws CorruptionError
 */
export function decodeFloats(
  bytes: Uint8Array,
  start: number,
  end: number,
  out: Float64Array,
  count: number,
): void {
  if (end - start < HEADER_BYTES || bytes[start]! >>> 4 !== XOR_ENCODING >>> 4) {
    throw new CorruptionError('decode floats', start, 'no float block');
  }
  const sizeBytes = end - start - 1;
  if (sizeBytes + PADDING_BYTES > scratch.byteLength) {
    scratch = new DataView(new ArrayBuffer((sizeBytes + PADDING_BYTES) * 2));
  }
  const copy = new Uint8Array(scratch.buffer, 0, sizeBytes + PADDING_BYTES);
  copy.set(bytes.subarray(start + 1, end));
  copy.fill(0, sizeBytes);
  const words = new Int32Array(out.buffer, out.byteOffset, count * 2);
  const decoded = takeDifferences(scratch, sizeBytes * 8, words, count);
  if (decoded !== count) {
    throw new CorruptionError(
      'decode floats',
      start,
      `no end after ${Math.abs(decoded)} of ${count} values`,
    );
  }
}

/** Number of values decoded when the end mark came, or its negative where the bits make no sense. */
function takeDifferences(
  from: DataView,
  bitCount: number,
  words: Int32Array,
  count: number,
): number {
  let high = from.getInt32(0);
  let low = from.getInt32(4);
  let at = 64;
  let leading = 0;
  let significant = 64;
  for (let n = 0; ;) {
    if (at > bitCount) return -n;
    if (high === END_HIGH && low === END_LOW) return n;
    if (n === count) return -n;
    words[2 * n] = low;
    words[2 * n + 1] = high;
    n++;
    // The top 25 bits of `head` hold at least; 13 are needed.
    const head = from.getInt32(at >>> 3) << (at & 7);
    if (head >= 0) {
      at++;
      continue;
    }
    if (head << 1 >= 0) at += 2;
    else {
      leading = (head >>> 25) & 31;
      significant = (head >>> 19) & 63 || 64;
      at += 13;
      if (leading + significant > 64) return -n;
    }
    const byte = at >>> 3;
    const shift = at & 7;
    let first = from.getInt32(byte);
    let second = from.getInt32(byte + 4);
    if (shift !== 0) {
      first = (first << shift) | (second >>> (32 - shift));
      second = (second << shift) | (from.getUint8(byte + 8) >>> (8 - shift));
    }
    at += significant;
    if (significant <= 32) {
      const bits = first >>> (32 - significant);
      const trailing = 64 - leading - significant;
      if (trailing >= 32) high ^= bits << (trailing - 32);
      else {
        // Leading is at most 31, so trailing is at least 1.
        low ^= bits << trailing;
        high ^= bits >>> (32 - trailing);
      }
    } else {
      const rest = 64 - significant;
      second = (second >>> rest) << rest;
      if (leading === 0) {
        high ^= first;
        low ^= second;
      } else {
        high ^= first >>> leading;
        low ^= (second >>> leading) | (first << (32 - leading));
      }
    }
  }
}
