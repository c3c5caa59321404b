/**
 * Feeds the series of a group through accumulators: the inner loop of every aggregate. Fields without a condition go from
 * decoded block to accumulator with nothing in between; the fields of a series are read through one cursor.
 */
import type { VarRef } from '#influxql';
import type { ColumnBatch } from '#models';
import { ColumnBuilder, gatherRows, hasValue, type Column } from '../column.js';
import type { Accumulator, ResultSink } from '../functions/accumulator.js';
import type { LeafPlan } from '../functions/call-plan.js';
import type { Stream } from '../functions/stream.js';
import type { QueryBudget } from '../limits.js';
import { isFieldOf } from '../scan/series-filter.js';
import type { FieldReader, Stretch } from '../scan/source-table.js';
import { isConvertible, typedColumn } from '../scan/typed-values.js';
import type { ExprType, ValueType } from '../value-type.js';
import { newRuns, type WindowRuns, type Windows } from '../windows.js';
import { EntryReader, valueType } from './entry-rows.js';
import type { Group, GroupEntry } from './groups.js';
import { inType } from './raw-select.js';

/** What to scan of a group. */
export interface WindowScan {
  readonly leaves: readonly LeafPlan[];
  /** References shown beside a selector's point; only with a single leaf. */
  readonly beside: readonly VarRef[];
  readonly stretches: readonly Stretch[];
  readonly windows: Windows;
  /** Windows that the stretches span, or null where that is too many to have a slot each. */
  readonly windowCount: number | null;
  readonly typeOf: (ref: VarRef) => ExprType;
  readonly budget: QueryBudget;
}

/** One leaf at work. */
interface Worker {
  readonly leaf: LeafPlan;
  readonly input: ValueType;
  readonly accumulator: Accumulator;
  /** Position of the leaf's field among the fields read. */
  readonly field: number;
}

/** Results of each leaf for one group, in order of time. A generator of turns: nulls until it returns. */
export function* scanWindows(group: Group, scan: WindowScan): Generator<null, readonly Stream[]> {
  const state = new ScanState(scan);
  for (const [ordinal, stretch] of scan.stretches.entries()) {
    for (const entry of group.entries) {
      if (scan.budget.isTurnOver()) yield null;
      state.stretch = stretch;
      state.ordinal = ordinal;
      if (entry.condition === true && state.besideRefs.length === 0) state.scanBlocks(entry);
      else state.scanRows(entry);
    }
  }
  return state.finish();
}

class ScanState {
  readonly besideRefs: readonly VarRef[];
  stretch: Stretch = { baseNs: 0n, startNs: 0n, endNs: 0n };
  ordinal = 0;
  readonly #scan: WindowScan;
  readonly #workers: readonly Worker[];
  /** Distinct fields of the leaves. */
  readonly #fields: readonly { readonly ref: VarRef; readonly input: ValueType }[];
  readonly #besideTypes: readonly ValueType[];
  readonly #runs: WindowRuns = newRuns();
  #slots = new Int32Array(64);
  /** Slot by window and window by slot, where windows have no slot each. */
  readonly #slotOf = new Map<number, number>();
  readonly #windowOf: number[] = [];
  #capacity: number;

  constructor(scan: WindowScan) {
    this.#scan = scan;
    this.besideRefs = [...scan.leaves.flatMap(({ beside }) => beside), ...scan.beside];
    this.#besideTypes = this.besideRefs.map((ref) => valueType(scan.typeOf(ref)) ?? 'string');
    const fields: { ref: VarRef; input: ValueType }[] = [];
    this.#workers = scan.leaves.flatMap((leaf) => {
      const { input, ref } = leaf;
      if (!input) return [];
      let field = fields.findIndex((one) => one.ref.name === ref.name && one.input === input);
      if (field < 0) field = fields.push({ ref, input }) - 1;
      return [{ leaf, input, field, accumulator: leaf.makeAccumulator() }];
    });
    this.#fields = fields;
    this.#capacity = scan.windowCount ?? 16;
    for (const { accumulator } of this.#workers) accumulator.reset(this.#capacity);
  }

  /** Every value of the series' fields, block by block. */
  scanBlocks({ table, series, i }: GroupEntry): void {
    const names = this.#fields.map(({ ref }) => ref.name);
    const reader = table.open({
      series,
      i,
      fields: names,
      stretch: this.stretch,
      isAscending: true,
    });
    if (!reader) return;
    for (let field = 0; field < names.length; field++) this.#scanField(reader, field);
  }

  #scanField(reader: FieldReader, field: number): void {
    const stored = reader.typeOf(field);
    const input = this.#fields[field]?.input;
    if (!stored || !input || !isConvertible(stored, input)) return;
    for (;;) {
      const batch: ColumnBatch | null = reader.next(field);
      if (!batch) return;
      this.#scan.budget.countPoints(batch.count);
      const column = typedColumn(batch, stored, input);
      this.#feed(field, column, batch.offsets, batch.count, []);
    }
  }

  /** Rows for which WHERE holds, with what is to be shown beside the points. */
  scanRows(entry: GroupEntry): void {
    const { typeOf, budget } = this.#scan;
    for (const [field, { ref }] of this.#fields.entries()) {
      if (!isFieldOf(entry.table, ref)) continue;
      const reader = new EntryReader(entry, this.stretch, {
        leading: [ref],
        beside: this.besideRefs.filter((one) => one !== ref),
        typeOf,
        isAscending: true,
        budget,
      });
      for (;;) {
        const rows = reader.next();
        if (!rows) break;
        const values = rows.scope.resolve(ref);
        if (!values) continue;
        const aux = this.besideRefs.map((one, i) =>
          inType(rows.scope.resolve(one) ?? values, this.#besideTypes[i] ?? 'string', rows.count),
        );
        this.#feedPresent(field, values, rows.offsets, rows.count, aux);
      }
    }
  }

  #feedPresent(
    field: number,
    column: Column,
    offsets: Float64Array,
    count: number,
    aux: readonly Column[],
  ): void {
    const typed = inType(column, this.#fields[field]?.input ?? column.type, count);
    if (!typed.present) {
      this.#feed(field, typed, offsets, count, aux);
      return;
    }
    const kept = Int32Array.from(
      Array.from({ length: count }, (_, i) => i).filter((i) => hasValue(typed, i)),
    );
    const times = Float64Array.from(kept, (row) => offsets[row] as number);
    this.#feed(
      field,
      gatherRows(typed, kept),
      times,
      kept.length,
      aux.map((one) => gatherRows(one, kept)),
    );
  }

  #feed(
    field: number,
    column: Column,
    offsets: Float64Array,
    count: number,
    aux: readonly Column[],
  ): void {
    if (count === 0) return;
    const runs = this.#runs;
    this.#scan.windows.split(this.stretch.baseNs, offsets, count, runs);
    if (this.#slots.length < runs.count) this.#slots = new Int32Array(runs.firstRow.length);
    this.#assignSlots(runs);
    const batch = {
      column,
      count,
      offsets,
      stretch: this.stretch,
      stretchIndex: this.ordinal,
      runs,
      slots: this.#slots,
      aux,
    };
    for (const worker of this.#workers) if (worker.field === field) worker.accumulator.add(batch);
  }

  #assignSlots(runs: WindowRuns): void {
    const slots = this.#slots;
    if (this.#scan.windowCount !== null) {
      for (let r = 0; r < runs.count; r++) slots[r] = runs.window[r] as number;
      return;
    }
    for (let r = 0; r < runs.count; r++) {
      const window = runs.window[r] as number;
      let slot = this.#slotOf.get(window);
      if (slot === undefined) {
        slot = this.#windowOf.push(window) - 1;
        this.#slotOf.set(window, slot);
      }
      slots[r] = slot;
    }
    if (this.#windowOf.length <= this.#capacity) return;
    this.#capacity = this.#windowOf.length * 2;
    for (const { accumulator } of this.#workers) accumulator.grow(this.#capacity);
  }

  finish(): readonly Stream[] {
    const { windows, windowCount } = this.#scan;
    const sparse =
      windowCount === null
        ? this.#windowOf.map((k, slot) => ({ k, slot })).sort((a, b) => a.k - b.k)
        : null;
    return this.#scan.leaves.map((leaf) => {
      const worker = this.#workers.find((one) => one.leaf === leaf);
      const values = new ColumnBuilder(worker?.accumulator.type ?? 'float');
      const aux = this.#besideTypes.map((type) => new ColumnBuilder(type));
      const sink: ResultSink = { values, aux, timesNs: [] };
      const emit = (k: number, slot: number): void => {
        if (worker && !worker.accumulator.isEmpty(slot)) {
          worker.accumulator.emit(slot, windows.startNs(k), sink);
        }
      };
      if (sparse) for (const { k, slot } of sparse) emit(k, slot);
      else for (let k = 0; k < (windowCount ?? 0); k++) emit(k, k);
      return { timesNs: sink.timesNs, values: values.build(), aux: aux.map((one) => one.build()) };
    });
  }
}
