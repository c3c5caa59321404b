/**
 * The blocks of one key in one TSM file: what its index says about them. Reused from key to key.
 */
import { FieldType } from '#models';
import { readI64, readU32 } from '#encoding';
import { ENTRY_BYTES } from './tsm-format.js';

/** Entries in ascending order of time; the first `count` of each array hold. */
export class IndexEntries {
  type: FieldType = FieldType.FLOAT;
  count = 0;
  /** Time of a block's first value. */
  minNs = new BigInt64Array(16);
  /** Time of its last value, inclusive. */
  maxNs = new BigInt64Array(16);
  /** Where it begins in the file. */
  offsets = new Float64Array(16);
  sizesBytes = new Float64Array(16);

  /** Takes entries as they are in the file, from `position` on. */
  fill(type: FieldType, count: number, bytes: Uint8Array, position: number): void {
    this.reserve(count);
    this.type = type;
    this.count = count;
    for (let i = 0; i < count; i++, position += ENTRY_BYTES) {
      this.minNs[i] = readI64(bytes, position);
      this.maxNs[i] = readI64(bytes, position + 8);
      this.offsets[i] = readU32(bytes, position + 16) * 4294967296 + readU32(bytes, position + 20);
      this.sizesBytes[i] = readU32(bytes, position + 24);
    }
  }

  /** A copy with arrays of its own. */
  clone(): IndexEntries {
    const copy = new IndexEntries();
    copy.type = this.type;
    copy.count = this.count;
    copy.minNs = this.minNs.slice(0, this.count);
    copy.maxNs = this.maxNs.slice(0, this.count);
    copy.offsets = this.offsets.slice(0, this.count);
    copy.sizesBytes = this.sizesBytes.slice(0, this.count);
    return copy;
  }

  private reserve(count: number): void {
    if (this.minNs.length >= count) return;
    this.minNs = new BigInt64Array(count * 2);
    this.maxNs = new BigInt64Array(count * 2);
    this.offsets = new Float64Array(count * 2);
    this.sizesBytes = new Float64Array(count * 2);
  }
}
