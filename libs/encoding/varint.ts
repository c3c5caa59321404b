/**
 * Variable-length integers, seven bits a byte, lowest first (protobuf's and Go's uvarint), and zigzag. Numbers are float64:
 * exact below 2^53, which decoders enforce; full 64 bits go through the bigint pair.
 */
import { EXACT_LIMIT } from './decoded-block.js';
import { CorruptionError } from './errors.js';

/** Bytes that the longest varint of 64 bits takes. */
export const VARINT_MAX_BYTES = 10;

/** Writes whole `value`, 0 <= value < 2^53, and returns the position behind it. */
export function writeVarint(bytes: Uint8Array, position: number, value: number): number {
  let rest = value;
  while (rest > 0x7fffffff) {
    const above = Math.floor(rest / 128);
    bytes[position++] = (rest - above * 128) | 0x80;
    rest = above;
  }
  let small = rest | 0;
  while (small > 127) {
    bytes[position++] = small | 0x80;
    small >>>= 7;
  }
  bytes[position++] = small;
  return position;
}

/** Bytes that {@link writeVarint} takes for `value`. */
export function varintSizeBytes(value: number): number {
  let sizeBytes = 1;
  for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) sizeBytes++;
  return sizeBytes;
}

/**
 * Reads a varint that starts at `position` and lies before `end`.
 * @throws CorruptionError when it does not end before `end`, or is 2^53 or more
 */
export function readVarint(bytes: Uint8Array, position: number, end: number): number {
  let value = 0;
  let scale = 1;
  const limit = end < position + VARINT_MAX_BYTES ? end : position + VARINT_MAX_BYTES;
  for (let at = position; at < limit; at++) {
    const byte = bytes[at]!;
    value += (byte & 127) * scale;
    if (byte < 128) {
      if (value >= EXACT_LIMIT)
        throw new CorruptionError('read a varint', position, '2^53 or more');
      return value;
    }
    scale *= 128;
  }
  throw new CorruptionError('read a varint', position, at64(end, limit));
}

/** The position behind the varint at `position`; one that does not end before `end` gives `end`. */
export function skipVarint(bytes: Uint8Array, position: number, end: number): number {
  while (position < end && bytes[position]! > 127) position++;
  return position < end ? position + 1 : end;
}

/**
 * Reads a varint of up to 64 bits as unsigned. Slow path: allocates.
 * @throws CorruptionError when it does not end before `end` or has more than 64 bits
 */
export function readWideVarint(bytes: Uint8Array, position: number, end: number): bigint {
  let value = 0n;
  const limit = end < position + VARINT_MAX_BYTES ? end : position + VARINT_MAX_BYTES;
  for (let at = position; at < limit; at++) {
    const byte = bytes[at]!;
    value |= BigInt(byte & 127) << BigInt(7 * (at - position));
    if (byte < 128) {
      if (value > 0xffffffffffffffffn) break;
      return value;
    }
  }
  throw new CorruptionError('read a varint', position, at64(end, limit));
}

/** Writes an unsigned 64-bit `value` and returns the position behind it. Slow path. */
export function writeWideVarint(bytes: Uint8Array, position: number, value: bigint): number {
  let rest = value;
  while (rest > 127n) {
    bytes[position++] = Number(rest & 127n) | 128;
    rest >>= 7n;
  }
  bytes[position++] = Number(rest);
  return position;
}

/** Maps whole numbers to unsigned ones, small to small: 0, -1, 1, -2 give 0, 1, 2, 3. Exact for |value| < 2^52. */
export function encodeZigzag(value: number): number {
  return value < 0 ? -value * 2 - 1 : value * 2;
}

/** The inverse of {@link encodeZigzag}; exact for encoded <= 2^53. */
export function decodeZigzag(encoded: number): number {
  const half = Math.floor(encoded / 2);
  return half * 2 === encoded ? half : -half - 1;
}

function at64(end: number, limit: number): string {
  return end === limit ? 'cut off' : 'longer than 64 bits';
}
