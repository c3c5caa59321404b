/**
 * The books of whoever hands points in: HTTP, INTO, continuous queries, the server itself. Inputs keep books of their own; their
 * IngestLedger is one of these.
 */
import { TidegateError } from '#kernel';

/** Told of every point what became of it: each one received is stored, refused or dropped later. */
export interface WriteBooks {
  receive(count: number): void;
  /** Points are on disk. */
  store(count: number): void;
  /** Points that are no good; `reason` may be InfluxDB's text for one of them. */
  refuse(count: number, reason: string): void;
  /** Good points that were lost at `place`. */
  drop(count: number, place: string): void;
}

/** The books of line protocol, which are shown what cannot be read. */
export interface LineBooks extends WriteBooks {
  /** A line that cannot be read. */
  reject(rejection: {
    readonly reason: string;
    readonly text: string;
    readonly peer: string;
    readonly raw: Uint8Array;
    readonly count?: number;
    /** Database, retention policy and precision: what storing it later takes. */
    readonly target?: Readonly<Record<string, string>>;
  }): void;
}

/** Refusals that another try would get again: the points were not lost, they are no good. */
const REFUSALS = new Set([
  'coordinator.database-not-found',
  'coordinator.retention-policy-not-found',
  'coordinator.too-many-groups',
  'tsdb.field-type-conflict',
]);

/** Books points of a write that ended in an error. */
export function bookFailure(books: WriteBooks, count: number, error: unknown): void {
  if (count <= 0) return;
  const code = error instanceof TidegateError ? error.code : '';
  if (error instanceof TidegateError && REFUSALS.has(code)) books.refuse(count, error.message);
  else books.drop(count, code === 'coordinator.write-timeout' ? 'write timeout' : 'write');
}
