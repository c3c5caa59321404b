/**
 * A store over any file system, with what tests do to it: write points as line protocol, delete, read everything back, end it
 * in an orderly way or not. Snapshots and compactions run in place.
 */
import type { FileSystem, Logger } from '#kernel';
import {
  allRuns,
  type ColumnBatch,
  FieldType,
  hashKey,
  LineParser,
  padBody,
  PointsBatch,
  ShapeTable,
} from '#models';
import { type Shard, type ShardIdentity, Store } from '#tsdb';
import { inPlaceCompactor, inPlaceSnapshotter } from '#tsm';
import type { ManualClock } from './manual-clock.js';
import { type NaivePoint, type NaiveValue, naiveLine } from './naive-store.js';

/** Types of the fields that tests write: one letter each. */
export const benchFieldTypes: Readonly<Record<string, FieldType>> = {
  f: FieldType.FLOAT,
  i: FieldType.INTEGER,
  b: FieldType.BOOLEAN,
  s: FieldType.STRING,
};

/** Where and how big. */
export interface StoreBenchOptions {
  readonly files: FileSystem;
  readonly clock: ManualClock;
  readonly logger: Logger;
  /** Ids of the shards of database `db`. */
  readonly shardIds: readonly number[];
  /** Folder of data and WAL. */
  readonly folder?: string;
  readonly snapshotBytes?: number;
  readonly cacheBytesMax?: number;
  /** Bytes of the series index' log from which it is written anew. */
  readonly indexLogBytesMax?: number;
}

/** What to delete. */
export interface BenchDeletion {
  readonly series: readonly string[];
  readonly minNs: bigint;
  readonly maxNs: bigint;
  /** Dropped with it, or ''. */
  readonly measurement: string;
}

/** See the header. */
export class StoreBench {
  private readonly parser: LineParser;
  readonly store: Store;

  constructor(private readonly options: StoreBenchOptions) {
    const { files, clock, logger, folder = '' } = options;
    const shapes = new ShapeTable();
    this.parser = new LineParser(shapes);
    this.store = new Store({
      files,
      clock,
      logger,
      shapes,
      snapshotter: inPlaceSnapshotter(files),
      compactor: inPlaceCompactor(files),
      config: {
        dir: `${folder}/data`,
        walDir: `${folder}/wal`,
        walFsyncDelayMs: 0,
        cacheSnapshotMemorySizeBytes: options.snapshotBytes ?? 2 ** 30,
        cacheSnapshotWriteColdDurationMs: 1e9,
        cacheMaxMemorySizeBytes: options.cacheBytesMax ?? 0,
        compactFullWriteColdDurationMs: 1e9,
        seriesPerDatabaseMax: 0,
        valuesPerTagMax: 0,
        ...(options.indexLogBytesMax === undefined
          ? {}
          : { indexLogFileSizeMaxBytes: options.indexLogBytesMax }),
      },
    });
  }

  async open(): Promise<void> {
    const { shardIds } = this.options;
    await this.store.open(
      shardIds.map((id): ShardIdentity => ({
        id,
        database: 'db',
        retentionPolicy: 'autogen',
        startNs: 0n,
        endNs: 2n ** 62n,
      })),
    );
  }

  /** An orderly end: everything goes to TSM files. */
  async close(): Promise<void> {
    await this.store.close();
  }

  shard(id: number): Shard {
    const shard = this.store.shard(id);
    if (shard === undefined) throw new TypeError(`shard ${id} is open`);
    return shard;
  }

  /** Keys of the series that a shard lists. */
  seriesOf(shardId: number): string[] {
    const index = this.store.index('db');
    return [...this.shard(shardId).series].map((id) =>
      new TextDecoder().decode(index.keyOf(id).slice()),
    );
  }

  /** Waits for what is done about files that turned out to be corrupt when they were read. */
  async settle(): Promise<void> {
    for (const id of this.options.shardIds) await this.store.shard(id)?.engine.idle();
  }

  /** Resolves when acknowledged; rejects when refused. */
  async write(shardId: number, points: readonly NaivePoint[]): Promise<void> {
    const body = new TextEncoder().encode(points.map(naiveLine).join('\n'));
    const batch = new PointsBatch();
    const { rejected } = this.parser.parse(
      {
        body: padBody(body),
        length: body.length,
        known: this.store.index('db'),
        precision: 'ns',
        defaultTime: () => 0n,
      },
      batch,
    );
    const outcome = await this.shard(shardId).write(batch, allRuns(batch));
    if (rejected.length > 0 || outcome.dropped > 0) {
      throw new TypeError(`points were dropped: ${outcome.reason} ${JSON.stringify(rejected)}`);
    }
  }

  /** Resolves when the deletion is durable. */
  async delete(shardId: number, deletion: BenchDeletion): Promise<void> {
    const shard = this.shard(shardId);
    const seriesIds = new Set<number>();
    for (const key of deletion.series) {
      const bytes = new TextEncoder().encode(key);
      const index = this.store.index('db');
      const seriesId = index.find(bytes, 0, bytes.length, hashKey(bytes, 0, bytes.length));
      if (seriesId >= 0 && shard.series.has(seriesId)) seriesIds.add(seriesId);
    }
    const { minNs, maxNs, measurement } = deletion;
    await shard.delete({ seriesIds, minNs, maxNs, measurement });
  }

  /** Every value of a field of a series in a shard, in order of time; a time that comes twice is there twice. */
  read(shardId: number, series: string, field: string): [bigint, NaiveValue][] {
    const shard = this.shard(shardId);
    const bytes = new TextEncoder().encode(series);
    const index = this.store.index('db');
    const seriesId = index.find(bytes, 0, bytes.length, hashKey(bytes, 0, bytes.length));
    if (seriesId < 0 || !shard.series.has(seriesId)) return [];
    const type = shard.fields.type(index.measurementIdOf[seriesId], field);
    if (type === null) return [];
    const view = shard.engine.view();
    try {
      const cursor = view.cursor({
        seriesId,
        seriesKey: bytes,
        fields: [{ name: field, type }],
        minNs: -(2n ** 63n),
        maxNs: 2n ** 63n - 1n,
        ascending: true,
        baseNs: 0n,
      });
      const found: [bigint, NaiveValue][] = [];
      for (let batch = cursor.next(0); batch !== null; batch = cursor.next(0)) {
        for (let i = 0; i < batch.count; i++) {
          found.push([batch.baseNs + BigInt(batch.offsets[i]), valueAt(batch, type, i)]);
        }
      }
      return found;
    } finally {
      view.release();
    }
  }
}

function valueAt(batch: ColumnBatch, type: FieldType, i: number): NaiveValue {
  if (batch.strings !== null) {
    const { bytes, offsets } = batch.strings;
    return new TextDecoder().decode(bytes.slice(offsets[i], offsets[i + 1]));
  }
  if (type === FieldType.INTEGER) {
    return batch.wide === null ? BigInt(batch.numbers[i]) : batch.wide[i];
  }
  return type === FieldType.BOOLEAN ? batch.numbers[i] === 1 : batch.numbers[i];
}
