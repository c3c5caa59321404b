/**
 * Keeps what inputs reject, as it came, in a queue on disk that nobody reads: bounded in bytes and age, the oldest go first. Taking a
 * letter costs a copy and never waits; past the rate, past the memory that may wait for the disk, and past a letter's size they are
 * counted and not kept. Letters that were replayed or dropped are remembered by their place until the disk forgets them.
 */
import { join } from 'node:path';
import { type Clock, type FileSystem, type Logger, messageOf, replaceFile } from '#kernel';
import { diskQueue, type Queue, type QueueRecord } from '#queue';
import type { InputStatistics, RejectSink } from '../shared/input.js';
import type { RejectedInput } from '../shared/ingest-ledger.js';
import type { DeadLettersConfig } from './dead-letters.config.js';
import { LetterRate } from './letter-rate.js';

/** A rejected piece of input. */
export interface DeadLetter extends RejectedInput {
  /** Grows with time. */
  readonly id: number;
}

/** Which letters; all conditions have to hold, and none means all. */
export interface LetterFilter {
  readonly ids?: readonly number[];
  readonly listener?: string;
  readonly reason?: string;
}

/** What it stands on. */
export interface DeadLettersParts {
  readonly config: DeadLettersConfig;
  /** Where they are kept. */
  readonly directory: string;
  readonly files: FileSystem;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Bytes of letters that may wait for the disk. */
const WAITING_BYTES_MAX = 4 * 2 ** 20;
/** Bytes read at a time. */
const READ_BYTES = 2 ** 20;
const SEGMENT_BYTES_MIN = 64 * 1024;
const SEGMENT_BYTES_MAX = 8 * 2 ** 20;
/** Parts of its size that the oldest letters go by. */
const SEGMENTS = 8;
const FLUSH_INTERVAL_MS = 1000;
/** How often letters that are too old are looked for. */
const EXPIRY_INTERVAL_MS = 60_000;
const TEXT_LENGTH_MAX = 1024;
const KIND = 1;
const NEWLINE = 10;
/** Readers of the queue; none is there between two calls. */
const LISTING = 'list';
const EXPIRY = 'expiry';
const REMOVED_FILE = 'removed.json';

/** See the header. */
export class DeadLetters implements RejectSink {
  private readonly counters = {
    kept: 0,
    sampledOut: 0,
    tooLarge: 0,
    failed: 0,
    replayed: 0,
    removed: 0,
  };
  private readonly rate: LetterRate;
  private readonly queue: Queue;
  private readonly encoder = new TextEncoder();
  private removed = new Set<number>();
  private waitingBytes = 0;
  /** Letters on their way to the disk. */
  private readonly appends = new Set<Promise<void>>();
  private isOpen = false;
  private expiry: NodeJS.Timeout | null = null;
  /** The last of the calls that read, which come one after the other. */
  private reading: Promise<unknown> = Promise.resolve();

  constructor(private readonly parts: DeadLettersParts) {
    const { config, directory, files, clock, logger } = parts;
    const { sizeMaxBytes: bytesMax, ageMaxMs } = config;
    this.rate = new LetterRate(config.perSecondMax, clock);
    const segmentBytes = Math.round(bytesMax / SEGMENTS);
    this.queue = diskQueue({
      files,
      directory,
      clock,
      logger,
      limits: {
        // A segment more may be there before the oldest goes.
        bytesMax: Math.max(1, bytesMax - Math.min(SEGMENT_BYTES_MAX, segmentBytes)),
        recordsMax: 0,
        whenFull: 'drop-oldest',
        keepMs: ageMaxMs === 0 ? null : ageMaxMs,
      },
      segmentBytes: Math.max(SEGMENT_BYTES_MIN, Math.min(SEGMENT_BYTES_MAX, segmentBytes)),
      recentBytesMax: READ_BYTES,
      flushIntervalMs: FLUSH_INTERVAL_MS,
    });
  }

  /** Finds the letters of before. @throws QueueError, the system's error */
  async open(): Promise<void> {
    if (this.isOpen || !this.parts.config.isEnabled) return;
    const { files, directory } = this.parts;
    await files.makeDirectory(directory);
    await this.queue.open();
    this.removed = await this.readRemoved();
    this.isOpen = true;
    // The queue looks for what is too old when something has changed.
    this.expiry = setInterval(() => this.queue.removeReader(EXPIRY), EXPIRY_INTERVAL_MS);
    this.expiry.unref();
  }

  async close(): Promise<void> {
    if (!this.isOpen) return;
    this.isOpen = false;
    if (this.expiry !== null) clearInterval(this.expiry);
    await this.reading;
    await Promise.all(this.appends);
    await this.queue.close();
  }

  reject(rejected: RejectedInput): void {
    if (!this.isOpen) return;
    const { raw, listener, reason, timeNs } = rejected;
    const { counters } = this;
    if (raw.length > this.parts.config.letterMaxBytes) counters.tooLarge++;
    else if (
      this.waitingBytes + raw.length > WAITING_BYTES_MAX ||
      !this.rate.admit(listener, reason)
    ) {
      counters.sampledOut++;
    } else {
      const header = this.encoder.encode(headerOf(rejected));
      this.waitingBytes += raw.length;
      const { length } = raw;
      const append: Promise<void> = this.queue
        .append({ payload: [header, raw], timeNs, items: 1, kind: KIND })
        .then(
          () => void counters.kept++,
          (error: unknown) => this.noteFailure(error),
        )
        .finally(() => {
          this.waitingBytes -= length;
          this.appends.delete(append);
        });
      this.appends.add(append);
    }
  }

  isWanted(listener: string, reason: string): boolean {
    return (
      this.isOpen && this.waitingBytes < WAITING_BYTES_MAX && this.rate.hasRoom(listener, reason)
    );
  }

  /** Letters that are there, oldest first. @param each stops the iteration where it answers false */
  forEach(filter: LetterFilter, each: (letter: DeadLetter) => boolean | void): Promise<void> {
    const run = this.reading.then(() => this.scan(filter, each));
    this.reading = run.catch(() => undefined);
    return run;
  }

  /** Letters that are there, newest first, `limit` at most. */
  async newest(filter: LetterFilter, limit: number): Promise<readonly DeadLetter[]> {
    let found: DeadLetter[] = [];
    await this.forEach(filter, (letter) => {
      found.push(letter);
      if (found.length >= 2 * limit) found = found.slice(-limit);
    });
    return found.slice(-limit).reverse();
  }

  /** Forgets letters; what for decides what they are counted as. */
  async remove(ids: readonly number[], as: 'replayed' | 'removed'): Promise<void> {
    if (ids.length === 0) return;
    for (const id of ids) this.removed.add(id);
    this.counters[as] += ids.length;
    const { files, directory } = this.parts;
    const text = JSON.stringify([...this.removed]);
    await replaceFile(files, join(directory, REMOVED_FILE), this.encoder.encode(text));
  }

  statistics(): readonly InputStatistics[] {
    if (!this.parts.config.isEnabled) return [];
    const values = { ...this.counters, diskBytes: this.isOpen ? this.queue.sizeBytes : 0 };
    return [{ name: 'deadletters', tags: {}, values }];
  }

  private async scan(
    filter: LetterFilter,
    each: (letter: DeadLetter) => boolean | void,
  ): Promise<void> {
    if (!this.isOpen) return;
    await Promise.all(this.appends);
    const ids = filter.ids === undefined ? null : new Set(filter.ids);
    const seen = new Set<number>();
    const reader = this.queue.reader(LISTING);
    try {
      await reader.rewind(this.oldestNs());
      for (;;) {
        const records = await reader.read(READ_BYTES);
        if (records.length === 0) break;
        for (const record of records) {
          const id = record.start.offset;
          seen.add(id);
          if (this.removed.has(id) || (ids !== null && !ids.has(id))) continue;
          const letter = letterOf(record);
          if (letter === null || !isWanted(letter, filter)) continue;
          if (each(letter) === false) return;
        }
        reader.acknowledge();
      }
      // All of the disk was seen: what is not there any more need not be remembered.
      this.removed = new Set([...this.removed].filter((id) => seen.has(id)));
    } finally {
      this.queue.removeReader(LISTING);
    }
  }

  private oldestNs(): bigint {
    const { config, clock } = this.parts;
    if (config.ageMaxMs === 0) return 0n;
    return clock.nowNs() - BigInt(Math.round(config.ageMaxMs)) * 1_000_000n;
  }

  private async readRemoved(): Promise<Set<number>> {
    const { files, directory, logger } = this.parts;
    try {
      const entries = await files.list(directory);
      if (!entries.some(({ name }) => name === REMOVED_FILE)) return new Set();
      const bytes = await files.readFile(join(directory, REMOVED_FILE));
      const ids: unknown = JSON.parse(new TextDecoder().decode(bytes));
      return new Set(Array.isArray(ids) ? ids.filter((id) => typeof id === 'number') : []);
    } catch (error) {
      logger.warn('Replayed and dropped dead letters show up again', { error: messageOf(error) });
      return new Set();
    }
  }

  private noteFailure(error: unknown): void {
    if (this.counters.failed++ > 0) return;
    this.parts.logger.warn('Dead letters cannot be kept', { error: messageOf(error) });
  }
}

/** A line of JSON; the bytes follow. */
function headerOf({ listener, peer, reason, text, target }: RejectedInput): string {
  const shown = text.slice(0, TEXT_LENGTH_MAX);
  return `${JSON.stringify({ listener, peer, reason, text: shown, target })}\n`;
}

/** The letter of a record, null where it is none. */
function letterOf({ start, timeNs, payload }: QueueRecord): DeadLetter | null {
  const end = payload.indexOf(NEWLINE);
  if (end < 0) return null;
  try {
    const header = JSON.parse(new TextDecoder().decode(payload.subarray(0, end))) as Omit<
      RejectedInput,
      'raw' | 'timeNs'
    >;
    return { ...header, id: start.offset, timeNs, raw: payload.subarray(end + 1) };
  } catch {
    return null;
  }
}

function isWanted(letter: DeadLetter, { listener, reason }: LetterFilter): boolean {
  if (reason !== undefined && letter.reason !== reason) return false;
  return (
    listener === undefined ||
    letter.listener === listener ||
    letter.listener.startsWith(`${listener} `)
  );
}
