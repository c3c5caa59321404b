/**
 * CRC-32 (IEEE 802.3, as zip, gzip and TSM use it): by node:zlib, which runs it in native code, or here where there are so few
 * bytes that the call would cost more.
 */
import { crc32 as zlibCrc32 } from 'node:zlib';

/** Up to so many bytes a loop beats the native call, which takes about 150 ns. */
const LOOP_BYTES_MAX = 80;
const POLYNOMIAL = 0xedb88320;

const table = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
  return crc;
});

/** What a byte does to the checksum when one, two or three more come behind it: four bytes are looked up side by side. */
const table1 = behind(table);
const table2 = behind(table1);
const table3 = behind(table2);

function behind(before: Int32Array): Int32Array {
  return before.map((crc) => table[crc & 0xff]! ^ (crc >>> 8));
}

/**
 * The checksum of `bytes`, as an unsigned 32-bit number.
 * @param before checksum of the bytes in front, to go on from; 0 to begin
 */
export function crc32(bytes: Uint8Array, before = 0): number {
  // Also for no bytes at all, with which zlib begins anew.
  if (bytes.length > LOOP_BYTES_MAX) return zlibCrc32(bytes, before);
  return ~updated(~before, bytes, 0, bytes.length) >>> 0;
}

/** The checksum of `bytes[start .. end)`; of a few bytes it is had without making a view of them. */
export function crc32Of(bytes: Uint8Array, start: number, end: number): number {
  if (end - start > LOOP_BYTES_MAX) return zlibCrc32(bytes.subarray(start, end));
  return ~updated(-1, bytes, start, end) >>> 0;
}

function updated(crc: number, bytes: Uint8Array, start: number, end: number): number {
  let i = start;
  for (; i + 4 <= end; i += 4) {
    crc ^= bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
    crc =
      table3[crc & 0xff]! ^
      table2[(crc >>> 8) & 0xff]! ^
      table1[(crc >>> 16) & 0xff]! ^
      table[crc >>> 24]!;
  }
  for (; i < end; i++) crc = table[(crc ^ bytes[i]!) & 0xff]! ^ (crc >>> 8);
  return crc;
}
