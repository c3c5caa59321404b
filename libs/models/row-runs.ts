/**
 * Which rows of a batch go somewhere: runs of neighbouring rows, in the order in which they have to be stored.
 */
import type { PointsBatch, PointsGroup } from './points-batch.js';

/** Rows [from, to) of a group. */
export interface RowRun {
  readonly group: PointsGroup;
  readonly from: number;
  readonly to: number;
}

/**
 * All rows of a batch. Group by group where the order among groups cannot matter; else in order of point numbers, so that
 * of two values for one series and time the later stays.
 */
export function allRuns(batch: PointsBatch): readonly RowRun[] {
  const runs: RowRun[] = [];
  if (batch.hasMixedShapes) {
    orderRuns(
      batch.groups.map((group) => ({ group, from: 0, to: group.rows })),
      runs,
    );
  } else {
    for (const group of batch.groups)
      if (group.rows > 0) runs.push({ group, from: 0, to: group.rows });
  }
  return runs;
}

/** Cuts runs of several groups so that all rows come in ascending order of point numbers. */
export function orderRuns(from: readonly RowRun[], into: RowRun[]): void {
  const heads = from.filter((run) => run.from < run.to).map((run) => ({ ...run }));
  while (heads.length > 1) {
    let first = 0;
    let second = -1;
    const number = (i: number): number => heads[i].group.pointNumbers[heads[i].from];
    for (let i = 1; i < heads.length; i++) {
      if (number(i) < number(first)) {
        second = first;
        first = i;
      } else if (second < 0 || number(i) < number(second)) {
        second = i;
      }
    }
    const head = heads[first];
    const limit = number(second);
    let to = head.from + 1;
    while (to < head.to && head.group.pointNumbers[to] < limit) to++;
    into.push({ group: head.group, from: head.from, to });
    if (to === head.to) heads.splice(first, 1);
    else head.from = to;
  }
  into.push(...heads);
}
