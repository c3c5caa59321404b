/**
 * A series whose rows are merged with those of others by time: its rows at hand, and which of two rows at the same time comes
 * first.
 */
import type { VarRef } from '#influxql';
import { stringColumn, type Column } from '../column.js';
import { isFieldOf } from '../scan/series-filter.js';
import type { Stretch } from '../scan/source-table.js';
import { StoredTable } from '../scan/stored-table.js';
import { EntryReader } from './entry-rows.js';
import type { GroupEntry } from './groups.js';
import type { PickSource } from './picked-rows.js';
import { computed, filledScope, owned, seriesRowsMax, type RowPlan } from './row-plan.js';
import type { HeapItem, TieBreak } from './time-heap.js';

/** What a series is read for. */
export interface FeedOptions {
  readonly stretch: Stretch;
  readonly plan: RowPlan;
  /** Rows that the series gives before it is closed; 0 keeps it open. */
  readonly parkedRows: number;
}

/** A series being merged: its rows at hand, computed. */
export class SeriesFeed implements HeapItem, PickSource {
  key = 0;
  /** Order among series by their texts, where that is the same for all their rows; else -1. */
  rank = -1;
  readonly isStored: boolean;
  columns: readonly (Column | null)[] = [];
  readonly constants: readonly (string | null)[];
  ties: readonly (Column | null)[] = [];
  readonly tieConstants: readonly (string | null)[];
  offsets: Float64Array = new Float64Array(0);
  count = 0;
  row = 0;
  places: Int32Array | null = null;
  /** What rows are merged by. */
  #keys: Float64Array = this.offsets;
  readonly #options: FeedOptions;
  readonly #sign: number;
  readonly #isConstant: readonly boolean[];
  readonly #isConstantTie: readonly boolean[];
  #reader: EntryReader | null = null;
  #stretch: Stretch;
  #rowsLeft: number;

  constructor(
    readonly entry: GroupEntry,
    /** Place among the series of the group. */
    readonly ordinal: number,
    options: FeedOptions,
  ) {
    const { columns, ties, request } = options.plan;
    this.#options = options;
    this.#stretch = options.stretch;
    this.#rowsLeft = seriesRowsMax(options.plan);
    this.#sign = request.isAscending ? 1 : -1;
    this.isStored = entry.table instanceof StoredTable;
    const tags = columns.map(({ expr, type }) =>
      expr.kind === 'varRef' && type === 'string' ? tagOf(entry, expr) : undefined,
    );
    this.#isConstant = tags.map((tag) => tag !== undefined);
    this.constants = tags.map((tag) => tag ?? null);
    const tieTags = ties.map((ref) => tagOf(entry, ref));
    this.#isConstantTie = tieTags.map((tag) => tag !== undefined);
    this.tieConstants = tieTags.map((tag) => tag ?? null);
  }

  get hasConstantTies(): boolean {
    return this.tieConstants.every((text) => text !== null);
  }

  /** Takes up the next rows, possibly none; false at the end. */
  read(): boolean {
    const { plan, parkedRows } = this.#options;
    if (this.#rowsLeft <= 0) return false;
    this.#reader ??= new EntryReader(this.entry, this.#stretch, plan.request);
    const wanted = parkedRows > 0 ? Math.min(parkedRows, this.#rowsLeft) : this.#rowsLeft;
    const rows = this.#reader.next(wanted);
    this.count = 0;
    this.row = 0;
    if (!rows) return false;
    if (rows.count === 0) return true;
    const isParked = parkedRows > 0;
    const keep = (column: Column): Column => (isParked ? owned(column, rows.count) : column);
    const scope = filledScope(rows.scope, plan.fill, plan.request.typeOf);
    this.columns = plan.columns.map((column, c) =>
      this.#isConstant[c] ? null : keep(computed(column, scope)),
    );
    this.ties = plan.ties.map((ref, t) =>
      this.#isConstantTie[t]
        ? null
        : (rows.scope.resolve(ref) ?? stringColumn(new Array<null>(rows.count).fill(null))),
    );
    this.offsets = isParked ? rows.offsets.slice(0, rows.count) : rows.offsets;
    this.count = rows.count;
    this.places = rows.places;
    this.#keys = rows.keys ?? this.offsets;
    this.#rowsLeft -= rows.count;
    this.key = this.#sign * (this.#keys[0] as number);
    if (isParked) this.#park();
    return true;
  }

  /** On to the next row at hand; false where there is none. */
  step(): boolean {
    if (++this.row >= this.count) return false;
    this.key = this.#sign * (this.#keys[this.row] as number);
    return true;
  }

  close(): void {
    this.#reader?.close();
    this.#reader = null;
  }

  /** Closes the series, to be opened again behind the rows at hand. */
  #park(): void {
    this.close();
    const { baseNs, startNs, endNs } = this.#stretch;
    const lastNs = baseNs + BigInt(this.offsets[this.count - 1] as number);
    if (this.#sign > 0) this.#stretch = { baseNs, startNs: lastNs + 1n, endNs };
    else this.#stretch = { baseNs, startNs, endNs: lastNs - 1n };
    if (this.#stretch.startNs > this.#stretch.endNs) this.#rowsLeft = 0;
  }
}

/** The tag that a reference means, null where the series does not have it; undefined where it is a field. */
function tagOf({ table, series, i }: GroupEntry, ref: VarRef): string | null | undefined {
  if (isFieldOf(table, ref)) return undefined;
  return series.tagValue(i, ref.name) || null;
}

/** Where only tags order rows of the same time they are compared once a series instead of once a row. */
export function rank(feeds: readonly SeriesFeed[]): void {
  if (!feeds.every((feed) => feed.isStored && feed.hasConstantTies)) return;
  const sorted = [...feeds].sort(compareTies);
  let place = 0;
  for (const [i, feed] of sorted.entries()) {
    const before = sorted[i - 1];
    if (before && compareTies(before, feed) !== 0) place = i;
    feed.rank = place;
  }
}

/**
 * Which of two rows at the same time comes first: by their text columns where all of them are there, as InfluxDB 1.x does;
 * rows of subqueries come in the order of their series.
 */
export const isBefore: TieBreak<SeriesFeed> = (a, b) =>
  a.isStored ? order(a, b) < 0 : placeOf(a) < placeOf(b);

export const isBeforeDescending: TieBreak<SeriesFeed> = (a, b) =>
  a.isStored ? order(a, b) > 0 : placeOf(a) < placeOf(b);

function placeOf({ places, row, ordinal }: SeriesFeed): number {
  return places ? (places[row] as number) : ordinal;
}

function order(a: SeriesFeed, b: SeriesFeed): number {
  return a.rank >= 0 && b.rank >= 0 ? a.rank - b.rank : compareTies(a, b);
}

export function compareTies(a: SeriesFeed, b: SeriesFeed): number {
  for (let t = 0; t < a.tieConstants.length; t++) {
    const x = tieOf(a, t);
    const y = tieOf(b, t);
    if (x === null || y === null) return 0;
    if (x !== y) return x < y ? -1 : 1;
  }
  return 0;
}

function tieOf(feed: SeriesFeed, t: number): string | null {
  const column = feed.ties[t];
  return column ? (column.strings[feed.row] ?? null) : (feed.tieConstants[t] ?? null);
}
