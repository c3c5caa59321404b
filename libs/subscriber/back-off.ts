/** How long to wait before the next try: doubled from one to the next, of which half is left to chance. */

/** Bounds of the waits. */
export interface BackOffOptions {
  readonly minMs: number;
  readonly maxMs: number;
  /** From 0 to 1, as Math.random. */
  readonly random: () => number;
}

/** See the header. */
export class BackOff {
  private nextMs: number;

  constructor(private readonly options: BackOffOptions) {
    this.nextMs = options.minMs;
  }

  /** The wait after another failure. @param askedMs what the other side asks for; taken up to the longest wait */
  next(askedMs: number): number {
    const { maxMs, random } = this.options;
    const waitMs = this.nextMs * (0.5 + random() / 2);
    this.nextMs = Math.min(maxMs, 2 * this.nextMs);
    return Math.max(waitMs, Math.min(askedMs, maxMs));
  }

  /** After a success. */
  reset(): void {
    this.nextMs = this.options.minMs;
  }
}
