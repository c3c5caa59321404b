/**
 * The index of one database on disk: an image and the log of what has changed since, in a folder of its own. Everything in it
 * can be had from the TSM files again: what is missing, damaged or out of date costs time at a start and never an answer. So
 * nothing here ever fails a write or a start.
 *
 * @see docs/formats/series-index.md
 */
import { join } from 'node:path';
import {
  type Clock,
  type FileSystem,
  type Logger,
  messageOf,
  type OpenFile,
  TidegateError,
  workInTurns,
} from '#kernel';
import { SeriesIndexError } from '../errors.js';
import { SeriesIndex } from '../series-index.js';
import { SeriesSet } from '../series-set.js';
import { encodeChange, readLog, SeriesNumbers, type ShardChange } from './changes.js';
import { FrameKind, FrameReader, FrameWriter } from './frames.js';
import { imageOf, readImage, writeImage } from './image.js';
import { PayloadWriter } from './payload.js';
import type { StoredShard } from './shard-state.js';

/** What a storage stands on. */
export interface IndexStorageParts {
  readonly files: FileSystem;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Folder of the database's index. */
  readonly directory: string;
  /** Bytes of log from which a new image is written, where the image is not much larger; `max-index-log-file-size`. */
  readonly logBytesMax: number;
  /** All shards of the database as they are now, by id. */
  readonly shards: () => ReadonlyMap<number, StoredShard>;
}

/** What was found on disk. */
export interface LoadedShards {
  readonly shards: ReadonlyMap<number, StoredShard>;
  /** True when the index was closed in an orderly way: whatever differs since, somebody else has changed. */
  readonly wasClosed: boolean;
}

const NOTHING: LoadedShards = { shards: new Map(), wasClosed: false };
const NAME = /^(\d{9})\.(tgidx|tgilog|tgidx\.tmp)$/;
/** A log may grow to one part in so many of the image; at an orderly end, when there is time, to less. */
const LOG_PART = 2;
const LOG_PART_AT_CLOSE = 8;
/** Series that are gone and may stay in the files, whatever their share. */
const GONE_SERIES_KEPT = 10_000;
/** Pause after an image that could not be written. */
const RETRY_MS = 60_000;
/** Series copied before others get their turn. */
const COPIED_AT_ONCE = 20_000;
/** Series that are sorted for an image while the server runs, which takes a few milliseconds. */
const SORTED_AT_ONCE_MAX = 10_000;

/** See the header. Calls queue. */
export class IndexStorage {
  private generation = 0;
  private log: { readonly file: OpenFile; readonly writer: FrameWriter } | null = null;
  private numbers = new SeriesNumbers();
  private imageBytes = 0;
  /** Series whose order the image has. */
  private imageSortedCount = 0;
  /** True when the log cannot be gone on with: an image has to be written first. */
  private isBroken = false;
  private isClosed = false;
  private isImageAsked = false;
  private retryAtMs = Number.NEGATIVE_INFINITY;
  private last: Promise<void> = Promise.resolve();
  /** What has been read of the files at loading, and their size. */
  readonly progress = { doneBytes: 0, totalBytes: 0 };
  /** Images and logs put aside because they did not read. */
  badFileCount = 0;

  constructor(
    private readonly index: SeriesIndex,
    private readonly parts: IndexStorageParts,
  ) {}

  /** Reads what there is into the index, which has to be empty. Never rejects. */
  async load(): Promise<LoadedShards> {
    const { logger, directory } = this.parts;
    try {
      await this.parts.files.makeDirectory(directory);
      const loaded = await this.read();
      if (this.log === null) await this.begin(false);
      else await this.log.writer.add(FrameKind.OPENED, []);
      await this.log?.writer.flush();
      return loaded;
    } catch (error) {
      this.isBroken = true;
      logger.warn('series index cannot be kept; it is made anew at each start', {
        path: directory,
        error: messageOf(error),
      });
      return NOTHING;
    }
  }

  /** Takes note of a change, durably. Never rejects: what could not be noted is found out at the next start. */
  record(change: ShardChange): Promise<void> {
    const recorded = this.run(async () => {
      if (this.isBroken || this.log === null) return;
      const { writer } = this.log;
      await writer.add(FrameKind.SHARD_CHANGED, [encodeChange(change, this.index, this.numbers)]);
      await writer.sync();
    });
    return recorded.then(() => {
      if (this.isImageAsked || !(this.isBroken || this.isImageDue(LOG_PART))) return;
      if (this.parts.clock.monotonicMs() < this.retryAtMs) return;
      this.isImageAsked = true;
      void this.run(() => this.rewrite());
    });
  }

  /** Takes note that a shard is no more. */
  forgetShard(id: number): Promise<void> {
    return this.run(async () => {
      await this.log?.writer.add(FrameKind.SHARD_GONE, [new PayloadWriter().varint(id).bytes]);
      await this.log?.writer.flush();
    });
  }

  /** Notes an orderly end. */
  async close(): Promise<void> {
    await this.run(async () => {
      const isUnsorted = this.imageSortedCount + SORTED_AT_ONCE_MAX < this.index.seriesCount;
      if (isUnsorted || this.isBroken || this.isImageDue(LOG_PART_AT_CLOSE)) {
        await this.rewrite(Number.POSITIVE_INFINITY);
      }
      await this.log?.writer.add(FrameKind.CLOSED, []);
      await this.log?.writer.sync();
    });
    this.isClosed = true;
    await this.log?.file.close().catch(() => undefined);
    this.log = null;
  }

  /** Removes it from disk; for a database that is dropped. */
  async remove(): Promise<void> {
    this.isClosed = true;
    await this.last;
    await this.log?.file.close().catch(() => undefined);
    this.log = null;
    await this.removeAllBut(-1);
  }

  private run(work: () => Promise<void>): Promise<void> {
    this.last = this.last.then(async () => {
      if (this.isClosed) return;
      try {
        await work();
      } catch (error) {
        if (!this.isBroken) {
          this.parts.logger.warn('series index cannot be kept up; it is written anew later', {
            path: this.parts.directory,
            error: messageOf(error),
          });
        }
        this.isBroken = true;
      }
    });
    return this.last;
  }

  /** True when a new image is due: the log is long, or most of the series that the files have are gone. */
  private isImageDue(part: number): boolean {
    if (this.numbers.nextNumber > 2 * this.index.seriesCount + GONE_SERIES_KEPT) return true;
    const sizeBytes = this.log?.writer.sizeBytes ?? 0;
    return sizeBytes > this.parts.logBytesMax && sizeBytes * part > this.imageBytes;
  }

  private path(generation: number, suffix: string): string {
    return join(this.parts.directory, `${String(generation).padStart(9, '0')}.${suffix}`);
  }

  /** Generations of which there are files with a suffix, newest first. */
  private async generations(suffix: string): Promise<number[]> {
    const entries = await this.parts.files.list(this.parts.directory);
    return entries
      .map(({ name }) => NAME.exec(name))
      .filter((found) => found?.[2] === suffix)
      .map((found) => Number(found?.[1]))
      .sort((a, b) => b - a);
  }

  private async read(): Promise<LoadedShards> {
    const [images, logs] = [await this.generations('tgidx'), await this.generations('tgilog')];
    for (const name of [
      this.path(images[0] ?? 0, 'tgidx'),
      this.path(images[0] ?? logs.at(-1) ?? 0, 'tgilog'),
    ])
      this.progress.totalBytes += (await this.parts.files.stat(name))?.sizeBytes ?? 0;
    this.generation = Math.max(0, ...images, ...logs);
    const shards = images.length > 0 ? await this.readImage(images[0]) : new Map();
    // A log goes with the image of its generation; without any image, only that of an index which had none is of use.
    const generation = images[0] ?? logs[logs.length - 1];
    if (shards === null || generation === undefined || !logs.includes(generation)) {
      if (shards !== null && images.length > 0) this.isBroken = true;
      this.numbers = SeriesNumbers.identity(this.index.idCount);
      return { shards: shards ?? new Map(), wasClosed: false };
    }
    const wasClosed = await this.readLog(generation, images.length > 0, shards);
    this.numbers = SeriesNumbers.identity(this.index.idCount);
    if (!this.isBroken) await this.removeAllBut(generation);
    return { shards, wasClosed };
  }

  /** Counts what has been read of a file. */
  private *reading<T>(work: Generator<void, T>, reader: FrameReader): Generator<void, T> {
    const { progress } = this;
    const before = progress.doneBytes;
    for (;;) {
      const step = work.next();
      progress.doneBytes = before + reader.at;
      if (step.done === true) return step.value;
      yield;
    }
  }

  /** Null when it is not sound: it is put aside, and the log that goes with it is of no use. */
  private async readImage(generation: number): Promise<Map<number, StoredShard> | null> {
    const path = this.path(generation, 'tgidx');
    const opened = await FrameReader.open(this.parts.files, path);
    if (opened === null) return null;
    try {
      const shards = await workInTurns(
        this.reading(readImage(opened.reader, this.index), opened.reader),
      );
      this.imageBytes = opened.reader.at;
      this.imageSortedCount = sortedCount(this.index);
      return shards;
    } catch (error) {
      if (!isUnsound(error)) throw error;
      await this.putAside(path, error);
      return null;
    } finally {
      await opened.close();
    }
  }

  /** True when it ends in an orderly way. */
  private async readLog(
    generation: number,
    hasImage: boolean,
    shards: Map<number, StoredShard>,
  ): Promise<boolean> {
    const { files, logger } = this.parts;
    const path = this.path(generation, 'tgilog');
    const opened = await FrameReader.open(files, path);
    if (opened === null) return false;
    let outcome;
    try {
      opened.reader.begin();
      opened.reader.expect(FrameKind.COUNTS);
      // One byte: whether an image goes with it.
      const isBehindImage = opened.reader.read()[0] === 1;
      if (isBehindImage !== hasImage) throw opened.reader.corrupt('its image is missing');
      outcome = await workInTurns(
        this.reading(readLog(opened.reader, this.index, shards), opened.reader),
      );
    } catch (error) {
      if (!isUnsound(error)) throw error;
      outcome = { wasClosed: false, sizeBytes: 0, crc: 0, fault: error as Error };
    } finally {
      await opened.close();
    }
    if (outcome.fault !== null) {
      if (!isUnsound(outcome.fault)) throw outcome.fault;
      this.isBroken = true;
      logger.warn('log of the series index ends early; what is missing is read from TSM files', {
        path,
        error: outcome.fault.message,
      });
      return false;
    }
    const file = await files.open(path, 'write');
    this.log = { file, writer: new FrameWriter(file, outcome) };
    return outcome.wasClosed;
  }

  /** Begins a log. */
  private async begin(hasImage: boolean): Promise<void> {
    const { files, directory } = this.parts;
    if (!hasImage) {
      this.numbers = new SeriesNumbers();
      if (this.generation > 0 || this.index.idCount > 0) {
        // Nothing that is there is of use: the first image replaces it.
        this.isBroken = true;
        return;
      }
      this.generation++;
    }
    const path = this.path(this.generation, 'tgilog');
    await files.remove(path);
    const file = await files.open(path, 'create');
    const writer = new FrameWriter(file);
    this.log = { file, writer };
    writer.begin();
    await writer.add(FrameKind.COUNTS, [Uint8Array.of(hasImage ? 1 : 0)]);
    await writer.add(FrameKind.OPENED, []);
    await writer.sync();
    if (!hasImage) await files.syncDirectory(directory);
  }

  /**
   * Writes the next generation: image, log, names; then removes the one before.
   * @param sortMax series that may be sorted for it
   */
  private async rewrite(sortMax: number = SORTED_AT_ONCE_MAX): Promise<void> {
    const { files, directory } = this.parts;
    this.isBroken = true;
    this.isImageAsked = false;
    this.retryAtMs = this.parts.clock.monotonicMs() + RETRY_MS;
    await files.makeDirectory(directory);
    await this.log?.file.close();
    this.log = null;
    const { frames, numbers, sorted } = await this.picture(sortMax);
    this.generation++;
    const path = this.path(this.generation, 'tgidx');
    await files.remove(`${path}.tmp`);
    const file = await files.open(`${path}.tmp`, 'create');
    try {
      const writer = new FrameWriter(file);
      await writeImage(writer, frames);
      this.imageBytes = writer.sizeBytes;
    } finally {
      await file.close();
    }
    await this.begin(true);
    await files.rename(`${path}.tmp`, path);
    await files.syncDirectory(directory);
    this.numbers = numbers;
    this.imageSortedCount = sorted;
    this.isBroken = false;
    this.retryAtMs = Number.NEGATIVE_INFINITY;
    await this.removeAllBut(this.generation);
  }

  /** An image of what there is now, without series that are gone, and the numbers that series have in it. */
  private async picture(sortMax: number): Promise<{
    frames: ReturnType<typeof imageOf>;
    numbers: SeriesNumbers;
    sorted: number;
  }> {
    const { index, parts } = this;
    if (index.goneSeriesCount === 0) {
      sortSome(index, sortMax);
      const numbers = SeriesNumbers.identity(index.idCount);
      return { frames: imageOf(index, parts.shards()), numbers, sorted: sortedCount(index) };
    }
    const copy = new SeriesIndex();
    const numbers = new SeriesNumbers();
    const take = (id: number): number => {
      const known = numbers.get(id);
      if (known >= 0) return known;
      const key = index.keyOf(id);
      copy.restore(key, 0, key.length);
      return numbers.add(id);
    };
    const count = index.idCount;
    for (let id = 0; id < count; id++) {
      if (!index.isGone(id)) take(id);
      if (id % COPIED_AT_ONCE === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    // From here on at once: what shards hold and what the image has must be of one moment.
    const shards = new Map<number, StoredShard>();
    for (const [id, { files, series, fields }] of parts.shards()) {
      shards.set(id, { files, fields, series: SeriesSet.of(series.toArray().map(take)) });
    }
    sortSome(copy, sortMax);
    return { frames: imageOf(copy, shards), numbers, sorted: sortedCount(copy) };
  }

  private async removeAllBut(generation: number): Promise<void> {
    const { files, directory } = this.parts;
    for (const { name } of await files.list(directory)) {
      const found = NAME.exec(name);
      const isKept = Number(found?.[1]) === generation && !name.endsWith('.tmp');
      if (found !== null && !isKept) await files.remove(join(directory, name));
    }
  }

  private async putAside(path: string, reason: unknown): Promise<void> {
    const { files, logger, directory } = this.parts;
    let to = `${path}.bad`;
    for (let number = 2; (await files.stat(to)) !== null; number++) to = `${path}.bad.${number}`;
    await files.rename(path, to);
    await files.syncDirectory(directory);
    this.badFileCount++;
    logger.error('series index is corrupt, was renamed aside, and is made anew from TSM files', {
      path,
      to,
      reason: messageOf(reason),
    });
  }
}

/** Series whose order is known. */
function sortedCount(index: SeriesIndex): number {
  let count = 0;
  for (const { order, seriesCount } of index.measurements)
    if (order.sortedCount === seriesCount) count += seriesCount;
  return count;
}

/** Sorts measurements as long as it takes little time. */
function sortSome(index: SeriesIndex, sortMax: number): void {
  let left = sortMax;
  for (const measurement of index.measurements) {
    const unsorted = measurement.seriesCount - measurement.order.sortedCount;
    if (unsorted > left) continue;
    left -= unsorted;
    index.orderOf(measurement);
  }
}

/** True for what is wrong with a file, as opposed to a lack of rights or memory. */
function isUnsound(error: unknown): boolean {
  if (error instanceof SeriesIndexError) return true;
  if (error instanceof TidegateError) return error.code.startsWith('encoding.');
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'EIO';
}
