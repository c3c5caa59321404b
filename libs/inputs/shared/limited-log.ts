/** Logs what may happen very often: at most one line a second, which says how many were left out before it. */
import type { Clock, LogFields, Logger } from '#kernel';

const INTERVAL_MS = 1000;

/** A phrase that may be due very often. */
export class LimitedLog {
  private lastMs = Number.NEGATIVE_INFINITY;
  private suppressed = 0;

  constructor(
    private readonly logger: Logger,
    private readonly clock: Clock,
  ) {}

  /**
   * Logs, unless something was logged within the last second.
   * @param fields or what makes them: called only where it is logged
   */
  info(phrase: string, fields: LogFields | (() => LogFields)): void {
    const nowMs = this.clock.monotonicMs();
    if (nowMs - this.lastMs < INTERVAL_MS) {
      this.suppressed++;
      return;
    }
    this.lastMs = nowMs;
    const { suppressed } = this;
    this.suppressed = 0;
    const made = typeof fields === 'function' ? fields() : fields;
    this.logger.info(phrase, suppressed === 0 ? made : { ...made, suppressed });
  }
}
