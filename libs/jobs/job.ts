/**
 * A job: something to run now and then, under a lease so that one node does it. And the turn of one job, which is what a
 * timer calls: nothing overlaps, nothing is thrown.
 */
import { type Clock, type Logger, messageOf } from '#kernel';
import type { TaskContext, TaskRunner } from './task-runner.js';

/** A job for the scheduler. */
export interface Job {
  /** Name of the lease, and of the job in the log. */
  readonly name: string;
  readonly intervalMs: number;
  /** True where the first run comes at once and not after the first interval. */
  readonly isRunAtStart: boolean;
  run(nowNs: bigint, context: TaskContext): Promise<void>;
}

/** What runs jobs. */
export interface JobParts {
  readonly runner: TaskRunner;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Runs a job where nobody else does. Never rejects: a job reports what it can expect itself, the rest is logged here. */
export async function runJob(job: Job, { runner, clock, logger }: JobParts): Promise<void> {
  try {
    await runner.runExclusive(job.name, (context) => job.run(clock.nowNs(), context));
  } catch (error) {
    logger.error('Job failed unexpectedly', {
      job: job.name,
      error: messageOf(error),
      stack: error instanceof Error ? error.stack : undefined,
    });
  }
}
