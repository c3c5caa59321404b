/**
 * The result of a subquery as a table: its series are series, its columns are fields, its grouped tags are tags.
 */
import type { ColumnBatch, StringColumn } from '#models';
import { compareNames } from '../compile/expand.js';
import {
  castColumn,
  constantColumn,
  emptyColumn,
  gatherRows,
  hasValue,
  type Column,
} from '../column.js';
import {
  cutRange,
  type FieldReader,
  type RowField,
  type Rows,
  type RowSource,
  type SourceTable,
  type Stretch,
  type TableSeries,
} from '../scan/source-table.js';
import type { TagPair, TagRequirement } from '../ports.js';
import { requirementTest } from '../tag-requirement.js';
import type { ExprType, ValueType } from '../value-type.js';
import { valueType } from './entry-rows.js';

/** Rows of one series of a subquery's result, times in the query's order. */
export interface InnerSeries {
  readonly name: string;
  readonly tags: readonly TagPair[];
  readonly timesNs: BigInt64Array;
  readonly columns: readonly Column[];
  /** Place of each row among those of all series that it comes out with; null where series come one by one. */
  readonly places: Int32Array | null;
  /** What the rows are merged by with those of other series where that is not their time; see sequence-order.ts. */
  readonly keysNs?: BigInt64Array | null;
}

/** Names and types of a subquery's columns. */
export interface InnerColumn {
  readonly name: string;
  readonly type: ExprType;
}

/** A subquery's series of one name. */
export class ResultTable implements SourceTable {
  readonly name: string;
  readonly place: number;
  readonly fieldNames: readonly string[];
  readonly tagKeys: readonly string[];
  readonly #types = new Map<string, ExprType>();
  readonly #series: readonly InnerSeries[];
  readonly #columns: readonly InnerColumn[];
  /** Tags that the subquery itself groups by, which are columns too. */
  readonly #ownTags: ReadonlySet<string>;

  /** @param tagKeys all tags of the series, `ownTags` those that the subquery itself groups by */
  constructor(
    name: string,
    columns: readonly InnerColumn[],
    {
      tagKeys,
      ownTags,
      place,
    }: {
      readonly tagKeys: readonly string[];
      readonly ownTags: readonly string[];
      readonly place: number;
    },
    series: readonly InnerSeries[],
  ) {
    this.name = name;
    this.place = place;
    this.#ownTags = new Set(ownTags);
    this.#columns = columns;
    for (const column of columns)
      if (!this.#types.has(column.name)) this.#types.set(column.name, column.type);
    this.fieldNames = [...this.#types.keys()].sort(compareNames);
    this.tagKeys = [...tagKeys].sort(compareNames);
    this.#series = series.map((one) => ({
      ...one,
      columns: one.columns.map((column, c) => {
        const type = valueType(columns[c]?.type ?? 'unknown');
        return type ? castColumn(column, type) : column;
      }),
    }));
  }

  fieldType(name: string): ExprType | null {
    return this.#types.get(name) ?? (this.#ownTags.has(name) ? 'tag' : null);
  }

  /** A column of a series, or a tag as one. */
  #columnOf(series: InnerSeries, name: string): Column | null {
    const at = this.#columns.findIndex((column) => column.name === name);
    if (at >= 0) return series.columns[at] ?? null;
    if (!this.#ownTags.has(name)) return null;
    return constantColumn(tagOf(series.tags, name), 'string', series.timesNs.length);
  }

  series(required: readonly TagRequirement[]): TableSeries {
    const found = this.#series.filter(({ tags }) =>
      required.every((one) => requirementTest(one)(tagOf(tags, one.key))),
    );
    return new InnerSeriesList(found);
  }

  /** All of it: what lies before the range, like the start of a window in which it begins, takes part. */
  stretches(): readonly Stretch[] {
    let minNs: bigint | null = null;
    let maxNs: bigint | null = null;
    for (const { timesNs, keysNs } of this.#series) {
      const ends = [timesNs[0], timesNs.at(-1), keysNs?.[0], keysNs?.at(-1)];
      for (const timeNs of ends) {
        if (timeNs === undefined) continue;
        if (minNs === null || timeNs < minNs) minNs = timeNs;
        if (maxNs === null || timeNs > maxNs) maxNs = timeNs;
      }
    }
    if (minNs === null || maxNs === null) return [];
    return cutRange(minNs, { minNs, maxNs });
  }

  open(request: {
    readonly series: TableSeries;
    readonly i: number;
    readonly fields: readonly string[];
    readonly stretch: Stretch;
    readonly isAscending: boolean;
  }): FieldReader | null {
    const series = (request.series as InnerSeriesList).at(request.i);
    if (!series) return null;
    const columns = request.fields.map((name) => this.#columnOf(series, name));
    return new InnerReader(series.timesNs, columns, request.stretch, request.isAscending);
  }

  openRows(request: {
    readonly series: TableSeries;
    readonly i: number;
    readonly fields: readonly RowField[];
    readonly stretch: Stretch;
    readonly isAscending: boolean;
  }): RowSource | null {
    const series = (request.series as InnerSeriesList).at(request.i);
    if (!series) return null;
    const columns = request.fields.map(({ name, type }) => {
      const column = this.#columnOf(series, name);
      return column ? castColumn(column, type) : emptyColumn(type, series.timesNs.length);
    });
    return new InnerRows(series, columns, request.stretch, request.isAscending);
  }
}

/** Rows of one series as they are, each with its place. */
class InnerRows implements RowSource {
  readonly #series: InnerSeries;
  readonly #columns: readonly Column[];
  readonly #stretch: Stretch;
  readonly #isBackwards: boolean;
  #seen = 0;

  constructor(
    series: InnerSeries,
    columns: readonly Column[],
    stretch: Stretch,
    isAscending: boolean,
  ) {
    this.#series = series;
    this.#columns = columns;
    this.#stretch = stretch;
    const { timesNs } = series;
    const [first, last] = [timesNs[0] ?? 0n, timesNs.at(-1) ?? 0n];
    this.#isBackwards = !series.keysNs && (isAscending ? first > last : first < last);
  }

  next(): Rows | null {
    const { timesNs, places, keysNs } = this.#series;
    const orderNs = keysNs ?? timesNs;
    const { startNs, endNs, baseNs } = this.#stretch;
    const { length } = timesNs;
    if (this.#seen >= length) return null;
    const kept: number[] = [];
    for (; this.#seen < length && kept.length < BATCH_ROWS; this.#seen++) {
      const row = this.#isBackwards ? length - 1 - this.#seen : this.#seen;
      const timeNs = orderNs[row] as bigint;
      if (timeNs >= startNs && timeNs <= endNs) kept.push(row);
    }
    const order = Int32Array.from(kept);
    return {
      keys: keysNs && Float64Array.from(order, (row) => Number((keysNs[row] as bigint) - baseNs)),
      count: order.length,
      offsets: Float64Array.from(order, (row) => Number((timesNs[row] as bigint) - baseNs)),
      columns: this.#columns.map((column) => gatherRows(column, order)),
      places: places && Int32Array.from(order, (row) => places[row] as number),
    };
  }
}

function tagOf(tags: readonly TagPair[], key: string): string {
  return tags.find((tag) => tag.key === key)?.value ?? '';
}

class InnerSeriesList implements TableSeries {
  readonly count: number;
  readonly #series: readonly InnerSeries[];
  readonly #values = new Map<string, string[]>();

  constructor(series: readonly InnerSeries[]) {
    this.#series = series;
    this.count = series.length;
  }

  at(i: number): InnerSeries | null {
    return this.#series[i] ?? null;
  }

  leastTimeNs(i: number): bigint | null {
    let least: bigint | null = null;
    for (const timeNs of this.#series[i]?.timesNs ?? [])
      if (least === null || timeNs < least) least = timeNs;
    return least;
  }

  tagValue(i: number, key: string): string {
    return tagOf(this.#series[i]?.tags ?? [], key);
  }

  tagValueIds(key: string): Int32Array {
    const values = [''];
    this.#values.set(key, values);
    const known = new Map([['', 0]]);
    return Int32Array.from(this.#series, ({ tags }) => {
      const value = tagOf(tags, key);
      let id = known.get(value);
      if (id === undefined) {
        id = values.push(value) - 1;
        known.set(value, id);
      }
      return id;
    });
  }

  tagValueOf(key: string, valueId: number): string {
    return this.#values.get(key)?.[valueId] ?? '';
  }
}

/** Rows handed on at once. */
const BATCH_ROWS = 4096;

class InnerReader implements FieldReader {
  readonly #timesNs: BigInt64Array;
  readonly #columns: readonly (Column | null)[];
  readonly #stretch: Stretch;
  readonly #isBackwards: boolean;
  /** Rows of each field looked at so far, from the end that is read first. */
  readonly #seen: number[];

  constructor(
    timesNs: BigInt64Array,
    columns: readonly (Column | null)[],
    stretch: Stretch,
    isAscending: boolean,
  ) {
    this.#timesNs = timesNs;
    this.#columns = columns;
    this.#stretch = stretch;
    const [first, last] = [timesNs[0] ?? 0n, timesNs.at(-1) ?? 0n];
    this.#isBackwards = isAscending ? first > last : first < last;
    this.#seen = columns.map(() => 0);
  }

  typeOf(field: number): ValueType | null {
    return this.#columns[field]?.type ?? null;
  }

  close(): void {
    this.#seen.fill(this.#timesNs.length);
  }

  /** The next values of the stretch; rows that repeat a time are kept. */
  next(field: number): ColumnBatch | null {
    const column = this.#columns[field];
    if (!column) return null;
    const rows = this.#nextRows(field, column);
    if (rows.length === 0) return null;
    const { baseNs } = this.#stretch;
    return {
      count: rows.length,
      baseNs,
      offsets: Float64Array.from(rows, (row) => Number((this.#timesNs[row] ?? 0n) - baseNs)),
      numbers: Float64Array.from(rows, (row) => column.numbers[row] ?? 0),
      wide: column.wide ? BigInt64Array.from(rows, (row) => column.wide?.[row] ?? 0n) : null,
      strings:
        column.type === 'string'
          ? encodeStrings(rows.map((row) => column.strings[row] ?? ''))
          : null,
    };
  }

  #nextRows(field: number, column: Column): readonly number[] {
    const { startNs, endNs } = this.#stretch;
    const { length } = this.#timesNs;
    const rows: number[] = [];
    let seen = this.#seen[field] ?? 0;
    for (; seen < length && rows.length < BATCH_ROWS; seen++) {
      const row = this.#isBackwards ? length - 1 - seen : seen;
      const timeNs = this.#timesNs[row] as bigint;
      if (timeNs >= startNs && timeNs <= endNs && hasValue(column, row)) rows.push(row);
    }
    this.#seen[field] = seen;
    return rows;
  }
}

function encodeStrings(texts: readonly string[]): StringColumn {
  const parts = texts.map((text) => Buffer.from(text, 'utf8'));
  const offsets = new Int32Array(parts.length + 1);
  parts.forEach((part, i) => (offsets[i + 1] = (offsets[i] ?? 0) + part.length));
  return { bytes: Buffer.concat(parts), offsets };
}
