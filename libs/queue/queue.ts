/**
 * A queue that several read at their own pace: bounded for each of them, its records shared. Where it is kept on disk,
 * places of readers are durable soon after they move, and a segment is removed only when that is so: after a crash
 * records may come once more, and none is lost. Talks to a RecordLog and to the file of positions.
 */
import { type Clock, type Logger, messageOf } from '#kernel';
import { QueueError } from './errors.js';
import type { PositionsFile, ReaderState } from './positions-file.js';
import { type Backlog, QueueReader } from './queue-reader.js';
import { entryBytes, ORIGIN, type QueueEntry, type RecordLog, type Span } from './record.js';

/** What happens to records that do not fit any more: the writer waits, or the oldest or the newest are dropped. */
export type WhenFull = 'block' | 'drop-oldest' | 'drop-newest';

/** Limits of a queue. */
export interface QueueLimits {
  /** Bytes that may wait for one reader; delivered records are kept within the same bound. */
  readonly bytesMax: number;
  /** Records that may wait for one reader; 0 for no limit. */
  readonly recordsMax: number;
  readonly whenFull: WhenFull;
  /** How long records stay behind their delivery, for rewinding; null = until `bytesMax`. */
  readonly keepMs: number | null;
}

/** What a queue is made of. */
export interface QueueParts {
  readonly log: RecordLog;
  /** Null where nothing outlives the process. */
  readonly positions: PositionsFile | null;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: QueueLimits;
  /** How often places of readers are saved, and what was written made durable; 0 = only when told. */
  readonly flushIntervalMs: number;
}

interface Blocked {
  readonly entry: QueueEntry;
  readonly sizeBytes: number;
  readonly resolve: (appended: Promise<void>) => void;
  readonly reject: (error: Error) => void;
}

/** Bytes of writers that wait for room; beyond, they are refused at once. */
const BLOCKED_BYTES_MAX = 64 * 2 ** 20;

/** See the header. */
export class Queue {
  private readonly readers = new Map<string, QueueReader>();
  private restored = new Map<string, ReaderState>();
  private arePositionsLost = false;
  private limits: QueueLimits;
  private blocked: Blocked[] = [];
  private blockedBytes = 0;
  private timer: NodeJS.Timeout | null = null;
  private flushing: Promise<void> | null = null;
  private hasChanged = false;
  /** Whether a new reader is not in the file of positions yet. */
  private hasUnsavedReader = false;
  private isOpen = false;

  constructor(private readonly parts: QueueParts) {
    this.limits = parts.limits;
    parts.log.isHeld = (offset) => [...this.readers.values()].some((one) => one.holds(offset));
  }

  /** Bytes of all records, on disk or in memory. */
  get sizeBytes(): number {
    return this.parts.log.sizeBytes;
  }

  /** Bytes held in memory. */
  get memoryBytes(): number {
    return this.parts.log.memoryBytes + this.blockedBytes;
  }

  /** Finds what is there. Readers of before begin where they were once {@link reader} asks for them. */
  async open(): Promise<void> {
    if (this.isOpen) return;
    const { log, positions, flushIntervalMs } = this.parts;
    const saved = (await positions?.load()) ?? { end: ORIGIN, readers: [], isLost: false };
    let { end } = saved;
    for (const { position } of saved.readers) if (position.offset > end.offset) end = position;
    await log.open(end);
    this.arePositionsLost = saved.isLost;
    this.restored = new Map(saved.readers.map((state) => [state.name, state]));
    this.isOpen = true;
    if (flushIntervalMs > 0) {
      this.timer = setInterval(() => void this.flushQuietly(), flushIntervalMs);
      this.timer.unref();
    }
  }

  /** Makes everything durable and lets go of files. Writers that wait are refused. */
  async close(): Promise<void> {
    if (!this.isOpen) return;
    this.isOpen = false;
    if (this.timer !== null) clearInterval(this.timer);
    for (const { reject } of this.blocked.splice(0)) reject(full('the queue is closed'));
    for (const reader of this.readers.values()) reader.close();
    await this.flushQuietly();
    await this.parts.log.close();
  }

  /** Names of readers that were there before and have not been asked for. */
  get unclaimedReaders(): readonly string[] {
    return [...this.restored.keys()];
  }

  /** The reader of this name; a new one begins behind the last record. */
  reader(name: string): QueueReader {
    const known = this.readers.get(name);
    if (known !== undefined) return known;
    const { log } = this.parts;
    const found = this.restored.get(name);
    this.restored.delete(name);
    const start = this.arePositionsLost ? (log.spans[0]?.start ?? log.end) : log.end;
    const reader = new QueueReader(
      name,
      { log, changed: () => this.changed() },
      found ?? { position: start, skips: [] },
    );
    this.readers.set(name, reader);
    this.hasChanged = true;
    if (found === undefined) this.hasUnsavedReader = this.parts.positions !== null;
    return reader;
  }

  /** Forgets a reader, whether it was asked for or not. */
  removeReader(name: string): void {
    this.readers.get(name)?.close();
    this.readers.delete(name);
    this.restored.delete(name);
    this.changed();
  }

  /** Sets other limits; what waits beyond them is dropped with the next record. */
  setLimits(limits: QueueLimits): void {
    this.limits = limits;
    this.admitBlocked();
  }

  /**
   * Takes an entry for all readers; resolves when it is written (or durable, as the log was told), or dropped by policy.
   * @param waitMs how long a full queue that blocks may be waited for; 0 = for ever
   * @throws QueueError `queue.full` after that, `queue.not-written`: then no reader gets it
   */
  append(entry: QueueEntry, waitMs = 0): Promise<void> {
    if (!this.isOpen) return Promise.reject(full('the queue is closed'));
    const taken = this.take(entry, waitMs);
    // A reader that nobody remembers would begin behind what it was promised.
    if (!this.hasUnsavedReader) return taken;
    return Promise.all([taken, this.flushQuietly()]).then(() => undefined);
  }

  private take(entry: QueueEntry, waitMs: number): Promise<void> {
    const sizeBytes = entryBytes(entry);
    if (this.limits.whenFull !== 'block') return this.admit(entry, sizeBytes);
    if (this.blocked.length === 0 && this.isRoomFor(sizeBytes)) return this.admit(entry, sizeBytes);
    return this.block(entry, sizeBytes, waitMs);
  }

  /** Makes records and places durable, then removes what nobody needs. */
  async flush(): Promise<void> {
    while (this.flushing !== null) await this.flushing;
    this.flushing = this.saveAndTrim().finally(() => (this.flushing = null));
    await this.flushing;
  }

  private async flushQuietly(): Promise<void> {
    try {
      await this.flush();
    } catch (error) {
      this.parts.logger.error('Cannot make a queue durable', { error: messageOf(error) });
    }
  }

  private changed(): void {
    this.hasChanged = true;
    this.admitBlocked();
    // In memory there is nothing to wait for.
    if (this.parts.positions === null) void this.flushQuietly();
  }

  private async saveAndTrim(): Promise<void> {
    const { log, positions } = this.parts;
    if (!this.hasChanged) return;
    const { hasUnsavedReader } = this;
    this.hasChanged = false;
    this.hasUnsavedReader = false;
    const readers = [
      ...[...this.readers.values()].map((reader) => reader.state),
      ...this.restored.values(),
    ];
    try {
      await log.sync();
      await positions?.save({ end: log.end, readers });
    } catch (error) {
      this.hasChanged = true;
      this.hasUnsavedReader ||= hasUnsavedReader;
      throw error;
    }
    await this.trim(readers);
  }

  /** Removes stretches that all readers are behind, as saved. */
  private async trim(readers: readonly ReaderState[]): Promise<void> {
    const { log, clock } = this.parts;
    const { bytesMax, keepMs } = this.limits;
    const hasSkips = readers.some(({ skips }) => skips.length > 0);
    const oldestNs = keepMs === null ? null : clock.nowNs() - BigInt(keepMs) * 1_000_000n;
    const gone: Span[] = [];
    let { sizeBytes } = log;
    for (const span of log.spans) {
      if (!readers.every((reader) => isDone(reader, span))) {
        if (hasSkips) continue;
        break;
      }
      const isKept = keepMs !== 0 && (oldestNs === null || span.lastTimeNs >= oldestNs);
      if (isKept && sizeBytes <= bytesMax) break;
      sizeBytes -= span.end.offset - span.start.offset;
      gone.push(span);
    }
    for (const span of gone) await log.remove(span);
  }

  private block(entry: QueueEntry, sizeBytes: number, waitMs: number): Promise<void> {
    if (this.blockedBytes + sizeBytes > BLOCKED_BYTES_MAX) {
      this.refuse(entry);
      return Promise.reject(full('too many writers wait for room'));
    }
    this.blockedBytes += sizeBytes;
    return new Promise<void>((resolve, reject) => {
      let timer: NodeJS.Timeout | null = null;
      const done = (): void => {
        if (timer !== null) clearTimeout(timer);
        this.blockedBytes -= sizeBytes;
      };
      const payload = entry.payload.map((piece) => piece.slice());
      const waiting: Blocked = {
        entry: { ...entry, payload },
        sizeBytes,
        resolve: (appended) => {
          done();
          resolve(appended);
        },
        reject: (error) => {
          done();
          this.refuse(entry);
          reject(error);
        },
      };
      this.blocked.push(waiting);
      if (waitMs <= 0) return;
      timer = setTimeout(() => {
        this.blocked = this.blocked.filter((one) => one !== waiting);
        waiting.reject(full(`no room within ${waitMs} ms`));
      }, waitMs);
    });
  }

  private admitBlocked(): void {
    while (this.blocked.length > 0 && this.isRoomFor(this.blocked[0].sizeBytes)) {
      const [first] = this.blocked.splice(0, 1);
      first.resolve(this.admit(first.entry, first.sizeBytes));
    }
  }

  /** Counts an entry that no reader gets. */
  private refuse({ items }: QueueEntry): void {
    for (const { statistics } of this.readers.values()) {
      statistics.offered += items;
      statistics.droppedFull += items;
    }
  }

  private isRoomFor(sizeBytes: number): boolean {
    for (const reader of this.readers.values())
      if (!this.fits(reader.backlog, sizeBytes)) return false;
    return true;
  }

  /** An entry larger than the limit fits into an empty queue: it could never be had otherwise. */
  private fits({ bytes, records }: Backlog, sizeBytes: number): boolean {
    const { bytesMax, recordsMax } = this.limits;
    if (records === 0) return true;
    return bytes + sizeBytes <= bytesMax && (recordsMax === 0 || records + 1 <= recordsMax);
  }

  private admit(entry: QueueEntry, sizeBytes: number): Promise<void> {
    const { log } = this.parts;
    const { whenFull } = this.limits;
    const refusing: QueueReader[] = [];
    for (const reader of this.readers.values()) {
      const fits = (backlog: Backlog): boolean => this.fits(backlog, sizeBytes);
      if (whenFull === 'drop-oldest') {
        if (!reader.dropOldest(fits)) refusing.push(reader);
      } else if (whenFull === 'drop-newest' && this.isRefusing(reader, sizeBytes)) {
        refusing.push(reader);
      }
    }
    this.hasChanged = true;
    if (this.readers.size > 0 && refusing.length === this.readers.size) {
      this.refuse(entry);
      return Promise.resolve();
    }
    const start = log.end;
    const isWantedSoon = [...this.readers.values()].some(
      ({ backlog }) => backlog.bytes <= log.recentBytesMax,
    );
    const appended = log.append(entry, isWantedSoon);
    const { end } = log;
    // Not taken at all.
    if (end.offset === start.offset) this.refuse(entry);
    else {
      for (const reader of this.readers.values()) {
        reader.statistics.offered += entry.items;
        if (refusing.includes(reader)) reader.skip(start, end);
        else reader.notify();
      }
    }
    if (this.parts.positions === null) void this.flushQuietly();
    return appended;
  }

  /** Whether newest records are dropped for a reader: once it was full until an eighth is free, so that gaps are few. */
  private isRefusing(reader: QueueReader, sizeBytes: number): boolean {
    const { bytesMax, recordsMax } = this.limits;
    const { backlog } = reader;
    if (!this.fits(backlog, sizeBytes)) reader.isRefusing = true;
    else if (reader.isRefusing) {
      const isFree =
        backlog.bytes + sizeBytes <= bytesMax - bytesMax / 8 &&
        (recordsMax === 0 || backlog.records + 1 <= recordsMax - recordsMax / 8);
      if (isFree || backlog.records === 0) reader.isRefusing = false;
    }
    return reader.isRefusing;
  }
}

function isDone({ position, skips }: ReaderState, { start, end }: Span): boolean {
  if (end.offset <= position.offset) return true;
  return skips.some(({ from, to }) => from.offset <= start.offset && to.offset >= end.offset);
}

function full(reason: string): QueueError {
  return new QueueError('queue.full', `cannot append to queue: ${reason}`);
}
