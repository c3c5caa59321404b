/**
 * Where the rows of a group may be cut for different threads. Rows of several series at the same time come in an order that
 * depends on the rows before them in their shard, unless their texts decide; see merged-rows.ts.
 */
import { isFieldOf } from '../scan/series-filter.js';
import type { Group } from './groups.js';
import type { PreparedSelect } from './prepared-select.js';
import type { TimeDivision } from './query-part.js';
import { tieRefs } from './row-plan.js';

/** Series whose texts are compared before a query is divided. */
const COMPARED_SERIES_MAX = 20_000;

/** How the time of a group's rows may be divided. */
export function timeDivision(group: Group, { refs, typeOf }: PreparedSelect): TimeDivision {
  const { entryCount, entries, tables } = group;
  if (entryCount <= 1) return 'anywhere';
  const [table] = tables;
  // Which of several sources gave the last row counts for the rows of the next shard.
  if (!table || tables.length > 1) return 'no';
  const ties = tieRefs(refs, typeOf);
  if (entryCount > COMPARED_SERIES_MAX || ties.some((ref) => isFieldOf(table, ref)))
    return 'between shards';
  const known = new Set<string>();
  for (const { series, i } of entries) {
    const texts = ties.map(({ name }) => series.tagValue(i, name));
    if (texts.includes('')) return 'between shards';
    known.add(JSON.stringify(texts));
  }
  return known.size === entryCount ? 'anywhere' : 'between shards';
}
