/**
 * What the query engine needs of the rest: stored data (StorageView), and what it gives back (result columns). Storage
 * never sees a query; this library never sees a file. The coordinator binds both.
 */
import type { TimeZone } from '#influxql';
import type { ColumnBatch, FieldType } from '#models';

/** Inclusive bounds in nanoseconds since 1970. */
export interface TimeRange {
  readonly minNs: bigint;
  readonly maxNs: bigint;
}

/** Opens stored data for reading. */
export interface StorageReader {
  /**
   * A view of what is stored in a retention policy within `range`.
   * @param retentionPolicy '' for the database's default
   * @throws TidegateError with InfluxDB's text: `database not found: x`, `retention policy not found: x`
   */
  view(source: {
    readonly database: string;
    readonly retentionPolicy: string;
    readonly range: TimeRange;
  }): StorageView;
}

/** Data of the shards that overlap a time range. Answers stay as of its opening where cheap; close() frees its shards. */
export interface StorageView {
  /** Shards in ascending order of time, never overlapping. */
  readonly shards: readonly ShardView[];
  /** Names of measurements with at least one series in these shards, in byte order. */
  measurementNames(): readonly string[];
  /** Fields of a measurement over all these shards: every type a field has in any of them, names in byte order. */
  fields(measurement: string): ReadonlyMap<string, readonly FieldType[]>;
  /** Tag keys of a measurement in byte order. */
  tagKeys(measurement: string): readonly string[];
  /**
   * Series of a measurement in order of their keys' bytes; those that meet every requirement (an empty value stands for
   * series without the tag).
   */
  series(measurement: string, required: readonly TagRequirement[]): SeriesList;
  /** The values that a tag has among the series of these shards, each once, in no particular order; absent: to be found out. */
  tagValues?(measurement: string, key: string): readonly string[];
  /** Series of a measurement, one that several of these shards have once for each; absent: to be counted. */
  seriesInShards?(measurement: string): number;
  close(): void;
}

/** A tag and the value asked for. */
export interface TagPair {
  readonly key: string;
  readonly value: string;
}

/** A tag and a regular expression that its value, '' for none, matches; or does not, where that is not wanted. */
export interface TagPattern {
  readonly key: string;
  readonly pattern: string;
  readonly isWanted: boolean;
}

/** What the tags of the series asked for must be. */
export type TagRequirement = TagPair | TagPattern;

/** Series found by {@link StorageView.series}; position i means the i-th of them. */
export interface SeriesList {
  readonly count: number;
  /** Series ids, the handle for cursors. */
  readonly ids: Int32Array;
  /** The value of a tag, '' where the series does not have it. Values are interned per key: comparing ids below is cheaper. */
  tagValue(i: number, key: string): string;
  /** A small integer per distinct value of this key (0 = absent), for grouping without strings. */
  tagValueIds(key: string): Int32Array;
  /** The text of one id of {@link tagValueIds}. */
  tagValueOf(key: string, valueId: number): string;
  /** The series key as SHOW SERIES prints it: `m,k=v,…` with escapes. */
  key(i: number): string;
}

/** One shard of a view. */
export interface ShardView {
  readonly id: number;
  /** First nanosecond. */
  readonly startNs: bigint;
  /** One past the last nanosecond. */
  readonly endNs: bigint;
  /** Type of a field in this shard, or null when the shard does not have it. */
  fieldType(measurement: string, field: string): FieldType | null;
  /** True when the shard holds anything of this series. May answer true too often, never too seldom. */
  hasSeries(seriesId: number): boolean;
  /**
   * Opens a cursor over several fields of one series (so that times shared by fields are decoded once).
   * @param fields names; those that the shard does not have give empty columns
   */
  cursor(request: {
    readonly seriesId: number;
    readonly measurement: string;
    readonly fields: readonly string[];
    readonly range: TimeRange;
    readonly ascending: boolean;
    /** Told of each block that is decoded; absent where nobody asks. */
    readonly decoded?: DecodedBlocks;
  }): SeriesCursor;
  /** What a cursor would read, without reading it; absent where nobody knows. */
  cost?(request: {
    readonly seriesId: number;
    readonly measurement: string;
    readonly fields: readonly string[];
    readonly range: TimeRange;
  }): ReadCost;
  /**
   * Reads one field of many series at once; absent or null where that is not possible, and cursors have to.
   * @param seriesIds in order of the series' keys; those that the shard does not have are passed over
   * @param baseNs what offsets are relative to; the range is less than 2^53 ns from it
   * @param want `count` where only the number of values is of interest: offsets and values do not hold then; `first` or
   * `last` where it is each series' first point or last, which is at that end of its values
   */
  sweep?(request: {
    readonly seriesIds: Int32Array;
    readonly measurement: string;
    readonly field: string;
    readonly range: TimeRange;
    readonly baseNs: bigint;
    readonly want: SweepWant;
    /** As of {@link cursor}. */
    readonly decoded?: DecodedBlocks;
  }): SeriesSweep | null;
}

/** Blocks decoded so far, counted up by storage; one place for each FieldType. */
export interface DecodedBlocks {
  readonly blocks: Float64Array;
  /** Bytes as they are in the files. */
  readonly sizesBytes: Float64Array;
}

/** Reads one field of many series in one shard, one series after another, several in a batch. */
export interface SeriesSweep {
  /** The next values, valid until the next call; null at the end. */
  next(): SweptBatch | null;
}

/** Values of one series after another. */
export interface SweptBatch {
  /** As of {@link SeriesCursor.next}, but that times ascend only up to the next of `ends`. */
  readonly batch: ColumnBatch;
  /** Where values of one series end, the first `segments` hold; a series may go on in the next batch. */
  readonly ends: Int32Array;
  readonly segments: number;
  /** True where the first of the series is the last one of the batch before. */
  readonly isContinued: boolean;
}

/** What is wanted of the series of a sweep. */
export type SweepWant = 'values' | 'count' | 'first' | 'last';

/** What reading fields would touch: values in memory, and blocks of files. */
export interface ReadCost {
  readonly cachedValues: number;
  /** Each once for every field that it has blocks of. */
  readonly files: number;
  readonly blocks: number;
  readonly blockBytes: number;
}

/** Reads the fields of one series in one shard, each field at its own pace. */
export interface SeriesCursor {
  /**
   * The next values of field number `field`, or null at its end. The batch is valid until the next call for the same field.
   * All batches of a cursor share one `baseNs`, the shard's start, but where a shard is longer than 2^53 ns (104 days):
   * there each batch brings its own.
   */
  next(field: number): ColumnBatch | null;
  /**
   * Leaves out the values of field number `field` up to and with `pastNs` in the order of reading, later each time. The
   * last batch of the field is not valid any more.
   */
  skip(field: number, pastNs: bigint): void;
  /** Ends reading before the end: nothing is left, and batches are not valid any more. May be called again. */
  close(): void;
}

/** One column of a result. `present` null means that no row is null, else byte i is 1 where row i has a value. */
export type ResultColumn =
  /** `zone`: where clocks show these times, for answers in text; absent for UTC. */
  | { readonly kind: 'time'; readonly ns: BigInt64Array; readonly zone?: TimeZone }
  | { readonly kind: 'float'; readonly values: Float64Array; readonly present: Uint8Array | null }
  | {
      readonly kind: 'integer' | 'unsigned';
      readonly values: Float64Array;
      /** All values exactly, where any is beyond 2^53; unsigned as the same 64 bits. */
      readonly wide: BigInt64Array | null;
      readonly present: Uint8Array | null;
    }
  | { readonly kind: 'boolean'; readonly values: Uint8Array; readonly present: Uint8Array | null }
  | { readonly kind: 'string'; readonly values: readonly (string | null)[] }
  /** Mixed rows of metadata statements; `number` prints as a float, integers are bigint. */
  | { readonly kind: 'any'; readonly values: readonly ResultValue[] };

/** A single value of a result. */
export type ResultValue = string | number | bigint | boolean | null | readonly string[];

/** Rows of one series of a result, or a part of them. Owned by the receiver. */
export interface ResultSeries {
  /** '' where the answer has no name. */
  readonly name: string;
  /** Null where the series has no tags; else keys in byte order. */
  readonly tags: readonly TagPair[] | null;
  readonly columns: readonly string[];
  readonly rowCount: number;
  /** One for each of `columns`. */
  readonly data: readonly ResultColumn[];
  /** True when more rows of the same series (same name and tags) follow in the next element. */
  readonly partial: boolean;
}

/** Consumes rows of SELECT ... INTO. */
export interface ResultWriter {
  /** Writes rows, those of several series together; resolves with the number of points written. */
  write(target: {
    readonly database: string;
    readonly retentionPolicy: string;
    readonly series: readonly WrittenSeries[];
  }): Promise<number>;
}

/** Rows of one series for a measurement. */
export interface WrittenSeries {
  readonly measurement: string;
  readonly series: ResultSeries;
}
