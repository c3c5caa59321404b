/**
 * Goes through the keys of one TSM file in order, and through their blocks: what a sweep reads a file with. Keys are compared
 * where they lie, nothing is made for each of them. Knows no cursors and no caches.
 */
import type { OpenFile } from '#kernel';
import { corruptIndex, type TsmIndex } from '../tsm-index.js';
import { ENTRY_BYTES, KEY_HEADER_BYTES } from '../tsm-format.js';

/** Stretches of the index read at once where keys come one behind the other: twice as many each time, up to 256 KiB or so. */
const STRETCHES_AHEAD_MAX = 64;
/** Records stepped over before the key is looked up instead. */
const STEPS_MAX = 64;
/** Bytes of blocks read at once where blocks come one behind the other, and how far apart such blocks may be. */
const BLOCKS_AHEAD_BYTES = 256 * 1024;
const GAP_BYTES_MAX = 4096;
/** Bytes read at least for a block somewhere else. */
const BLOCK_READ_BYTES = 4096;

/** A key as it is asked for: `slab[start .. start + length)` with `suffix` behind it. */
export interface WantedKey {
  readonly slab: Uint8Array;
  /** The slab as words; `start` is a multiple of 4. */
  readonly words: Int32Array;
  readonly start: number;
  readonly length: number;
}

/** One walk; keys are asked for in ascending order. */
export class FileWalk {
  /** The index in hand, and a view of it. */
  bytes = new Uint8Array(0);
  view = new DataView(this.bytes.buffer);
  /** Of the key found: type of its blocks, how many there are, and where their entries begin in {@link bytes}. */
  type = 0;
  blockCount = 0;
  entriesAt = 0;
  /** Blocks in hand; see {@link loadBlock}. */
  blocks = new Uint8Array(0);
  private at = 0;
  private end = 0;
  /** The stretches in hand: the first, and the one behind them. */
  private firstStretch = 0;
  private nextStretch = 0;
  private stretchesAhead = 1;
  private blocksAt = 0;
  private blocksEnd = 0;

  constructor(
    private readonly file: OpenFile,
    private readonly index: TsmIndex,
  ) {}

  /**
   * Looks for a key, not below those looked for before.
   * @returns false when the file does not have it
   * @throws TsmError `tsm.corrupt-index` when the file has changed since it was opened
   */
  seek(key: WantedKey, suffix: Uint8Array): boolean {
    for (let steps = 0; ; steps++) {
      if (this.at >= this.end || steps === STEPS_MAX) {
        if (!this.move(key, suffix)) return false;
        steps = 0;
      }
      const { bytes, at } = this;
      const keyEnd = at + 2 + ((bytes[at]! << 8) | bytes[at + 1]!);
      const order = compareKeys(this, at + 2, keyEnd, key, suffix);
      if (order > 0) return false;
      this.blockCount = (bytes[keyEnd + 1]! << 8) | bytes[keyEnd + 2]!;
      this.entriesAt = keyEnd + KEY_HEADER_BYTES;
      if (order === 0) {
        this.type = bytes[keyEnd]!;
        return true;
      }
      this.at = this.entriesAt + this.blockCount * ENTRY_BYTES;
    }
  }

  /**
   * Makes the bytes of a block available.
   * @returns where it begins in {@link blocks}, or -1 where the file ends before the block does
   */
  loadBlock(offset: number, sizeBytes: number): number {
    if (offset >= this.blocksAt && offset + sizeBytes <= this.blocksEnd)
      return offset - this.blocksAt;
    const isNear =
      offset >= this.blocksEnd - GAP_BYTES_MAX && offset <= this.blocksEnd + GAP_BYTES_MAX;
    const ahead = isNear ? BLOCKS_AHEAD_BYTES : BLOCK_READ_BYTES;
    const wanted = Math.max(sizeBytes, Math.min(ahead, this.index.dataEnd - offset));
    if (this.blocks.length < wanted) this.blocks = new Uint8Array(wanted);
    this.blocksAt = offset;
    this.blocksEnd = offset + this.file.readSync(this.blocks.subarray(0, wanted), offset);
    return offset + sizeBytes <= this.blocksEnd ? 0 : -1;
  }

  /** Goes to the stretch that has the key; false where none has it. */
  private move({ slab, start, length }: WantedKey, suffix: Uint8Array): boolean {
    const key = new Uint8Array(length + suffix.length);
    key.set(slab.subarray(start, start + length));
    key.set(suffix, length);
    const isAtEnd = this.at >= this.end;
    const number = this.index.stretchOf(key);
    if (number < this.nextStretch) {
      if (isAtEnd) return false;
      this.skipTo(number);
      return true;
    }
    const isNext = number === this.nextStretch;
    this.stretchesAhead = isNext ? Math.min(2 * this.stretchesAhead, STRETCHES_AHEAD_MAX) : 1;
    this.load(number, this.stretchesAhead);
    return true;
  }

  /** Goes on to a stretch in hand, where it is ahead. */
  private skipTo(number: number): void {
    if (number < this.firstStretch) return;
    const at = this.index.stretchStart(number) - this.index.stretchStart(this.firstStretch);
    if (at > this.at) this.at = at;
  }

  private load(first: number, count: number): void {
    const { index } = this;
    const end = Math.min(first + count, index.stretchCount);
    const start = index.stretchStart(first);
    const sizeBytes = index.stretchStart(end) - start;
    if (sizeBytes > this.bytes.length) {
      this.bytes = new Uint8Array(sizeBytes + (sizeBytes >>> 2));
      this.view = new DataView(this.bytes.buffer);
    }
    if (this.file.readSync(this.bytes.subarray(0, sizeBytes), start) < sizeBytes)
      throw corruptIndex(start, 'file is cut off');
    this.at = 0;
    this.end = sizeBytes;
    this.firstStretch = first;
    this.nextStretch = end;
  }
}

/** Order of the key from `from` to `to` of the index in hand and the one wanted. */
function compareKeys(
  { bytes, view }: { readonly bytes: Uint8Array; readonly view: DataView },
  from: number,
  to: number,
  { slab, words, start, length }: WantedKey,
  suffix: Uint8Array,
): number {
  const keyBytes = to - from;
  const common = keyBytes < length ? keyBytes : length;
  // Most keys are the same, or differ late.
  let i = 0;
  for (let w = start >>> 2; i + 4 <= common; i += 4, w++)
    if (view.getInt32(from + i, true) !== words[w]) break;
  for (; i < common; i++) {
    const order = bytes[from + i]! - slab[start + i]!;
    if (order !== 0) return order;
  }
  const whole = length + suffix.length;
  const end = keyBytes < whole ? keyBytes : whole;
  for (i = length; i < end; i++) {
    const order = bytes[from + i]! - suffix[i - length]!;
    if (order !== 0) return order;
  }
  return keyBytes - whole;
}
