/** The jobs as a Nest module: @nestjs/schedule keeps their timers. Nothing here but wiring. */
import { type DynamicModule, Inject, Injectable, Module } from '@nestjs/common';
import { ScheduleModule, SchedulerRegistry } from '@nestjs/schedule';
import { type Job, type JobParts, runJob } from './job.js';

/** Injection token of {@link JobSet}. */
export const JOB_SET = Symbol('JobSet');

/** The jobs and what runs them. */
export interface JobSet extends JobParts {
  readonly jobs: readonly Job[];
}

/** Starts and ends the timers of jobs. */
@Injectable()
export class JobScheduler {
  private isOpen = false;

  constructor(
    @Inject(JOB_SET) private readonly set: JobSet,
    @Inject(SchedulerRegistry) private readonly registry: SchedulerRegistry,
  ) {}

  /** Starts every job's timer. Idempotent. */
  open(): void {
    if (this.isOpen) return;
    this.isOpen = true;
    for (const job of this.set.jobs) {
      const timer = setInterval(() => void runJob(job, this.set), job.intervalMs);
      timer.unref();
      this.registry.addInterval(job.name, timer);
      if (job.isRunAtStart) void runJob(job, this.set);
    }
  }

  /** Ends the timers, tells running jobs to stop and resolves when they have. Idempotent. */
  async close(): Promise<void> {
    if (!this.isOpen) return;
    this.isOpen = false;
    for (const { name } of this.set.jobs) this.registry.deleteInterval(name);
    await this.set.runner.close();
  }
}

/** Jobs under @nestjs/schedule. */
@Module({})
export class JobsModule {
  static forJobs(set: JobSet): DynamicModule {
    return {
      module: JobsModule,
      imports: [ScheduleModule.forRoot()],
      providers: [{ provide: JOB_SET, useValue: set }, JobScheduler],
    };
  }
}
