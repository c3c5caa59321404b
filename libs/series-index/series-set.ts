/**
 * A set of series ids: one bit each.
 */

/** Grows as ids are added; its memory is not given back. */
export class SeriesSet {
  private bitWords = new Uint32Array(32);
  private size = 0;

  /** A set of these ids. */
  static of(seriesIds: Iterable<number>): SeriesSet {
    const set = new SeriesSet();
    for (const seriesId of seriesIds) set.add(seriesId);
    return set;
  }

  /** Number of ids. */
  get count(): number {
    return this.size;
  }

  /** Bit i of word w stands for id 32w + i; what is behind the end is not in the set. Not to be changed. */
  get words(): Uint32Array {
    return this.bitWords;
  }

  /** Bit i of word w stands for id 32w + i: a copy. */
  bits(): Uint32Array {
    return this.bitWords.slice();
  }

  has(seriesId: number): boolean {
    const word = seriesId >>> 5;
    return word < this.bitWords.length && ((this.bitWords[word] >>> (seriesId & 31)) & 1) === 1;
  }

  add(seriesId: number): void {
    const word = seriesId >>> 5;
    if (word >= this.bitWords.length) this.reserve(Math.max(word + 1, this.bitWords.length * 2));
    const bit = 1 << (seriesId & 31);
    if ((this.bitWords[word] & bit) !== 0) return;
    this.bitWords[word] |= bit;
    this.size++;
  }

  /** Adds 32 ids at once: those of the bits of `bits`, from `word * 32` on. */
  addWord(word: number, bits: number): void {
    if (bits === 0) return;
    if (word >= this.bitWords.length) this.reserve(Math.max(word + 1, this.bitWords.length * 2));
    this.size += bitCount(bits & ~this.bitWords[word]);
    this.bitWords[word] |= bits;
  }

  /** Adds the ids of another set. */
  addAll(other: SeriesSet): void {
    for (let word = 0; word < other.bitWords.length; word++)
      this.addWord(word, other.bitWords[word]);
  }

  delete(seriesId: number): void {
    if (!this.has(seriesId)) return;
    this.bitWords[seriesId >>> 5] &= ~(1 << (seriesId & 31));
    this.size--;
  }

  clear(): void {
    this.bitWords.fill(0);
    this.size = 0;
  }

  /** True when all ids of this set are in another. */
  isWithin(other: SeriesSet): boolean {
    for (let word = 0; word < this.bitWords.length; word++) {
      const there = word < other.bitWords.length ? other.bitWords[word] : 0;
      if ((this.bitWords[word] & ~there) !== 0) return false;
    }
    return true;
  }

  /** All ids, ascending. */
  *[Symbol.iterator](): Generator<number> {
    for (let word = 0; word < this.bitWords.length; word++) {
      for (let bits = this.bitWords[word]; bits !== 0; bits &= bits - 1) {
        yield word * 32 + (31 - Math.clz32(bits & -bits));
      }
    }
  }

  /** All ids, ascending, in an array: faster than iterating over many. */
  toArray(): Int32Array {
    const ids = new Int32Array(this.size);
    let n = 0;
    for (let word = 0; word < this.bitWords.length; word++) {
      for (let bits = this.bitWords[word]; bits !== 0; bits &= bits - 1) {
        ids[n++] = word * 32 + (31 - Math.clz32(bits & -bits));
      }
    }
    return ids;
  }

  private reserve(words: number): void {
    const wider = new Uint32Array(words);
    wider.set(this.bitWords);
    this.bitWords = wider;
  }
}

/** Number of bits set in a word of 32. */
export function bitCount(word: number): number {
  let n = word - ((word >>> 1) & 0x55555555);
  n = (n & 0x33333333) + ((n >>> 2) & 0x33333333);
  return (((n + (n >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24;
}
