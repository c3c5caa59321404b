/**
 * What remote write and remote read need of the rest: requests and answers of the HTTP server, and stored data to read. The
 * way into storage is the PointSink. apps/tidegate binds them.
 */
import type { ColumnBatch, FieldType } from '#models';
import type { PointSink } from '../shared/point-sink.js';

/** Counters of the HTTP server that are added to. */
export type PrometheusHttpCounter =
  | 'promWriteReq'
  | 'promReadReq'
  | 'writeReq'
  | 'writeReqActive'
  | 'writeReqBytes'
  | 'writeReqDurationNs'
  | 'pointsWrittenOK'
  | 'valuesWrittenOK'
  | 'pointsWrittenDropped'
  | 'pointsWrittenFail';

/** A request; httpd's HttpRouteRequest is one. */
export interface PrometheusRequest {
  /** The first value of a URL parameter, or ''. */
  parameter(name: string): string;
  header(name: string): string | undefined;
  /** Lent until the handler's promise settles. */
  readonly body: Uint8Array;
  readonly signal: AbortSignal;
  /** Who asks: address, and user where known. */
  readonly peer: string;
  /** @throws TidegateError unless who asks may do so to the database */
  authorize(privilege: 'READ' | 'WRITE', database: string): void;
  count(counter: PrometheusHttpCounter, by: number): void;
}

/** An answer; an HttpRouteResult of httpd. */
export interface PrometheusResult {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string | AsyncIterable<Uint8Array>;
}

/** The way into storage. Errors keep their codes, which say whether trying again helps. */
export type PrometheusSink = Pick<PointSink, 'series' | 'keyOf' | 'write'>;

/** Inclusive bounds in nanoseconds since 1970. */
export interface ReadRange {
  readonly minNs: bigint;
  readonly maxNs: bigint;
}

/** Opens stored data. */
export interface SeriesReader {
  hasDatabase(database: string): boolean;
  /** @param retentionPolicy '' for the default one */
  hasRetentionPolicy(database: string, retentionPolicy: string): boolean;
  /** A view of a policy that is there; to be closed. */
  view(source: {
    readonly database: string;
    readonly retentionPolicy: string;
    readonly range: ReadRange;
  }): SeriesView;
}

/** Data of the shards that overlap a range. */
export interface SeriesView {
  /** In order of time, never overlapping. */
  readonly shards: readonly ShardReader[];
  /** In byte order. */
  measurementNames(): readonly string[];
  /** In byte order. */
  tagKeys(measurement: string): readonly string[];
  /** Series in order of their keys, of which all of `equals` are true; '' matches series without the tag. */
  series(
    measurement: string,
    equals: readonly { readonly key: string; readonly value: string }[],
  ): FoundSeriesList;
  close(): void;
}

/** Series of one measurement. */
export interface FoundSeriesList {
  readonly count: number;
  readonly ids: Int32Array;
  /** A small integer for each distinct value of a tag, 0 where a series does not have it. */
  tagValueIds(key: string): Int32Array;
  tagValueOf(key: string, valueId: number): string;
}

/** One shard. */
export interface ShardReader {
  fieldType(measurement: string, field: string): FieldType | null;
  /** May answer true too often. */
  hasSeries(seriesId: number): boolean;
  cursor(request: {
    readonly seriesId: number;
    readonly measurement: string;
    readonly fields: readonly string[];
    readonly range: ReadRange;
    readonly ascending: boolean;
  }): ShardCursor;
}

/** Values of one series of one shard. */
export interface ShardCursor {
  /** The next values of field number `field`, valid until the next call for it; null at the end. */
  next(field: number): ColumnBatch | null;
  close(): void;
}
