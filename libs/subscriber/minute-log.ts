/** Logs what may go on for days: at most one line a minute, which says how many were left out before it. */
import type { Clock, LogFields, Logger } from '#kernel';

const INTERVAL_MS = 60_000;

/** A phrase that may be due at every try. */
export class MinuteLog {
  private lastMs = Number.NEGATIVE_INFINITY;
  private suppressed = 0;

  constructor(
    private readonly logger: Logger,
    private readonly clock: Pick<Clock, 'monotonicMs'>,
  ) {}

  /** Logs, unless something was logged within the last minute. */
  warn(phrase: string, fields: LogFields): void {
    const nowMs = this.clock.monotonicMs();
    if (nowMs - this.lastMs < INTERVAL_MS) {
      this.suppressed++;
      return;
    }
    this.lastMs = nowMs;
    const { suppressed } = this;
    this.suppressed = 0;
    this.logger.warn(phrase, suppressed === 0 ? fields : { ...fields, suppressed });
  }
}
