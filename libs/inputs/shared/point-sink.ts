/**
 * The port through which inputs reach storage. apps/tidegate binds it to metadata, store and points writer; tests to a
 * recorder.
 */
import type { KnownSeries, PointsBatch } from '#models';

/** A batch on its way to storage. */
export interface SinkWrite {
  readonly database: string;
  /** '' = the database's default. */
  readonly retentionPolicy: string;
  /** Not to be changed until the write has ended. */
  readonly batch: PointsBatch;
}

/** What became of a batch; `points + dropped` is its point count. */
export interface SinkOutcome {
  readonly points: number;
  readonly dropped: number;
  /** InfluxDB's text for the first that was dropped, '' when there is none. */
  readonly reason: string;
}

/** What {@link PointSink.names} can list. */
export type NameKind = 'measurements' | 'tag-keys' | 'tag-values';

/** Where points go. */
export interface PointSink {
  /** The series of a database, for filling batches; null where there is no such database. Cheap. */
  series(database: string): KnownSeries | null;
  /**
   * The canonical key of a series that a batch refers to by its id, empty where it is not there any more. Lent for the call.
   * Needed for points that are refused alone.
   */
  keyOf(database: string, seriesId: number): Uint8Array;
  /** Whether batches read from lines should say where their lines are (`PointsBatch.noteLines`): somebody copies them. */
  areLinesWanted?(database: string): boolean;
  /**
   * Names in a database that begin with some text, in byte order; for senders that ask before they send.
   * @param max at most so many; 0 and more
   */
  names(database: string, kind: NameKind, beginning: string, max: number): readonly string[];
  /**
   * Creates a database unless it exists. Cheap when it does.
   * @param retentionPolicy unless '': this policy is created too where it is missing, and becomes the default. Same as
   * InfluxDB's Graphite input.
   * @throws TidegateError
   */
  ensureDatabase(database: string, retentionPolicy: string): Promise<void>;
  /**
   * Stores a batch; resolves when it is on disk.
   * @throws TidegateError; InputError `inputs.write-refused` where trying again is no use
   */
  write(write: SinkWrite): Promise<SinkOutcome>;
}
