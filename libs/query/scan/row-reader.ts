/**
 * Lays the fields of one series side by side as rows. A row stands for each time at which one of the leading fields has a
 * value; the other fields are looked up at those times. Where all fields share their times, which is the common case, rows
 * are windows onto the decoded blocks and nothing is copied.
 */
import type { ColumnBatch } from '#models';
import { ColumnBuilder, emptyColumn, sliceColumn, type Column } from '../column.js';
import type { ValueType } from '../value-type.js';
import type { FieldReader, RowField, Rows, RowSource } from './source-table.js';
import { isConvertible, typedColumn } from './typed-values.js';

/** Rows made at once where fields do not share their times. */
const MERGED_ROWS_MAX = 1024;

/** Nothing is left. */
const END = Number.NEGATIVE_INFINITY;
const NO_OFFSETS = new Float64Array(0);

interface Lane {
  readonly field: number;
  readonly type: ValueType;
  batch: ColumnBatch | null;
  column: Column | null;
  at: number;
  isDone: boolean;
}

/** Tells from some of the fields which rows are not wanted, so that the others need not be read there. */
export interface RowFilter {
  /** Numbers of the fields that it looks at; where none of them has a value no row is wanted. */
  readonly fields: readonly number[];
  /**
   * The first of `count` rows that is wanted, or -1.
   * @param columns by number of the field; those of {@link fields} only
   */
  firstWanted(count: number, columns: readonly Column[]): number;
}

/** Reads rows of one series. */
export class RowReader implements RowSource {
  readonly #reader: FieldReader;
  readonly #lanes: Lane[];
  readonly #leading: number;
  readonly #isAscending: boolean;
  readonly #filter: RowFilter | null;
  /** Whether the filter was asked about the rows at hand. */
  #isTold = false;

  /** @param leading how many of the fields make rows; the rest only fill them */
  constructor(
    reader: FieldReader,
    fields: readonly RowField[],
    {
      leading,
      isAscending,
      filter,
    }: {
      readonly leading: number;
      readonly isAscending: boolean;
      readonly filter: RowFilter | null;
    },
  ) {
    this.#reader = reader;
    this.#leading = leading;
    this.#isAscending = isAscending;
    this.#filter = filter;
    this.#lanes = fields.map(({ type }, field) => {
      const stored = reader.typeOf(field);
      const isDone = stored === null || !isConvertible(stored, type);
      return { field, type, batch: null, column: null, at: 0, isDone };
    });
  }

  /** The next rows, or null at the end. None where the filter left a whole block out. */
  next(): Rows | null {
    const skipped = this.#filter ? this.#skim(this.#filter) : 0;
    if (skipped === END) return null;
    if (skipped < 0) return { count: 0, offsets: NO_OFFSETS, columns: [], skipped: -skipped };
    return this.#rows(skipped);
  }

  /** @param skipped rows that the filter left out just now */
  #rows(skipped: number): Rows | null {
    let hasLeader = false;
    for (const [i, lane] of this.#lanes.entries()) {
      this.#fill(lane);
      if (i < this.#leading && !lane.isDone) hasLeader = true;
    }
    if (!hasLeader) return null;
    const aligned = this.#aligned();
    if (aligned) return this.#filter ? { ...aligned, skipped, isTold: this.#isTold } : aligned;
    return { ...this.#merged(), skipped };
  }

  /**
   * Goes on to the next row that the filter wants, without reading other fields before it. How many rows that left out:
   * negative where all at hand were, which may not be all there are; {@link END} at the end.
   */
  #skim(filter: RowFilter): number {
    this.#isTold = false;
    const lanes = filter.fields.map((field) => this.#lanes[field] as Lane);
    lanes.forEach((lane) => this.#fill(lane));
    const leader = lanes.find((lane) => !lane.isDone);
    if (!leader?.batch) return END;
    const { batch, at } = leader;
    let count = batch.count - at;
    for (const lane of lanes)
      if (lane.batch && !lane.isDone) count = Math.min(count, lane.batch.count - lane.at);
    const columns: Column[] = [];
    for (const lane of lanes) {
      if (lane.isDone || !lane.batch) {
        columns[lane.field] = emptyColumn(lane.type, count);
        continue;
      }
      const isSame = sameTimes(batch.offsets, at, lane.batch.offsets, lane.at, count);
      if (lane !== leader && !isSame) return 0;
      columns[lane.field] = sliceColumn(this.#columnOf(lane), lane.at, lane.at + count);
    }
    const first = filter.firstWanted(count, columns);
    this.#isTold = true;
    if (first === 0) return 0;
    const skipped = first < 0 ? count : first;
    const past = batch.offsets[at + skipped - 1] as number;
    for (const lane of this.#lanes) {
      if (lane.isDone) continue;
      if (lanes.includes(lane)) lane.at += skipped;
      else this.#skip(lane, past);
    }
    return first < 0 ? -skipped : skipped;
  }

  /** Leaves out what a lane has up to and with `past`. */
  #skip(lane: Lane, past: number): void {
    const sign = this.#isAscending ? 1 : -1;
    if (lane.batch) {
      const { offsets, count } = lane.batch;
      if ((offsets[count - 1] as number) * sign > past * sign) {
        while ((offsets[lane.at] as number) * sign <= past * sign) lane.at++;
        return;
      }
      lane.batch = null;
      lane.column = null;
    }
    this.#reader.skip?.(lane.field, past);
  }

  #fill(lane: Lane): void {
    if (lane.isDone || (lane.batch && lane.at < lane.batch.count)) return;
    lane.batch = this.#reader.next(lane.field);
    lane.at = 0;
    lane.column = null;
    if (!lane.batch || lane.batch.count === 0) lane.isDone = true;
  }

  /** Rows without copying, where every field that has anything left has the same times. */
  #aligned(): Rows | null {
    const leader = this.#lanes.find((lane) => !lane.isDone);
    if (!leader?.batch) return null;
    const { batch, at } = leader;
    const rest = batch.count - at;
    let count = rest;
    for (const lane of this.#lanes) {
      if (lane.isDone || !lane.batch) continue;
      count = Math.min(count, lane.batch.count - lane.at);
    }
    for (const lane of this.#lanes) {
      if (lane === leader || lane.isDone || !lane.batch) continue;
      if (!sameTimes(batch.offsets, at, lane.batch.offsets, lane.at, count)) return null;
    }
    if (this.#lanes.slice(0, this.#leading).every((lane) => lane.isDone)) return null;
    const columns = this.#lanes.map((lane) => {
      if (lane.isDone || !lane.batch) return emptyColumn(lane.type, count);
      const column = sliceColumn(this.#columnOf(lane), lane.at, lane.at + count);
      lane.at += count;
      return column;
    });
    return { count, offsets: batch.offsets.subarray(at, at + count), columns };
  }

  #merged(): Rows {
    const offsets = new Float64Array(MERGED_ROWS_MAX);
    const builders = this.#lanes.map(({ type }) => new ColumnBuilder(type, 64));
    const sign = this.#isAscending ? 1 : -1;
    let count = 0;
    while (count < MERGED_ROWS_MAX) {
      let time = Infinity;
      for (let i = 0; i < this.#leading; i++) {
        const lane = this.#lanes[i] as Lane;
        if (lane.isDone || !lane.batch) continue;
        time = Math.min(time, sign * (lane.batch.offsets[lane.at] as number));
      }
      if (time === Infinity) break;
      for (const [i, lane] of this.#lanes.entries())
        this.#take(lane, time * sign, sign, builders[i] as ColumnBuilder);
      offsets[count++] = time * sign;
    }
    return {
      count,
      offsets: offsets.subarray(0, count),
      columns: builders.map((one) => one.build()),
    };
  }

  /** Appends the lane's value at `time`, dropping values before it. */
  #take(lane: Lane, time: number, sign: number, into: ColumnBuilder): void {
    while (!lane.isDone && lane.batch) {
      const head = lane.batch.offsets[lane.at] as number;
      if (head === time) {
        into.pushFrom(this.#columnOf(lane), lane.at);
        lane.at++;
        this.#fill(lane);
        return;
      }
      if (head * sign > time * sign) break;
      lane.at++;
      this.#fill(lane);
    }
    into.pushNull();
  }

  #columnOf(lane: Lane): Column {
    const stored = this.#reader.typeOf(lane.field) ?? lane.type;
    lane.column ??= typedColumn(lane.batch as ColumnBatch, stored, lane.type);
    return lane.column;
  }
}

function sameTimes(
  a: Float64Array,
  aFrom: number,
  b: Float64Array,
  bFrom: number,
  count: number,
): boolean {
  if (a === b) return aFrom === bFrom;
  for (let i = 0; i < count; i++) if (a[aFrom + i] !== b[bFrom + i]) return false;
  return true;
}
