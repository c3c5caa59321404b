/**
 * Feeds the series of a group to a scan all at once, as far as that can be done: the loops over sweeps, and what they ask of the
 * scan that they feed.
 */
import type { QueryBudget } from '../limits.js';
import type { FieldSweep } from '../scan/source-table.js';
import type { Group, PlainSeries } from './groups.js';
import { SWEPT_POINT_BYTES, type SweptEdges, type SweptPoint } from './swept-edges.js';

/** Series that are read at once rather than one by one. */
const SWEPT_SERIES_MIN = 2;

/** A scan that sweeps are fed to. */
export interface SweptState {
  /** Opens the field of all series of a group in the stretch at hand; null for nothing there, 'no' where that cannot be done. */
  openSweep(plain: PlainSeries, edge: 'first' | 'last' | null): FieldSweep | null | 'no';
  /** Feeds the next values; false at the end. */
  feedSwept(sweep: FieldSweep): boolean;
  newSweptEdges(isFirst: boolean): SweptEdges;
  /** Takes points of the next series; false at the end. */
  takeSweptEdges(sweep: FieldSweep, edges: SweptEdges): boolean;
  feedSweptEdges(points: readonly SweptPoint[]): void;
  /** No more points are wanted of the fields that have some. */
  closeFound(): void;
}

/** How a group is swept. */
export interface SweepScan {
  readonly budget: QueryBudget;
  /** How many points of a shard decide what is first or last of everything. */
  readonly edgePoints: number;
  readonly isAscending: boolean;
}

/** Reads all series of a group at once; false where that cannot be done. */
export function* sweep(
  { plain, entryCount }: Group,
  { budget }: SweepScan,
  state: SweptState,
): Generator<null, boolean> {
  if (plain === null || entryCount < SWEPT_SERIES_MIN) return false;
  const opened = state.openSweep(plain, null);
  if (opened === 'no') return false;
  if (opened === null) return true;
  while (state.feedSwept(opened)) {
    if (budget.isTurnOver()) yield null;
  }
  return true;
}

/** The points that decide of a group whose series are read at once; false where that cannot be done. */
export function* sweepEdges(
  { plain, entryCount }: Group,
  { budget, edgePoints, isAscending }: SweepScan,
  state: SweptState,
  isFirst: boolean,
): Generator<null, boolean> {
  if (plain === null || entryCount < SWEPT_SERIES_MIN) return false;
  const opened = state.openSweep(plain, isFirst ? 'first' : 'last');
  if (opened === 'no') return false;
  if (opened === null) return true;
  const edges = state.newSweptEdges(isFirst);
  let heldBytes = 0;
  while (state.takeSweptEdges(opened, edges)) {
    const bytes = edges.count * SWEPT_POINT_BYTES;
    budget.charge(bytes - heldBytes);
    heldBytes = bytes;
    if (budget.isTurnOver()) yield null;
  }
  state.feedSweptEdges(edges.chosen(edgePoints, isAscending !== isFirst));
  budget.release(heldBytes);
  state.closeFound();
  return true;
}
