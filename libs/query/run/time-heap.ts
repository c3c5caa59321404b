/**
 * Merges rows of several series by time. Where times are equal the order is that of InfluxDB 1.x, whose binary heap is not
 * stable: clients see it, so the heap's every move is the same (Go's container/heap).
 */

/** A sorted source of rows. */
export interface HeapItem {
  /** Time of the row at hand, negated for descending order. */
  key: number;
}

/** True where the row at hand of `a` comes before that of `b` at the same time. */
export type TieBreak<T> = (a: T, b: T) => boolean;

/** A min-heap by `key`. */
export class TimeHeap<T extends HeapItem> {
  readonly #items: T[];
  readonly #isBefore: TieBreak<T>;

  constructor(items: T[], isBefore: TieBreak<T>) {
    this.#items = items;
    this.#isBefore = isBefore;
    for (let i = (items.length >> 1) - 1; i >= 0; i--) this.#down(i, items.length);
  }

  get size(): number {
    return this.#items.length;
  }

  /** The least item, which stays; undefined where there is none. */
  get least(): T | undefined {
    return this.#items[0];
  }

  /** Takes the least item out. */
  pop(): T {
    const last = this.#items.length - 1;
    this.#swap(0, last);
    this.#down(0, last);
    return this.#items.pop() as T;
  }

  push(item: T): void {
    this.#items.push(item);
    let child = this.#items.length - 1;
    for (;;) {
      const parent = (child - 1) >> 1;
      if (parent < 0 || !this.#less(child, parent)) return;
      this.#swap(child, parent);
      child = parent;
    }
  }

  #down(from: number, end: number): void {
    let parent = from;
    for (;;) {
      const left = 2 * parent + 1;
      if (left >= end) return;
      const right = left + 1;
      const least = right < end && this.#less(right, left) ? right : left;
      if (!this.#less(least, parent)) return;
      this.#swap(parent, least);
      parent = least;
    }
  }

  #less(a: number, b: number): boolean {
    const x = this.#items[a] as T;
    const y = this.#items[b] as T;
    return x.key === y.key ? this.#isBefore(x, y) : x.key < y.key;
  }

  #swap(a: number, b: number): void {
    const item = this.#items[a] as T;
    this.#items[a] = this.#items[b] as T;
    this.#items[b] = item;
  }
}
