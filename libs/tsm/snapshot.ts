/**
 * Writes a frozen cache to TSM files: series in order of their keys, fields in order of their names, blocks of up to 1000
 * values whose times are encoded once for all fields that share them. Runs in a worker thread or in place.
 */
import { join } from 'node:path';
import type { FileSystem } from '#kernel';
import { compareBytes, SharedKeyReader, type SharedKeys } from '#models';
import { BlockBuilder } from './block.js';
import { type FrozenCache, openFrozen } from './cache/cache.js';
import { type CachedColumn, type CachedField, CachedSeriesReader } from './cache/cached-series.js';
import { SeriesRows } from './cache/series-rows.js';
import { BLOCK_VALUES, FIELD_SEPARATOR, tsmFileName } from './tsm-format.js';
import { publishTsmFiles, type TsmFileSummary, TsmWriter } from './tsm-writer.js';

/** A cache to write. All of it can be sent to another thread. */
export interface SnapshotJob {
  readonly cache: FrozenCache;
  readonly keys: SharedKeys;
  readonly directory: string;
  readonly generation: number;
}

/** Runs snapshots, here or in a worker. */
export interface Snapshotter {
  /** Resolves with the files, which have their final names and are durable. */
  run(job: SnapshotJob): Promise<readonly TsmFileSummary[]>;
  close(): Promise<void>;
}

const encoder = new TextEncoder();
const SEPARATOR = encoder.encode(FIELD_SEPARATOR);

/** Writes the files of a job. A failure leaves at most `.tmp` files. */
export async function writeSnapshot(
  files: FileSystem,
  job: SnapshotJob,
): Promise<readonly TsmFileSummary[]> {
  const work = new SnapshotWork(files, job);
  try {
    return await work.run();
  } catch (error) {
    await work.abort();
    throw error;
  }
}

class SnapshotWork {
  private readonly keys: SharedKeyReader;
  private readonly reader: CachedSeriesReader;
  /** By number of the block in a whole column. */
  private readonly builders: BlockBuilder[] = [];
  private readonly partial = new BlockBuilder();
  private readonly fieldNames = new Map<string, Uint8Array>();
  private readonly done: TsmFileSummary[] = [];
  private writer: TsmWriter | null = null;
  private sequence = 1;
  private key = new Uint8Array(256);

  constructor(
    private readonly files: FileSystem,
    private readonly job: SnapshotJob,
  ) {
    this.keys = new SharedKeyReader(job.keys);
    const cache = openFrozen(job.cache);
    const { seriesIds, rowCount } = job.cache;
    this.reader = new CachedSeriesReader([cache], SeriesRows.of(cache.chunks, seriesIds, rowCount));
  }

  async run(): Promise<readonly TsmFileSummary[]> {
    const { keys } = this;
    const seriesIds = this.job.cache.seriesIds.slice();
    seriesIds.sort((a, b) => keys.compareWithSuffix(a, b, SEPARATOR));
    for (const seriesId of seriesIds) await this.writeSeries(seriesId);
    if (this.writer !== null) this.done.push(await this.writer.finish());
    this.writer = null;
    await publishTsmFiles(this.files, this.done);
    return this.done;
  }

  async abort(): Promise<void> {
    await this.writer?.abort().catch(() => undefined);
    for (const { temporaryPath } of this.done)
      await this.files.remove(temporaryPath).catch(() => undefined);
  }

  private async writeSeries(seriesId: number): Promise<void> {
    const { reader } = this;
    reader.load(seriesId, null);
    const seriesKey = this.keys.bytesOf(seriesId);
    const fields = [...reader.fields()].map((field) => ({
      field,
      name: this.nameBytes(field.name),
    }));
    fields.sort((a, b) => compareBytes(a.name, b.name));
    let timesAreSet = false;
    for (const { field, name } of fields) {
      const column = reader.column(field.name, field.type);
      const key = this.joinKey(seriesKey, name);
      for (let from = 0, b = 0; from < column.count; from += BLOCK_VALUES, b++) {
        const count = Math.min(BLOCK_VALUES, column.count - from);
        const builder = column.isWhole ? (this.builders[b] ??= new BlockBuilder()) : this.partial;
        if (!column.isWhole || !timesAreSet) setTimes(builder, column, from, count);
        await this.addBlock(key, { field, column, from, count, builder });
      }
      timesAreSet ||= column.isWhole;
    }
  }

  private async addBlock(
    key: Uint8Array,
    part: {
      readonly field: CachedField;
      readonly column: CachedColumn;
      readonly from: number;
      readonly count: number;
      readonly builder: BlockBuilder;
    },
  ): Promise<void> {
    const { field, column, from, count, builder } = part;
    const values = {
      numbers: column.numbers.subarray(from, from + count),
      wide: column.wide === null ? null : column.wide.subarray(from, from + count),
      strings:
        column.strings === null
          ? null
          : {
              bytes: column.strings.bytes,
              offsets: column.strings.offsets.subarray(from, from + count + 1),
            },
    };
    const block = builder.build(field.type, values, count);
    if (this.writer !== null && !this.writer.hasRoom(key, block.length)) {
      this.done.push(await this.writer.finish());
      this.writer = null;
    }
    this.writer ??= await this.createWriter();
    const minNs = timeAt(column, from);
    const maxNs = timeAt(column, from + count - 1);
    if (!this.writer.add(key, field.type, minNs, maxNs, block)) await this.writer.drained();
  }

  private createWriter(): Promise<TsmWriter> {
    const { directory, generation } = this.job;
    const name = tsmFileName({ generation, sequence: this.sequence++ });
    return TsmWriter.create(this.files, join(directory, name));
  }

  private nameBytes(name: string): Uint8Array {
    let bytes = this.fieldNames.get(name);
    if (bytes === undefined) {
      bytes = encoder.encode(name);
      this.fieldNames.set(name, bytes);
    }
    return bytes;
  }

  private joinKey(seriesKey: Uint8Array, name: Uint8Array): Uint8Array {
    const length = seriesKey.length + SEPARATOR.length + name.length;
    if (this.key.length < length) this.key = new Uint8Array(length * 2);
    this.key.set(seriesKey);
    this.key.set(SEPARATOR, seriesKey.length);
    this.key.set(name, seriesKey.length + SEPARATOR.length);
    return this.key.subarray(0, length);
  }
}

function setTimes(builder: BlockBuilder, column: CachedColumn, from: number, count: number): void {
  if (column.wideTimes !== null) {
    builder.setWideTimes(column.wideTimes.subarray(from, from + count), count);
  } else {
    builder.setTimes(column.offsets.subarray(from, from + count), count, column.baseNs);
  }
}

function timeAt(column: CachedColumn, i: number): bigint {
  return column.wideTimes === null
    ? column.baseNs + BigInt(column.offsets[i])
    : column.wideTimes[i];
}
