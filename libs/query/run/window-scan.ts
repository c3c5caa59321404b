/**
 * Feeds the series of a group through accumulators: the inner loop of every aggregate. Fields without a condition go from
 * decoded block to accumulator with nothing in between; the fields of a series are read through one cursor.
 */
import type { VarRef } from '#influxql';
import type { ColumnBatch } from '#models';
import {
  ColumnBuilder,
  gatherNumbers,
  gatherRows,
  hasValue,
  numberColumn,
  type Column,
} from '../column.js';
import type { Accumulator, ResultSink } from '../functions/accumulator.js';
import { CountAccumulator } from '../functions/running.js';
import type { LeafPlan } from '../functions/call-plan.js';
import type { Stream } from '../functions/stream.js';
import type { QueryBudget } from '../limits.js';
import { isFieldOf } from '../scan/series-filter.js';
import type { FieldReader, FieldSweep, Stretch } from '../scan/source-table.js';
import { StoredTable } from '../scan/stored-table.js';
import { isConvertible, typedColumn } from '../scan/typed-values.js';
import type { ExprType, ValueType } from '../value-type.js';
import { newRuns, OneWindow, splitSegments, type WindowRuns, type Windows } from '../windows.js';
import { EntryReader, valueType, type EntryRows } from './entry-rows.js';
import type { Group, GroupEntry, PlainSeries } from './groups.js';
import { rowsOfStretch } from './raw-select.js';
import { inType, tieRefs, type RowChunk, type RowPlan, type ShardLimit } from './row-plan.js';
import { EdgeChoice } from './edge-scan.js';
import { SweptEdges, type SweptPoint } from './swept-edges.js';
import { sweep, sweepEdges, type SweptState } from './swept-scan.js';

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
  /** Order of the result, which is that of the group's series. */
  readonly isAscending: boolean;
  /** How many points of a shard decide what is first or last of everything. */
  readonly edgePoints: number;
  /** What storage leaves away of a group where LIMIT and OFFSET cut what it gives. */
  readonly shardLimitOf: (group: Group) => ShardLimit | null;
  readonly budget: QueryBudget;
}

/** Bytes that a function keeps for a window while it scans. */
const SLOT_BYTES = 24;

/** Windows finished between looks at the clock. */
const WINDOWS_PER_LOOK = 1024;

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
  const streams = new Map<LeafPlan, Stream>();
  for (const way of ['first', 'last', 'ordered', 'all'] as const) {
    const leaves = scan.leaves.filter((leaf) => wayOf(group, leaf, scan) === way);
    if (leaves.length === 0) continue;
    const part = { ...scan, leaves };
    const state = new ScanState(part);
    if (way === 'ordered') yield* scanOrdered(group, part, state);
    else if (way === 'all') yield* scanAll(group, part, state);
    else yield* scanEdges(group, part, state, way);
    const results = yield* state.finish();
    leaves.forEach((leaf, i) => streams.set(leaf, results[i] as Stream));
    scan.budget.release(state.heldBytes);
  }
  return scan.leaves.map((leaf) => streams.get(leaf) as Stream);
}

function* scanAll(group: Group, scan: WindowScan, state: ScanState): Generator<null, void> {
  for (const [ordinal, stretch] of scan.stretches.entries()) {
    state.at(stretch, ordinal);
    if (yield* sweep(group, scan, state)) continue;
    for (const entry of group.entries) {
      if (scan.budget.isTurnOver()) yield null;
      state.at(stretch, ordinal);
      if (state.isPlain(entry)) yield* state.scanBlocks(entry);
      else yield* state.scanRows(entry);
    }
  }
}

/** How a function's values are read: from the end of time that decides, merged by time, or series by series. */
function wayOf(
  group: Group,
  { name, isOrdered, isCut }: LeafPlan,
  { windows, shardLimitOf }: WindowScan,
): 'first' | 'last' | 'ordered' | 'all' {
  const { entryCount, tables } = group;
  // The values of a single series come in order of time anyway.
  if (isOrdered && (entryCount > 1 || (isCut && shardLimitOf(group)))) return 'ordered';
  if ((name !== 'first' && name !== 'last') || !(windows instanceof OneWindow)) return 'all';
  return tables.every((table) => table instanceof StoredTable) ? name : 'all';
}

/** Values of each leaf merged by time in the query's direction, fed in ascending order all the same. */
function* scanOrdered(group: Group, scan: WindowScan, state: ScanState): Generator<null, void> {
  const { typeOf, isAscending, budget } = scan;
  for (const leaf of scan.leaves) {
    if (!leaf.input) continue;
    const beside = [...leaf.beside, ...scan.beside];
    const plan: RowPlan = {
      request: { leading: [leaf.ref], beside, typeOf, isAscending, budget },
      columns: [leaf.ref, ...beside].map((ref, c) => ({
        expr: ref,
        type: c === 0 ? (leaf.input ?? 'float') : (valueType(typeOf(ref)) ?? 'string'),
      })),
      fill: null,
      ties: tieRefs(scan.beside, typeOf),
      rowsMax: 0,
      shardLimit: leaf.isCut ? scan.shardLimitOf(group) : null,
    };
    const chunks: { readonly ordinal: number; readonly chunk: RowChunk }[] = [];
    const stretches = [...scan.stretches.entries()];
    for (const [ordinal, stretch] of isAscending ? stretches : stretches.reverse()) {
      for (const chunk of rowsOfStretch(group, stretch, plan)) {
        if (!chunk) yield null;
        else if (isAscending) state.feedChunk(leaf, stretch, ordinal, chunk);
        else chunks.push({ ordinal, chunk: reversedChunk(chunk) });
      }
    }
    for (const { ordinal, chunk } of chunks.reverse())
      state.feedChunk(leaf, scan.stretches[ordinal] as Stretch, ordinal, chunk);
  }
}

function reversedChunk(chunk: RowChunk): RowChunk {
  const order = Int32Array.from({ length: chunk.count }, (_, i) => chunk.count - 1 - i);
  return {
    ...chunk,
    offsets: gatherNumbers(chunk.offsets, order),
    columns: chunk.columns.map((column) => gatherRows(column, order)),
  };
}

/** Reads from the end that decides, one point of each series, and no stretch behind the first that has any. */
function* scanEdges(
  group: Group,
  scan: WindowScan,
  state: ScanState,
  edge: 'first' | 'last',
): Generator<null, void> {
  const stretches = [...scan.stretches.entries()];
  const isFirst = edge === 'first';
  // Storage's order of series is turned round for what comes last, whatever the order of the result.
  const isTurned = scan.isAscending !== isFirst;
  const entries = isTurned ? [...group.entries].reverse() : group.entries;
  if (!isFirst) stretches.reverse();
  for (const [ordinal, stretch] of stretches) {
    if (state.openFields.length === 0) return;
    state.at(stretch, ordinal);
    if (yield* sweepEdges(group, scan, state, isFirst)) continue;
    state.beginEdges(isFirst);
    for (const entry of entries) {
      if (scan.budget.isTurnOver()) yield null;
      if (state.isPlain(entry)) state.takeEdge(entry, isFirst);
      else yield* state.takeEdgeRow(entry, isFirst);
    }
    state.feedEdges(scan.edgePoints);
    state.closeFound();
  }
}

/** One point, copied. */
interface EdgeValue {
  readonly offset: number;
  readonly column: Column;
  readonly aux: readonly Column[];
}

/** Rows fed to the accumulators, but for their values. */
interface FedRows {
  readonly offsets: Float64Array;
  readonly count: number;
  readonly aux: readonly Column[];
  /** The one leaf that they are for; absent for all of the field. */
  readonly only?: LeafPlan;
  /** Where they are of several series. */
  readonly swept?: { readonly ends: Int32Array; readonly segments: number };
}

const FIRST_ROW = Int32Array.of(0);

class ScanState implements SweptState {
  /** Fields that points are still wanted of. */
  openFields: readonly number[];
  /** What the scan holds, for the query's budget. */
  heldBytes = 0;
  readonly #besideRefs: readonly VarRef[];
  /** Places in the former of the texts that order points at the same time. */
  readonly #ties: readonly number[];
  /** Points at an end of time, by field. */
  #edges: readonly EdgeChoice<EdgeValue>[] = [];
  readonly #found = new Set<number>();
  #stretch: Stretch = { baseNs: 0n, startNs: 0n, endNs: 0n };
  #ordinal = 0;
  readonly #scan: WindowScan;
  readonly #workers: readonly Worker[];
  /** Distinct fields of the leaves. */
  readonly #fields: readonly { readonly ref: VarRef; readonly input: ValueType }[];
  readonly #besideTypes: readonly ValueType[];
  readonly #runs: WindowRuns = newRuns();
  readonly #scratchRuns: WindowRuns = newRuns();
  #slots = new Int32Array(64);
  /** Slot by window and window by slot, where windows have no slot each. */
  readonly #slotOf = new Map<number, number>();
  readonly #windowOf: number[] = [];
  #capacity: number;

  constructor(scan: WindowScan) {
    this.#scan = scan;
    this.#besideRefs = [...scan.leaves.flatMap(({ beside }) => beside), ...scan.beside];
    const ties = tieRefs(this.#besideRefs, scan.typeOf);
    this.#ties = ties.map((ref) => this.#besideRefs.indexOf(ref));
    this.#besideTypes = this.#besideRefs.map((ref) => valueType(scan.typeOf(ref)) ?? 'string');
    const fields: { ref: VarRef; input: ValueType }[] = [];
    this.#workers = scan.leaves.flatMap((leaf) => {
      const { input, ref } = leaf;
      if (!input) return [];
      let field = fields.findIndex((one) => one.ref.name === ref.name && one.input === input);
      if (field < 0) field = fields.push({ ref, input }) - 1;
      return [{ leaf, input, field, accumulator: leaf.makeAccumulator() }];
    });
    this.#fields = fields;
    this.openFields = [...fields.keys()];
    this.#capacity = scan.windowCount ?? 16;
    this.#hold(this.#capacity * scan.leaves.length * SLOT_BYTES);
    for (const { accumulator } of this.#workers) accumulator.reset(this.#capacity);
  }

  /** What is fed from now on lies in this stretch. */
  at(stretch: Stretch, ordinal: number): void {
    this.#stretch = stretch;
    this.#ordinal = ordinal;
  }

  /** True where nothing but the fields' values is of interest. */
  isPlain({ condition }: GroupEntry): boolean {
    return condition === true && this.#besideRefs.length === 0;
  }

  /** Feeds rows of one leaf: its values, then what is shown beside them. */
  feedChunk(leaf: LeafPlan, stretch: Stretch, ordinal: number, chunk: RowChunk): void {
    this.at(stretch, ordinal);
    const worker = this.#workers.find((one) => one.leaf === leaf);
    const [values, ...aux] = chunk.columns;
    if (!worker || !values) return;
    const { offsets, count } = chunk;
    this.#feedPresent(worker.field, values, { offsets, count, aux, only: leaf });
  }

  /** No more points are wanted of the fields that have some. */
  closeFound(): void {
    this.openFields = this.openFields.filter((field) => !this.#found.has(field));
  }

  #open({ table, series, i }: GroupEntry, isAscending: boolean): FieldReader | null {
    const fields = this.#fields.map(({ ref }) => ref.name);
    return table.open({ series, i, fields, stretch: this.#stretch, isAscending });
  }

  /** Every value of the series' fields, block by block; null where others may have their turn. */
  *scanBlocks(entry: GroupEntry): Generator<null, void> {
    const reader = this.#open(entry, true);
    if (!reader) return;
    const { budget } = this.#scan;
    for (let field = 0; field < this.#fields.length; field++) {
      while (this.#feedBatch(reader, field)) {
        if (budget.isTurnOver()) yield null;
      }
    }
  }

  /** Opens the field of all series of a group in the stretch at hand; null for nothing there. */
  openSweep(
    { table, series, positions }: PlainSeries,
    edge: 'first' | 'last' | null = null,
  ): FieldSweep | null | 'no' {
    const [field] = this.#fields;
    if (this.#besideRefs.length > 0 || this.#fields.length !== 1 || !field) return 'no';
    if (edge !== null && field.input === 'string') return 'no';
    const isCount = this.#scan.windows instanceof OneWindow && this.#isCounted;
    const stretch = this.#stretch;
    const want = edge ?? (isCount ? 'count' : 'values');
    const request = { series, positions, field: field.ref.name, stretch, want } as const;
    const opened = table.sweep?.(request) ?? (table.sweep ? null : 'no');
    if (opened === null || opened === 'no') return opened;
    return isConvertible(opened.type, field.input) ? opened : null;
  }

  /** True where nothing but the number of values matters. */
  get #isCounted(): boolean {
    return this.#workers.every(({ accumulator }) => accumulator instanceof CountAccumulator);
  }

  newSweptEdges(isFirst: boolean): SweptEdges {
    return new SweptEdges(isFirst, this.#fields[0]?.input ?? 'float');
  }

  /** Takes points of the next series of a sweep; false at its end. */
  takeSweptEdges(sweep: FieldSweep, edges: SweptEdges): boolean {
    const swept = sweep.next();
    const input = this.#fields[0]?.input;
    if (!swept || !input) return false;
    const before = edges.count;
    edges.take(swept, typedColumn(swept.batch, sweep.type, input));
    this.#scan.budget.countPoints(edges.count - before);
    return true;
  }

  /** Feeds the points of a sweep that decide. */
  feedSweptEdges(points: readonly SweptPoint[]): void {
    for (const { offset, column } of points)
      this.#feed(0, column, { offsets: Float64Array.of(offset), count: 1, aux: [] });
  }

  /** Feeds the next values of a sweep; false at its end. */
  feedSwept(sweep: FieldSweep): boolean {
    const swept = sweep.next();
    const input = this.#fields[0]?.input;
    if (!swept || !input) return false;
    const { batch, ends, segments } = swept;
    const { count, offsets } = batch;
    this.#scan.budget.countPoints(count);
    // What is counted need not be looked at.
    const column = this.#isCounted
      ? numberColumn(input, batch.numbers)
      : typedColumn(batch, sweep.type, input);
    this.#feed(0, column, { offsets, count, aux: [], swept: { ends, segments } });
    return true;
  }

  /** Points of the stretch at hand are gathered from now on. */
  beginEdges(isFirst: boolean): void {
    this.#edges = this.#fields.map(() => new EdgeChoice<EdgeValue>(isFirst));
  }

  /** Gathers the series' first point of each field that is still wanted, or the last. */
  takeEdge(entry: GroupEntry, isFirst: boolean): void {
    const reader = this.#open(entry, isFirst);
    if (!reader) return;
    for (const field of this.openFields) {
      const next = this.#nextBatch(reader, field);
      if (!next) continue;
      this.#scan.budget.countPoints(1);
      const offset = next.batch.offsets[0] as number;
      const point = { offset, column: gatherRows(next.column, FIRST_ROW), aux: [] };
      this.#edges[field]?.offer({ offset, ties: [], point });
    }
    reader.close();
  }

  /** The same where WHERE decides, or there is something to show beside the point. */
  *takeEdgeRow(entry: GroupEntry, isFirst: boolean): Generator<null, void> {
    const { budget } = this.#scan;
    for (const field of this.openFields) {
      const reader = this.#openRows(entry, field, isFirst);
      for (let rows = reader?.next(1); rows; rows = reader?.next(1)) {
        const row = rows.count > 0 ? this.#rowOf(field, rows) : null;
        if (row) {
          const offset = rows.offsets[0] as number;
          const ties = this.#ties.map((at) => row.aux[at]?.strings[0] ?? null);
          const aux = row.aux.map((one) => gatherRows(one, FIRST_ROW));
          const point = { offset, column: gatherRows(row.values, FIRST_ROW), aux };
          this.#edges[field]?.offer({ offset, ties, point });
          break;
        }
        if (budget.isTurnOver()) yield null;
      }
      reader?.close();
    }
  }

  /** Feeds those of the gathered points that decide. */
  feedEdges(count: number): void {
    this.#edges.forEach((edges, field) => {
      for (const { offset, column, aux } of edges.chosen(count))
        this.#feed(field, column, { offsets: Float64Array.of(offset), count: 1, aux });
    });
  }

  /** The field's next block in the type that is wanted, or null at its end. */
  #nextBatch(
    reader: FieldReader,
    field: number,
  ): { readonly batch: ColumnBatch; readonly column: Column } | null {
    const stored = reader.typeOf(field);
    const input = this.#fields[field]?.input;
    if (!stored || !input || !isConvertible(stored, input)) return null;
    const batch = reader.next(field);
    return batch && { batch, column: typedColumn(batch, stored, input) };
  }

  /** Feeds the field's next block; false at its end. */
  #feedBatch(reader: FieldReader, field: number): boolean {
    const next = this.#nextBatch(reader, field);
    if (!next) return false;
    const { batch, column } = next;
    this.#scan.budget.countPoints(batch.count);
    this.#feed(field, column, { offsets: batch.offsets, count: batch.count, aux: [] });
    return true;
  }

  #openRows(entry: GroupEntry, field: number, isAscending: boolean): EntryReader | null {
    const { ref } = this.#fields[field] as { readonly ref: VarRef };
    if (!isFieldOf(entry.table, ref)) return null;
    return new EntryReader(entry, this.#stretch, {
      leading: [ref],
      beside: this.#besideRefs.filter((one) => one !== ref),
      typeOf: this.#scan.typeOf,
      isAscending,
      budget: this.#scan.budget,
    });
  }

  /** Rows for which WHERE holds, with what is to be shown beside the points. */
  *scanRows(entry: GroupEntry): Generator<null, void> {
    const { budget } = this.#scan;
    for (const field of this.openFields) {
      const reader = this.#openRows(entry, field, true);
      for (let rows = reader?.next(); rows; rows = reader?.next()) {
        const row = rows.count > 0 ? this.#rowOf(field, rows) : null;
        const { offsets, count } = rows;
        if (row) this.#feedPresent(field, row.values, { offsets, count, aux: row.aux });
        if (budget.isTurnOver()) yield null;
      }
      reader?.close();
    }
  }

  #rowOf(
    field: number,
    { count, scope }: EntryRows,
  ): { readonly values: Column; readonly aux: readonly Column[] } | null {
    const ref = this.#fields[field]?.ref;
    const values = ref ? scope.resolve(ref) : null;
    if (!values) return null;
    const aux = this.#besideRefs.map((one, i) =>
      inType(scope.resolve(one) ?? values, this.#besideTypes[i] ?? 'string', count),
    );
    return { values, aux };
  }

  #feedPresent(field: number, column: Column, rows: FedRows): void {
    const { offsets, count, aux } = rows;
    const typed = inType(column, this.#fields[field]?.input ?? column.type, count);
    if (!typed.present) {
      this.#feed(field, typed, rows);
      return;
    }
    const kept = Int32Array.from(
      Array.from({ length: count }, (_, i) => i).filter((i) => hasValue(typed, i)),
    );
    this.#feed(field, gatherRows(typed, kept), {
      ...rows,
      offsets: gatherNumbers(offsets, kept),
      count: kept.length,
      aux: aux.map((one) => gatherRows(one, kept)),
    });
  }

  #feed(field: number, column: Column, { offsets, count, aux, only, swept }: FedRows): void {
    if (count === 0) return;
    this.#found.add(field);
    const runs = this.#runs;
    const { windows } = this.#scan;
    const { baseNs } = this.#stretch;
    if (swept) splitSegments(windows, { baseNs, offsets, ...swept }, runs, this.#scratchRuns);
    else windows.split(baseNs, offsets, count, runs);
    if (this.#slots.length < runs.count) this.#slots = new Int32Array(runs.firstRow.length);
    this.#assignSlots(runs);
    const batch = {
      column,
      count,
      offsets,
      stretch: this.#stretch,
      stretchIndex: this.#ordinal,
      runs,
      slots: this.#slots,
      aux,
    };
    for (const { field: of, accumulator, leaf } of this.#workers) {
      if (of !== field || (only && leaf !== only)) continue;
      if (accumulator.bytesPerValue) this.#hold(count * accumulator.bytesPerValue);
      accumulator.add(batch);
    }
  }

  #hold(bytes: number): void {
    this.heldBytes += bytes;
    this.#scan.budget.charge(bytes);
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
    this.#hold(this.#windowOf.length * this.#workers.length * SLOT_BYTES);
    this.#capacity = this.#windowOf.length * 2;
    for (const { accumulator } of this.#workers) accumulator.grow(this.#capacity);
  }

  /** Results of each leaf, windows in the query's order; null where others may have their turn. */
  *finish(): Generator<null, readonly Stream[]> {
    const { windows, windowCount, leaves, budget } = this.#scan;
    const sparse =
      windowCount === null
        ? this.#windowOf.map((k, slot) => ({ k, slot })).sort((a, b) => a.k - b.k)
        : null;
    const streams: Stream[] = [];
    for (const leaf of leaves) {
      const worker = this.#workers.find((one) => one.leaf === leaf);
      const values = new ColumnBuilder(worker?.accumulator.type ?? 'float');
      const aux = this.#besideTypes.map((type) => new ColumnBuilder(type));
      const sink: ResultSink = { values, aux, timesNs: [] };
      const count = worker ? (windowCount ?? this.#windowOf.length) : 0;
      for (let i = 0; i < count; i++) {
        const at = this.#scan.isAscending ? i : count - 1 - i;
        const { k, slot } = sparse?.[at] ?? { k: at, slot: at };
        if (worker && !worker.accumulator.isEmpty(slot))
          worker.accumulator.emit(slot, windows.startNs(k), sink);
        if ((i + 1) % WINDOWS_PER_LOOK === 0 && budget.isTurnOver()) yield null;
      }
      streams.push({
        timesNs: sink.timesNs,
        values: values.build(),
        aux: aux.map((one) => one.build()),
      });
    }
    return streams;
  }
}
