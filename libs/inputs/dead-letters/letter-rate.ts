/** How many letters of one listener for one reason are kept: so many a second, and ten seconds' worth ahead. */
import type { Clock } from '#kernel';

/** Seconds that may be used up at once. */
const BURST_SECONDS = 10;
/** Pairs of listener and reason that are told apart. */
const PAIRS_MAX = 4096;

interface Bucket {
  letters: number;
  filledMs: number;
}

/** See the header. */
export class LetterRate {
  private readonly listeners = new Map<string, Map<string, Bucket>>();
  private pairs = 0;

  /** @param perSecondMax 0 for no limit */
  constructor(
    private readonly perSecondMax: number,
    private readonly clock: Clock,
  ) {}

  /** Whether one more may be kept now; then it counts. */
  admit(listener: string, reason: string): boolean {
    if (this.perSecondMax === 0) return true;
    const bucket = this.filled(listener, reason);
    if (bucket.letters < 1) return false;
    bucket.letters--;
    return true;
  }

  /** Whether one more would be kept now. */
  hasRoom(listener: string, reason: string): boolean {
    return this.perSecondMax === 0 || this.filled(listener, reason).letters >= 1;
  }

  private filled(listener: string, reason: string): Bucket {
    const { perSecondMax } = this;
    const nowMs = this.clock.monotonicMs();
    const bucket = this.bucket(listener, reason, nowMs);
    const gainedSeconds = (nowMs - bucket.filledMs) / 1000;
    bucket.filledMs = nowMs;
    bucket.letters = Math.min(
      BURST_SECONDS * perSecondMax,
      bucket.letters + gainedSeconds * perSecondMax,
    );
    return bucket;
  }

  private bucket(listener: string, reason: string, nowMs: number): Bucket {
    let reasons = this.listeners.get(listener);
    const known = reasons?.get(reason);
    if (known !== undefined) return known;
    if (this.pairs >= PAIRS_MAX) {
      this.listeners.clear();
      this.pairs = 0;
      reasons = undefined;
    }
    if (reasons === undefined) {
      reasons = new Map();
      this.listeners.set(listener, reasons);
    }
    const bucket = { letters: BURST_SECONDS * this.perSecondMax, filledMs: nowMs };
    reasons.set(reason, bucket);
    this.pairs++;
    return bucket;
  }
}
