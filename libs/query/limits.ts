/**
 * Limits of one query, and the place where a long scan looks up: whether it was killed, and whether others should get
 * their turn.
 */
import { LongQueryError, QueryInterruptedError, QueryLimitError } from './errors.js';

/** The configuration's limits; 0 means none. */
export interface QueryLimits {
  readonly selectPointsMax: number;
  readonly selectSeriesMax: number;
  readonly selectBucketsMax: number;
  /** Bytes that one query may hold at a time. */
  readonly queryMemoryMaxBytes: number;
  /** Series from which a query is not worth beginning here; not of the configuration. */
  readonly expectedSeriesMax?: number;
}

/** No limits at all. */
export const noLimits: QueryLimits = {
  selectPointsMax: 0,
  selectSeriesMax: 0,
  selectBucketsMax: 0,
  queryMemoryMaxBytes: 0,
};

/** A scan works this long before it offers others their turn. */
const TURN_MS = 8;

/** All queries together may hold so many times what one may. */
const SHARED_FACTOR = 3;

/** Bytes that the common count is kept in units of. */
const UNIT_BYTES = 1024;

/** What all queries hold together, in every thread that counts with the same counter. */
export class QueryMemory {
  /** Bytes of this thread not in the common count yet, less than a unit. */
  #rest = 0;

  /** @param counter one Int32 in units of 1 KiB; in shared memory where several threads run queries */
  constructor(readonly counter: Int32Array = new Int32Array(1)) {}

  get bytes(): number {
    return Atomics.load(this.counter, 0) * UNIT_BYTES + this.#rest;
  }

  /** @throws QueryLimitError where that is more than `maxBytes`, 0 for no limit */
  add(bytes: number, maxBytes: number): void {
    this.#rest += bytes;
    const units = Math.trunc(this.#rest / UNIT_BYTES);
    if (units !== 0) {
      Atomics.add(this.counter, 0, units);
      this.#rest -= units * UNIT_BYTES;
    }
    if (bytes > 0 && maxBytes > 0 && this.bytes > maxBytes) {
      const held = Math.round(this.bytes);
      throw new QueryLimitError(
        `max-query-memory limit of all queries exceeded: (${held}/${maxBytes})`,
      );
    }
  }
}

/** Tells a query to stop. An AbortSignal is one. */
export interface CancelSignal {
  readonly aborted: boolean;
  readonly reason?: unknown;
}

/** Counts what a query reads. One per query; not for use by several at once. */
export class QueryBudget {
  readonly limits: QueryLimits;
  readonly #signal: CancelSignal | null;
  readonly #shared: QueryMemory;
  #points = 0;
  #bytes = 0;
  #turnStartMs = performance.now();

  constructor(
    limits: QueryLimits = noLimits,
    signal: CancelSignal | null = null,
    shared: QueryMemory = new QueryMemory(),
  ) {
    this.limits = limits;
    this.#signal = signal;
    this.#shared = shared;
  }

  /** @throws QueryLimitError */
  countPoints(count: number): void {
    this.#points += count;
    const max = this.limits.selectPointsMax;
    if (max > 0 && this.#points > max) {
      throw new QueryLimitError(`max-select-point limit exceeded: (${this.#points}/${max})`);
    }
  }

  /** So many series of one measurement are going to be read. @throws QueryLimitError */
  countSeries(count: number): void {
    const max = this.limits.selectSeriesMax;
    if (max > 0 && count > max)
      throw new QueryLimitError(`max-select-series limit exceeded: (${count}/${max})`);
  }

  /**
   * Notes that so many series are going to be looked at.
   * @throws LongQueryError where that is more than somebody wants to wait for
   */
  expectSeries(count: number): void {
    const max = this.limits.expectedSeriesMax ?? 0;
    if (max > 0 && count > max) throw new LongQueryError();
  }

  /**
   * Notes that the query holds so many bytes more.
   * @throws QueryLimitError
   */
  charge(bytes: number): void {
    const max = this.limits.queryMemoryMaxBytes;
    this.#bytes += bytes;
    this.#shared.add(bytes, max * SHARED_FACTOR);
    if (max > 0 && this.#bytes > max) {
      const held = Math.round(this.#bytes);
      throw new QueryLimitError(`max-query-memory limit exceeded: (${held}/${max})`);
    }
  }

  release(bytes: number): void {
    this.#bytes -= bytes;
    this.#shared.add(-bytes, 0);
  }

  /** Releases everything, at the query's end. */
  close(): void {
    this.release(this.#bytes);
  }

  /** @throws QueryInterruptedError, or the signal's reason where that is an error of ours */
  check(): void {
    if (!this.#signal?.aborted) return;
    const reason: unknown = this.#signal.reason;
    throw reason instanceof QueryInterruptedError ? reason : new QueryInterruptedError();
  }

  /** True once a turn is over; the caller then yields. */
  isTurnOver(): boolean {
    this.check();
    const nowMs = performance.now();
    if (nowMs - this.#turnStartMs < TURN_MS) return false;
    this.#turnStartMs = nowMs;
    return true;
  }
}
