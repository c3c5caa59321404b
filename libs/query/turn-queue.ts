/**
 * Whose turn it is on the event loop. Long work stops every few milliseconds and waits here; one goes on in each round of the
 * loop, whatever their number, so that requests, ingest and timers are served in between.
 */

/** Waits in two lines: those that begin go before those that have had a turn, one for one. */
export class TurnQueue {
  readonly #fresh: (() => void)[] = [];
  readonly #others: (() => void)[] = [];
  #wasFresh = false;
  #isScheduled = false;

  /** Begins work: at once where nobody waits, else with its turn. */
  begin(): Promise<void> | null {
    return this.#isScheduled ? this.#enter(this.#fresh) : null;
  }

  /** Resolves when the caller may go on. */
  next(): Promise<void> {
    return this.#enter(this.#others);
  }

  #enter(line: (() => void)[]): Promise<void> {
    if (!this.#isScheduled) {
      this.#isScheduled = true;
      setImmediate(this.#wake);
    }
    return new Promise((resolve) => line.push(resolve));
  }

  readonly #wake = (): void => {
    const isFresh = this.#fresh.length > 0 && (!this.#wasFresh || this.#others.length === 0);
    this.#wasFresh = isFresh;
    const resolve = (isFresh ? this.#fresh : this.#others).shift();
    // Callbacks set now run in the next round, after input and output.
    this.#isScheduled = this.#fresh.length + this.#others.length > 0;
    if (this.#isScheduled) setImmediate(this.#wake);
    resolve?.();
  };
}

/** The turns of this thread. */
export const turns = new TurnQueue();
