/**
 * What a database holds, in numbers: series and fields of each measurement, values of each tag, bytes of its blocks. Reads
 * indexes and logs, no blocks.
 */
import { hashKey } from '#models';
import type { SeriesIndex } from '#series-index';
import { FIELD_SEPARATOR, IndexEntries } from '#tsm';
import type { InspectedShard } from './inspected-store.js';

/** A tag of a measurement. */
export interface TagReport {
  readonly key: string;
  readonly valueCount: number;
}

/** A measurement over all shards that were opened. */
export interface MeasurementReport {
  readonly name: string;
  readonly seriesCount: number;
  readonly fields: readonly string[];
  readonly tags: readonly TagReport[];
  /** Of its blocks in TSM files; what only the log has is not counted. */
  readonly blockBytes: number;
  readonly blockCount: number;
}

/** A database. */
export interface DatabaseReport {
  readonly seriesCount: number;
  readonly shardCount: number;
  readonly fileCount: number;
  readonly fileBytes: number;
  /** Files that did not open. */
  readonly corruptFileCount: number;
  /** Ordered by name. */
  readonly measurements: readonly MeasurementReport[];
}

const SEPARATOR = new TextEncoder().encode(FIELD_SEPARATOR);

/** Reports on shards of one database, all opened by the store that `index` is of. */
export function reportDatabase(
  index: SeriesIndex,
  shards: readonly InspectedShard[],
): DatabaseReport {
  const blocks = countBlocks(index, shards);
  const readers = shards.flatMap(({ shard }) => shard.engine.fileStore.current);
  const measurements = index.measurements
    .map((measurement): MeasurementReport => {
      const fields = new Set<string>();
      for (const { shard } of shards) {
        for (const name of shard.fields.fields(measurement.id).keys()) fields.add(name);
      }
      return {
        name: measurement.name,
        seriesCount: measurement.seriesIds
          .subarray(0, measurement.seriesCount)
          .filter((id) => !index.isGone(id)).length,
        fields: [...fields].sort(),
        tags: measurement.tagKeys.map((key) => ({
          key,
          valueCount: measurement.column(key)?.liveValueCount ?? 0,
        })),
        blockBytes: blocks[measurement.id]?.sizeBytes ?? 0,
        blockCount: blocks[measurement.id]?.count ?? 0,
      };
    })
    .filter(({ seriesCount, blockBytes }) => seriesCount > 0 || blockBytes > 0)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  return {
    seriesCount: index.seriesCount,
    shardCount: shards.length,
    fileCount: readers.length,
    fileBytes: readers.reduce((sum, reader) => sum + reader.sizeBytes, 0),
    corruptFileCount: shards.reduce((n, { shard }) => n + shard.engine.fileStore.badFileCount, 0),
    measurements,
  };
}

/** Blocks in TSM files by measurement id. */
function countBlocks(
  index: SeriesIndex,
  shards: readonly InspectedShard[],
): { sizeBytes: number; count: number }[] {
  const byMeasurement: { sizeBytes: number; count: number }[] = [];
  const entries = new IndexEntries();
  for (const { shard } of shards) {
    for (const reader of shard.engine.fileStore.current) {
      const scanner = reader.scan();
      while (scanner.next(entries)) {
        const { key } = scanner;
        const length = seriesKeyLength(key);
        const seriesId = index.find(key, 0, length, hashKey(key, 0, length));
        if (seriesId < 0) continue;
        const sum = (byMeasurement[index.measurementIdOf[seriesId]] ??= { sizeBytes: 0, count: 0 });
        sum.count += entries.count;
        for (let i = 0; i < entries.count; i++) sum.sizeBytes += entries.sizesBytes[i];
      }
    }
  }
  return byMeasurement;
}

/** Bytes before the separator of series key and field. */
function seriesKeyLength(key: Uint8Array): number {
  for (let at = key.indexOf(SEPARATOR[0]); at >= 0; at = key.indexOf(SEPARATOR[0], at + 1)) {
    if (SEPARATOR.every((byte, i) => key[at + i] === byte)) return at;
  }
  return key.length;
}
