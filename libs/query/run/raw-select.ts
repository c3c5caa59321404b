/**
 * SELECT without functions over windows: rows of a group's series, those of several merged by time.
 */
import type { Stretch } from '../scan/source-table.js';
import { EntryReader } from './entry-rows.js';
import type { Group, GroupEntry } from './groups.js';
import { mergedRows } from './merged-rows.js';
import { computed, owned, type RowChunk, type RowPlan } from './row-plan.js';

/** Rows of a group, chunk by chunk; null where the caller may give others their turn. */
export function* rawRows(
  group: Group,
  stretches: readonly Stretch[],
  plan: RowPlan,
): Generator<RowChunk | null> {
  const { isAscending, budget } = plan.request;
  const ordered = isAscending ? stretches : [...stretches].reverse();
  for (const stretch of ordered) {
    if (budget.isTurnOver()) yield null;
    const { entries } = group;
    if (entries.length === 1) yield* oneSeries(entries[0] as GroupEntry, stretch, plan);
    else yield* mergedRows(entries, stretch, plan);
  }
}

function* oneSeries(
  entry: GroupEntry,
  stretch: Stretch,
  plan: RowPlan,
): Generator<RowChunk | null> {
  const { budget } = plan.request;
  const reader = new EntryReader(entry, stretch, plan.request);
  const rowsMax = plan.rowsMax > 0 ? plan.rowsMax : Number.POSITIVE_INFINITY;
  try {
    for (;;) {
      const rows = reader.next(rowsMax);
      if (!rows) return;
      if (rows.count > 0) {
        const { count, scope } = rows;
        const columns = plan.columns.map((column) => owned(computed(column, scope), count));
        yield { baseNs: stretch.baseNs, count, offsets: rows.offsets.slice(0, count), columns };
      }
      if (budget.isTurnOver()) yield null;
    }
  } finally {
    reader.close();
  }
}
