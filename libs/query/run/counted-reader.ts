/**
 * Storage as a SELECT reads it, with the blocks counted that it decodes: for EXPLAIN ANALYZE.
 */
import type {
  DecodedBlocks,
  SeriesCursor,
  SeriesSweep,
  ShardView,
  StorageReader,
  StorageView,
} from '../ports.js';

/** As many as there are types of fields. */
const TYPES = 5;

/** Opens views whose shards count, for each measurement, what is decoded. */
export class CountedReader implements StorageReader {
  readonly #reader: StorageReader;
  /** By view in order of opening, then by measurement and shard. */
  readonly #views: Map<string, DecodedBlocks>[] = [];

  constructor(reader: StorageReader) {
    this.#reader = reader;
  }

  view(source: Parameters<StorageReader['view']>[0]): StorageView {
    const view = this.#reader.view(source);
    const counts = new Map<string, DecodedBlocks>();
    this.#views.push(counts);
    return countedView(view, (measurement, shardId) => {
      const key = keyOf(measurement, shardId);
      let decoded = counts.get(key);
      if (!decoded) {
        decoded = { blocks: new Float64Array(TYPES), sizesBytes: new Float64Array(TYPES) };
        counts.set(key, decoded);
      }
      return decoded;
    });
  }

  /** What was decoded of a measurement in one shard through the view opened as number `view`; null for nothing. */
  decoded(view: number, measurement: string, shardId: number): DecodedBlocks | null {
    return this.#views[view]?.get(keyOf(measurement, shardId)) ?? null;
  }
}

type Counter = (measurement: string, shardId: number) => DecodedBlocks;

function keyOf(measurement: string, shardId: number): string {
  return `${shardId} ${measurement}`;
}

function countedView(view: StorageView, counter: Counter): StorageView {
  return {
    shards: view.shards.map((shard) => countedShard(shard, counter)),
    measurementNames: () => view.measurementNames(),
    fields: (measurement) => view.fields(measurement),
    tagKeys: (measurement) => view.tagKeys(measurement),
    series: (measurement, required) => view.series(measurement, required),
    close: () => {
      view.close();
    },
  };
}

function countedShard(shard: ShardView, counter: Counter): ShardView {
  const { id, startNs, endNs } = shard;
  return {
    id,
    startNs,
    endNs,
    fieldType: (measurement, field) => shard.fieldType(measurement, field),
    hasSeries: (seriesId) => shard.hasSeries(seriesId),
    cursor: (request): SeriesCursor =>
      shard.cursor({ ...request, decoded: counter(request.measurement, id) }),
    sweep: (request): SeriesSweep | null =>
      shard.sweep?.({ ...request, decoded: counter(request.measurement, id) }) ?? null,
  };
}
