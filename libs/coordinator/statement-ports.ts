/**
 * What executing statements needs of the rest, and what it gives back. The query engine, storage's deletions and the
 * monitor are ports; the events go to whoever asked (HTTP, continuous queries).
 */
import type { ExtensionStatement, MeasurementSource, Expr, Statement } from '#influxql';
import type { User } from '#meta';
import type { ResultSeries } from '#query';

/** Parsed statements to run. */
export interface StatementRequest {
  readonly statements: readonly Statement[];
  /** Database of statements that name none; '' for none. */
  readonly database: string;
  readonly retentionPolicy: string;
  /** True where statements that change something are to be answered with a warning. */
  readonly isReadOnly: boolean;
  /** Rows in one chunk of the answer, 0 where it is not chunked. */
  readonly chunkRows: number;
  /** Null where authentication is off. Authorisation has been checked; this narrows what lists show. */
  readonly user: User | null;
  readonly signal: AbortSignal;
  /** Told when the query is ended before its time, by KILL QUERY or its time limit. */
  readonly onInterrupted?: () => void;
  /** Whose points an INTO writes; a client's where absent. */
  readonly origin?: StatementOrigin;
}

/** Who has statements run. */
export type StatementOrigin = 'client' | 'continuous query';

/** How a chunked answer cuts series: by rows, one document a series, or not at all. */
export type SeriesGrain = 'rows' | 'series' | 'statement';

/** A part of the answer: series of a statement, then its end. */
export type StatementEvent =
  | {
      readonly kind: 'series';
      readonly statementId: number;
      readonly grain: SeriesGrain;
      readonly series: ResultSeries;
    }
  | {
      readonly kind: 'end';
      readonly statementId: number;
      readonly error: string | null;
      readonly messages: readonly { readonly level: string; readonly text: string }[];
    };

/** What a statement is run in. */
export interface StatementContext {
  readonly database: string;
  readonly retentionPolicy: string;
  readonly chunkRows: number;
  readonly user: User | null;
  readonly signal: AbortSignal;
  readonly origin?: StatementOrigin;
}

/** Runs statements that read stored points: SELECT, EXPLAIN and the SHOW forms over series. */
export interface StatementEngine {
  /** @throws TidegateError with InfluxDB 1.x's text */
  execute(
    statement: Statement,
    context: StatementContext,
  ): AsyncIterable<{ readonly grain: SeriesGrain; readonly series: ResultSeries }>;
}

/** Which points a DELETE or DROP SERIES is about. */
export interface SeriesSelection {
  readonly database: string;
  /** None means every measurement. */
  readonly sources: readonly MeasurementSource[];
  readonly condition: Expr | null;
}

/** Removes stored points. All resolve once it is durable; what is absent already is no error. */
export interface StorageCommands {
  deleteDatabase(name: string): Promise<void>;
  deleteRetentionPolicy(database: string, retentionPolicy: string): Promise<void>;
  deleteShard(id: number): Promise<void>;
  dropMeasurement(database: string, name: string): Promise<void>;
  dropSeries(selection: SeriesSelection): Promise<void>;
  deletePoints(selection: SeriesSelection): Promise<void>;
}

/** Numbers of one part for SHOW STATS. */
export interface StatementStatistics {
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly values: Readonly<Record<string, number | bigint | string | boolean>>;
}

/** A table of SHOW DIAGNOSTICS. */
export interface StatementDiagnostics {
  readonly name: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number | bigint | boolean | null)[])[];
}

/** What the server says of itself. */
export interface MonitorView {
  statistics(): readonly StatementStatistics[];
  diagnostics(): readonly StatementDiagnostics[];
}

/** Answers the statements of one of Tidegate's own extensions (`SHOW CQ GAPS`). */
export interface ExtensionHandler {
  /** As the extension's parser names its statements. */
  readonly name: string;
  /** The tables of the answer. @throws TidegateError where it cannot be given */
  run(
    statement: ExtensionStatement,
    context: StatementContext,
  ): readonly ResultSeries[] | Promise<readonly ResultSeries[]>;
}
