/**
 * SELECT without functions over windows: rows of a group's series, those of several merged by time.
 */
import { sliceColumn } from '../column.js';
import type { Stretch } from '../scan/source-table.js';
import { EntryReader } from './entry-rows.js';
import type { Group, GroupEntry } from './groups.js';
import { mergedRows } from './merged-rows.js';
import {
  computed,
  filledScope,
  owned,
  seriesRowsMax,
  type RowChunk,
  type RowPlan,
  type ShardLimit,
} from './row-plan.js';

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
    yield* rowsOfStretch(group, stretch, plan);
  }
}

/** Rows of a group in one stretch, of which storage leaves some away. */
export function* rowsOfStretch(
  { entries }: Group,
  stretch: Stretch,
  plan: RowPlan,
): Generator<RowChunk | null> {
  const [only] = entries;
  const chunks =
    entries.length === 1 && only
      ? oneSeries(only, stretch, plan)
      : mergedRows(entries, stretch, plan);
  if (plan.shardLimit) yield* limitedChunks(chunks, plan.shardLimit);
  else yield* chunks;
}

function* oneSeries(
  entry: GroupEntry,
  stretch: Stretch,
  plan: RowPlan,
): Generator<RowChunk | null> {
  const { budget } = plan.request;
  const reader = new EntryReader(entry, stretch, plan.request);
  let rowsLeft = seriesRowsMax(plan);
  try {
    while (rowsLeft > 0) {
      const rows = reader.next(rowsLeft);
      if (!rows) return;
      rowsLeft -= rows.count;
      if (rows.count > 0) {
        const { count } = rows;
        const scope = filledScope(rows.scope, plan.fill, plan.request.typeOf);
        const columns = plan.columns.map((column) => owned(computed(column, scope), count));
        const offsets = rows.offsets.slice(0, count);
        const ordinals = plan.hasOrdinals ? new Array<number>(count).fill(0) : null;
        yield { baseNs: stretch.baseNs, count, offsets, columns, ordinals };
      }
      if (budget.isTurnOver()) yield null;
    }
  } finally {
    reader.close();
  }
}

function* limitedChunks(
  chunks: Iterable<RowChunk | null>,
  { offset, limit }: ShardLimit,
): Generator<RowChunk | null> {
  let skip = offset;
  let left = limit > 0 ? limit : Number.POSITIVE_INFINITY;
  for (const chunk of chunks) {
    if (!chunk) {
      yield null;
      continue;
    }
    const from = Math.min(skip, chunk.count);
    const to = Math.min(chunk.count, from + left);
    skip -= from;
    left -= to - from;
    if (to > from)
      yield {
        baseNs: chunk.baseNs,
        count: to - from,
        offsets: chunk.offsets.subarray(from, to),
        columns: chunk.columns.map((column) => sliceColumn(column, from, to)),
        ordinals: chunk.ordinals?.slice(from, to) ?? null,
      };
    if (left === 0) return;
  }
}
