/**
 * The blocks of one key in one TSM file: what its index says about them. Reused from key to key.
 */
import { FieldType } from '#models';
import { readU32 } from '#encoding';
import { ENTRY_BYTES } from './tsm-format.js';

const NO_TIMES = new BigInt64Array(0);
const NO_NUMBERS = new Float64Array(0);
const NO_WORDS = new Uint32Array(0);

/** Entries in ascending order of time; the first `count` of each array hold. */
export class IndexEntries {
  type: FieldType = FieldType.FLOAT;
  count = 0;
  /** Time of a block's first value. */
  minNs = NO_TIMES;
  /** Time of its last value, inclusive. */
  maxNs = NO_TIMES;
  /** Where it begins in the file. */
  offsets = NO_NUMBERS;
  sizesBytes = NO_NUMBERS;
  /** The times as pairs of words, low and high, so that filling makes no bigint. */
  private minWords = NO_WORDS;
  private maxWords = NO_WORDS;

  /** Takes entries as they are in the file, from `position` on. */
  fill(type: FieldType, count: number, bytes: Uint8Array, position: number): void {
    this.reserve(count);
    this.type = type;
    this.count = count;
    const { minWords, maxWords } = this;
    for (let i = 0; i < count; i++, position += ENTRY_BYTES) {
      minWords[2 * i] = readU32(bytes, position + 4);
      minWords[2 * i + 1] = readU32(bytes, position);
      maxWords[2 * i] = readU32(bytes, position + 12);
      maxWords[2 * i + 1] = readU32(bytes, position + 8);
      this.offsets[i] = readU32(bytes, position + 16) * 4294967296 + readU32(bytes, position + 20);
      this.sizesBytes[i] = readU32(bytes, position + 24);
    }
  }

  /** A copy with arrays of its own. */
  clone(): IndexEntries {
    return this.pick(Array.from({ length: this.count }, (_, i) => i));
  }

  /** A copy of some of the entries, by number. */
  pick(numbers: readonly number[]): IndexEntries {
    const copy = new IndexEntries();
    copy.reserve(numbers.length);
    copy.type = this.type;
    copy.count = numbers.length;
    for (const [to, from] of numbers.entries()) {
      copy.minNs[to] = this.minNs[from]!;
      copy.maxNs[to] = this.maxNs[from]!;
      copy.offsets[to] = this.offsets[from]!;
      copy.sizesBytes[to] = this.sizesBytes[from]!;
    }
    return copy;
  }

  /** Makes room; what was in the arrays is lost when they grow. One allocation for all of them. */
  private reserve(count: number): void {
    if (this.minNs.length >= count) return;
    const capacity = count < 4 ? 4 : count * 2;
    const bytes = new ArrayBuffer(capacity * 32);
    this.minNs = new BigInt64Array(bytes, 0, capacity);
    this.maxNs = new BigInt64Array(bytes, capacity * 8, capacity);
    this.minWords = new Uint32Array(bytes, 0, capacity * 2);
    this.maxWords = new Uint32Array(bytes, capacity * 8, capacity * 2);
    this.offsets = new Float64Array(bytes, capacity * 16, capacity);
    this.sizesBytes = new Float64Array(bytes, capacity * 24, capacity);
  }
}
