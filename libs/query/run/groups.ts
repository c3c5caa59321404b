/**
 * Sorts series into the groups of GROUP BY.
 */
import type { Expr } from '#influxql';
import { compareNames } from '../compile/expand.js';
import type { QueryBudget } from '../limits.js';
import { SeriesFilter, requiredTags, type SeriesCondition } from '../scan/series-filter.js';
import type { SourceTable, TableSeries } from '../scan/source-table.js';
import { StoredTable } from '../scan/stored-table.js';

/** One series of a group. */
export interface GroupEntry {
  readonly table: SourceTable;
  readonly series: TableSeries;
  readonly i: number;
  /** What WHERE leaves for the rows: everything, or those for which the expression holds. */
  readonly condition: true | Expr;
}

/** Series of one table of which all rows are wanted. */
export interface PlainSeries {
  readonly table: SourceTable;
  readonly series: TableSeries;
  /** Ascending; null for all. */
  readonly positions: Int32Array | null;
}

/** Series of one name with the same values of the grouped tags. */
export interface Group {
  readonly name: string;
  /** Values of the grouped tags, in their order. */
  readonly tagValues: readonly string[];
  /** Made when first asked for: there may be a million of them. */
  readonly entries: readonly GroupEntry[];
  readonly entryCount: number;
  /** Tables that the entries are of. */
  readonly tables: readonly SourceTable[];
  /** All of the group, where it is no more than that, in the order of the entries; else null. */
  readonly plain: PlainSeries | null;
}

/** Gathers the series of one group: as positions while that will do, else one by one. */
class GroupSeries implements Group {
  readonly name: string;
  readonly tagValues: readonly string[];
  readonly isAscending: boolean;
  #table: SourceTable | null = null;
  #series: TableSeries | null = null;
  #positions = new Int32Array(4);
  #count = 0;
  #entries: GroupEntry[] | null = null;
  #tables = new Set<SourceTable>();
  #isTurned = false;

  constructor(name: string, tagValues: readonly string[], isAscending: boolean) {
    this.name = name;
    this.tagValues = tagValues;
    this.isAscending = isAscending;
  }

  add(entry: GroupEntry): void {
    this.#tables.add(entry.table);
    if (this.#entries !== null) {
      this.#entries.push(entry);
      return;
    }
    this.#entries = this.#made();
    this.#entries.push(entry);
  }

  /** Adds a series of which all rows are wanted. */
  addPlain(table: SourceTable, series: TableSeries, i: number): void {
    if (this.#entries !== null || (this.#series !== null && this.#series !== series)) {
      this.add({ table, series, i, condition: true });
      return;
    }
    if (this.#series === null) {
      this.#series = series;
      this.#table = table;
      this.#tables.add(table);
    }
    if (this.#count === this.#positions.length) {
      const wider = new Int32Array(this.#count * 2);
      wider.set(this.#positions);
      this.#positions = wider;
    }
    this.#positions[this.#count++] = i;
  }

  get entries(): readonly GroupEntry[] {
    this.#entries ??= this.#made();
    if (!this.isAscending && !this.#isTurned) {
      this.#isTurned = true;
      this.#entries.reverse();
    }
    return this.#entries;
  }

  get entryCount(): number {
    return this.#entries?.length ?? this.#count;
  }

  get tables(): readonly SourceTable[] {
    return [...this.#tables];
  }

  get plain(): PlainSeries | null {
    const [table, series] = [this.#table, this.#series];
    const isMixed = this.#entries !== null && this.#entries.length !== this.#count;
    if (table === null || series === null || !this.isAscending || isMixed) return null;
    const isAll = this.#count === series.count;
    return { table, series, positions: isAll ? null : this.#positions.subarray(0, this.#count) };
  }

  #made(): GroupEntry[] {
    const [table, series] = [this.#table, this.#series];
    if (table === null || series === null) return [];
    return Array.from(this.#positions.subarray(0, this.#count), (i) => ({
      table,
      series,
      i,
      condition: true as const,
    }));
  }
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
  const byName = new Map<string, Map<string, GroupSeries>>();
  const { isAscending } = options;
  for (const table of tables) {
    const groups = byName.get(table.name) ?? new Map<string, GroupSeries>();
    byName.set(table.name, groups);
    const series = table.series(requiredTags(table, options.condition));
    options.budget.expectSeries(series.count);
    const filter = new SeriesFilter(table, series, options.condition);
    // Each measurement for itself, before SLIMIT, and subqueries' not again. Same as InfluxDB 1.x.
    const isStored = table instanceof StoredTable;
    let kept = 0;
    const valueIds = options.tags.map((tag) => series.tagValueIds(tag));
    // Text of a key per combination of value ids, so that texts are joined once a group.
    const known = new Map<string, GroupSeries>();
    for (let i = 0; i < series.count; i++) {
      if ((i & 1023) === 1023 && options.budget.isTurnOver()) yield null;
      const condition: SeriesCondition = filter.of(i);
      if (condition === false) continue;
      if (isStored) options.budget.countSeries(++kept);
      let idKey = '';
      for (const ids of valueIds) idKey += `${ids[i]},`;
      let group = known.get(idKey);
      if (!group) {
        const tagValues = options.tags.map((tag) => series.tagValue(i, tag));
        const key = tagValues.join('\0');
        group = groups.get(key) ?? new GroupSeries(table.name, tagValues, isAscending);
        groups.set(key, group);
        known.set(idKey, group);
      }
      if (condition === true) group.addPlain(table, series, i);
      else group.add({ table, series, i, condition });
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
    for (const group of withinLimit(groups, options)) result.push(group);
  }
  return isAscending ? result : result.reverse();
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
