/**
 * What folds values into windows. An accumulator has one slot for each window of the group at hand; it is fed decoded
 * columns cut into runs of one window each, series by series and stretch by stretch, and asked for its results at the end.
 */
import type { ColumnBuilder } from '../column.js';
import { type Column } from '../column.js';
import type { Stretch } from '../scan/source-table.js';
import type { ValueType } from '../value-type.js';
import type { WindowRuns } from '../windows.js';

/** Values of one field of one series, all present, times ascending. Valid during the call only. */
export interface AccumulatorBatch {
  readonly column: Column;
  readonly count: number;
  /** Relative to the base of the stretch. */
  readonly offsets: Float64Array;
  readonly stretch: Stretch;
  /** Ordinal of the stretch: later stretches have greater ones. */
  readonly stretchIndex: number;
  readonly runs: WindowRuns;
  /** Slot of each run. */
  readonly slots: Int32Array;
  /** Values of other fields in the same rows, for selectors that show them; else empty. */
  readonly aux: readonly Column[];
}

/** Where results go: one builder for values, one for times, one for each auxiliary column. */
export interface ResultSink {
  readonly values: ColumnBuilder;
  readonly aux: readonly ColumnBuilder[];
  /** Nanoseconds of each row; filled in step with `values`. */
  readonly timesNs: bigint[];
}

/** Folds values of one group. */
export interface Accumulator {
  /** Type of the results. */
  readonly type: ValueType;
  /** Bytes kept for each value added; absent where values leave nothing but their window's slot. */
  readonly bytesPerValue?: number;
  /** Forgets everything and makes room for slots below `slots`. */
  reset(slots: number): void;
  /** Makes room for more slots, keeping what is there. */
  grow(slots: number): void;
  add(batch: AccumulatorBatch): void;
  /** True where a slot has no values, hence no results. */
  isEmpty(slot: number): boolean;
  /**
   * Appends the results of one slot; none where the slot has no values.
   * @param startNs start of the slot's window, used for results without a time of their own
   */
  emit(slot: number, startNs: bigint, sink: ResultSink): void;
}

/** An array of at least `length` zeros, reusing `current` where it is big enough. */
export function zeros(current: Float64Array, length: number): Float64Array {
  if (current.length < length) return new Float64Array(length);
  current.fill(0, 0, length);
  return current;
}

/** A longer copy of an array. */
export function grown(current: Float64Array, length: number): Float64Array {
  const longer = new Float64Array(Math.max(length, current.length * 2));
  longer.set(current);
  return longer;
}
