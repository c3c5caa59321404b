/**
 * Calls of a query worker to the main thread, answered while it waits: what the query engine asks of metadata and of the
 * series index.
 */
import type { FieldType, SharedKeys } from '#models';
import type { TagRequirement, TimeRange } from '#query';
import type { SharedEngineView, SharedTsmFile } from '#tsm';

/** A shard of a view. */
export interface RemoteShard {
  readonly id: number;
  readonly startNs: bigint;
  readonly endNs: bigint;
}

/** Requests and replies by name. Views, lists and shards are known by their numbers. */
export interface ViewCalls {
  view: {
    readonly request: {
      readonly database: string;
      readonly retentionPolicy: string;
      readonly range: TimeRange;
    };
    readonly reply: { readonly view: number; readonly shards: readonly RemoteShard[] };
  };
  measurementNames: {
    readonly request: { readonly view: number };
    readonly reply: readonly string[];
  };
  fields: {
    readonly request: { readonly view: number; readonly measurement: string };
    readonly reply: {
      readonly all: ReadonlyMap<string, readonly FieldType[]>;
      /** By shard, in the order of the view. */
      readonly byShard: readonly ReadonlyMap<string, FieldType>[];
    };
  };
  tagKeys: {
    readonly request: { readonly view: number; readonly measurement: string };
    readonly reply: readonly string[];
  };
  series: {
    readonly request: {
      readonly view: number;
      readonly measurement: string;
      readonly required: readonly TagRequirement[];
    };
    readonly reply: { readonly list: number; readonly ids: Int32Array; readonly keys: SharedKeys };
  };
  tagValues: {
    readonly request: { readonly list: number; readonly key: string };
    readonly reply: {
      /** By position in the list. */
      readonly valueIds: Int32Array;
      readonly texts: ReadonlyMap<number, string>;
    };
  };
  shard: {
    readonly request: { readonly view: number; readonly shard: number };
    readonly reply: {
      readonly engine: SharedEngineView;
      /** A bit for each series id that the shard has. */
      readonly series: Uint32Array;
    };
  };
  file: {
    readonly request: { readonly view: number; readonly shard: number; readonly number: number };
    readonly reply: SharedTsmFile;
  };
}

/** Name of a call. */
export type ViewCallName = keyof ViewCalls;

/** A call as it is sent; `query` says for which query. */
export interface ViewCallMessage {
  /** Comes back with the answer. */
  readonly number: number;
  readonly query: number;
  readonly name: ViewCallName;
  readonly request: ViewCalls[ViewCallName]['request'];
}

/** An error on its way from one thread to another. */
export interface SentError {
  /** That of a TidegateError; null for a fault of the program. */
  readonly code: string | null;
  readonly name: string;
  readonly message: string;
  readonly stack: string;
}

/** The answer to a call. */
export type ViewReplyMessage = {
  /** Of the call. */
  readonly number: number;
} & ({ readonly reply: ViewCalls[ViewCallName]['reply'] } | { readonly error: SentError });
