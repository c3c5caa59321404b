/**
 * The values of one call for one group, in order of time: what aggregates give, transformations take and give, and rows are
 * made of.
 */
import type { Column } from '../column.js';

/** Points in order of time (descending for a query in descending order). Rows without a value are empty windows. */
export interface Stream {
  readonly timesNs: readonly bigint[];
  readonly values: Column;
  readonly aux: readonly Column[];
}
