/**
 * Lets pieces of asynchronous work on one shard run one after another: whatever replaces its files (a snapshot, the end of a
 * compaction) and whatever deletes from them must not overlap.
 */

/** A queue of work; first come, first served. */
export class Turns {
  private last: Promise<unknown> = Promise.resolve();

  /** Runs `work` when all that came before has ended, well or not. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.last.then(work);
    this.last = turn.catch(() => undefined);
    return turn;
  }

  /** Resolves when everything that has been queued so far has ended. */
  async idle(): Promise<void> {
    await this.last;
  }
}
