/**
 * Times as the two 32-bit words that batches hold, made from seconds and nanoseconds without a BigInt. Remembers the last
 * time: neighbouring points mostly share it.
 */

/** The last time asked for. */
export class TimeWords {
  lo = 0;
  hi = 0;
  private seconds = 0;
  private nanos = 0;

  /**
   * Sets `lo` and `hi` to `seconds * 1e9 + nanos`, exactly.
   * @param seconds whole, between -9223372036 and 9223372035
   * @param nanos whole, 0 to 999999999
   */
  set(seconds: number, nanos: number): void {
    if (seconds === this.seconds && nanos === this.nanos) return;
    this.seconds = seconds;
    this.nanos = nanos;
    // All products stay below 2^53.
    const upper = Math.floor(seconds / 65536);
    const high = upper * 1e9;
    const low = (seconds - upper * 65536) * 1e9 + nanos;
    const highHigh = Math.floor(high / 65536);
    const sum = (high - highHigh * 65536) * 65536 + low;
    const carry = Math.floor(sum / 4294967296);
    this.hi = (highHigh + carry) | 0;
    this.lo = (sum - carry * 4294967296) | 0;
  }
}
