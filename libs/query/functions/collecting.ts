/**
 * Functions that need all values of a window at once: median, mode, percentile, stddev, distinct, integral, top, bottom,
 * sample. Values are appended to one log a group and sorted into windows at the end.
 */
import type { ColumnBuilder } from '../column.js';
import { concatColumns, exactInteger, type Column } from '../column.js';
import { writeTimes } from '../time-column.js';
import type { ValueType } from '../value-type.js';
import type { Accumulator, AccumulatorBatch, ResultSink } from './accumulator.js';

/** Values of one window; rows are indices into the columns. */
export interface WindowValues {
  /** Rows in order of arrival: series by series, ascending times within each stretch. */
  readonly rows: Int32Array;
  readonly column: Column;
  readonly timesNs: BigInt64Array;
  readonly aux: readonly Column[];
  /** Start of the window. */
  readonly startNs: bigint;
}

/** Makes results of one window. */
export type WindowReducer = (values: WindowValues, sink: ResultSink) => void;

interface SortedValues {
  readonly column: Column;
  readonly aux: readonly Column[];
  readonly bySlot: ReadonlyMap<number, Int32Array>;
}

/** Collects values and hands each window's to a reducer. */
export class CollectAccumulator implements Accumulator {
  readonly type: ValueType;
  /** Value, time and slot, and the same again while arrays grow and are sorted. */
  readonly bytesPerValue = 40;
  readonly #input: ValueType;
  readonly #reduce: WindowReducer;
  readonly #parts: {
    readonly column: Column;
    readonly aux: readonly Column[];
    readonly count: number;
  }[] = [];
  #slots = new Int32Array(1024);
  #times = new BigInt64Array(1024);
  #count = 0;
  #sorted: SortedValues | null = null;

  constructor(input: ValueType, type: ValueType, reduce: WindowReducer) {
    this.#input = input;
    this.type = type;
    this.#reduce = reduce;
  }

  reset(): void {
    this.#parts.length = 0;
    this.#count = 0;
    this.#sorted = null;
  }

  grow(): void {
    // Slots are written beside the values; there is nothing to grow.
  }

  add(batch: AccumulatorBatch): void {
    const { runs, slots, column, count, offsets, stretch, aux } = batch;
    this.#reserve(this.#count + count);
    for (let r = 0; r < runs.count; r++) {
      const from = this.#count + (runs.firstRow[r] as number);
      this.#slots.fill(slots[r] as number, from, this.#count + (runs.firstRow[r + 1] as number));
    }
    writeTimes(this.#times, this.#count, stretch.baseNs, offsets, count);
    this.#parts.push({
      column: copyColumn(column, count),
      aux: aux.map((one) => copyColumn(one, count)),
      count,
    });
    this.#count += count;
  }

  isEmpty(slot: number): boolean {
    this.#sorted ??= this.#sort();
    return !this.#sorted.bySlot.has(slot);
  }

  emit(slot: number, startNs: bigint, sink: ResultSink): void {
    this.#sorted ??= this.#sort();
    const { column, aux, bySlot } = this.#sorted;
    const rows = bySlot.get(slot);
    if (rows) this.#reduce({ rows, column, aux, startNs, timesNs: this.#times }, sink);
  }

  #reserve(count: number): void {
    if (count <= this.#slots.length) return;
    const capacity = Math.max(count, this.#slots.length * 2);
    const slots = new Int32Array(capacity);
    slots.set(this.#slots);
    this.#slots = slots;
    const times = new BigInt64Array(capacity);
    times.set(this.#times);
    this.#times = times;
  }

  #sort(): SortedValues {
    const counts = this.#parts.map(({ count }) => count);
    const column = concatColumns(
      this.#input,
      this.#parts.map((part) => part.column),
      counts,
    );
    const [first] = this.#parts;
    const aux = (first?.aux ?? []).map(({ type }, i) =>
      concatColumns(
        type,
        this.#parts.map((part) => part.aux[i] as Column),
        counts,
      ),
    );
    const bySlot = new Map<number, Int32Array>();
    const slots = this.#slots.subarray(0, this.#count);
    const order = orderBySlot(slots);
    for (let from = 0; from < order.length;) {
      const slot = slots[order[from] as number] as number;
      let to = from + 1;
      while (to < order.length && slots[order[to] as number] === slot) to++;
      bySlot.set(slot, order.subarray(from, to));
      from = to;
    }
    return { column, aux, bySlot };
  }
}

/** Rows by slot, those of one slot in order of arrival. */
function orderBySlot(slots: Int32Array): Int32Array {
  let slotMax = 0;
  for (let i = 0; i < slots.length; i++) slotMax = Math.max(slotMax, slots[i] as number);
  const ends = new Int32Array(slotMax + 2);
  for (let i = 0; i < slots.length; i++) add(ends, (slots[i] as number) + 1, 1);
  for (let slot = 0; slot <= slotMax; slot++) add(ends, slot + 1, ends[slot] as number);
  const order = new Int32Array(slots.length);
  for (let i = 0; i < slots.length; i++) order[add(ends, slots[i] as number, 1)] = i;
  return order;
}

/** Adds to an entry; gives what it was before. */
function add(counts: Int32Array, at: number, amount: number): number {
  const before = counts[at] as number;
  counts[at] = before + amount;
  return before;
}

function copyColumn(column: Column, count: number): Column {
  return {
    type: column.type,
    numbers: column.numbers.slice(0, count),
    wide: column.wide?.slice(0, count) ?? null,
    strings: column.strings.slice(0, count),
    present: column.present?.slice(0, count) ?? null,
  };
}

/** Orders rows by value, ascending; equal values stay in order of arrival. */
export function rowsByValue({ rows, column }: WindowValues): Int32Array {
  return Int32Array.from(rows).sort((a, b) => compareRows(column, a, b));
}

/** Values ascending; only for columns of numbers that are exact as such. */
export function sortedNumbers({ rows, column }: WindowValues): Float64Array {
  const { numbers } = column;
  const sorted = new Float64Array(rows.length);
  for (let i = 0; i < rows.length; i++) sorted[i] = numbers[rows[i] as number] as number;
  return sorted.sort();
}

/** Below, at or above 0 as the value of row `a` is less than, equal to or greater than that of row `b`. */
export function compareRows(column: Column, a: number, b: number): number {
  if (column.type === 'string') {
    const x = column.strings[a] ?? '';
    const y = column.strings[b] ?? '';
    return x < y ? -1 : x > y ? 1 : 0;
  }
  if (column.wide) {
    const x = exactInteger(column, a);
    const y = exactInteger(column, b);
    return x < y ? -1 : x > y ? 1 : 0;
  }
  return (column.numbers[a] as number) - (column.numbers[b] as number);
}

/** Below, at or above 0 as row `a` is before, with or after row `b`. */
export function compareTimes({ timesNs }: WindowValues, a: number, b: number): number {
  const x = timesNs[a] as bigint;
  const y = timesNs[b] as bigint;
  return x < y ? -1 : x > y ? 1 : 0;
}

/** Emits row `row` as a selected point. */
export function emitRow(values: WindowValues, row: number, timeNs: bigint, sink: ResultSink): void {
  sink.values.pushFrom(values.column, row);
  sink.timesNs.push(timeNs);
  sink.aux.forEach((builder: ColumnBuilder, i) => {
    const column = values.aux[i];
    if (column) builder.pushFrom(column, row);
    else builder.pushNull();
  });
}
