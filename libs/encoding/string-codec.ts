/**
 * String blocks: each string behind its length, all compressed by snappy. The content is byte for byte what InfluxDB 1.x
 * writes; the compressed bytes may differ, since snappy leaves choices to the compressor.
 *
 * @see docs/formats/blocks.md
 */
import type { StringValues, ValueBlock } from './decoded-block.js';
import { CorruptionError } from './errors.js';
import {
  compressedSnappyMaxBytes,
  compressSnappy,
  decompressSnappyInto,
  snappySizeBytes,
} from './snappy.js';
import { readVarint, skipVarint, writeVarint } from './varint.js';

const SNAPPY_ENCODING = 1;
const ATTEMPT = 'decode strings';

/** The most bytes the strings of one block may decompress to. InfluxDB's own bound is the request body, 25 MB by default. */
export const STRING_BLOCK_MAX_BYTES = 256 * 1024 * 1024;

/** Bytes that a length in front of a string takes at the most. */
const LENGTH_MAX_BYTES = 5;

/** The most bytes {@link encodeStrings} takes for `count` strings. */
export function encodedStringsMaxBytes(strings: StringValues, count: number): number {
  return (
    1 +
    compressedSnappyMaxBytes(
      strings.offsets[count]! - strings.offsets[0]! + count * LENGTH_MAX_BYTES,
    )
  );
}

/**
 * Writes `count` strings at `position`.
 * @param out has room for {@link encodedStringsMaxBytes}
 * @returns the position behind the block
 */
export function encodeStrings(
  strings: StringValues,
  count: number,
  out: Uint8Array,
  position: number,
): number {
  const { bytes, offsets } = strings;
  const joined = new Uint8Array(offsets[count]! - offsets[0]! + count * LENGTH_MAX_BYTES);
  let end = 0;
  for (let i = 0; i < count; i++) {
    const from = offsets[i]!;
    const to = offsets[i + 1]!;
    end = writeVarint(joined, end, to - from);
    for (let at = from; at < to; at++) joined[end++] = bytes[at]!;
  }
  const compressed = compressSnappy(joined.subarray(0, end));
  out[position] = SNAPPY_ENCODING << 4;
  out.set(compressed, position + 1);
  return position + 1 + compressed.length;
}

/**
 * Decodes the string block in `bytes[start .. end)`, which must hold exactly `count` strings, to `block.strings`.
 * @throws CorruptionError
 */
export function decodeStrings(
  bytes: Uint8Array,
  start: number,
  end: number,
  block: ValueBlock,
  count: number,
): void {
  if (end - start < 2 || bytes[start]! >>> 4 !== SNAPPY_ENCODING) {
    throw new CorruptionError(ATTEMPT, start, 'no string block');
  }
  const sizeBytes = snappySizeBytes(bytes, start + 1, end, STRING_BLOCK_MAX_BYTES);
  const strings = block.reserveStrings(count, sizeBytes);
  decompressSnappyInto(bytes, start + 1, end, strings.bytes);
  const found = dropLengths(strings, sizeBytes, count);
  if (found !== count) {
    throw new CorruptionError(ATTEMPT, start, `${found} strings where ${count} are due`);
  }
}

/**
 * Moves the strings over the lengths in front of them. Returns how many there are, at the most one more than `count`.
 * @throws CorruptionError when a string is cut off
 */
function dropLengths(strings: StringValues, sizeBytes: number, count: number): number {
  const { bytes, offsets } = strings;
  let from = 0;
  let to = 0;
  offsets[0] = 0;
  for (let i = 0; from < sizeBytes; i++) {
    if (i === count) return count + 1;
    const length = bytes[from]! < 128 ? bytes[from]! : readVarint(bytes, from, sizeBytes);
    from = skipVarint(bytes, from, sizeBytes);
    if (length > sizeBytes - from) throw new CorruptionError(ATTEMPT, from, 'a string is cut off');
    if (length < 32) for (let k = 0; k < length; k++) bytes[to + k] = bytes[from + k]!;
    else bytes.copyWithin(to, from, from + length);
    from += length;
    to += length;
    offsets[i + 1] = to;
    if (from === sizeBytes) return i + 1;
  }
  return 0;
}
