/**
 * What queues are made of: records, and marks, the places between them. The same for queues on disk and in memory.
 */

/** A place between two records. Each of the numbers grows along the queue and says how much lies before the place. */
export interface Mark {
  /** Bytes: headers and payloads. Where a record was lost there may be a gap. */
  readonly offset: number;
  readonly records: number;
  /** What records say that they hold, points or lines. */
  readonly items: number;
}

/** What is put into a queue. */
export interface QueueEntry {
  /** Its bytes, one piece behind another; not to be changed before the append has ended. */
  readonly payload: readonly Uint8Array[];
  /** When it came in. */
  readonly timeNs: bigint;
  /** How many things are in it, below 2^32; for counting what was delivered and dropped. */
  readonly items: number;
  /** What kind of payload it is; below 2^32; the caller's business. */
  readonly kind: number;
}

/** What comes out. */
export interface QueueRecord {
  readonly start: Mark;
  readonly end: Mark;
  readonly timeNs: bigint;
  readonly items: number;
  readonly kind: number;
  /** Not to be changed, nor looked at once it is acknowledged: its memory is used again. */
  readonly payload: Uint8Array;
}

/** A stretch of a queue that is removed as a whole. */
export interface Span {
  readonly start: Mark;
  /** Where the next one starts, or the end of the queue. */
  readonly end: Mark;
  /** Time of the first record. */
  readonly firstTimeNs: bigint;
  /** No record in it is later. */
  readonly lastTimeNs: bigint;
}

/** What a read gave. */
export interface ReadOutcome {
  readonly records: readonly QueueRecord[];
  /** Where to go on; beyond the last record where something behind it is lost. */
  readonly end: Mark;
}

/** Where records lie: on disk or in memory. Two drivers, one contract (testing/queue-contract.ts). */
export interface RecordLog {
  /** Behind the last record. */
  readonly end: Mark;
  /** In order. What lies between them is gone. */
  readonly spans: readonly Span[];
  readonly sizeBytes: number;
  /** Bytes of records held in memory. */
  readonly memoryBytes: number;
  /** @param isEndKept the place before which the end must not lie: where readers have been */
  open(isEndKept: Mark): Promise<void>;
  close(): Promise<void>;
  /** Who has so many bytes before the end, or fewer, soon wants what is appended. */
  readonly recentBytesMax: number;
  /** Whether somebody still looks at the record that begins at an offset. Set by the queue. */
  isHeld: (offset: number) => boolean;
  /**
   * Takes an entry; resolves when it is written.
   * @param isWantedSoon whether it is worth a copy in memory
   * @throws QueueError `queue.not-written`: then it is lost
   */
  append(entry: QueueEntry, isWantedSoon: boolean): Promise<void>;
  /** Records from a mark on, at least one where there is one, and about `bytesMax` at most; none from `until` on. */
  read(from: Mark, bytesMax: number, until: number): Promise<ReadOutcome>;
  /** The first place behind a mark up to which records can be dropped; the end at the latest. */
  boundaryAfter(mark: Mark): Mark;
  /** The mark of the first record that is not before a time, or the end. */
  markAtTime(timeNs: bigint): Promise<Mark>;
  /** Makes durable what is written. */
  sync(): Promise<void>;
  remove(span: Span): Promise<void>;
}

/** The beginning of every queue. */
export const ORIGIN: Mark = { offset: 0, records: 0, items: 0 };

/** Bytes of a record's header; counted in memory too, so that limits mean the same. */
export const RECORD_HEADER_BYTES = 56;

/** The mark behind a record of this size. */
export function markBehind(start: Mark, payloadBytes: number, items: number): Mark {
  return {
    offset: start.offset + RECORD_HEADER_BYTES + payloadBytes,
    records: start.records + 1,
    items: start.items + items,
  };
}

/** The later of two marks. */
export const laterMark = (a: Mark, b: Mark): Mark => (b.offset > a.offset ? b : a);

/** Bytes of an entry with its header. */
export function entryBytes({ payload }: QueueEntry): number {
  return payload.reduce((sum, piece) => sum + piece.length, RECORD_HEADER_BYTES);
}

/** Position of the first element for which `isAfter` holds in an ordered list, or its length. */
export function firstWhere<T>(list: readonly T[], isAfter: (element: T) => boolean): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isAfter(list[middle])) high = middle;
    else low = middle + 1;
  }
  return low;
}
