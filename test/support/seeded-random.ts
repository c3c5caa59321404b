/** Random numbers that are the same for the same seed, for tests that have to be repeated. */

/** A small generator (Marsaglia's xorshift over 32 bits). Good enough to choose, not for secrets. */
export class SeededRandom {
  private state: number;

  constructor(seed: number) {
    // Spread neighbouring seeds, and keep away from 0, where the generator would stay.
    this.state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) | 1;
    for (let i = 0; i < 4; i++) this.next();
  }

  /** At least 0, below 1. */
  next(): number {
    let x = this.state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.state = x;
    return (x >>> 0) / 2 ** 32;
  }

  /** A whole number, at least 0, below `count`. */
  below(count: number): number {
    return Math.floor(this.next() * count);
  }

  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }
}
