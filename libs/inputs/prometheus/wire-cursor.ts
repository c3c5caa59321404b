/**
 * Reads the protobuf wire format in place: a position in bytes, and steps over what stands there. Every step checks the end;
 * what does not fit throws InputError with gogo/protobuf's words, which InfluxDB answers with.
 * @see https://protobuf.dev/programming-guides/encoding/
 */
import { InputError } from '../shared/errors.js';

/** Wire types of fields. */
export const VARINT = 0;
export const FIXED64 = 1;
export const DELIMITED = 2;
const GROUP_START = 3;
const GROUP_END = 4;
const FIXED32 = 5;
/** Groups inside of each other; nobody uses them. */
const GROUP_DEPTH_MAX = 32;

/** Numbers of bits below 2^49: seven bytes. Timestamps in milliseconds have six. */
const NARROW_BYTES = 7;

/** The error of a body that is no such message. */
export function malformed(message: string): InputError {
  return new InputError('inputs.bad-request', message);
}

/** A position in a message. Reused: {@link reset} it. */
export class WireCursor {
  bytes: Uint8Array = new Uint8Array(0);
  at = 0;
  end = 0;

  /** Goes to the start of `bytes[at .. end)`. */
  reset(bytes: Uint8Array, at: number, end: number): void {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  /**
   * The next field's number and wire type as they stand, `number << 3 | type`.
   * @throws InputError for a field number that there cannot be
   */
  tag(): number {
    const tag = this.uint32();
    if (tag < 8) throw malformed(`proto: illegal tag 0 (wire type ${tag & 7})`);
    return tag;
  }

  /** The length that stands here, checked: so many bytes follow. */
  length(): number {
    const length = this.uint32();
    if (length > this.end - this.at) throw malformed('unexpected EOF');
    return length;
  }

  /** A varint below 2^32. @throws InputError when it is larger */
  uint32(): number {
    const { bytes, end } = this;
    let { at } = this;
    if (at >= end) throw malformed('unexpected EOF');
    let byte = bytes[at++]!;
    if (byte < 128) {
      this.at = at;
      return byte;
    }
    let value = byte & 127;
    for (let scale = 128; ; scale *= 128) {
      if (at >= end) throw malformed('unexpected EOF');
      byte = bytes[at++]!;
      value += (byte & 127) * scale;
      if (byte < 128) break;
      if (scale > 0x40000000) throw malformed('proto: integer overflow');
    }
    if (value > 0xffffffff) throw malformed('proto: integer overflow');
    this.at = at;
    return value;
  }

  /** A varint below 2^49 and the position moved behind it; -1 and not moved where it is larger: ask {@link wide}. */
  narrow(): number {
    const { bytes, end } = this;
    let { at } = this;
    let value = 0;
    let scale = 1;
    for (let n = 0; n < NARROW_BYTES; n++) {
      if (at >= end) throw malformed('unexpected EOF');
      const byte = bytes[at++]!;
      if (byte < 128) {
        this.at = at;
        return value + byte * scale;
      }
      value += (byte & 127) * scale;
      scale *= 128;
    }
    return -1;
  }

  /** A varint of any size as a signed 64-bit number; bits beyond are lost, as in Go. */
  wide(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      if (shift >= 70n) throw malformed('proto: integer overflow');
      if (this.at >= this.end) throw malformed('unexpected EOF');
      const byte = this.bytes[this.at++]!;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return BigInt.asIntN(64, value);
    }
  }

  /** Steps over the value of a field. */
  skip(tag: number, depth = 0): void {
    switch (tag & 7) {
      case VARINT:
        this.wide();
        return;
      case FIXED64:
        return this.step(8);
      case DELIMITED:
        return this.step(this.uint32());
      case GROUP_START:
        if (depth >= GROUP_DEPTH_MAX) throw malformed('proto: groups are nested too deep');
        for (let inner = this.tag(); (inner & 7) !== GROUP_END; inner = this.tag())
          this.skip(inner, depth + 1);
        return;
      case FIXED32:
        return this.step(4);
      default:
        throw malformed(`proto: illegal wireType ${tag & 7}`);
    }
  }

  /** The text of a field of known length, one character a byte. */
  binary(length: number): string {
    const { bytes, at } = this;
    this.step(length);
    return Buffer.from(bytes.buffer, bytes.byteOffset + at, length).toString('latin1');
  }

  private step(count: number): void {
    if (count > this.end - this.at) throw malformed('unexpected EOF');
    this.at += count;
  }
}

/** The complaint about a known field with another type than its own. */
export function wrongType(tag: number, field: string): InputError {
  return malformed(`proto: wrong wireType = ${tag & 7} for field ${field}`);
}
