/**
 * Dividing a SELECT among threads: each computes a part, and the parts one after another are the result. Groups are divided
 * where there are several; the rows of a single group are divided by time.
 */
import type { Stretch } from '../scan/source-table.js';
import type { Group } from './groups.js';

/** Part `index` (from 0) of `count`. */
export interface QueryPart {
  readonly index: number;
  readonly count: number;
}

/** What one part has to compute. */
export interface QueryShare {
  readonly groups: readonly Group[];
  /** Which part of the time, null for all of it. */
  readonly timePart: QueryPart | null;
}

/** How the time of a single group may be divided: anywhere, between its shards, or not. */
export type TimeDivision = 'anywhere' | 'between shards' | 'no';

/**
 * The share of a part: groups with about as many series as the others have, in their order.
 * @param division of the time where there is one group
 */
export function shareOf(
  groups: readonly Group[],
  part: QueryPart | null,
  division: (group: Group) => TimeDivision,
): QueryShare {
  if (part === null) return { groups, timePart: null };
  const [only] = groups;
  if (only && groups.length === 1 && division(only) !== 'no') return { groups, timePart: part };
  const total = groups.reduce((sum, { entryCount }) => sum + entryCount, 0);
  const from = (total * part.index) / part.count;
  const to = (total * (part.index + 1)) / part.count;
  let before = 0;
  const ours = groups.filter(({ entryCount }) => {
    const at = before;
    before += entryCount;
    return at >= from && at < to;
  });
  return { groups: ours, timePart: null };
}

/** The stretches of a part of their time; those of part 0 come first in the order of the result. */
export function stretchesOf(
  stretches: readonly Stretch[],
  { index, count }: QueryPart,
  { isAscending, division }: { readonly isAscending: boolean; readonly division: TimeDivision },
): readonly Stretch[] {
  const totalNs = stretches.reduce((sum, { startNs, endNs }) => sum + (endNs - startNs + 1n), 0n);
  const place = BigInt(isAscending ? index : count - 1 - index);
  const fromNs = (totalNs * place) / BigInt(count);
  const toNs = (totalNs * (place + 1n)) / BigInt(count);
  const ours: Stretch[] = [];
  let beforeNs = 0n;
  for (const { baseNs, startNs, endNs } of stretches) {
    const lengthNs = endNs - startNs + 1n;
    let first = fromNs > beforeNs ? fromNs - beforeNs : 0n;
    let end = toNs - beforeNs < lengthNs ? toNs - beforeNs : lengthNs;
    if (division !== 'anywhere') {
      // It is of the part in which it begins.
      const isOurs = beforeNs >= fromNs && beforeNs < toNs;
      [first, end] = isOurs ? [0n, lengthNs] : [0n, 0n];
    }
    if (first < end) ours.push({ baseNs, startNs: startNs + first, endNs: startNs + end - 1n });
    beforeNs += lengthNs;
  }
  return ours;
}
