/**
 * Deleting from the files of a shard: which keys of a file a deletion concerns, and what is left of a series afterwards.
 * Walks indexes; blocks are decoded only where a deletion covers a part of them.
 */
import { hashKey, type KnownSeries } from '#models';
import { BlockCursor } from './cursor/block-cursor.js';
import type { FileSource } from './cursor/lane.js';
import { findSeparator, SEPARATOR_BYTES } from './field-key.js';
import { IndexEntries } from './index-entries.js';
import type { DeletedRanges, Tombstone } from './tombstone.js';
import type { TsmReader } from './tsm-reader.js';

/** What to delete from a shard. */
export interface Deletion {
  readonly seriesIds: ReadonlySet<number>;
  /** First and last time, inclusive. */
  readonly minNs: bigint;
  readonly maxNs: bigint;
  /** The measurement that is dropped with it, whose fields may get other types; '' for none. */
  readonly measurement: string;
}

/** Tombstones made before they are written. */
const TOMBSTONES_AT_ONCE = 50_000;
/** Keys walked before others get their turn. */
const KEYS_AT_ONCE = 20_000;
/** Where fewer series than one key in so many are wanted, each is looked up; else the whole index is walked. */
const KEYS_PER_LOOKUP = 1000;

const MIN_NS = -(2n ** 63n);
const MAX_NS = 2n ** 63n - 1n;

/**
 * Deletes from one file, durably.
 * @param onTombstones told of the tombstones that are written, for files that come from this one
 */
export async function deleteFromFile(
  reader: TsmReader,
  catalog: SeriesKeyCatalog,
  deletion: Deletion,
  onTombstones: (made: readonly Tombstone[]) => void = () => undefined,
): Promise<void> {
  const { minNs, maxNs } = deletion;
  const { summary } = reader;
  if (summary.minNs > maxNs || summary.maxNs < minNs) return;
  await reader.deleteInBatches(tombstonesFor(reader, catalog, deletion, onTombstones));
}

/**
 * True when a deletion leaves nothing of a file: then the file can go as a whole. Walks the index, as far as the first key that
 * stays.
 */
export async function coversFile(
  reader: TsmReader,
  catalog: SeriesKeyCatalog,
  { seriesIds, minNs, maxNs }: Deletion,
): Promise<boolean> {
  const { summary } = reader;
  if (summary.minNs < minNs || summary.maxNs > maxNs || seriesIds.size === 0) return false;
  let walked = 0;
  for (const found of walk(reader, catalog, seriesIds)) {
    if (found === null) return false;
    if (++walked % KEYS_AT_ONCE === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  return true;
}

async function* tombstonesFor(
  reader: TsmReader,
  catalog: SeriesKeyCatalog,
  { seriesIds, minNs, maxNs }: Deletion,
  onTombstones: (made: readonly Tombstone[]) => void,
): AsyncGenerator<readonly Tombstone[]> {
  let pending: Tombstone[] = [];
  for await (const { key, entries } of keysOf(reader, catalog, seriesIds)) {
    if (entries.minNs[0] > maxNs || entries.maxNs[entries.count - 1] < minNs) continue;
    if (covers(reader.tombstones.find(key), minNs, maxNs)) continue;
    pending.push({ key: key.slice(), minNs, maxNs });
    if (pending.length < TOMBSTONES_AT_ONCE) continue;
    onTombstones(pending);
    yield pending;
    pending = [];
  }
  onTombstones(pending);
  yield pending;
}

/** Those of the series that have a value in one of the files. */
export async function seriesLeft(
  readers: readonly TsmReader[],
  catalog: SeriesKeyCatalog,
  seriesIds: ReadonlySet<number>,
): Promise<ReadonlySet<number>> {
  const left = new Set<number>();
  for (const reader of readers) {
    for await (const { seriesId, key, entries } of keysOf(reader, catalog, seriesIds)) {
      if (left.has(seriesId)) continue;
      if (holdsValues({ reader, entries, deleted: reader.tombstones.find(key) }))
        left.add(seriesId);
    }
    if (left.size === seriesIds.size) break;
  }
  return left;
}

/** True when a key's blocks in a file have a value that is not deleted; also where a block does not decode. */
export function holdsValues({ reader, entries, deleted }: FileSource): boolean {
  if (deleted === null) return true;
  const partial: number[] = [];
  for (let i = 0; i < entries.count; i++) {
    const minNs = entries.minNs[i];
    const maxNs = entries.maxNs[i];
    if (covers(deleted, minNs, maxNs)) continue;
    if (!overlaps(deleted, minNs, maxNs)) return true;
    partial.push(i);
  }
  if (partial.length === 0) return false;
  let isCorrupt = false;
  const cursor = new BlockCursor({
    type: entries.type,
    files: [{ reader, entries: entries.pick(partial), deleted }],
    cached: null,
    minNs: MIN_NS,
    maxNs: MAX_NS,
    ascending: true,
    baseNs: null,
    memo: null,
    onCorruptBlock: () => void (isCorrupt = true),
  });
  let batch = cursor.next();
  while (batch !== null && batch.count === 0) batch = cursor.next();
  cursor.close();
  return batch !== null || isCorrupt;
}

/** What deleting asks of the series. */
export interface SeriesKeyCatalog extends Pick<KnownSeries, 'find'> {
  keyOf(seriesId: number): Uint8Array;
}

interface FoundKey {
  readonly seriesId: number;
  /** A view, valid until the next. */
  readonly key: Uint8Array;
  readonly entries: IndexEntries;
}

/** The keys of a file that belong to some series. */
async function* keysOf(
  reader: TsmReader,
  catalog: SeriesKeyCatalog,
  seriesIds: ReadonlySet<number>,
): AsyncGenerator<FoundKey> {
  const isFew = seriesIds.size * KEYS_PER_LOOKUP < reader.summary.keyCount;
  let walked = 0;
  for (const found of isFew
    ? lookUp(reader, catalog, seriesIds)
    : walk(reader, catalog, seriesIds)) {
    if (++walked % KEYS_AT_ONCE === 0) await new Promise((resolve) => setImmediate(resolve));
    if (found !== null) yield found;
  }
}

/** All keys of a file in order; null for those of other series. */
function* walk(
  reader: TsmReader,
  catalog: SeriesKeyCatalog,
  seriesIds: ReadonlySet<number>,
): Generator<FoundKey | null> {
  const entries = new IndexEntries();
  const scanner = reader.scan();
  while (scanner.next(entries)) {
    const { key } = scanner;
    const length = findSeparator(key);
    const seriesId = length < 0 ? -1 : catalog.find(key, 0, length, hashKey(key, 0, length));
    yield seriesIds.has(seriesId) ? { seriesId, key, entries } : null;
  }
}

/** The keys of a few series. */
function* lookUp(
  reader: TsmReader,
  catalog: SeriesKeyCatalog,
  seriesIds: ReadonlySet<number>,
): Generator<FoundKey | null> {
  const entries = new IndexEntries();
  for (const seriesId of seriesIds) {
    const seriesKey = catalog.keyOf(seriesId);
    const prefix = new Uint8Array(seriesKey.length + SEPARATOR_BYTES.length);
    prefix.set(seriesKey);
    prefix.set(SEPARATOR_BYTES, seriesKey.length);
    const scanner = reader.scan(prefix);
    while (scanner.next(entries)) {
      const { key } = scanner;
      const order = compareToPrefix(key, prefix);
      if (order > 0) break;
      yield order === 0 ? { seriesId, key, entries } : null;
    }
  }
}

/** Order of a key and a prefix; 0 when the key begins with it. */
function compareToPrefix(key: Uint8Array, prefix: Uint8Array): number {
  const n = Math.min(key.length, prefix.length);
  for (let i = 0; i < n; i++) if (key[i] !== prefix[i]) return key[i] - prefix[i];
  return key.length < prefix.length ? -1 : 0;
}

/** True when one of the ranges has all of `minNs` to `maxNs`. */
function covers(deleted: DeletedRanges | null, minNs: bigint, maxNs: bigint): boolean {
  if (deleted === null) return false;
  for (let i = 0; i < deleted.count; i++) {
    if (deleted.minNs[i] <= minNs && deleted.maxNs[i] >= maxNs) return true;
  }
  return false;
}

function overlaps(deleted: DeletedRanges, minNs: bigint, maxNs: bigint): boolean {
  for (let i = 0; i < deleted.count; i++) {
    if (deleted.minNs[i] <= maxNs && deleted.maxNs[i] >= minNs) return true;
  }
  return false;
}
