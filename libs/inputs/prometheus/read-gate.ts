/** Bounds how many remote reads run at one time, and how many wait for it. */
import { InputError } from '../shared/errors.js';
import { CANCELLED, type Pace } from './pace.js';
import type { PrometheusStatistics } from './statistics.js';

/** Reads that may wait for each that may run. */
const WAITING_PER_ACTIVE = 10;

/** Lets a bounded number of reads through, in order. Keeps the counters of those that run and wait. */
export class ReadGate {
  private readonly waiting: (() => void)[] = [];

  /** @param activeMax 0 for no limit */
  constructor(
    private readonly activeMax: number,
    private readonly statistics: PrometheusStatistics,
  ) {}

  /**
   * Resolves when a read may begin; then it needs one {@link leave}.
   * @throws InputError when too many wait, the client goes, or the time is up
   */
  async enter(pace: Pace, signal: AbortSignal): Promise<void> {
    const { activeMax, statistics, waiting } = this;
    if (activeMax === 0 || statistics.readReqActive < activeMax) {
      statistics.readReqActive++;
      return;
    }
    if (waiting.length >= WAITING_PER_ACTIVE * activeMax) {
      throw new InputError(
        'inputs.busy',
        `too many remote reads (max-concurrent-reads ${activeMax})`,
      );
    }
    statistics.readReqWaiting++;
    try {
      await this.wait(pace, signal);
    } finally {
      statistics.readReqWaiting--;
    }
  }

  /** Ends a read; the one that waits longest begins. */
  leave(): void {
    const next = this.waiting.shift();
    if (next === undefined) this.statistics.readReqActive--;
    else next();
  }

  private wait(pace: Pace, signal: AbortSignal): Promise<void> {
    const { waiting } = this;
    return new Promise((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', giveUp);
      };
      const start = (): void => {
        end();
        resolve();
      };
      const giveUp = (): void => {
        const at = waiting.indexOf(start);
        if (at >= 0) waiting.splice(at, 1);
        end();
        reject(
          signal.aborted
            ? new InputError(CANCELLED, 'client has gone')
            : new InputError('inputs.timeout', 'remote read waited too long (read-timeout)'),
        );
      };
      const timer = pace.leftMs === Infinity ? undefined : setTimeout(giveUp, pace.leftMs);
      signal.addEventListener('abort', giveUp);
      waiting.push(start);
    });
  }
}
