/**
 * Selectors of one point a window that need to keep only that point: min, max, first, last.
 */
import { ColumnBuilder, exactInteger, type Column } from '../column.js';
import type { Stretch } from '../scan/source-table.js';
import type { ValueType } from '../value-type.js';
import {
  grown,
  zeros,
  type Accumulator,
  type AccumulatorBatch,
  type ResultSink,
} from './accumulator.js';

const NONE: Float64Array = new Float64Array(0);

/** Which point is kept. */
export type Choice = 'min' | 'max' | 'first' | 'last';

/** Keeps the chosen point of each window, with the values of other fields beside it. */
export class SelectAccumulator implements Accumulator {
  readonly type: ValueType;
  readonly #choice: Choice;
  readonly #keepsTime: boolean;
  #values = NONE;
  #offsets = NONE;
  /** Ordinal of the point's stretch plus one; 0 where the slot is empty. */
  #ordinals = NONE;
  #texts: string[] = [];
  readonly #wide = new Map<number, bigint>();
  readonly #aux = new Map<number, readonly Column[]>();
  readonly #stretches: Stretch[] = [];

  /** @param keepsTime true where results carry the point's time instead of the window's start */
  constructor(input: ValueType, choice: Choice, keepsTime: boolean) {
    this.type = input;
    this.#choice = choice;
    this.#keepsTime = keepsTime;
  }

  reset(slots: number): void {
    this.#values = zeros(this.#values, slots);
    this.#offsets = zeros(this.#offsets, slots);
    this.#ordinals = zeros(this.#ordinals, slots);
    this.#texts = [];
    this.#wide.clear();
    this.#aux.clear();
  }

  grow(slots: number): void {
    if (slots <= this.#values.length) return;
    this.#values = grown(this.#values, slots);
    this.#offsets = grown(this.#offsets, slots);
    this.#ordinals = grown(this.#ordinals, slots);
  }

  add(batch: AccumulatorBatch): void {
    const { runs, slots, column } = batch;
    this.#stretches[batch.stretchIndex] = batch.stretch;
    for (let r = 0; r < runs.count; r++) {
      const from = runs.firstRow[r] as number;
      const to = runs.firstRow[r + 1] as number;
      const slot = slots[r] as number;
      const row = this.#candidate(column, from, to);
      this.#offer(batch, slot, row);
      if (this.#choice === 'first' || this.#choice === 'last')
        this.#offerTies(batch, slot, { row, from, to });
    }
  }

  /** The rows at the time of one at an end: a subquery's series may repeat a time. */
  #offerTies(
    batch: AccumulatorBatch,
    slot: number,
    { row, from, to }: { readonly row: number; readonly from: number; readonly to: number },
  ): void {
    const { offsets } = batch;
    const step = row === from ? 1 : -1;
    for (let i = row + step; i >= from && i < to && offsets[i] === offsets[row]; i += step)
      this.#offer(batch, slot, i);
  }

  /** Row of the best value among rows of one series; among equals the earliest. */
  #candidate(column: Column, from: number, to: number): number {
    if (this.#choice === 'first') return from;
    if (this.#choice === 'last') return to - 1;
    if (column.wide) return extremeWide(column, from, to, this.#choice === 'min');
    return this.#choice === 'min'
      ? least(column.numbers, from, to)
      : greatest(column.numbers, from, to);
  }

  #offer(batch: AccumulatorBatch, slot: number, row: number): void {
    const { column, offsets, stretchIndex } = batch;
    const offset = offsets[row] as number;
    const kept = this.#ordinals[slot] as number;
    if (kept !== 0) {
      let order = this.#valueOrder(column, row, slot);
      const later = stretchIndex + 1 - kept || offset - (this.#offsets[slot] as number);
      if (this.#choice === 'min') order = order || later;
      else if (this.#choice === 'max') order = -order || later;
      else if (this.#choice === 'first')
        order = later || (this.type === 'boolean' ? order : -order);
      else order = -later || -order;
      if (order >= 0) return;
    }
    this.#values[slot] = column.numbers[row] ?? 0;
    this.#offsets[slot] = offset;
    this.#ordinals[slot] = stretchIndex + 1;
    if (this.type === 'string') this.#texts[slot] = column.strings[row] ?? '';
    if (column.wide) this.#wide.set(slot, exactInteger(column, row));
    else this.#wide.delete(slot);
    if (batch.aux.length > 0)
      this.#aux.set(
        slot,
        batch.aux.map((one) => singleRow(one, row)),
      );
  }

  /** Below, at or above 0 as row `row` is less than, equal to or greater than what the slot keeps. */
  #valueOrder(column: Column, row: number, slot: number): number {
    if (this.type === 'string') {
      const text = column.strings[row] ?? '';
      const kept = this.#texts[slot] ?? '';
      return text < kept ? -1 : text > kept ? 1 : 0;
    }
    const wide = this.#wide.get(slot);
    if (wide !== undefined || column.wide) {
      const value = exactInteger(column, row);
      const kept = wide ?? BigInt(this.#values[slot] as number);
      return value < kept ? -1 : value > kept ? 1 : 0;
    }
    return (column.numbers[row] as number) - (this.#values[slot] as number);
  }

  isEmpty(slot: number): boolean {
    return (this.#ordinals[slot] ?? 0) === 0;
  }

  emit(slot: number, startNs: bigint, sink: ResultSink): void {
    const ordinal = this.#ordinals[slot] ?? 0;
    if (ordinal === 0) return;
    const baseNs = this.#stretches[ordinal - 1]?.baseNs ?? 0n;
    sink.timesNs.push(this.#keepsTime ? baseNs + BigInt(this.#offsets[slot] as number) : startNs);
    const wide = this.#wide.get(slot);
    if (this.type === 'string') sink.values.pushString(this.#texts[slot] ?? '');
    else if (wide !== undefined) sink.values.pushInteger(wide);
    else sink.values.pushNumber(this.#values[slot] as number);
    const aux = this.#aux.get(slot) ?? [];
    sink.aux.forEach((builder, i) => {
      const column = aux[i];
      if (column) builder.pushFrom(column, 0);
      else builder.pushNull();
    });
  }
}

function singleRow(column: Column, row: number): Column {
  const builder = new ColumnBuilder(column.type, 1);
  builder.pushFrom(column, row);
  return builder.build();
}

function least(numbers: Float64Array, from: number, to: number): number {
  let row = from;
  let best = numbers[from] as number;
  for (let i = from + 1; i < to; i++) {
    const value = numbers[i] as number;
    if (value < best) {
      best = value;
      row = i;
    }
  }
  return row;
}

function greatest(numbers: Float64Array, from: number, to: number): number {
  let row = from;
  let best = numbers[from] as number;
  for (let i = from + 1; i < to; i++) {
    const value = numbers[i] as number;
    if (value > best) {
      best = value;
      row = i;
    }
  }
  return row;
}

function extremeWide(column: Column, from: number, to: number, isLeast: boolean): number {
  let row = from;
  let best = exactInteger(column, from);
  for (let i = from + 1; i < to; i++) {
    const value = exactInteger(column, i);
    if (isLeast ? value < best : value > best) {
      best = value;
      row = i;
    }
  }
  return row;
}
