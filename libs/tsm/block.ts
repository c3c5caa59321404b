/**
 * One block of a TSM file: checksum, type, times, values. Assembling and taking apart; the codecs are in #encoding.
 *
 * @see docs/formats/tsm.md
 */
import { messageOf } from '#kernel';
import { FieldType, type StringColumn } from '#models';
import {
  countTimes,
  crc32,
  crc32Of,
  decodeBooleans,
  decodeFloats,
  decodeIntegers,
  decodeStrings,
  decodeUnsigned,
  encodeBooleans,
  encodedFloatsMaxBytes,
  encodedStringsMaxBytes,
  encodedTimesMaxBytes,
  encodeFloats,
  encodeIntegers,
  encodeStrings,
  encodeTimes,
  encodeWideIntegers,
  encodeWideTimes,
  readU32,
  readVarint,
  skipVarint,
  type ValueBlock,
  varintSizeBytes,
  writeU32,
  writeVarint,
} from '#encoding';
import { TsmError } from './errors.js';

/** Checksum and type. */
const FIXED_BYTES = 5;

/** Values to encode: which member holds depends on the type. A ColumnBatch is one. */
export interface BlockValues {
  readonly numbers: Float64Array;
  /** Integer and unsigned values beyond 2^53: all of them. */
  readonly wide: BigInt64Array | null;
  readonly strings: StringColumn | null;
}

/**
 * Builds blocks that share their times: set the times once, then build a block for each field. Its arrays are reused: a
 * built block is valid until the next call.
 */
export class BlockBuilder {
  private times = new Uint8Array(16384);
  private timesEnd = 0;
  private block = new Uint8Array(32768);

  /** Takes the times `baseNs + offsets[i]`, i < count; ascending. */
  setTimes(offsets: Float64Array, count: number, baseNs: bigint): void {
    this.reserveTimes(count);
    this.timesEnd = encodeTimes(offsets, count, baseNs, this.times, 0);
  }

  /** Takes absolute times, for spans of 2^53 ns and more. */
  setWideTimes(times: BigInt64Array, count: number): void {
    this.reserveTimes(count);
    this.timesEnd = encodeWideTimes(times, count, this.times, 0);
  }

  /**
   * The block of the times set before and `count` values.
   * @throws UnsupportedValueError for NaN
   */
  build(type: FieldType, values: BlockValues, count: number): Uint8Array {
    const lengthBytes = varintSizeBytes(this.timesEnd);
    const valuesAt = FIXED_BYTES + lengthBytes + this.timesEnd;
    const maxBytes =
      type === FieldType.STRING && values.strings !== null
        ? encodedStringsMaxBytes(values.strings, count)
        : encodedFloatsMaxBytes(count) + 20;
    if (this.block.length < valuesAt + maxBytes)
      this.block = new Uint8Array((valuesAt + maxBytes) * 2);
    const { block } = this;
    block[4] = type;
    writeVarint(block, FIXED_BYTES, this.timesEnd);
    block.set(this.times.subarray(0, this.timesEnd), FIXED_BYTES + lengthBytes);
    const end = encodeValues(type, values, count, block, valuesAt);
    const whole = block.subarray(0, end);
    writeU32(block, 0, crc32(whole.subarray(4)));
    return whole;
  }

  private reserveTimes(count: number): void {
    const maxBytes = encodedTimesMaxBytes(count);
    if (this.times.length < maxBytes) this.times = new Uint8Array(maxBytes * 2);
  }
}

/** Where the parts of a block are, as positions in the array that holds it. */
export interface BlockParts {
  type: FieldType;
  timesAt: number;
  /** Also where the times end. */
  valuesAt: number;
  end: number;
}

/**
 * Finds the parts of the block in `bytes[start .. end)` after checking its checksum.
 * @param parts filled
 * @throws TsmError `tsm.corrupt-block`; its message is the reason alone
 */
export function openBlock(bytes: Uint8Array, start: number, end: number, parts: BlockParts): void {
  if (end - start <= FIXED_BYTES) throw corrupt('cut off');
  if (readU32(bytes, start) !== crc32Of(bytes, start + 4, end)) throw corrupt('crc mismatch');
  const type = bytes[start + 4]!;
  if (!isFieldType(type)) throw corrupt(`unknown type ${type}`);
  let timesAt = start + FIXED_BYTES + 1;
  let timesBytes = bytes[start + FIXED_BYTES]!;
  if (timesBytes > 127) {
    timesAt = skipVarint(bytes, start + FIXED_BYTES, end);
    timesBytes = guarded(() => readVarint(bytes, start + FIXED_BYTES, end));
  }
  if (timesBytes > end - timesAt) throw corrupt(`${timesBytes} bytes of times`);
  parts.type = type;
  parts.timesAt = timesAt;
  parts.valuesAt = timesAt + timesBytes;
  parts.end = end;
}

/**
 * Decodes the values of an opened block, which holds `count` of them.
 * @throws CorruptionError
 */
export function decodeBlockValues(
  bytes: Uint8Array,
  parts: BlockParts,
  values: ValueBlock,
  count: number,
): void {
  const { type, valuesAt, end } = parts;
  values.wide = null;
  if (type === FieldType.FLOAT) decodeFloats(bytes, valuesAt, end, values.reserve(count), count);
  else if (type === FieldType.INTEGER) decodeIntegers(bytes, valuesAt, end, values, count);
  else if (type === FieldType.BOOLEAN)
    decodeBooleans(bytes, valuesAt, end, values.reserve(count), count);
  else if (type === FieldType.STRING) decodeStrings(bytes, valuesAt, end, values, count);
  else decodeUnsigned(bytes, valuesAt, end, values, count);
}

/**
 * Number of values in the block in `bytes[start .. end)`, from its times; the checksum is checked.
 * @throws TsmError `tsm.corrupt-block`
 */
export function countBlockValues(bytes: Uint8Array, start: number, end: number): number {
  const parts: BlockParts = { type: FieldType.FLOAT, timesAt: 0, valuesAt: 0, end: 0 };
  openBlock(bytes, start, end, parts);
  return guarded(() => countTimes(bytes, parts.timesAt, parts.valuesAt));
}

/** True for the number of a field type as blocks and indexes have it. */
export function isFieldType(type: number): type is FieldType {
  return type >= FieldType.FLOAT && type <= FieldType.UNSIGNED;
}

function encodeValues(
  type: FieldType,
  values: BlockValues,
  count: number,
  out: Uint8Array,
  position: number,
): number {
  if (type === FieldType.FLOAT) return encodeFloats(values.numbers, count, out, position);
  if (type === FieldType.BOOLEAN) return encodeBooleans(values.numbers, count, out, position);
  if (type === FieldType.STRING) {
    if (values.strings === null)
      throw new TsmError('tsm.no-strings', 'a string block needs strings');
    return encodeStrings(values.strings, count, out, position);
  }
  if (values.wide !== null) return encodeWideIntegers(values.wide, count, out, position);
  return encodeIntegers(values.numbers, count, out, position);
}

/** The message is the reason alone: whoever knows which block of which file it was puts that in front. */
function corrupt(reason: string, cause?: unknown): TsmError {
  return new TsmError('tsm.corrupt-block', reason, { cause });
}

function guarded<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw corrupt(messageOf(error), error);
  }
}
