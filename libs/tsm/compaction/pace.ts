/** Holds writing down to a number of bytes a second, with bursts: `compact-throughput`. */

/** Counts bytes and says how long to wait. */
export class Pace {
  private allowedBytes: number;
  private atMs: number;

  /**
   * @param bytesPerSecond 0 = no limit
   * @param burstBytes what may be written at once
   * @param monotonicMs a clock; the default is the machine's
   */
  constructor(
    private readonly bytesPerSecond: number,
    private readonly burstBytes: number,
    private readonly monotonicMs: () => number = () => performance.now(),
  ) {
    this.allowedBytes = burstBytes;
    this.atMs = monotonicMs();
  }

  /** Takes note of bytes written; milliseconds to wait before the next. */
  waitMs(sizeBytes: number): number {
    if (this.bytesPerSecond === 0) return 0;
    const nowMs = this.monotonicMs();
    const gained = ((nowMs - this.atMs) * this.bytesPerSecond) / 1000;
    this.allowedBytes = Math.min(this.burstBytes, this.allowedBytes + gained) - sizeBytes;
    this.atMs = nowMs;
    return this.allowedBytes >= 0 ? 0 : (-this.allowedBytes / this.bytesPerSecond) * 1000;
  }
}
