/** What the main thread and a query worker say to each other besides calls, and errors as messages. */
import type { SelectStatement } from '#influxql';
import { InvariantError, type LogFields, TidegateError } from '#kernel';
import type { QueryLimits, QueryPart, ResultColumn, ResultSeries } from '#query';
import type { MessagePort } from 'node:worker_threads';
import type { SentError } from './calls.js';

/** What a worker is started with. */
export interface QueryWorkerData {
  /** Carries {@link ViewCallMessage} and {@link ViewReplyMessage}. */
  readonly callPort: MessagePort;
  /** Number of the last call that was answered. */
  readonly replied: Int32Array;
  /** What all queries hold; see QueryMemory. */
  readonly memoryCounter: Int32Array;
}

/** A part of a SELECT to run. */
export interface RunMessage {
  readonly kind: 'run';
  /** Tells the runs of a worker apart. */
  readonly run: number;
  /** For {@link ViewCallMessage}. */
  readonly query: number;
  readonly statement: SelectStatement;
  readonly database: string;
  readonly retentionPolicy: string;
  readonly nowNs: bigint;
  readonly limits: QueryLimits;
  readonly part: QueryPart | null;
  /** 1 when the query is to stop. */
  readonly cancelled: Int32Array;
}

/** To the worker. */
export type ToQueryWorker =
  | RunMessage
  /** Results have been taken. */
  | { readonly kind: 'taken'; readonly run: number; readonly bytes: number };

/** A column as it is sent: texts that repeat are sent once. */
export type SentColumn =
  | ResultColumn
  | {
      readonly kind: 'texts';
      readonly texts: readonly (string | null)[];
      /** Which of the texts, row by row. */
      readonly rows: Uint16Array;
    };

/** A series as it is sent. */
export type SentSeries = Omit<ResultSeries, 'data'> & { readonly data: readonly SentColumn[] };

/** From the worker. */
export type FromQueryWorker =
  | {
      readonly kind: 'series';
      readonly run: number;
      readonly series: SentSeries;
      readonly bytes: number;
    }
  | { readonly kind: 'end'; readonly run: number; readonly error: SentError | null }
  | {
      readonly kind: 'log';
      readonly level: 'debug' | 'info' | 'warn' | 'error';
      readonly phrase: string;
      readonly fields: LogFields;
    };

/** An error as a message. */
export function sendableError(thrown: unknown): SentError {
  const error = thrown instanceof Error ? thrown : new InvariantError(String(thrown));
  return {
    code: thrown instanceof TidegateError ? thrown.code : null,
    name: error.name,
    message: error.message,
    stack: error.stack ?? '',
  };
}

/** The error that was sent, as far as anybody looks: operating errors by their code, an overflow of the stack, faults. */
export function receivedError({ code, name, message, stack }: SentError): Error {
  if (code !== null) return new TidegateError(code, message);
  const fault = name === 'RangeError' ? new RangeError(message) : new InvariantError(message);
  fault.stack = stack;
  return fault;
}
