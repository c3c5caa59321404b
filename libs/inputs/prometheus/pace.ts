/**
 * Keeps a long read from holding up everything else: work in turns of a few milliseconds, an end when the client has gone or
 * the time is up.
 */
import { InputError } from '../shared/errors.js';

/** Longest turn. */
const TURN_MS = 8;

/** The code of a read that nobody waits for any more. */
export const CANCELLED = 'inputs.cancelled';

/** The pace of one read. */
export class Pace {
  private turnStartedMs = performance.now();
  private readonly deadlineMs: number;

  /** @param timeoutMs 0 for none */
  constructor(
    private readonly signal: AbortSignal,
    private readonly timeoutMs: number,
  ) {
    this.deadlineMs = timeoutMs > 0 ? performance.now() + timeoutMs : Infinity;
  }

  /** Milliseconds until the time is up; Infinity for never. */
  get leftMs(): number {
    return this.deadlineMs - performance.now();
  }

  /** Whether the turn is over: then await {@link rest}. */
  get isTurnOver(): boolean {
    return performance.now() - this.turnStartedMs >= TURN_MS;
  }

  /** Lets others work. @throws InputError when the read is to end */
  async rest(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.check();
    this.turnStartedMs = performance.now();
  }

  /** @throws InputError when the read is to end */
  check(): void {
    if (this.signal.aborted) throw new InputError(CANCELLED, 'client has gone');
    if (this.leftMs <= 0) {
      throw new InputError(
        'inputs.timeout',
        `remote read took longer than ${this.timeoutMs / 1000}s (read-timeout)`,
      );
    }
  }
}
