/**
 * Takes over the log that InfluxDB left in a shard's WAL directory: replays its segments into the cache, and removes them once
 * the cache is in TSM files.
 * @see docs/formats/influxdb-wal.md
 */
import { dirname, join } from 'node:path';
import type { FileSystem, Logger } from '#kernel';
import { allRuns, FieldType, PointsBatch, type ShapeTable, stringInExtra } from '#models';
import type { Cache } from './cache/cache.js';
import { CachedSeriesReader } from './cache/cached-series.js';
import type { SeriesCatalog } from './catalog.js';
import type { ShardContents } from './engine-load.js';
import { findSeparator, SEPARATOR_BYTES } from './field-key.js';
import {
  type InfluxWalColumn,
  type InfluxWalEntry,
  parseInfluxWalName,
  readInfluxWal,
} from './influx-wal.js';
import { isUnreadable, Quarantine } from './quarantine.js';

/** What replaying stands on. */
export interface InfluxLogParts {
  readonly files: FileSystem;
  readonly logger: Logger;
  readonly walDirectory: string;
  readonly catalog: SeriesCatalog;
  readonly shapes: ShapeTable;
  readonly cache: Cache;
  readonly contents: ShardContents;
}

interface InfluxSegment {
  readonly path: string;
  /** What is wrong with its end, or null. */
  readonly fault: Error | null;
}

const decoder = new TextDecoder();

/** Segments of InfluxDB's log in one shard. */
export class InfluxLog {
  private segments: readonly InfluxSegment[] = [];

  /** True while segments are there. */
  get isPresent(): boolean {
    return this.segments.length > 0;
  }

  /** Replays what is there into the cache, which has to be empty. */
  async replay(parts: InfluxLogParts): Promise<void> {
    const { files, walDirectory, logger, cache, contents } = parts;
    const names = (await files.list(walDirectory))
      .map(({ name }) => name)
      .filter((name) => parseInfluxWalName(name) !== null)
      .sort((a, b) => Number(parseInfluxWalName(a)) - Number(parseInfluxWalName(b)));
    const segments: InfluxSegment[] = [];
    let entries = 0;
    for (const name of names) {
      const path = join(walDirectory, name);
      const bytes = await readSegment(files, path);
      const { entryCount, fault } =
        bytes instanceof Error
          ? { entryCount: 0, fault: bytes }
          : readInfluxWal(bytes, (entry) => replayEntry(entry, parts));
      if (fault !== null)
        logger.warn("end of a segment of InfluxDB's log does not read", {
          path,
          error: fault.message,
        });
      segments.push({ path, fault });
      entries += entryCount;
    }
    this.segments = segments;
    if (entries === 0) return;
    logger.info("InfluxDB's log replayed", {
      path: walDirectory,
      segments: segments.length,
      entries,
    });
    // Only now: what was deleted in between must not leave series and types behind.
    const reader = new CachedSeriesReader([cache]);
    for (const seriesId of cache.seriesIds) {
      reader.load(seriesId, null);
      for (const { name, type } of reader.fields()) contents.onFileKey(seriesId, name, type, false);
    }
  }

  /** Removes the segments, oldest first; those that did not read to their end are kept aside. */
  async remove(files: FileSystem, logger: Logger): Promise<void> {
    const quarantine = new Quarantine(files, logger);
    while (this.segments.length > 0) {
      const [{ path, fault }, ...rest] = this.segments;
      if (fault !== null) await quarantine.putAside(path, fault);
      else {
        await files.remove(path);
        await files.syncDirectory(dirname(path));
      }
      this.segments = rest;
    }
  }
}

/** The segment's bytes, or why the disk does not give them back: it counts as damaged from its beginning. */
async function readSegment(files: FileSystem, path: string): Promise<Uint8Array | Error> {
  try {
    return await files.readFile(path);
  } catch (error) {
    if (isUnreadable(error)) return error as Error;
    throw error;
  }
}

function replayEntry(entry: InfluxWalEntry, parts: InfluxLogParts): void {
  if (entry.kind === 'write') {
    const batch = new PointsBatch();
    for (const column of entry.columns) addColumn(batch, column, parts);
    for (const { group, from, to } of allRuns(batch)) parts.cache.append(batch, group, from, to);
    return;
  }
  const { minNs, maxNs } = entry;
  for (const key of entry.keys) {
    const { seriesKey, field } = splitKey(key);
    const seriesId = parts.catalog.restore(seriesKey, 0, seriesKey.length);
    parts.cache.delete(
      [seriesId],
      { minNs, maxNs },
      ({ names }) => field === null || names[0] === field,
    );
  }
}

/** Adds a column as rows of a single field. */
function addColumn(
  batch: PointsBatch,
  column: InfluxWalColumn,
  { shapes, catalog }: InfluxLogParts,
): void {
  const { seriesKey, field } = splitKey(column.key);
  const shape = field === null ? null : shapes.intern([{ name: field, type: column.type }]);
  if (shape === null) return;
  const seriesId = catalog.restore(seriesKey, 0, seriesKey.length);
  const group = batch.group(shape);
  while (group.capacity < group.rows + column.count) group.grow();
  for (let i = 0; i < column.count; i++) {
    const row = group.rows++;
    group.seriesIds[row] = seriesId;
    group.pointNumbers[row] = batch.pointCount++;
    batch.setTime(group, row, column.timesNs[i]);
    if (column.strings !== null) {
      const { bytes, offsets } = column.strings;
      const value = bytes.subarray(offsets[i], offsets[i + 1]);
      group.values[row] = stringInExtra(batch.addExtra(value), value.length);
    } else if (column.wide !== null && column.type !== FieldType.FLOAT) {
      batch.setInteger(group, row, column.wide[i]);
    } else {
      group.values[row] = column.numbers[i];
    }
  }
  batch.valueCount += column.count;
}

function splitKey(key: Uint8Array): {
  readonly seriesKey: Uint8Array;
  readonly field: string | null;
} {
  const at = findSeparator(key);
  if (at < 0) return { seriesKey: key.slice(), field: null };
  return {
    seriesKey: key.slice(0, at),
    field: decoder.decode(key.subarray(at + SEPARATOR_BYTES.length)),
  };
}
