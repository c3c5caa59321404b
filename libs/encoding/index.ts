export { CorruptionError, UnsupportedValueError } from './errors.js';
export {
  compareBytes,
  readI64,
  readU16,
  readU32,
  readU64AsNumber,
  readWord,
  writeI64,
  writeU16,
  writeU32,
} from './bytes.js';
export {
  decodeZigzag,
  encodeZigzag,
  readVarint,
  readWideVarint,
  skipVarint,
  varintSizeBytes,
  VARINT_MAX_BYTES,
  writeVarint,
  writeWideVarint,
} from './varint.js';
export { crc32, crc32Of } from './crc32.js';
export { fnv1a64, fnv1a64Modulo } from './fnv1a64.js';
export {
  compressedSnappyMaxBytes,
  compressSnappy,
  decompressSnappy,
  decompressSnappyInto,
  snappySizeBytes,
} from './snappy.js';
export { SnappyBuilder } from './snappy-builder.js';
export { type BitWriter, createBitWriter, flushBits, putBits, startBits } from './bit-writer.js';
export {
  BLOCK_VALUES_MAX,
  EXACT_LIMIT,
  type StringValues,
  TimeBlock,
  ValueBlock,
} from './decoded-block.js';
export { countSimple8b, decodeSimple8b, encodeSimple8b } from './simple8b.js';
export {
  countTimes,
  decodeTimes,
  encodedTimesMaxBytes,
  encodeTimes,
  encodeWideTimes,
} from './time-codec.js';
export { decodeFloats, encodedFloatsMaxBytes, encodeFloats } from './float-codec.js';
export {
  decodeIntegers,
  decodeUnsigned,
  encodedIntegersMaxBytes,
  encodeIntegers,
  encodeWideIntegers,
} from './integer-codec.js';
export { decodeBooleans, encodedBooleansMaxBytes, encodeBooleans } from './boolean-codec.js';
export {
  decodeStrings,
  encodedStringsMaxBytes,
  encodeStrings,
  STRING_BLOCK_MAX_BYTES,
} from './string-codec.js';
