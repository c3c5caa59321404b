/** A file of records, as a log on disk knows it. */
import type { OpenFile } from '#kernel';
import type { Mark } from './record.js';

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
