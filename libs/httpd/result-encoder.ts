/**
 * What an answer's format has to do; `response-writer.ts` decides where documents, results and series begin and end.
 */
import type { ResultSeries } from '#query';
import type { QueryMessage } from './ports.js';
import type { ByteSink } from './byte-sink.js';

/** The end of a result. */
export interface ResultEnd {
  readonly error: string | null;
  readonly messages: readonly QueryMessage[];
  readonly isPartial: boolean;
}

/** Writes the parts of an answer in one format into a sink. */
export interface ResultEncoder {
  readonly contentType: string;
  readonly sink: ByteSink;
  /** True when the document just ended is no document of the format, but a text about why not. */
  readonly isPlainText: boolean;
  beginDocument(): void;
  beginResult(statementId: number): void;
  /** Takes back everything since the last beginResult; false when some of it has left the sink. */
  restartResult(): boolean;
  beginSeries(series: ResultSeries): void;
  /** Rows `from` to below `to` of a series with the same columns as the one that was begun. */
  rows(series: ResultSeries, from: number, to: number): void;
  endSeries(isPartial: boolean): void;
  endResult(end: ResultEnd): void;
  endDocument(): void;
  /** Bytes that may be sent; what they belong to cannot be taken back afterwards. Empty for formats that wait. */
  take(): Uint8Array;
  /** The answer to a request that failed as a whole. */
  errorDocument(message: string): Uint8Array;
}
