/**
 * Sorts series into the groups of GROUP BY.
 */
import type { Expr } from '#influxql';
import { compareNames } from '../compile/expand.js';
import type { QueryBudget } from '../limits.js';
import { SeriesFilter, requiredTags, type SeriesCondition } from '../scan/series-filter.js';
import type { SourceTable, TableSeries } from '../scan/source-table.js';

/** One series of a group. */
export interface GroupEntry {
  readonly table: SourceTable;
  readonly series: TableSeries;
  readonly i: number;
  /** What WHERE leaves for the rows: everything, or those for which the expression holds. */
  readonly condition: true | Expr;
}

/** Series of one name with the same values of the grouped tags. */
export interface Group {
  readonly name: string;
  /** Values of the grouped tags, in their order. */
  readonly tagValues: readonly string[];
  readonly entries: readonly GroupEntry[];
}

/**
 * Groups by name and tags (null where others may have their turn), in order of both (descending: the reverse, with the series of each group reversed too).
 */
export function* groupSeries(
  tables: readonly SourceTable[],
  options: {
    readonly condition: Expr | null;
    readonly tags: readonly string[];
    readonly isAscending: boolean;
    readonly slimit: number;
    readonly soffset: number;
    /** How many of the tags, from the front, SLIMIT and SOFFSET tell series apart by. */
    readonly limitedTags: number;
    readonly budget: QueryBudget;
  },
): Generator<null, readonly Group[]> {
  const byName = new Map<string, Map<string, { tagValues: string[]; entries: GroupEntry[] }>>();
  for (const table of tables) {
    const groups =
      byName.get(table.name) ?? new Map<string, { tagValues: string[]; entries: GroupEntry[] }>();
    byName.set(table.name, groups);
    const series = table.series(requiredTags(table, options.condition));
    const filter = new SeriesFilter(table, series, options.condition);
    const valueIds = options.tags.map((tag) => series.tagValueIds(tag));
    // Text of a key per combination of value ids, so that texts are joined once a group.
    const known = new Map<string, { tagValues: string[]; entries: GroupEntry[] }>();
    for (let i = 0; i < series.count; i++) {
      if ((i & 1023) === 1023 && options.budget.isTurnOver()) yield null;
      const condition: SeriesCondition = filter.of(i);
      if (condition === false) continue;
      let idKey = '';
      for (const ids of valueIds) idKey += `${ids[i]},`;
      let group = known.get(idKey);
      if (!group) {
        const tagValues = options.tags.map((tag) => series.tagValue(i, tag));
        const key = tagValues.join('\0');
        group = groups.get(key) ?? { tagValues, entries: [] };
        groups.set(key, group);
        known.set(idKey, group);
      }
      group.entries.push({ table, series, i, condition });
    }
  }
  const result: Group[] = [];
  const { tags } = options;
  // By keys in byte order, whatever the order of mention.
  const order = [...tags.keys()].sort((a, b) => compareNames(tags[a] ?? '', tags[b] ?? ''));
  for (const name of [...byName.keys()].sort(compareNames)) {
    const groups = [...(byName.get(name)?.values() ?? [])].sort((a, b) =>
      compareValues(a.tagValues, b.tagValues, order),
    );
    for (const group of withinLimit(groups, options)) result.push({ name, ...group });
  }
  options.budget.countSeries(result.reduce((sum, { entries }) => sum + entries.length, 0));
  if (options.isAscending) return result;
  return result.reverse().map((group) => ({ ...group, entries: [...group.entries].reverse() }));
}

/** Groups that SLIMIT and SOFFSET leave of one name. */
function withinLimit<T extends { readonly tagValues: readonly string[] }>(
  groups: readonly T[],
  options: {
    readonly tags: readonly string[];
    readonly slimit: number;
    readonly soffset: number;
    readonly limitedTags: number;
  },
): readonly T[] {
  const { tags, slimit, soffset, limitedTags } = options;
  if (slimit === 0) return soffset === 0 ? groups : [];
  // InfluxDB 1.x counts groups in order of a key that leaves out tags without a value, unlike the order of results.
  const byName = [...tags.keys()]
    .slice(0, limitedTags)
    .sort((a, b) => compareNames(tags[a] ?? '', tags[b] ?? ''));
  const countingKey = (tagValues: readonly string[]): string => {
    const present = byName.filter((i) => tagValues[i] !== '');
    return [...present.map((i) => tags[i]), ...present.map((i) => tagValues[i])].join('|');
  };
  const keys = [...new Set(groups.map(({ tagValues }) => countingKey(tagValues)))].sort(
    compareNames,
  );
  const places = new Map(keys.map((key, place) => [key, place]));
  return groups.filter(({ tagValues }) => {
    const place = places.get(countingKey(tagValues)) ?? 0;
    return place >= soffset && place < soffset + slimit;
  });
}

function compareValues(
  a: readonly string[],
  b: readonly string[],
  places: readonly number[],
): number {
  for (const i of places) {
    const order = compareNames(a[i] ?? '', b[i] ?? '');
    if (order !== 0) return order;
  }
  return 0;
}
