/**
 * Limits of one query, and the place where a long scan looks up: whether it was killed, and whether others should get
 * their turn.
 */
import { QueryInterruptedError, QueryLimitError } from './errors.js';

/** The configuration's limits; 0 means none. */
export interface QueryLimits {
  readonly selectPointsMax: number;
  readonly selectSeriesMax: number;
  readonly selectBucketsMax: number;
}

/** No limits at all. */
export const noLimits: QueryLimits = {
  selectPointsMax: 0,
  selectSeriesMax: 0,
  selectBucketsMax: 0,
};

/** A scan works this long before it offers others their turn. */
const TURN_MS = 8;

/** Counts what a query reads. One per query; not for use by several at once. */
export class QueryBudget {
  readonly limits: QueryLimits;
  readonly #signal: AbortSignal | null;
  #points = 0;
  #series = 0;
  #turnStartMs = performance.now();

  constructor(limits: QueryLimits = noLimits, signal: AbortSignal | null = null) {
    this.limits = limits;
    this.#signal = signal;
  }

  /** @throws QueryLimitError */
  countPoints(count: number): void {
    this.#points += count;
    const max = this.limits.selectPointsMax;
    if (max > 0 && this.#points > max) {
      throw new QueryLimitError(`max-select-point limit exceeded: (${this.#points}/${max})`);
    }
  }

  /** @throws QueryLimitError */
  countSeries(count: number): void {
    this.#series += count;
    const max = this.limits.selectSeriesMax;
    if (max > 0 && this.#series > max) {
      throw new QueryLimitError(`max-select-series limit exceeded: (${this.#series}/${max})`);
    }
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
