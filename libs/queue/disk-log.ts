/**
 * Records in segment files of one directory. Appends are written in order, those that wait together by one call; the newest
 * are kept in memory, so that a reader who keeps up never touches the disk. Damage costs the record it is in; nothing
 * keeps a queue from opening. Talks to the file system; knows nothing of readers.
 */
import { join } from 'node:path';
import { type FileSystem, type Logger, messageOf, type OpenFile } from '#kernel';
import { BufferPool } from './buffer-pool.js';
import { QueueError } from './errors.js';
import { RecentRecords } from './recent-records.js';
import {
  entryBytes,
  laterMark,
  type Mark,
  markBehind,
  ORIGIN,
  type QueueEntry,
  type QueueRecord,
  type ReadOutcome,
  RECORD_HEADER_BYTES,
  type RecordLog,
  type Span,
} from './record.js';
import {
  encodeRecordHeader,
  encodeSegmentHeader,
  SEGMENT_HEADER_BYTES,
  segmentName,
} from './segment-format.js';
import { readHeader, readRecord, type ReadStep } from './segment-reader.js';
import type { Segment } from './segment.js';
import { loadSegments } from './segment-load.js';

/** What a log on disk is made of. */
export interface DiskLogOptions {
  readonly files: FileSystem;
  readonly directory: string;
  readonly logger: Logger;
  /** Size from which a segment is followed by the next; also what is dropped at one time. */
  readonly segmentBytes: number;
  /** Newest records kept in memory. */
  readonly recentBytesMax: number;
  /** Whether appends wait until their bytes are durable; else they wait until they are written, and `sync` makes them durable. */
  readonly isSyncedAtOnce: boolean;
}

interface Waiting {
  readonly start: Mark;
  readonly end: Mark;
  readonly timeNs: bigint;
  /** Header and payload. */
  readonly bytes: readonly Uint8Array[];
  readonly sizeBytes: number;
  /** The copy in memory, or null. */
  readonly record: QueueRecord | null;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Bytes that may wait for the disk; beyond, appends are refused. */
const UNWRITTEN_BYTES_MAX = 128 * 2 ** 20;
/** Files kept open for reading. */
const FILES_OPEN_MAX = 4;

/** See the header. */
export class DiskLog implements RecordLog {
  private segments: Segment[] = [];
  /** Takes appends; the last of the segments. */
  private current: Segment | null = null;
  private next: Mark = ORIGIN;
  isHeld: (offset: number) => boolean = () => true;
  private readonly recent: RecentRecords;
  private readonly pool = new BufferPool();
  /** Those who wait until something more is written. */
  private readonly readers: (() => void)[] = [];
  private waiting: Waiting[] = [];
  private waitingBytes = 0;
  private running: Promise<void> | null = null;
  private isDirty = false;
  /** Whether the current segment is to be followed by another whatever its size. */
  private isEndWanted = false;
  private isOpen = false;

  constructor(private readonly options: DiskLogOptions) {
    this.recent = new RecentRecords(options.recentBytesMax, ({ start, payload }) => {
      if (!this.isHeld(start.offset)) this.pool.give(payload);
    });
  }

  get recentBytesMax(): number {
    return this.options.recentBytesMax;
  }

  get end(): Mark {
    return this.next;
  }

  /** The segment that takes appends is none yet. */
  get spans(): readonly Span[] {
    return this.segments.filter((segment) => segment !== this.current);
  }

  get sizeBytes(): number {
    return this.segments.reduce((sum, segment) => sum + segment.dataBytes, this.waitingBytes);
  }

  get memoryBytes(): number {
    return this.recent.sizeBytes;
  }

  async open(isEndKept: Mark): Promise<void> {
    if (this.isOpen) return;
    const { files, directory, logger } = this.options;
    await files.makeDirectory(directory);
    this.segments = await loadSegments(files, directory, logger);
    const last = this.segments.at(-1);
    // What was torn at the end of the last segment stays there, under offsets that nobody uses.
    const torn: Mark =
      last === undefined
        ? ORIGIN
        : { ...last.end, offset: Math.max(last.end.offset, last.start.offset + last.dataBytes) };
    this.next = {
      offset: Math.max(torn.offset, isEndKept.offset),
      records: Math.max(torn.records, isEndKept.records),
      items: Math.max(torn.items, isEndKept.items),
    };
    if (last !== undefined) last.end = this.next;
    this.isOpen = true;
  }

  async close(): Promise<void> {
    if (!this.isOpen) return;
    this.isOpen = false;
    await this.running;
    try {
      await this.sync();
    } finally {
      this.current = null;
      for (const segment of this.segments) await this.closeFile(segment);
    }
  }

  append(entry: QueueEntry, isWantedSoon: boolean): Promise<void> {
    if (!this.isOpen) return Promise.reject(notWritten(this.options.directory, 'it is closed'));
    const sizeBytes = entryBytes(entry);
    if (this.waitingBytes + sizeBytes > UNWRITTEN_BYTES_MAX && this.waiting.length > 0) {
      return Promise.reject(notWritten(this.options.directory, 'the disk does not keep up'));
    }
    const start = this.next;
    const { timeNs, items, kind } = entry;
    const payloadBytes = sizeBytes - RECORD_HEADER_BYTES;
    const end = markBehind(start, payloadBytes, items);
    const header = encodeRecordHeader(start, entry);
    let { payload } = entry;
    let record: QueueRecord | null = null;
    if (isWantedSoon) {
      const copy = this.pool.copy(payload, payloadBytes);
      payload = [copy];
      record = { start, end, timeNs, items, kind, payload: copy };
      this.recent.add(record);
    }
    this.next = end;
    this.waitingBytes += sizeBytes;
    if (this.current !== null) this.current.end = end;
    return new Promise<void>((resolve, reject) => {
      const bytes = [header, ...payload];
      this.waiting.push({ start, end, timeNs, bytes, sizeBytes, record, resolve, reject });
      this.running ??= this.writeAll();
    });
  }

  async read(from: Mark, bytesMax: number, until: number): Promise<ReadOutcome> {
    const records: QueueRecord[] = [];
    let end = from;
    let size = 0;
    while (end.offset < until && size < bytesMax) {
      const held = this.recent.at(end.offset);
      const step = held === null ? await this.step(end) : { record: held, end: held.end };
      if (step === null) break;
      const { record } = step;
      if (record !== null) {
        const recordBytes = record.end.offset - record.start.offset;
        if (records.length > 0 && size + recordBytes > bytesMax) break;
        if (record.start.offset >= until) break;
        records.push(record);
        size += recordBytes;
      }
      end = step.end;
    }
    return { records, end };
  }

  /** The record at a mark or behind it, from its file; or only where to go on; null where there is nothing yet. */
  private async step(mark: Mark): Promise<ReadStep | null> {
    for (;;) {
      const segment = this.segments.find((one) => one.end.offset > mark.offset);
      if (segment === undefined) {
        const end = this.recent.startFrom(mark.offset);
        if (end !== null) return { record: null, end };
        if (this.running === null) {
          return this.next.offset > mark.offset ? { record: null, end: this.next } : null;
        }
      } else if (segment.start.offset > mark.offset) {
        return { record: null, end: segment.start };
      } else {
        const written = segment.start.offset + segment.dataBytes;
        const isLast = segment === this.current;
        if (mark.offset < written) {
          const content = { ...segment, file: await this.fileOf(segment) };
          const step = readRecord(content, mark.offset);
          return step ?? { record: null, end: isLast ? { ...mark, offset: written } : segment.end };
        }
        if (!isLast) return { record: null, end: segment.end };
        if (this.running === null) return null;
      }
      // It waits to be written, or is being written.
      await new Promise<void>((resolve) => this.readers.push(resolve));
    }
  }

  boundaryAfter(mark: Mark): Mark {
    const found = this.segments.find(({ start }) => start.offset > mark.offset);
    if (found !== undefined) return found.start;
    // The rest is in the segment being written, which ends here.
    this.isEndWanted = true;
    return this.next;
  }

  async markAtTime(timeNs: bigint): Promise<Mark> {
    for (const segment of this.segments) {
      if (segment.lastTimeNs < timeNs) continue;
      const file = await this.fileOf(segment);
      let { offset } = segment.start;
      for (;;) {
        const header = readHeader({ ...segment, file }, offset);
        if (header === null) break;
        if (header.timeNs >= timeNs) return header.start;
        offset = header.end.offset;
      }
    }
    return this.recent.firstFrom(timeNs) ?? this.next;
  }

  async sync(): Promise<void> {
    const { current } = this;
    if (!this.isDirty || current === null || current.file === null) return;
    this.isDirty = false;
    try {
      await synced(current.file);
    } catch (error) {
      // What such a sync was to write may be lost: nothing more goes behind it.
      if (this.current === current) this.current = null;
      throw error;
    }
  }

  async remove(span: Span): Promise<void> {
    const segment = span as Segment;
    await this.closeFile(segment);
    await this.options.files.remove(segment.path);
    this.segments = this.segments.filter((one) => one !== segment);
  }

  /** Writes what waits until nothing does. */
  private async writeAll(): Promise<void> {
    // So that `running` is set before it is cleared.
    await Promise.resolve();
    while (this.waiting.length > 0) {
      const batch = this.waiting;
      this.waiting = [];
      let written = 0;
      while (written < batch.length) {
        const count = this.countFor(batch, written);
        const part = batch.slice(written, written + count);
        written += count;
        try {
          await this.write(part);
          for (const { resolve } of part) resolve();
        } catch (error) {
          this.current = null;
          for (const { record, reject } of part) {
            if (record !== null) this.recent.remove(record);
            reject(notWritten(this.options.directory, messageOf(error), error));
          }
        }
        for (const { sizeBytes } of part) this.waitingBytes -= sizeBytes;
        const next = written < batch.length ? batch[written] : this.waiting.at(0);
        this.recent.shrink(next?.start.offset ?? this.next.offset);
        if (next !== undefined) this.wakeReaders();
      }
    }
    // In the turn in which nothing waits: what comes after it starts anew.
    this.running = null;
    this.wakeReaders();
  }

  private wakeReaders(): void {
    for (const wake of this.readers.splice(0)) wake();
  }

  /** How many entries go into the current segment: those that begin below its limit. */
  private countFor(batch: readonly Waiting[], from: number): number {
    const { segmentBytes } = this.options;
    const { current } = this;
    let size = current === null || this.isFull(current) ? 0 : current.dataBytes;
    let count = 0;
    while (from + count < batch.length && (count === 0 || size < segmentBytes)) {
      size += batch[from + count].sizeBytes;
      count++;
    }
    return count;
  }

  private async write(part: readonly Waiting[]): Promise<void> {
    const { options } = this;
    let { current } = this;
    if (current === null || this.isFull(current)) {
      await this.sync();
      current = await this.create(part[0]);
    }
    const { file } = current;
    if (file === null) throw new QueueError('queue.not-written', 'the segment is not open');
    const position = SEGMENT_HEADER_BYTES + current.dataBytes;
    await new Promise<void>((resolve, reject) =>
      file.write(
        part.flatMap(({ bytes }) => bytes),
        position,
        (error) => (error === null ? resolve() : reject(error)),
      ),
    );
    this.isDirty = true;
    current.dataBytes += part.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    current.end = laterMark(current.end, part[part.length - 1].end);
    for (const { timeNs } of part) if (timeNs > current.lastTimeNs) current.lastTimeNs = timeNs;
    if (options.isSyncedAtOnce) await this.sync();
  }

  private isFull({ dataBytes }: Segment): boolean {
    return this.isEndWanted || dataBytes >= this.options.segmentBytes;
  }

  private async create(first: Waiting): Promise<Segment> {
    const { files, directory } = this.options;
    const path = join(directory, segmentName(first.start.offset));
    const file = await files.open(path, 'create');
    try {
      await new Promise<void>((resolve, reject) =>
        file.write([encodeSegmentHeader(first.start)], 0, (error) =>
          error === null ? resolve() : reject(error),
        ),
      );
      await files.syncDirectory(directory);
    } catch (error) {
      await file.close();
      await files.remove(path).catch(() => undefined);
      throw error;
    }
    const last = this.segments.at(-1);
    if (last !== undefined && last.end.offset > first.start.offset) last.end = first.start;
    const segment: Segment = {
      path,
      start: first.start,
      dataBytes: 0,
      end: this.next,
      firstTimeNs: first.timeNs,
      lastTimeNs: first.timeNs,
      file,
    };
    this.segments.push(segment);
    this.current = segment;
    this.isEndWanted = false;
    return segment;
  }

  private async fileOf(segment: Segment): Promise<OpenFile> {
    if (segment.file !== null) return segment.file;
    const open = this.segments.filter((one) => one.file !== null && one !== this.current);
    if (open.length >= FILES_OPEN_MAX) await this.closeFile(open[0]);
    const file = await this.options.files.open(segment.path, 'read');
    // Another reader may have opened it meanwhile.
    if (segment.file !== null) {
      await file.close();
      return segment.file;
    }
    segment.file = file;
    return file;
  }

  private async closeFile(segment: Segment): Promise<void> {
    const { file } = segment;
    segment.file = null;
    await file?.close();
  }
}

function notWritten(directory: string, reason: string, cause?: unknown): QueueError {
  return new QueueError('queue.not-written', `cannot append to queue ${directory}: ${reason}`, {
    cause,
  });
}

function synced(file: OpenFile): Promise<void> {
  return new Promise((resolve, reject) =>
    file.sync((error) => (error === null ? resolve() : reject(error))),
  );
}
