/**
 * Where metadata is kept: a small store of keys with compare-and-set transactions, watches and leases. The local driver
 * keeps it in one file; a cluster's driver will keep it in etcd. Both pass `testing/meta-store-contract.ts`.
 */

/** The key under which all metadata stands, as the bytes of meta.db. */
export const META_KEY = 'meta';

/** A value and the revision of its last change. */
export interface MetaEntry {
  readonly value: Uint8Array;
  readonly revision: bigint;
}

/** A condition of a transaction: the key is at this revision; 0 means absent. */
export interface MetaCompare {
  readonly key: string;
  readonly revision: bigint;
}

/** An effect of a transaction. */
export type MetaOperation =
  | { readonly kind: 'put'; readonly key: string; readonly value: Uint8Array }
  | { readonly kind: 'delete'; readonly key: string };

/** A change that a watcher sees; `reset` means that changes may have been missed and everything has to be read again. */
export type MetaEvent =
  | {
      readonly kind: 'put';
      readonly key: string;
      readonly value: Uint8Array;
      readonly revision: bigint;
    }
  | { readonly kind: 'delete'; readonly key: string; readonly revision: bigint }
  | { readonly kind: 'reset'; readonly revision: bigint };

/** The right to do something that only one may do at a time. Kept alive by the driver until released or lost. */
export interface MetaLease {
  /** Grows with every holder; to be compared in transactions of whoever acts under the lease. */
  readonly fence: bigint;
  /** Aborted when the lease is released or lost. */
  readonly lost: AbortSignal;
  release(): Promise<void>;
}

/** A store of metadata. Values handed over or out must not be changed. Calls may be concurrent. */
export interface MetaStore {
  open(): Promise<void>;
  close(): Promise<void>;
  /** Null when the key is absent. */
  get(key: string): Promise<MetaEntry | null>;
  /** Entries whose key begins with `prefix`, and the store's revision at that moment. */
  list(
    prefix: string,
  ): Promise<{ readonly items: ReadonlyMap<string, MetaEntry>; readonly revision: bigint }>;
  /**
   * Applies all operations durably if all comparisons hold, else nothing.
   * @returns the store's revision afterwards
   */
  transact(
    compare: readonly MetaCompare[],
    operations: readonly MetaOperation[],
  ): Promise<{ readonly isApplied: boolean; readonly revision: bigint }>;
  /** Changes after `fromRevision` to keys that begin with `prefix`, each once and in order, until `signal` aborts. */
  watch(prefix: string, fromRevision: bigint, signal: AbortSignal): AsyncIterable<MetaEvent>;
  /** The lease of a name, or null while another holds it. `ttlMs` bounds how long a dead holder blocks others. */
  lease(name: string, ttlMs: number): Promise<MetaLease | null>;
}
