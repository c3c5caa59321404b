/** Writes protobuf messages into a buffer that grows. Fields in order, lengths known beforehand. */
import { varintSizeBytes, writeVarint, writeWideVarint } from '#encoding';
import { DELIMITED, FIXED64, VARINT } from './wire-cursor.js';

/** Bytes that a field of a number may take. */
const NUMBER_FIELD_MAX_BYTES = 11;

/** A message being written. */
export class MessageWriter {
  bytes = new Uint8Array(16 * 1024);
  length = 0;

  /** Makes room for so many bytes more. */
  reserve(more: number): void {
    const needed = this.length + more;
    if (needed <= this.bytes.length) return;
    const wider = new Uint8Array(Math.max(needed, 2 * this.bytes.length));
    wider.set(this.bytes.subarray(0, this.length));
    this.bytes = wider;
  }

  /** The tag and length of a field whose content is written next. */
  startField(field: number, length: number): void {
    this.reserve(NUMBER_FIELD_MAX_BYTES);
    this.bytes[this.length++] = (field << 3) | DELIMITED;
    this.length = writeVarint(this.bytes, this.length, length);
  }

  /** Bytes as they are. */
  put(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** A whole number. */
  putNumber(field: number, value: number): void {
    this.reserve(NUMBER_FIELD_MAX_BYTES);
    this.bytes[this.length++] = (field << 3) | VARINT;
    this.length =
      value < 0
        ? writeWideVarint(this.bytes, this.length, BigInt.asUintN(64, BigInt(value)))
        : writeVarint(this.bytes, this.length, value);
  }

  /** A float as its words. */
  putFloat(field: number, low: number, high: number): void {
    this.reserve(NUMBER_FIELD_MAX_BYTES);
    const { bytes } = this;
    let at = this.length;
    bytes[at++] = (field << 3) | FIXED64;
    for (let shift = 0; shift < 32; shift += 8) bytes[at++] = low >>> shift;
    for (let shift = 0; shift < 32; shift += 8) bytes[at++] = high >>> shift;
    this.length = at;
  }
}

/** Bytes of a field of a whole number. */
export function numberFieldBytes(value: number): number {
  return 1 + (value < 0 ? 10 : varintSizeBytes(value));
}

/** Bytes of a field with a content of `length` bytes. */
export function fieldBytes(length: number): number {
  return 1 + varintSizeBytes(length) + length;
}
