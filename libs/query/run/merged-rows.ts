/**
 * Rows of several series of a group in one stretch, merged by time. Which row comes next is decided row by row; values are
 * then copied column by column. Series that are many are not all held open: each gives some rows, is closed, and is opened
 * again behind them.
 */
import { isFieldOf } from '../scan/series-filter.js';
import type { Stretch } from '../scan/source-table.js';
import { StoredTable } from '../scan/stored-table.js';
import type { GroupEntry } from './groups.js';
import { PickedRows } from './picked-rows.js';
import { seriesRowsMax, type RowChunk, type RowPlan } from './row-plan.js';
import { compareTies, isBefore, isBeforeDescending, rank, SeriesFeed } from './series-feed.js';
import { TimeHeap, type HeapItem } from './time-heap.js';

/** Rows handed on at once. */
const CHUNK_ROWS = 10_000;
/** Fields of series held open at once. Each has some 50 kB of buffers. */
const OPEN_FIELDS_MAX = 2048;
/** Bytes that rows of all series take where they are not held open. */
const PARKED_BYTES_MAX = 64 << 20;
/** So many rows of a series at least, and no more than a block has, are worth opening it. */
const PARKED_ROWS_MIN = 32;
const PARKED_ROWS_MAX = 1024;
/** Bytes that an open field's buffers take, for the query's budget. */
const OPEN_FIELD_BYTES = 50_000;

/** Rows of several series; null where the caller may give others their turn. */
export function* mergedRows(
  entries: readonly GroupEntry[],
  stretch: Stretch,
  plan: RowPlan,
): Generator<RowChunk | null> {
  const { isAscending, budget } = plan.request;
  const parkedRows = parkedRowsOf(entries, plan);
  const bytes = bytesOf(entries, plan, parkedRows);
  budget.charge(bytes);
  const feeds: SeriesFeed[] = [];
  try {
    for (const [ordinal, entry] of entries.entries()) {
      const feed = new SeriesFeed(entry, ordinal, { stretch, plan, parkedRows });
      if (yield* advanced(feed, plan)) feeds.push(feed);
      if (budget.isTurnOver()) yield null;
    }
    rank(feeds);
    const sources = bySource(feeds, plan.sourceOrder);
    if (sources.length > 1) yield* mergeSources(sources, stretch.baseNs, plan);
    else {
      const heap = new TimeHeap([...feeds], isAscending ? isBefore : isBeforeDescending);
      yield* merge(heap, stretch.baseNs, plan);
    }
  } finally {
    for (const feed of feeds) feed.close();
    budget.release(bytes);
  }
}

function* merge(
  heap: TimeHeap<SeriesFeed>,
  baseNs: bigint,
  plan: RowPlan,
): Generator<RowChunk | null> {
  const { budget } = plan.request;
  const types = plan.columns.map(({ type }) => type);
  const picked = new PickedRows(types, plan.hasOrdinals === true);
  const chunkRows = chunkRowsOf(plan);
  while (heap.size > 0) {
    const feed = heap.pop();
    picked.push(feed, feed.row);
    if (feed.step()) heap.push(feed);
    else {
      picked.flush();
      if (yield* advanced(feed, plan)) heap.push(feed);
    }
    if (picked.count === chunkRows) {
      const { count } = picked;
      yield { baseNs, count, ...picked.take() };
      if (budget.isTurnOver()) yield null;
    }
  }
  const { count } = picked;
  if (count > 0) yield { baseNs, count, ...picked.take() };
}

/** Several sources of FROM: InfluxDB 1.x merges each for itself, and then these with each other. */
function* mergeSources(
  sources: readonly (readonly SeriesFeed[])[],
  baseNs: bigint,
  plan: RowPlan,
): Generator<RowChunk | null> {
  const { budget, isAscending } = plan.request;
  const types = plan.columns.map(({ type }) => type);
  const picked = new PickedRows(types, plan.hasOrdinals === true);
  const chunkRows = chunkRowsOf(plan);
  const merges = sources.map((feeds) => new SourceMerge(feeds, isAscending));
  const heap = new TimeHeap(
    merges,
    isAscending
      ? (a, b) => compareTies(a.feed, b.feed) < 0
      : (a, b) => compareTies(a.feed, b.feed) > 0,
  );
  while (heap.size > 0) {
    const source = heap.pop();
    const { feed } = source;
    picked.push(feed, feed.row);
    noteLast(plan.sourceOrder, feed.entry.table.place);
    source.heap.pop();
    if (feed.step()) source.heap.push(feed);
    else {
      picked.flush();
      if (yield* advanced(feed, plan)) source.heap.push(feed);
    }
    if (source.heap.size > 0) heap.push(source);
    if (picked.count === chunkRows) {
      yield { baseNs, count: picked.count, ...picked.take() };
      if (budget.isTurnOver()) yield null;
    }
  }
  if (picked.count > 0) yield { baseNs, count: picked.count, ...picked.take() };
}

function chunkRowsOf({ rowsMax }: RowPlan): number {
  return rowsMax > 0 ? Math.min(rowsMax, CHUNK_ROWS) : CHUNK_ROWS;
}

/** The series of one source of FROM. */
class SourceMerge implements HeapItem {
  readonly heap: TimeHeap<SeriesFeed>;
  readonly #sign: number;

  constructor(feeds: readonly SeriesFeed[], isAscending: boolean) {
    this.#sign = isAscending ? 1 : -1;
    this.heap = new TimeHeap([...feeds], isAscending ? isBefore : isBeforeDescending);
  }

  /** The series whose row is next. There is one. */
  get feed(): SeriesFeed {
    return this.heap.least as SeriesFeed;
  }

  /** The time of that row: rows of a subquery need not ascend, and sources are merged by time all the same. */
  get key(): number {
    const { offsets, row } = this.feed;
    return this.#sign * (offsets[row] as number);
  }
}

/** Series by source, in the order that the merge of sources was left in. */
function bySource(
  feeds: readonly SeriesFeed[],
  order: readonly number[] = [],
): readonly (readonly SeriesFeed[])[] {
  const byPlace = new Map<number, SeriesFeed[]>();
  for (const feed of feeds) {
    const { place } = feed.entry.table;
    const list = byPlace.get(place) ?? [];
    byPlace.set(place, list);
    list.push(feed);
  }
  const places = [...byPlace.keys()].sort((a, b) => order.indexOf(a) - order.indexOf(b) || a - b);
  return places.map((place) => byPlace.get(place) ?? []);
}

/** Puts the place of a source at the end. */
function noteLast(order: number[] | undefined, place: number): void {
  if (order === undefined || order.at(-1) === place) return;
  const at = order.indexOf(place);
  if (at >= 0) order.splice(at, 1);
  order.push(place);
}

/** Reads the feed's next rows; false at its end. */
function* advanced(feed: SeriesFeed, { request }: RowPlan): Generator<null, boolean> {
  while (feed.read()) {
    if (feed.count > 0) return true;
    if (request.budget.isTurnOver()) yield null;
  }
  feed.close();
  return false;
}

function parkedRowsOf(entries: readonly GroupEntry[], plan: RowPlan): number {
  const isStored = entries.every(({ table }) => table instanceof StoredTable);
  if (!isStored || entries.length * fieldCount(entries, plan) <= OPEN_FIELDS_MAX) return 0;
  const rows = Math.floor(PARKED_BYTES_MAX / (entries.length * plan.columns.length * 8));
  return Math.max(PARKED_ROWS_MIN, Math.min(PARKED_ROWS_MAX, rows));
}

/** Fields read of each series, with the one that a condition reads. */
function fieldCount(entries: readonly GroupEntry[], { request }: RowPlan): number {
  const [first] = entries;
  if (!first) return 0;
  return 1 + request.leading.filter((ref) => isFieldOf(first.table, ref)).length;
}

function bytesOf(entries: readonly GroupEntry[], plan: RowPlan, parkedRows: number): number {
  if (parkedRows === 0) return entries.length * fieldCount(entries, plan) * OPEN_FIELD_BYTES;
  const rows = Math.min(seriesRowsMax(plan), parkedRows);
  return entries.length * (plan.columns.length + 1) * rows * 8;
}
