/**
 * Writes bits into bytes, highest bit first. State is a plain object with functions over it: V8 inlines them into the float
 * encoder's loop.
 */
import { writeU32 } from './bytes.js';

/** Where the next bits go. One stream at a time; finish it with {@link flushBits}. */
export interface BitWriter {
  bytes: Uint8Array;
  /** The byte that the oldest pending bit goes to. */
  position: number;
  /** Bits not written yet, from the highest bit down; the rest is zero. */
  pending: number;
  /** How many bits are pending, 0 .. 31. */
  pendingCount: number;
}

/** A writer with no bits, ready for {@link startBits}. */
export function createBitWriter(): BitWriter {
  return { bytes: new Uint8Array(0), position: 0, pending: 0, pendingCount: 0 };
}

/** Begins a stream of bits at a byte position. */
export function startBits(writer: BitWriter, bytes: Uint8Array, position: number): void {
  writer.bytes = bytes;
  writer.position = position;
  writer.pending = 0;
  writer.pendingCount = 0;
}

/** Appends the low `count` bits of `value`, 1 <= count <= 32. */
export function putBits(writer: BitWriter, value: number, count: number): void {
  let pendingCount = writer.pendingCount;
  let pending = writer.pending | ((value << (32 - count)) >>> pendingCount);
  pendingCount += count;
  if (pendingCount >= 32) {
    writeU32(writer.bytes, writer.position, pending);
    writer.position += 4;
    pendingCount -= 32;
    pending = pendingCount === 0 ? 0 : value << (32 - pendingCount);
  }
  writer.pending = pending;
  writer.pendingCount = pendingCount;
}

/** Writes what is pending, filled up with zero bits to a whole byte, and returns the position behind it. */
export function flushBits(writer: BitWriter): number {
  let { position } = writer;
  for (let shift = 24; writer.pendingCount > 0; shift -= 8) {
    writer.bytes[position++] = writer.pending >>> shift;
    writer.pendingCount -= 8;
  }
  writer.pendingCount = 0;
  writer.pending = 0;
  writer.position = position;
  return position;
}
