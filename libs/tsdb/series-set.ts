/**
 * A set of series ids: one bit each.
 */

/** Grows as ids are added. */
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
}
