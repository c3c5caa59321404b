/**
 * first() and last() of everything: which points of a group decide in one shard. InfluxDB 1.x's storage merges the series by
 * time and gives the first two points only; among these ties are broken by value. Which two they are of several at the same
 * time is a matter of its binary heap.
 */
import { TimeHeap } from './time-heap.js';

/** A series' first point, or its last. */
export interface EdgePoint<T> {
  /** Relative to the stretch's base. */
  readonly offset: number;
  /** Texts beside it that order points at the same time, as far as all of them are texts. */
  readonly ties: readonly (string | null)[];
  readonly point: T;
}

interface Item<T> {
  readonly key: number;
  readonly edge: EdgePoint<T>;
}

/** Points of one field in one shard, offered in the order of their series. */
export class EdgeChoice<T> {
  readonly #isFirst: boolean;
  readonly #items: Item<T>[] = [];

  constructor(isFirst: boolean) {
    this.#isFirst = isFirst;
  }

  /** Offers a series' first point, or its last. */
  offer(edge: EdgePoint<T>): void {
    this.#items.push({ key: this.#isFirst ? edge.offset : -edge.offset, edge });
  }

  /** The points that decide, at most `count`, all at the same time. */
  chosen(count: number): readonly T[] {
    const items = this.#items;
    let least = Number.POSITIVE_INFINITY;
    for (const { key } of items) if (key < least) least = key;
    const tied = items.filter(({ key }) => key === least);
    if (tied.length <= count) return tied.map(({ edge }) => edge.point);
    const sign = this.#isFirst ? 1 : -1;
    const heap = new TimeHeap([...items], (a, b) => compareTies(a.edge, b.edge) * sign < 0);
    return Array.from({ length: count }, () => heap.pop().edge.point);
  }
}

function compareTies(a: EdgePoint<unknown>, b: EdgePoint<unknown>): number {
  for (const [t, x] of a.ties.entries()) {
    const y = b.ties[t] ?? null;
    if (x === null || y === null) return 0;
    if (x !== y) return x < y ? -1 : 1;
  }
  return 0;
}
