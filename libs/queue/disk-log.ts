/**
 * Records in segment files of one directory. Appends are written in order, those that wait together by one call; the newest
 * are kept in memory, so that a reader who keeps up never touches the disk. Damage costs the record it is in; nothing
 * keeps a queue from opening. Talks to the file system; knows nothing of readers.
 */
import { join } from 'node:path';
import { type FileSystem, type Logger, messageOf, type OpenFile } from '#kernel';
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
  encodeRecord,
  encodeSegmentHeader,
  SEGMENT_HEADER_BYTES,
  segmentName,
} from './segment-format.js';
import { readHeader, readRecord } from './segment-reader.js';
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

/** A file of records. */
export interface Segment {
  readonly path: string;
  readonly start: Mark;
  /** Bytes behind the header. */
  dataBytes: number;
  /** Behind the last record; the end of the queue for the last segment. */
  end: Mark;
  readonly firstTimeNs: bigint;
  lastTimeNs: bigint;
  /** Open for reading; the last one for writing too. */
  file: OpenFile | null;
}

interface Waiting {
  readonly record: QueueRecord;
  readonly bytes: Uint8Array;
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
  private readonly recent: RecentRecords;
  private waiting: Waiting[] = [];
  private waitingBytes = 0;
  private running: Promise<void> | null = null;
  private isDirty = false;
  /** Whether the current segment is to be followed by another whatever its size. */
  private isEndWanted = false;
  private isOpen = false;

  constructor(private readonly options: DiskLogOptions) {
    this.recent = new RecentRecords(options.recentBytesMax);
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

  append(entry: QueueEntry): Promise<void> {
    if (!this.isOpen) return Promise.reject(notWritten(this.options.directory, 'it is closed'));
    const size = entryBytes(entry);
    if (this.waitingBytes + size > UNWRITTEN_BYTES_MAX && this.waiting.length > 0) {
      return Promise.reject(notWritten(this.options.directory, 'the disk does not keep up'));
    }
    const start = this.next;
    const bytes = encodeRecord(start, entry);
    const end = markBehind(start, size - RECORD_HEADER_BYTES, entry.items);
    const { timeNs, items, kind } = entry;
    const payload = bytes.subarray(RECORD_HEADER_BYTES);
    const record: QueueRecord = { start, end, timeNs, items, kind, payload };
    this.next = end;
    this.waitingBytes += size;
    this.recent.add(record);
    if (this.current !== null) this.current.end = end;
    return new Promise<void>((resolve, reject) => {
      this.waiting.push({ record, bytes, resolve, reject });
      this.running ??= this.writeAll();
    });
  }

  async read(from: Mark, bytesMax: number, until: number): Promise<ReadOutcome> {
    const recent = this.recent.from(from, bytesMax, until);
    if (recent !== null) return recent;
    const records: QueueRecord[] = [];
    let end = from;
    let size = 0;
    while (end.offset < until && size < bytesMax) {
      const segment = this.segments.find((one) => one.end.offset > end.offset);
      const isBeforeRecent = end.offset < this.recent.startOffset;
      if (!isBeforeRecent || segment === undefined) break;
      if (segment.start.offset > end.offset) {
        end = segment.start;
        continue;
      }
      const file = await this.fileOf(segment);
      const step = readRecord({ ...segment, file }, end.offset);
      if (step === null) {
        // Nothing more in what is written of this one: what follows is in memory or in the next.
        const written = segment.start.offset + segment.dataBytes;
        if (segment === this.current && written > end.offset) end = { ...end, offset: written };
        if (segment === this.current) break;
        end = segment.end;
        continue;
      }
      const stepBytes = step.end.offset - (step.record?.start.offset ?? end.offset);
      if (records.length > 0 && size + stepBytes > bytesMax) break;
      if (step.record !== null && step.record.start.offset >= until) break;
      if (step.record !== null) records.push(step.record);
      size += stepBytes;
      end = step.end;
    }
    if (records.length === 0) {
      const rest = this.recent.from(end, bytesMax, until);
      if (rest !== null) return rest;
      if (this.segments.every((one) => one.end.offset <= end.offset) && this.recent.isEmpty)
        end = laterMark(end, this.next);
    }
    return { records, end };
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
            this.recent.remove(record);
            reject(notWritten(this.options.directory, messageOf(error), error));
          }
        }
        for (const { bytes } of part) this.waitingBytes -= bytes.length;
        this.recent.shrink(this.writtenOffset(batch, written));
      }
    }
    // In the turn in which nothing waits: what comes after it starts anew.
    this.running = null;
  }

  /** How many entries go into the current segment: those that begin below its limit. */
  private countFor(batch: readonly Waiting[], from: number): number {
    const { segmentBytes } = this.options;
    const { current } = this;
    let size = current === null || this.isFull(current) ? 0 : current.dataBytes;
    let count = 0;
    while (from + count < batch.length && (count === 0 || size < segmentBytes)) {
      size += batch[from + count].bytes.length;
      count++;
    }
    return count;
  }

  private writtenOffset(batch: readonly Waiting[], written: number): number {
    const waiting = written < batch.length ? batch[written] : this.waiting[0];
    return waiting?.record.start.offset ?? this.next.offset;
  }

  private async write(part: readonly Waiting[]): Promise<void> {
    const { options } = this;
    const first = part[0].record;
    let { current } = this;
    if (current === null || this.isFull(current)) {
      await this.sync();
      current = await this.create(first);
    }
    const { file } = current;
    if (file === null) throw new QueueError('queue.not-written', 'the segment is not open');
    const position = SEGMENT_HEADER_BYTES + current.dataBytes;
    await new Promise<void>((resolve, reject) =>
      file.write(
        part.map(({ bytes }) => bytes),
        position,
        (error) => (error === null ? resolve() : reject(error)),
      ),
    );
    this.isDirty = true;
    current.dataBytes += part.reduce((sum, { bytes }) => sum + bytes.length, 0);
    const { record } = part[part.length - 1];
    current.end = laterMark(current.end, record.end);
    for (const { record: one } of part)
      if (one.timeNs > current.lastTimeNs) current.lastTimeNs = one.timeNs;
    if (options.isSyncedAtOnce) await this.sync();
  }

  private isFull({ dataBytes }: Segment): boolean {
    return this.isEndWanted || dataBytes >= this.options.segmentBytes;
  }

  private async create(first: QueueRecord): Promise<Segment> {
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
