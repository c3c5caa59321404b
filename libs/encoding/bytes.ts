/**
 * Big-endian integers at a position of a byte array. Plain functions, so that hot loops inline them; callers check
 * bounds once before a run of them. A read beyond the end gives zero bytes, a write beyond the end is dropped.
 */

/** Unsigned 16 bits. */
export function readU16(bytes: Uint8Array, position: number): number {
  return (bytes[position]! << 8) | bytes[position + 1]!;
}

/** Unsigned 32 bits. */
export function readU32(bytes: Uint8Array, position: number): number {
  return readWord(bytes, position) >>> 0;
}

/** The same 32 bits as a signed number, the form that bit operations want. */
export function readWord(bytes: Uint8Array, position: number): number {
  return (
    (bytes[position]! << 24) |
    (bytes[position + 1]! << 16) |
    (bytes[position + 2]! << 8) |
    bytes[position + 3]!
  );
}

/** Signed 64 bits, exact. Allocates: for headers and indexes, not for values. */
export function readI64(bytes: Uint8Array, position: number): bigint {
  return (BigInt(readWord(bytes, position)) << 32n) | BigInt(readU32(bytes, position + 4));
}

/** Unsigned 64 bits as a float64; exact up to 2^53, the nearest float beyond. */
export function readU64AsNumber(bytes: Uint8Array, position: number): number {
  return readU32(bytes, position) * 4294967296 + readU32(bytes, position + 4);
}

/** The low 16 bits of `value`. */
export function writeU16(bytes: Uint8Array, position: number, value: number): void {
  bytes[position] = value >>> 8;
  bytes[position + 1] = value;
}

/** The low 32 bits of `value`, signed or unsigned. */
export function writeU32(bytes: Uint8Array, position: number, value: number): void {
  bytes[position] = value >>> 24;
  bytes[position + 1] = value >>> 16;
  bytes[position + 2] = value >>> 8;
  bytes[position + 3] = value;
}

/** 64 bits; signed and unsigned values give the same bytes as their two's complement. */
export function writeI64(bytes: Uint8Array, position: number, value: bigint): void {
  writeU32(bytes, position, Number(BigInt.asIntN(32, value >> 32n)));
  writeU32(bytes, position + 4, Number(BigInt.asIntN(32, value)));
}

/** Compares by unsigned bytes, a prefix first: negative, zero or positive. Ends are exclusive. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = a.length < b.length ? a.length : b.length;
  for (let i = 0; i < shared; i++) {
    const difference = a[i]! - b[i]!;
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
