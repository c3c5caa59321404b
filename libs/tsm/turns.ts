/**
 * Lets pieces of asynchronous work on one shard run one after another: whatever replaces its files (a snapshot, the end of a
 * compaction) and whatever deletes from them must not overlap.
 */

/** A queue of work; first come, first served. */
export class Turns {
  private last: Promise<unknown> = Promise.resolve();
  private count = 0;

  /** True while something runs or waits. */
  get isBusy(): boolean {
    return this.count > 0;
  }

  /** Runs `work` when all that came before has ended, well or not. */
  run<T>(work: () => Promise<T>): Promise<T> {
    this.count++;
    const turn = this.last.then(work).finally(() => {
      this.count--;
    });
    this.last = turn.catch(() => undefined);
    return turn;
  }

  /** Resolves when everything that has been queued so far has ended. */
  async idle(): Promise<void> {
    await this.last;
  }
}
