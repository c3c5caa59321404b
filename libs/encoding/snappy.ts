/**
 * Snappy blocks (not the framing format). Compression is snappyjs; decompression is our own, because snappyjs' loops for
 * ever on a literal with a negative length and takes a stream that ends early for a whole one.
 *
 * @see https://github.com/google/snappy/blob/main/format_description.txt
 */
import { compress } from 'snappyjs';
import { CorruptionError } from './errors.js';

const ATTEMPT = 'decompress snappy';
/** No stream expands more: three bytes copy 64. Anything that claims to is refused before memory is taken. */
const EXPANSION_MAX = 22;

/** The snappy block of `bytes`. The result belongs to the caller. */
export function compressSnappy(bytes: Uint8Array): Uint8Array {
  // snappyjs answers with the kind it gets, and tells Buffers from plain arrays.
  return compress(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length));
}

/** The most bytes that {@link compressSnappy} makes of `sizeBytes`. */
export function compressedSnappyMaxBytes(sizeBytes: number): number {
  return 32 + sizeBytes + Math.floor(sizeBytes / 6);
}

/**
 * Size of the content of a snappy block in `bytes[start .. end)`, as it says itself.
 * @throws CorruptionError when it is more than `maxBytes` or than so few bytes can hold
 */
export function snappySizeBytes(
  bytes: Uint8Array,
  start: number,
  end: number,
  maxBytes: number,
): number {
  let sizeBytes = 0;
  let at = start;
  for (let scale = 1; ; scale *= 128) {
    if (at >= end || at - start >= 5) throw new CorruptionError(ATTEMPT, start, 'bad length');
    sizeBytes += (bytes[at]! & 127) * scale;
    if (bytes[at++]! < 128) break;
  }
  if (sizeBytes > maxBytes) {
    throw new CorruptionError(ATTEMPT, start, `${sizeBytes} bytes, more than ${maxBytes}`);
  }
  if (sizeBytes > (end - at) * EXPANSION_MAX) {
    throw new CorruptionError(ATTEMPT, start, `${end - at} bytes cannot hold ${sizeBytes}`);
  }
  return sizeBytes;
}

/**
 * The content of a snappy block, in an array of its own.
 * @param maxBytes the most bytes the content may have
 * @throws CorruptionError
 */
export function decompressSnappy(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const out = new Uint8Array(snappySizeBytes(bytes, 0, bytes.length, maxBytes));
  decompressSnappyInto(bytes, 0, bytes.length, out);
  return out;
}

/**
 * Decompresses the snappy block in `bytes[start .. end)` to the front of `out`, which has room for
 * {@link snappySizeBytes}.
 * @returns the size of the content
 * @throws CorruptionError
 */
export function decompressSnappyInto(
  bytes: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
): number {
  const sizeBytes = snappySizeBytes(bytes, start, end, out.length);
  let at = start;
  while (bytes[at]! > 127) at++;
  const fault = expand(bytes, at + 1, end, out, sizeBytes);
  if (fault >= 0) throw new CorruptionError(ATTEMPT, fault, 'malformed');
  return sizeBytes;
}

/** Copies shorter than this are made byte by byte: a call costs more. Measured on Prometheus' bodies. */
const COPY_CALL_MIN = 32;

/** Fills `out[0 .. size)`; returns the position of the first fault, or -1. */
function expand(bytes: Uint8Array, at: number, end: number, out: Uint8Array, size: number): number {
  let to = 0;
  while (at < end) {
    const tagAt = at;
    const tag = bytes[at++]!;
    let length = (tag >>> 2) + 1;
    if ((tag & 3) === 0) {
      const extra = length > 60 ? length - 60 : 0;
      if (at + extra > end) return tagAt;
      if (extra > 0) length = littleEndian(bytes, at, extra) + 1;
      at += extra;
      if (length > end - at || length > size - to) return tagAt;
      if (length < COPY_CALL_MIN) for (let i = 0; i < length; i++) out[to + i] = bytes[at + i]!;
      else out.set(bytes.subarray(at, at + length), to);
      at += length;
      to += length;
      continue;
    }
    let distance: number;
    if ((tag & 3) === 2) {
      if (at + 2 > end) return tagAt;
      const low = bytes[at]!;
      const high = bytes[at + 1]!;
      distance = low | (high << 8);
      at += 2;
      // A long match comes as several copies of 64 bytes at most from one distance: one call does them all.
      while (at + 3 <= end && bytes[at + 1] === low && bytes[at + 2] === high) {
        const next = bytes[at]!;
        if ((next & 3) !== 2) break;
        length += (next >>> 2) + 1;
        at += 3;
      }
    } else if ((tag & 3) === 1) {
      if (at + 1 > end) return tagAt;
      length = ((tag >>> 2) & 7) + 4;
      distance = ((tag >>> 5) << 8) | bytes[at++]!;
    } else {
      if (at + 4 > end) return tagAt;
      distance = littleEndian(bytes, at, 4);
      at += 4;
    }
    if (distance === 0 || distance > to || length > size - to) return tagAt;
    if (length < COPY_CALL_MIN || distance < length) {
      // Byte by byte on purpose: a copy may read what it has just written.
      for (let i = 0; i < length; i++) out[to + i] = out[to + i - distance]!;
    } else out.copyWithin(to, to - distance, to - distance + length);
    to += length;
  }
  return to === size ? -1 : end;
}

function littleEndian(bytes: Uint8Array, at: number, width: number): number {
  let value = 0;
  for (let i = width - 1; i >= 0; i--) value = value * 256 + bytes[at + i]!;
  return value;
}
