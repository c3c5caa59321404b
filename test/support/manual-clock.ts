/** A clock that stands still until it is told otherwise. */
import type { Clock } from '#kernel';

/** Starts at 2020-09-13T12:26:40Z. */
export class ManualClock implements Clock {
  constructor(private timeNs = 1_600_000_000_000_000_000n) {}

  nowNs(): bigint {
    return this.timeNs;
  }

  monotonicMs(): number {
    return Number(this.timeNs / 1_000_000n);
  }

  /** Moves both times on. */
  advanceMs(durationMs: number): void {
    this.timeNs += BigInt(Math.round(durationMs * 1e6));
  }
}
