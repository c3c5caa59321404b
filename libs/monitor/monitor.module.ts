/** The recorder of statistics as a Nest module: @nestjs/schedule keeps its timer. Nothing here but wiring. */
import { type DynamicModule, Inject, Injectable, Module } from '@nestjs/common';
import { ScheduleModule, SchedulerRegistry } from '@nestjs/schedule';
import type { Clock } from '#kernel';
import type { StatisticsRecorder } from './statistics-recorder.js';

/** Injection token of {@link RecorderSet}. */
export const RECORDER_SET = Symbol('RecorderSet');

/** The recorder and the clock that it goes by. */
export interface RecorderSet {
  readonly recorder: Pick<StatisticsRecorder, 'run' | 'intervalMs'>;
  readonly clock: Clock;
}

const TIMER = 'monitor';

/** Runs the recorder at the beginning of every interval. Same as InfluxDB 1.x, which starts at an even one. */
@Injectable()
export class RecorderScheduler {
  private isOpen = false;
  private running: Promise<void> | null = null;

  constructor(
    @Inject(RECORDER_SET) private readonly set: RecorderSet,
    @Inject(SchedulerRegistry) private readonly registry: SchedulerRegistry,
  ) {}

  /** Starts the timer. Idempotent. */
  open(): void {
    if (this.isOpen) return;
    this.isOpen = true;
    this.schedule();
  }

  /** Ends the timer and resolves when the record in hand is stored. Idempotent. */
  async close(): Promise<void> {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.registry.deleteTimeout(TIMER);
    await this.running;
  }

  private schedule(): void {
    const { recorder, clock } = this.set;
    const nowMs = Number(clock.nowNs() / 1_000_000n);
    const timer = setTimeout(
      () => {
        this.registry.deleteTimeout(TIMER);
        this.schedule();
        // One at a time: a record that takes longer than the interval costs the next one.
        this.running ??= recorder.run(clock.nowNs()).finally(() => (this.running = null));
      },
      recorder.intervalMs - (nowMs % recorder.intervalMs),
    );
    timer.unref();
    this.registry.addTimeout(TIMER, timer);
  }
}

/** The recorder under @nestjs/schedule. */
@Module({})
export class MonitorModule {
  static forRecorder(set: RecorderSet): DynamicModule {
    return {
      module: MonitorModule,
      imports: [ScheduleModule.forRoot()],
      providers: [{ provide: RECORDER_SET, useValue: set }, RecorderScheduler],
    };
  }
}
