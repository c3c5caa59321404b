/**
 * Aggregates that need a few numbers a window, whatever the number of values: count, sum, mean and spread.
 */
import { exactInteger, type Column } from '../column.js';
import type { ValueType } from '../value-type.js';
import {
  grown,
  zeros,
  type Accumulator,
  type AccumulatorBatch,
  type ResultSink,
} from './accumulator.js';

const NONE: Float64Array = new Float64Array(0);

/** Number of values. */
export class CountAccumulator implements Accumulator {
  readonly type = 'integer';
  #counts = NONE;

  reset(slots: number): void {
    this.#counts = zeros(this.#counts, slots);
  }

  grow(slots: number): void {
    if (slots > this.#counts.length) this.#counts = grown(this.#counts, slots);
  }

  add({ runs, slots }: AccumulatorBatch): void {
    const counts = this.#counts;
    const { firstRow } = runs;
    for (let r = 0; r < runs.count; r++) {
      const slot = slots[r] as number;
      counts[slot] =
        (counts[slot] as number) + (firstRow[r + 1] as number) - (firstRow[r] as number);
    }
  }

  isEmpty(slot: number): boolean {
    return (this.#counts[slot] ?? 0) === 0;
  }

  emit(slot: number, startNs: bigint, sink: ResultSink): void {
    const count = this.#counts[slot] ?? 0;
    if (count === 0) return;
    sink.values.pushNumber(count);
    sink.timesNs.push(startNs);
  }
}

/** Sum of values, or their mean. Sums of integers are exact and wrap at 64 bits. */
export class SumAccumulator implements Accumulator {
  readonly type: ValueType;
  readonly #isMean: boolean;
  readonly #isWhole: boolean;
  readonly #isUnsigned: boolean;
  #sums = NONE;
  #counts = NONE;
  /** Sum of sizes: below 2^53 no sum can have lost a digit. */
  #sizes = NONE;
  readonly #exact = new Map<number, bigint>();

  constructor(input: ValueType, isMean: boolean) {
    this.type = isMean ? 'float' : input;
    this.#isMean = isMean;
    this.#isWhole = input !== 'float';
    this.#isUnsigned = input === 'unsigned';
  }

  reset(slots: number): void {
    this.#sums = zeros(this.#sums, slots);
    this.#counts = zeros(this.#counts, slots);
    if (this.#isWhole) this.#sizes = zeros(this.#sizes, slots);
    this.#exact.clear();
  }

  grow(slots: number): void {
    if (slots <= this.#sums.length) return;
    this.#sums = grown(this.#sums, slots);
    this.#counts = grown(this.#counts, slots);
    if (this.#isWhole) this.#sizes = grown(this.#sizes, slots);
  }

  add(batch: AccumulatorBatch): void {
    const { runs, slots, column } = batch;
    if (!this.#isWhole) {
      sumRuns(column.numbers, runs.firstRow, slots, runs.count, this.#sums);
      countRuns(runs.firstRow, slots, runs.count, this.#counts);
      return;
    }
    for (let r = 0; r < runs.count; r++) {
      const from = runs.firstRow[r] as number;
      const to = runs.firstRow[r + 1] as number;
      this.#addWhole(column, slots[r] as number, from, to);
    }
    countRuns(runs.firstRow, slots, runs.count, this.#counts);
  }

  #addWhole(column: Column, slot: number, from: number, to: number): void {
    const { numbers } = column;
    let sum = 0;
    let size = 0;
    for (let i = from; i < to; i++) {
      const value = numbers[i] as number;
      sum += value;
      size += Math.abs(value);
    }
    const total = (this.#sizes[slot] as number) + size;
    const exact = this.#exact.get(slot);
    if (exact === undefined && total <= Number.MAX_SAFE_INTEGER) {
      this.#sizes[slot] = total;
      this.#sums[slot] = (this.#sums[slot] as number) + sum;
      return;
    }
    let wide = exact ?? BigInt(this.#sums[slot] as number);
    for (let i = from; i < to; i++) wide += exactInteger(column, i);
    this.#exact.set(slot, wide);
  }

  isEmpty(slot: number): boolean {
    return (this.#counts[slot] ?? 0) === 0;
  }

  emit(slot: number, startNs: bigint, sink: ResultSink): void {
    const count = this.#counts[slot] ?? 0;
    if (count === 0) return;
    sink.timesNs.push(startNs);
    const wide = this.#exact.get(slot);
    if (wide === undefined) {
      const sum = this.#sums[slot] as number;
      sink.values.pushNumber(this.#isMean ? sum / count : sum);
      return;
    }
    const wrapped = this.#isUnsigned ? BigInt.asUintN(64, wide) : BigInt.asIntN(64, wide);
    if (this.#isMean) sink.values.pushNumber(Number(wrapped) / count);
    else sink.values.pushInteger(wrapped);
  }
}

/** Adds up each run of rows. One addition after the other, in order, as InfluxDB 1.x does. */
function sumRuns(
  numbers: Float64Array,
  firstRow: Int32Array,
  slots: Int32Array,
  runCount: number,
  sums: Float64Array,
): void {
  for (let r = 0; r < runCount; r++) {
    const to = firstRow[r + 1] as number;
    const slot = slots[r] as number;
    let sum = sums[slot] as number;
    for (let i = firstRow[r] as number; i < to; i++) sum += numbers[i] as number;
    sums[slot] = sum;
  }
}

function countRuns(
  firstRow: Int32Array,
  slots: Int32Array,
  runCount: number,
  counts: Float64Array,
): void {
  for (let r = 0; r < runCount; r++) {
    const slot = slots[r] as number;
    counts[slot] = (counts[slot] as number) + (firstRow[r + 1] as number) - (firstRow[r] as number);
  }
}

/** Difference between the greatest and the least value. */
export class SpreadAccumulator implements Accumulator {
  readonly type: ValueType;
  #least = NONE;
  #greatest = NONE;
  #counts = NONE;
  readonly #wideLeast = new Map<number, bigint>();
  readonly #wideGreatest = new Map<number, bigint>();

  constructor(input: ValueType) {
    this.type = input;
  }

  reset(slots: number): void {
    this.#counts = zeros(this.#counts, slots);
    this.#least = zeros(this.#least, slots);
    this.#greatest = zeros(this.#greatest, slots);
    this.#wideLeast.clear();
    this.#wideGreatest.clear();
  }

  grow(slots: number): void {
    if (slots <= this.#counts.length) return;
    this.#counts = grown(this.#counts, slots);
    this.#least = grown(this.#least, slots);
    this.#greatest = grown(this.#greatest, slots);
  }

  add({ runs, slots, column }: AccumulatorBatch): void {
    const { numbers } = column;
    for (let r = 0; r < runs.count; r++) {
      const from = runs.firstRow[r] as number;
      const to = runs.firstRow[r + 1] as number;
      const slot = slots[r] as number;
      const isNew = this.#counts[slot] === 0;
      let least = isNew ? (numbers[from] as number) : (this.#least[slot] as number);
      let greatest = isNew ? least : (this.#greatest[slot] as number);
      for (let i = from; i < to; i++) {
        const value = numbers[i] as number;
        if (value < least) least = value;
        if (value > greatest) greatest = value;
      }
      this.#least[slot] = least;
      this.#greatest[slot] = greatest;
      this.#counts[slot] = (this.#counts[slot] as number) + to - from;
      if (column.wide) this.#addWide(column, slot, from, to);
    }
  }

  #addWide(column: Column, slot: number, from: number, to: number): void {
    for (let i = from; i < to; i++) {
      const value = exactInteger(column, i);
      const least = this.#wideLeast.get(slot);
      const greatest = this.#wideGreatest.get(slot);
      if (least === undefined || value < least) this.#wideLeast.set(slot, value);
      if (greatest === undefined || value > greatest) this.#wideGreatest.set(slot, value);
    }
  }

  isEmpty(slot: number): boolean {
    return (this.#counts[slot] ?? 0) === 0;
  }

  emit(slot: number, startNs: bigint, sink: ResultSink): void {
    if ((this.#counts[slot] ?? 0) === 0) return;
    sink.timesNs.push(startNs);
    const least = this.#wideLeast.get(slot);
    const greatest = this.#wideGreatest.get(slot);
    if (least === undefined || greatest === undefined) {
      sink.values.pushNumber((this.#greatest[slot] as number) - (this.#least[slot] as number));
      return;
    }
    const low =
      BigInt(this.#least[slot] as number) < least ? BigInt(this.#least[slot] as number) : least;
    sink.values.pushInteger(BigInt.asIntN(64, greatest - low));
  }
}
