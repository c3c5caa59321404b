/**
 * The values of one call for one group, in order of time: what aggregates give, transformations take and give, and rows are
 * made of.
 */
import type { Column } from '../column.js';
import { gatherRows } from '../column.js';

/** Points in order of time (descending for a query in descending order). Rows without a value are empty windows. */
export interface Stream {
  readonly timesNs: readonly bigint[];
  readonly values: Column;
  readonly aux: readonly Column[];
}

/** The stream backwards. */
export function reversed(stream: Stream): Stream {
  const order = Int32Array.from(stream.timesNs, (_, i) => stream.timesNs.length - 1 - i);
  return {
    timesNs: [...stream.timesNs].reverse(),
    values: gatherRows(stream.values, order),
    aux: stream.aux.map((column) => gatherRows(column, order)),
  };
}
