/**
 * Time as a port, so that tests and a later cluster decide what time it is. Nothing in layers 0-4 reads Date.now()
 * but through a Clock.
 */

/** Source of wall-clock and monotonic time. */
export interface Clock {
  /** Wall-clock time in nanoseconds since 1970-01-01T00:00:00Z. */
  nowNs(): bigint;
  /** Milliseconds from an arbitrary start that never goes backwards; for durations only. */
  monotonicMs(): number;
}

/** The machine's clock. Wall time follows adjustments of the system's time; its resolution is a millisecond. */
export class SystemClock implements Clock {
  nowNs(): bigint {
    return BigInt(Date.now()) * 1_000_000n;
  }

  monotonicMs(): number {
    return performance.now();
  }
}
