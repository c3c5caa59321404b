/**
 * What an engine does when it opens: finds out which series and fields its files hold, and replays its log into the cache.
 * Deletions of the log are applied to the cache where they stand and to the files at the end.
 */
import { join } from 'node:path';
import type { FileSystem, Logger } from '#kernel';
import { allRuns, type FieldType, hashKey, type PointsBatch, type ShapeTable } from '#models';
import type { Cache } from './cache/cache.js';
import type { SeriesCatalog } from './catalog.js';
import { type Deletion, deleteFromFile, holdsValues, seriesLeft } from './deletion.js';
import { findSeparator, SEPARATOR_BYTES } from './field-key.js';
import type { FileMark, FileStore } from './file-store.js';
import { IndexEntries } from './index-entries.js';
import { isUnreadable } from './quarantine.js';
import type { TsmReader } from './tsm-reader.js';
import type { DeletionRecord } from './wal/deletion-record.js';
import { WalSegmentReader } from './wal/wal-decoder.js';
import { segmentName, segmentNumber } from './wal/wal-format.js';

/** Told what a shard turns out to hold. */
export interface ShardContents {
  /** Each batch of the log that is replayed, its series ids filled in, before it is cached. */
  onRestore(batch: PointsBatch): void;
  /** Files whose series and fields are known from before; the engine reads the keys of all others. */
  readonly knownFiles: readonly FileMark[];
  /**
   * Files have been found at opening.
   * @param areKnown true when all known ones are there as they were: what is known of them holds
   */
  onFilesFound(areKnown: boolean): void;
  /** Each series and field found at opening: in a TSM file, or in InfluxDB's log. */
  onFileKey(seriesId: number, field: string, type: FieldType, isInFile: boolean): void;
  /** Series whose cached values are in TSM files now. */
  onCacheWritten(seriesIds: Int32Array): void;
  /** Series that were looked for in the files after a deletion, and those that have values in them. */
  onSeriesChecked(seriesIds: ReadonlySet<number>, left: ReadonlySet<number>): void;
  /**
   * The files are others than before, durably. What comes next for the shard's files waits for it.
   * @param isUncertain true when values may be missing from them that were there
   */
  onFilesChanged(isUncertain: boolean): Promise<void>;
  /** Series that have values in files, as far as the shard knows. */
  filedSeries(): ReadonlySet<number>;
  /** Series that have no value in the shard any more. */
  onSeriesGone(seriesIds: readonly number[]): void;
  /**
   * A measurement was dropped: its fields have no types any more.
   * @param isReplay true while the log is replayed: then the series that follow have been written after it
   */
  onMeasurementDropped(name: string, isReplay: boolean): void;
}

/** What loading stands on. */
export interface LoadingParts {
  readonly files: FileSystem;
  readonly logger: Logger;
  readonly catalog: SeriesCatalog;
  readonly shapes: ShapeTable;
  readonly walDirectory: string;
  readonly fileStore: FileStore;
  readonly cache: Cache;
  readonly contents: ShardContents;
  /** Told of bytes of the log that there are to be replayed, and of those that have been. */
  readonly onReplay: (bytes: { readonly found: number; readonly replayed: number }) => void;
}

/** A segment of the log that has been replayed. */
export interface FoundSegment {
  readonly number: number;
  readonly sizeBytes: number;
  /** True when it has records that were left out: it is kept aside in place of being removed. */
  readonly isDamaged: boolean;
}

/** What replaying the log found. */
export interface ReplayOutcome {
  readonly segments: readonly FoundSegment[];
  readonly damagedRecords: number;
}

const decoder = new TextDecoder();

/** Keys reported between turns: about a millisecond. */
const KEYS_AT_ONCE = 1000;

/** Reports every series and field of a file that has a value left. */
function scanFileKeys(reader: TsmReader, catalog: SeriesCatalog, contents: ShardContents): void {
  const steps = fileKeys(reader, catalog, contents);
  while (steps.next().done !== true);
}

/** The same as a generator of turns. */
export function* fileKeys(
  reader: TsmReader,
  catalog: SeriesCatalog,
  contents: ShardContents,
): Generator<void, void> {
  const entries = new IndexEntries();
  const scanner = reader.scan();
  const hasTombstones = reader.tombstones.count > 0;
  let lastSeries: Uint8Array = new Uint8Array(0);
  let seriesId = -1;
  for (let n = 1; scanner.next(entries); n++) {
    if (n % KEYS_AT_ONCE === 0) yield;
    const { key } = scanner;
    const at = findSeparator(key);
    if (at < 0) continue;
    if (hasTombstones && !holdsValues({ reader, entries, deleted: reader.tombstones.find(key) }))
      continue;
    if (seriesId < 0 || !isSame(key, at, lastSeries)) {
      lastSeries = key.slice(0, at);
      seriesId = catalog.restore(lastSeries, 0, at);
    }
    contents.onFileKey(
      seriesId,
      decoder.decode(key.subarray(at + SEPARATOR_BYTES.length)),
      entries.type,
      true,
    );
  }
}

/** Replays the segments of a shard's log, oldest first. */
export async function replayLog(parts: LoadingParts): Promise<ReplayOutcome> {
  return new LogReplay(parts).run();
}

/** Null when the disk does not give it back. */
async function readSegment(files: FileSystem, path: string): Promise<Uint8Array | null> {
  try {
    return await files.readFile(path);
  } catch (error) {
    if (isUnreadable(error)) return null;
    throw error;
  }
}

class LogReplay {
  private readonly deletions: (Deletion & {
    readonly generation: number;
    readonly seriesIds: Set<number>;
  })[] = [];

  constructor(private readonly parts: LoadingParts) {}

  async run(): Promise<ReplayOutcome> {
    const { files, walDirectory, catalog, shapes, logger, onReplay } = this.parts;
    const numbers = (await files.list(walDirectory))
      .map((entry) => segmentNumber(entry.name))
      .filter((number): number is number => number !== null)
      .sort((a, b) => a - b);
    for (const number of numbers) {
      const stat = await files.stat(join(walDirectory, segmentName(number)));
      onReplay({ found: stat?.sizeBytes ?? 0, replayed: 0 });
    }
    if (numbers.length > 0) await catalog.prepare?.();
    const segments: FoundSegment[] = [];
    let damagedRecords = 0;
    for (const number of numbers) {
      const path = join(walDirectory, segmentName(number));
      const bytes = await readSegment(files, path);
      if (bytes === null) {
        damagedRecords++;
        segments.push({ number, sizeBytes: 0, isDamaged: true });
        logger.error('log segment does not read', { path });
        continue;
      }
      if (bytes.length === 0) {
        // A crash came after its name and before its first bytes.
        await files.remove(path);
        continue;
      }
      const outcome = new WalSegmentReader(catalog, shapes).read(
        bytes,
        (batch) => this.restore(batch),
        (deletion) => this.delete(deletion),
      );
      const isDamaged = outcome.damagedRecords > 0;
      segments.push({ number, sizeBytes: bytes.length, isDamaged });
      damagedRecords += outcome.damagedRecords;
      onReplay({ found: 0, replayed: bytes.length });
      if (outcome.damagedRecords > 0) {
        logger.error('log segment has damaged records', { path, records: outcome.damagedRecords });
      } else if (outcome.unreadBytes > 0) {
        logger.warn('log segment ends in a write that was cut short', {
          path,
          bytes: outcome.unreadBytes,
        });
      }
    }
    await this.deleteFromFiles();
    return { segments, damagedRecords };
  }

  private restore(batch: PointsBatch): void {
    const { catalog, contents, cache } = this.parts;
    for (const group of batch.groups) {
      for (let row = 0; row < group.rows; row++) {
        if (group.seriesIds[row] >= 0) continue;
        group.seriesIds[row] = catalog.restore(
          batch.extra,
          group.keyStart[row],
          group.keyLength[row],
        );
      }
    }
    contents.onRestore(batch);
    for (const { group, from, to } of allRuns(batch)) cache.append(batch, group, from, to);
  }

  private delete({ seriesKeys, generation, minNs, maxNs, measurement }: DeletionRecord): void {
    const { catalog, cache, contents, fileStore } = this.parts;
    const seriesIds = new Set<number>();
    for (const key of seriesKeys) {
      const seriesId = catalog.find(key, 0, key.length, hashKey(key, 0, key.length));
      if (seriesId >= 0) seriesIds.add(seriesId);
    }
    cache.delete(seriesIds, { minNs, maxNs });
    const last = this.deletions[this.deletions.length - 1];
    const isSame =
      last?.generation === generation &&
      last.minNs === minNs &&
      last.maxNs === maxNs &&
      last.measurement === measurement;
    // One deletion of many series stands in several records.
    if (isSame) for (const seriesId of seriesIds) last.seriesIds.add(seriesId);
    else this.deletions.push({ seriesIds, generation, minNs, maxNs, measurement });
    if (measurement === '') return;
    contents.onMeasurementDropped(measurement, true);
    // Files newer than the deletion may hold the measurement anew.
    for (const reader of fileStore.checked()) {
      if (reader.id.generation >= generation) scanFileKeys(reader, catalog, contents);
    }
  }

  /** A crash may have come between the record and the tombstones. */
  private async deleteFromFiles(): Promise<void> {
    const { fileStore, catalog, contents, cache } = this.parts;
    const touched = new Set<number>();
    for (const deletion of this.deletions) {
      for (const reader of fileStore.checked()) {
        if (reader.id.generation < deletion.generation)
          await deleteFromFile(reader, catalog, deletion);
      }
      for (const seriesId of deletion.seriesIds) touched.add(seriesId);
    }
    if (touched.size === 0) return;
    const left = await seriesLeft(fileStore.checked(), catalog, touched);
    contents.onSeriesChecked(touched, left);
    contents.onSeriesGone([...touched].filter((id) => !left.has(id) && cache.lastRow(id) < 0));
  }
}

function isSame(key: Uint8Array, length: number, other: Uint8Array): boolean {
  if (other.length !== length) return false;
  for (let i = 0; i < length; i++) if (key[i] !== other[i]) return false;
  return true;
}
