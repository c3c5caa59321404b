/**
 * Runs a task on exactly one holder of a lease: of all processes that share the metadata, one does the job. On a single
 * node the lease is the process' own and only keeps a job from running twice at once.
 */
import type { MetaLease, MetaStore } from '#meta';

/** What a task may look at while it runs. */
export interface TaskContext {
  /** Aborted when the lease is lost or the runner is told to stop; the task then ends soon, its work half done. */
  readonly signal: AbortSignal;
}

/** Runs tasks that only one may run at a time. */
export interface TaskRunner {
  /**
   * Runs `task` if nobody holds the lease of `name`, and gives the lease back when it has ended.
   * @returns false where another holds it: the task has not run
   * @throws what the task throws
   */
  runExclusive(name: string, task: (context: TaskContext) => Promise<void>): Promise<boolean>;
  /** Tells running tasks to stop and resolves when they have; afterwards nothing runs any more. Idempotent. */
  close(): Promise<void>;
}

/** How long a holder that died keeps others from the job. Same as InfluxDB 0.11's `lease-duration`. */
const LEASE_MS = 60_000;

/** Runs tasks under the leases of a {@link MetaStore}. */
export class LeaseTaskRunner implements TaskRunner {
  private readonly stop = new AbortController();
  private readonly running = new Set<Promise<void>>();

  constructor(private readonly leases: Pick<MetaStore, 'lease'>) {}

  async runExclusive(
    name: string,
    task: (context: TaskContext) => Promise<void>,
  ): Promise<boolean> {
    if (this.stop.signal.aborted) return false;
    const lease = await this.leases.lease(name, LEASE_MS);
    if (lease === null) return false;
    const work = this.stop.signal.aborted ? lease.release() : this.runUnder(lease, task);
    // Who closes waits for the end, whatever it is; the caller gets the error.
    const ended = work.catch(() => undefined);
    this.running.add(ended);
    try {
      await work;
    } finally {
      this.running.delete(ended);
    }
    return !this.stop.signal.aborted;
  }

  async close(): Promise<void> {
    this.stop.abort();
    await Promise.all(this.running);
  }

  private async runUnder(
    lease: MetaLease,
    task: (context: TaskContext) => Promise<void>,
  ): Promise<void> {
    try {
      await task({ signal: AbortSignal.any([lease.lost, this.stop.signal]) });
    } finally {
      await lease.release();
    }
  }
}
