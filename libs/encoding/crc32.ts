/**
 * CRC-32 (IEEE 802.3, as zip, gzip and TSM use it) by node:zlib, which runs it in native code.
 */
import { crc32 as zlibCrc32 } from 'node:zlib';

/**
 * The checksum of `bytes`, as an unsigned 32-bit number.
 * @param before checksum of the bytes in front, to go on from; 0 to begin
 */
export function crc32(bytes: Uint8Array, before = 0): number {
  // zlib begins anew when it is given no memory at all, which is what an empty buffer of its own is.
  return bytes.length === 0 ? before : zlibCrc32(bytes, before);
}
