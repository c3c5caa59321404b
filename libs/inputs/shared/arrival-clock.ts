/**
 * Times for points that bring none: now, but never the same twice, so that two values of one series that arrive within the
 * clock's resolution do not overwrite each other.
 */
import type { Clock } from '#kernel';

/** Gives times. */
export class ArrivalClock {
  private lastNs = 0n;

  constructor(private readonly clock: Clock) {}

  /** Now in nanoseconds, at least one more than the last time. */
  nextNs(): bigint {
    const nowNs = this.clock.nowNs();
    this.lastNs = nowNs > this.lastNs ? nowNs : this.lastNs + 1n;
    return this.lastNs;
  }
}
