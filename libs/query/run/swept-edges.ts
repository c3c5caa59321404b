/**
 * first() and last() of everything, read from a sweep: the points at an end of time of each series, in arrays, and which of them
 * decide. The choice is that of edge-scan.ts for points without anything beside them, moves of the heap included.
 */
import { numberColumn, type Column } from '../column.js';
import type { SweptBatch } from '../ports.js';
import type { ValueType } from '../value-type.js';

/** A point that decides. */
export interface SweptPoint {
  readonly offset: number;
  /** One row. */
  readonly column: Column;
}

/** Bytes that a point takes here. */
export const SWEPT_POINT_BYTES = 16;

/** Points of one field in one shard, gathered in the order of their series. */
export class SweptEdges {
  readonly #isFirst: boolean;
  readonly #type: ValueType;
  #offsets = new Float64Array(1024);
  #numbers = new Float64Array(1024);
  /** Values beyond 2^53 by number of the point. */
  readonly #wide = new Map<number, bigint>();
  #count = 0;

  constructor(isFirst: boolean, type: ValueType) {
    this.#isFirst = isFirst;
    this.#type = type;
  }

  get count(): number {
    return this.#count;
  }

  /** Takes the first point of each series of a batch, or the last. */
  take({ batch, ends, segments, isContinued }: SweptBatch, column: Column): void {
    this.#reserve(this.#count + segments);
    const { offsets } = batch;
    let from = 0;
    for (let s = 0; s < segments; s++) {
      const to = ends[s] as number;
      const row = this.#isFirst ? from : to - 1;
      from = to;
      const isSame = s === 0 && isContinued;
      if (isSame && this.#isFirst) continue;
      const at = isSame ? this.#count - 1 : this.#count++;
      this.#offsets[at] = offsets[row] as number;
      this.#numbers[at] = column.numbers[row] as number;
      this.#wide.delete(at);
      if (column.wide) this.#wide.set(at, column.wide[row] as bigint);
    }
  }

  /**
   * The points that decide, at most `count`, all at the same time.
   * @param isTurned true where the last series counts as the first
   */
  chosen(count: number, isTurned: boolean): readonly SweptPoint[] {
    const keys = this.#offsets.slice(0, this.#count);
    if (!this.#isFirst) for (let i = 0; i < keys.length; i++) keys[i] = -(keys[i] as number);
    if (isTurned) keys.reverse();
    return leastOf(keys, count).map((i) => this.#point(isTurned ? this.#count - 1 - i : i));
  }

  #point(at: number): SweptPoint {
    const wide = this.#wide.get(at);
    const numbers = Float64Array.of(this.#numbers[at] as number);
    const words = wide === undefined ? null : BigInt64Array.of(wide);
    const column = numberColumn(this.#type, numbers, null, words);
    return { offset: this.#offsets[at] as number, column };
  }

  #reserve(count: number): void {
    if (count <= this.#offsets.length) return;
    const capacity = Math.max(count, 2 * this.#offsets.length);
    const [offsets, numbers] = [new Float64Array(capacity), new Float64Array(capacity)];
    offsets.set(this.#offsets);
    numbers.set(this.#numbers);
    this.#offsets = offsets;
    this.#numbers = numbers;
  }
}

/** Places of the least keys: those that are equal in order, or where they are too many, as the heap gives them. */
function leastOf(keys: Float64Array, count: number): readonly number[] {
  let least = Number.POSITIVE_INFINITY;
  let tied: number[] = [];
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as number;
    if (key < least) {
      least = key;
      tied = [];
    }
    if (key === least && tied.length <= count) tied.push(i);
  }
  if (tied.length <= count) return tied;
  const heap = Int32Array.from(keys, (_, i) => i);
  for (let i = (heap.length >> 1) - 1; i >= 0; i--) sink(heap, keys, i, heap.length);
  const popped: number[] = [];
  for (let end = heap.length - 1; popped.length < count; end--) {
    popped.push(heap[0] as number);
    heap[0] = heap[end] as number;
    sink(heap, keys, 0, end);
  }
  return popped;
}

/** As TimeHeap moves its items; equal keys do not move. */
function sink(heap: Int32Array, keys: Float64Array, from: number, end: number): void {
  const item = heap[from] as number;
  let parent = from;
  for (;;) {
    const left = 2 * parent + 1;
    if (left >= end) break;
    const right = left + 1;
    const isRight = right < end && keyAt(heap, keys, right) < keyAt(heap, keys, left);
    const least = isRight ? right : left;
    if (!(keyAt(heap, keys, least) < (keys[item] as number))) break;
    heap[parent] = heap[least] as number;
    parent = least;
  }
  heap[parent] = item;
}

function keyAt(heap: Int32Array, keys: Float64Array, at: number): number {
  return keys[heap[at] as number] as number;
}
