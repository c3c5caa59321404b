/** Bounds how many writes are under way and how many wait. @see InfluxDB services/httpd Throttler */
import { HttpError } from './errors.js';

/** Limits; 0 means none. */
export interface ThrottleLimits {
  readonly activeMax: number;
  readonly waitingMax: number;
  readonly waitTimeoutMs: number;
}

interface Waiter {
  readonly start: () => void;
}

/** Lets a bounded number of tasks through. */
export class Throttle {
  private active = 0;
  private readonly waiting: Waiter[] = [];

  constructor(private readonly limits: ThrottleLimits) {}

  /**
   * Resolves when a task may begin; every call that resolves needs one {@link leave}.
   * @throws HttpError 503 when too many wait or the wait is too long
   */
  enter(): Promise<void> {
    const { activeMax, waitingMax, waitTimeoutMs } = this.limits;
    if (activeMax === 0 || this.active < activeMax) {
      this.active++;
      return Promise.resolve();
    }
    if (waitingMax > 0 && this.waiting.length >= waitingMax)
      return Promise.reject(HttpError.throttled('queue full'));
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        start: () => {
          clearTimeout(timer);
          resolve();
        },
      };
      const timer =
        waitTimeoutMs === 0
          ? undefined
          : setTimeout(() => {
              this.waiting.splice(this.waiting.indexOf(waiter), 1);
              reject(HttpError.throttled('exceeds timeout'));
            }, waitTimeoutMs);
      this.waiting.push(waiter);
    });
  }

  /** Ends a task; the one that waits longest begins. */
  leave(): void {
    const next = this.waiting.shift();
    if (next === undefined) this.active--;
    else next.start();
  }
}
