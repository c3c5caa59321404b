/**
 * What the HTTP server needs of the rest: a writer, a query engine, users, and readiness. apps/tidegate binds them.
 * Other libraries add routes of their own through HttpRoute.
 */
import type { Statement } from '#influxql';
import type { User } from '#meta';
import type { Precision } from '#models';
import type { RequestKind, Statistics } from '#monitor';
import type { ResultSeries } from '#query';
import type { HttpdCounter } from './statistics.js';

/** Copies that have to acknowledge a write. Only a cluster tells them apart. */
export type ConsistencyLevel = 'any' | 'one' | 'quorum' | 'all';

/** A body of line protocol on its way to storage. */
export interface WriteRequest {
  readonly database: string;
  /** '' for the default one. */
  readonly retentionPolicy: string;
  readonly precision: Precision;
  readonly consistency: ConsistencyLevel;
  /** Holds BODY_PADDING spare bytes behind `length`. Lent until the promise settles; the memory is used again afterwards. */
  readonly body: Uint8Array;
  readonly length: number;
  /** Name of the user, '' without authentication. */
  readonly user: string;
  /** Who writes: address without its port, and user where known. */
  readonly peer: string;
  /** Whether the answer shall name every line that was not stored. */
  readonly areVerdictsWanted: boolean;
}

/** A line that was not stored. */
export interface LineVerdict {
  /** Counting from 1. */
  readonly lineNumber: number;
  readonly text: string;
  readonly reason: string;
}

/** What became of a body. */
export interface WriteOutcome {
  /** Points and values on disk. */
  readonly points: number;
  readonly values: number;
  /** Points that storage refused. */
  readonly dropped: number;
  /** Lines that could not be read. */
  readonly rejectedCount: number;
  /** InfluxDB 1.x's text for a body that was not stored in full, null where it was. */
  readonly errorText: string | null;
  /** Where wanted: lines that were not stored, in order; null otherwise. */
  readonly verdicts: readonly LineVerdict[] | null;
}

/** Stores points. */
export interface WriteService {
  /**
   * Resolves once every point that is not reported as refused is durable.
   * @throws TidegateError when nothing can be said of single points: unknown policy, timeout, full cache
   */
  write(request: WriteRequest): Promise<WriteOutcome>;
}

/** A note beside a result. */
export interface QueryMessage {
  readonly level: string;
  readonly text: string;
}

/**
 * How chunked answers cut a statement's series: by rows (SELECT and its like), one document a series (SHOW TAG KEYS), or
 * not at all (statements over metadata). Same as InfluxDB 1.x.
 */
export type ResultGrain = 'rows' | 'series' | 'statement';

/** A part of a query's answer. Statements come in order, each with any number of series and one end. */
export type QueryEvent =
  | {
      readonly kind: 'series';
      readonly statementId: number;
      readonly grain: ResultGrain;
      readonly series: ResultSeries;
    }
  | {
      readonly kind: 'end';
      readonly statementId: number;
      /** Text of what went wrong, or null. */
      readonly error: string | null;
      readonly messages: readonly QueryMessage[];
    };

/** Parsed statements to run. */
export interface QueryRequest {
  readonly statements: readonly Statement[];
  /** Database of statements that name none; '' when the client gave none. */
  readonly database: string;
  readonly retentionPolicy: string;
  /** True for GET: statements that change something then get a message. */
  readonly isReadOnly: boolean;
  /** Rows in one chunk of the answer; 0 where the answer is not chunked. A hint: the writer cuts anyway. */
  readonly chunkRows: number;
  /** Who asks; null where authentication is off. Has been authorised for these statements. */
  readonly user: User | null;
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal;
  /** Told when the query is killed or runs into its time limit, so that its answer waits no longer for the client. */
  readonly onInterrupted?: () => void;
}

/** Runs statements. */
export interface QueryService {
  /** Leaving the iteration early ends the query. Errors of statements are events, not exceptions. */
  run(request: QueryRequest): AsyncIterable<QueryEvent>;
}

/** Users and databases, as far as requests are checked against them. */
export interface UserDirectory {
  hasDatabase(name: string): boolean;
  hasAdmin(): boolean;
  user(name: string): User | undefined;
  /** @throws MetaError when there is no such user or the password is another one */
  authenticate(name: string, password: string): Promise<User>;
}

/** Whether the parts behind the server are open yet. */
export interface Readiness {
  /** Null once everything is open; else what is under way, for people. */
  pending(): { readonly phase: string; readonly done: number; readonly total: number } | null;
  /** Resolves when open, or after `timeoutMs`; true when open. */
  waitUntilReady(timeoutMs: number): Promise<boolean>;
}

/** Numbers of one part of the server. */
export type StatisticsEntry = Statistics;

/** What the server says of itself in /debug/vars and /metrics, and takes note of. */
export interface SelfKnowledge {
  /** One entry a part and tag set. */
  collect(): readonly StatisticsEntry[];
  readonly metricsContentType: string;
  /** Prometheus' text format. */
  renderMetrics(): Promise<string>;
  /** Takes note of a request that has been answered. */
  observeRequest(kind: RequestKind, status: number, seconds: number): void;
}

/** Who may use a route. */
export type RoutePrivilege = 'none' | 'user' | 'admin';

/** A request as handlers of other libraries see it. */
export interface HttpRouteRequest {
  readonly method: string;
  /** The first value of a URL parameter, or ''. */
  parameter(name: string): string;
  header(name: string): string | undefined;
  /** The whole body, not decompressed, owned by the handler until its promise settles. */
  readonly body: Uint8Array;
  /** Null where authentication is off. */
  readonly user: User | null;
  /** Who asks: address, and user where known. */
  readonly peer: string;
  readonly signal: AbortSignal;
  /** @throws HttpError 403 unless who asks may do so to the database, or authentication is off */
  authorize(privilege: 'READ' | 'WRITE', database: string): void;
  /** Adds to the server's counters. */
  count(counter: HttpdCounter, by: number): void;
}

/** What a handler answers. */
export interface HttpRouteResult {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * Pieces are sent as they come, no faster than the client reads; the iteration is left when the client goes away. An error
   * before the first piece is answered, one after it cuts the connection.
   */
  readonly body?: Uint8Array | string | AsyncIterable<Uint8Array>;
}

/** A route that another library brings, for example Prometheus' remote write. */
export interface HttpRoute {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly privilege: RoutePrivilege;
  /** Bytes the body may have; absent for `max-body-size`. */
  readonly bodySizeMaxBytes?: number;
  /** Whether it is a write to be held back by `max-concurrent-write-limit` and its like. */
  readonly isThrottled?: boolean;
  /** What /debug/requests counts it as; absent for neither. */
  readonly trackedAs?: 'writes' | 'queries';
  handle(request: HttpRouteRequest): Promise<HttpRouteResult>;
}
