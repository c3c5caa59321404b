/**
 * Go's sort.Sort as of 1.19 (pattern-defeating quicksort), which is not stable but always the same: where InfluxDB 1.x sorts
 * points by value, clients see which of several equal ones comes first.
 */

/** True where the item at one place belongs before that at another. */
type Less = (i: number, j: number) => boolean;

/** Up to here items are sorted by insertion. */
const INSERTION_MAX = 12;
/** From here the pivot is a median of medians. */
const NINTHER_MIN = 50;
const MEDIAN_MIN = 8;
/** Swaps that a partial insertion sort takes before it gives up, and the least length it is tried with. */
const PARTIAL_STEPS_MAX = 5;
const PARTIAL_SHIFT_MIN = 50;
/** Swaps while a pivot is chosen that mean descending order. */
const PIVOT_SWAPS_MAX = 12;

/** Sorts in place. `before(a, b)` is true where `a` belongs before `b`. */
export function goSort<T>(items: T[], before: (a: T, b: T) => boolean): void {
  new Sorter(items, before).sort();
}

class Sorter<T> {
  readonly #items: T[];
  readonly #less: Less;

  constructor(items: T[], before: (a: T, b: T) => boolean) {
    this.#items = items;
    this.#less = (i, j) => before(items[i] as T, items[j] as T);
  }

  sort(): void {
    const { length } = this.#items;
    if (length > 0) this.#quicksort(0, length, bitLength(length));
  }

  #swap(i: number, j: number): void {
    const item = this.#items[i] as T;
    this.#items[i] = this.#items[j] as T;
    this.#items[j] = item;
  }

  #insertionSort(from: number, to: number): void {
    for (let i = from + 1; i < to; i++)
      for (let j = i; j > from && this.#less(j, j - 1); j--) this.#swap(j, j - 1);
  }

  #siftDown(low: number, high: number, first: number): void {
    let root = low;
    for (;;) {
      let child = 2 * root + 1;
      if (child >= high) return;
      if (child + 1 < high && this.#less(first + child, first + child + 1)) child++;
      if (!this.#less(first + root, first + child)) return;
      this.#swap(first + root, first + child);
      root = child;
    }
  }

  #heapSort(from: number, to: number): void {
    const count = to - from;
    for (let i = (count - 1) >> 1; i >= 0; i--) this.#siftDown(i, count, from);
    for (let i = count - 1; i >= 0; i--) {
      this.#swap(from, from + i);
      this.#siftDown(0, i, from);
    }
  }

  #quicksort(first: number, end: number, badMax: number): void {
    let [a, b, limit] = [first, end, badMax];
    let isBalanced = true;
    let isPartitioned = true;
    for (;;) {
      const length = b - a;
      if (length <= INSERTION_MAX) {
        this.#insertionSort(a, b);
        return;
      }
      if (limit === 0) {
        this.#heapSort(a, b);
        return;
      }
      if (!isBalanced) {
        this.#breakPatterns(a, b);
        limit--;
      }
      let { pivot, hint } = this.#choosePivot(a, b);
      if (hint === 'decreasing') {
        this.#reverse(a, b);
        pivot = b - 1 - (pivot - a);
        hint = 'increasing';
      }
      if (isBalanced && isPartitioned && hint === 'increasing' && this.#partialInsertionSort(a, b))
        return;
      if (a > 0 && !this.#less(a - 1, pivot)) {
        a = this.#partitionEqual(a, b, pivot);
        continue;
      }
      const { middle, wasPartitioned } = this.#partition(a, b, pivot);
      isPartitioned = wasPartitioned;
      const left = middle - a;
      const right = b - middle;
      const balance = length >> 3;
      if (left < right) {
        isBalanced = left >= balance;
        this.#quicksort(a, middle, limit);
        a = middle + 1;
      } else {
        isBalanced = right >= balance;
        this.#quicksort(middle + 1, b, limit);
        b = middle;
      }
    }
  }

  #partition(
    a: number,
    b: number,
    pivot: number,
  ): { readonly middle: number; readonly wasPartitioned: boolean } {
    this.#swap(a, pivot);
    let i = a + 1;
    let j = b - 1;
    while (i <= j && this.#less(i, a)) i++;
    while (i <= j && !this.#less(j, a)) j--;
    if (i > j) {
      this.#swap(j, a);
      return { middle: j, wasPartitioned: true };
    }
    this.#swap(i++, j--);
    for (;;) {
      while (i <= j && this.#less(i, a)) i++;
      while (i <= j && !this.#less(j, a)) j--;
      if (i > j) break;
      this.#swap(i++, j--);
    }
    this.#swap(j, a);
    return { middle: j, wasPartitioned: false };
  }

  #partitionEqual(a: number, b: number, pivot: number): number {
    this.#swap(a, pivot);
    let i = a + 1;
    let j = b - 1;
    for (;;) {
      while (i <= j && !this.#less(a, i)) i++;
      while (i <= j && this.#less(a, j)) j--;
      if (i > j) return i;
      this.#swap(i++, j--);
    }
  }

  #partialInsertionSort(a: number, b: number): boolean {
    let i = a + 1;
    for (let step = 0; step < PARTIAL_STEPS_MAX; step++) {
      while (i < b && !this.#less(i, i - 1)) i++;
      if (i === b) return true;
      if (b - a < PARTIAL_SHIFT_MIN) return false;
      this.#swap(i, i - 1);
      if (i - a >= 2) {
        for (let j = i - 1; j >= 1; j--) {
          if (!this.#less(j, j - 1)) break;
          this.#swap(j, j - 1);
        }
      }
      if (b - i >= 2) {
        for (let j = i + 1; j < b; j++) {
          if (!this.#less(j, j - 1)) break;
          this.#swap(j, j - 1);
        }
      }
    }
    return false;
  }

  /** Swaps some items of the middle with others, chosen by a generator that the length seeds. */
  #breakPatterns(a: number, b: number): void {
    const length = b - a;
    if (length < MEDIAN_MIN) return;
    let random = BigInt(length);
    const next = (): bigint => {
      random = BigInt.asUintN(64, random ^ (random << 13n));
      random ^= random >> 17n;
      random = BigInt.asUintN(64, random ^ (random << 5n));
      return random;
    };
    const modulus = 1n << BigInt(bitLength(length));
    const index = a + (length >> 2) * 2 - 1;
    for (let i = 0; i < 3; i++) {
      let other = Number(next() & (modulus - 1n));
      if (other >= length) other -= length;
      this.#swap(index + i, a + other);
    }
  }

  #choosePivot(
    a: number,
    b: number,
  ): { readonly pivot: number; readonly hint: 'unknown' | 'increasing' | 'decreasing' } {
    const length = b - a;
    const quarter = length >> 2;
    let [i, j, k] = [a + quarter, a + quarter * 2, a + quarter * 3];
    const swaps = { count: 0 };
    if (length >= MEDIAN_MIN) {
      if (length >= NINTHER_MIN) {
        i = this.#median(i - 1, i, i + 1, swaps);
        j = this.#median(j - 1, j, j + 1, swaps);
        k = this.#median(k - 1, k, k + 1, swaps);
      }
      j = this.#median(i, j, k, swaps);
    }
    if (swaps.count === 0) return { pivot: j, hint: 'increasing' };
    return { pivot: j, hint: swaps.count === PIVOT_SWAPS_MAX ? 'decreasing' : 'unknown' };
  }

  /** The middle one of three places by their items. */
  #median(first: number, second: number, third: number, swaps: { count: number }): number {
    let [a, b, c] = [first, second, third];
    if (this.#less(b, a)) {
      swaps.count++;
      [a, b] = [b, a];
    }
    if (this.#less(c, b)) {
      swaps.count++;
      [b, c] = [c, b];
    }
    if (this.#less(b, a)) {
      swaps.count++;
      [a, b] = [b, a];
    }
    return b;
  }

  #reverse(a: number, b: number): void {
    for (let i = a, j = b - 1; i < j; i++, j--) this.#swap(i, j);
  }
}

/** Binary digits of a positive number. */
function bitLength(value: number): number {
  return 32 - Math.clz32(value);
}
