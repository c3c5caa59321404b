/**
 * A set of series ids: one bit each.
 */

/** Grows as ids are added; its memory is not given back. */
export class SeriesSet {
  private words = new Uint32Array(32);
  private size = 0;

  /** Number of ids. */
  get count(): number {
    return this.size;
  }

  has(seriesId: number): boolean {
    const word = seriesId >>> 5;
    return word < this.words.length && ((this.words[word] >>> (seriesId & 31)) & 1) === 1;
  }

  /** Bit i of word w stands for id 32w + i: a copy. */
  bits(): Uint32Array {
    return this.words.slice();
  }

  add(seriesId: number): void {
    const word = seriesId >>> 5;
    if (word >= this.words.length) {
      const wider = new Uint32Array(Math.max(word + 1, this.words.length * 2));
      wider.set(this.words);
      this.words = wider;
    }
    const bit = 1 << (seriesId & 31);
    if ((this.words[word] & bit) !== 0) return;
    this.words[word] |= bit;
    this.size++;
  }

  delete(seriesId: number): void {
    if (!this.has(seriesId)) return;
    this.words[seriesId >>> 5] &= ~(1 << (seriesId & 31));
    this.size--;
  }

  /** All ids, ascending. */
  *[Symbol.iterator](): Generator<number> {
    for (let word = 0; word < this.words.length; word++) {
      for (let bits = this.words[word]; bits !== 0; bits &= bits - 1) {
        yield word * 32 + (31 - Math.clz32(bits & -bits));
      }
    }
  }
}
