/**
 * Practice before the play: while a server that has just started has nothing to do, it writes and reads made-up points in a
 * store of its own, so that the compiler has seen its paths when the first dashboard asks. Goes on only while the event loop
 * has time, and ends after a while.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { messageOf, type Logger } from '#kernel';
import type { ServerPart } from '../server.js';
import { PRACTICE_SELECTS, PRACTICE_STATEMENTS, practiceBodies } from './practice-data.js';
import { PracticeClient } from './practice-client.js';
import { type PracticeParts, PracticeStore } from './practice-store.js';

/** Beside the metadata; removed afterwards. */
const FOLDER = 'warm-up';
/** Before the first exercise: whoever waits for the server comes first. */
const FIRST_DELAY_MS = 300;
/** Between two looks at whether there is time. */
const LOOK_MS = 20;
/** After a look that found the server at work. */
const BUSY_DELAY_MS = 500;
/** Of the time between two looks, what others may have used. */
const BUSY_SHARE_MAX = 0.2;
/** Exercises between two looks take so long, or one of them longer. */
const TURN_MS = 10;
/** How often each statement is asked. */
const ROUNDS = 15;
/** Practice is over after so long, whatever is left. */
const PRACTICE_MS_MAX = 60_000;

/** See the header. */
export class WarmUpPart implements ServerPart {
  readonly name = 'warm-up';
  private work: Promise<void> = Promise.resolve();
  private isClosing = false;
  private wake: (() => void) | null = null;

  constructor(
    private readonly parts: PracticeParts,
    private readonly logger: Logger,
  ) {}

  open(): void {
    if (!this.parts.config.coordinator.isWarmUpEnabled) return;
    this.work = this.run().catch((error: unknown) =>
      this.logger.warn('Warm-up ended early', { error: messageOf(error) }),
    );
  }

  async close(): Promise<void> {
    this.isClosing = true;
    this.wake?.();
    await this.work;
  }

  private async run(): Promise<void> {
    await this.sleep(FIRST_DELAY_MS);
    if (this.isClosing) return;
    const folder = join(this.parts.config.meta.dir, FOLDER);
    // What a process left that was killed meanwhile.
    await rm(folder, { recursive: true, force: true });
    const startedMs = performance.now();
    let practisedMs = 0;
    try {
      const exercises = this.exercises(folder);
      for (;;) {
        if (!(await this.hasTime()) && performance.now() - startedMs < PRACTICE_MS_MAX) continue;
        const beganMs = performance.now();
        let isOver = this.isClosing || beganMs - startedMs >= PRACTICE_MS_MAX;
        while (!isOver && performance.now() - beganMs < TURN_MS)
          isOver = (await exercises.next()).done === true;
        practisedMs += performance.now() - beganMs;
        if (isOver) {
          await exercises.return();
          break;
        }
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
    this.logger.info('Warm-up ended', { practisedMs: Math.round(practisedMs) });
  }

  /** One exercise after another; stores are closed where it is left. */
  private async *exercises(folder: string): AsyncGenerator<void, void> {
    for (const part of [0, 1] as const) {
      const store = await PracticeStore.open(folder, this.parts);
      let client: PracticeClient | null = null;
      try {
        yield;
        client = await PracticeClient.open(folder, store, this.parts);
        yield;
        for (const body of practiceBodies(part)) {
          await client.write(body);
          yield;
        }
        for (let round = 0; part === 1 && round < ROUNDS; round++) {
          for (const text of PRACTICE_STATEMENTS) {
            await client.ask(text);
            yield;
          }
          for (const text of PRACTICE_SELECTS) {
            await store.askWorkers(text);
            yield;
          }
        }
      } finally {
        await client?.close();
        await store.close();
      }
    }
  }

  /** Looks away for a moment; true where the event loop had next to nothing to do meanwhile. */
  private async hasTime(): Promise<boolean> {
    const before = performance.eventLoopUtilization();
    await this.sleep(LOOK_MS);
    if (this.isClosing) return true;
    if (performance.eventLoopUtilization(before).utilization <= BUSY_SHARE_MAX) return true;
    await this.sleep(BUSY_DELAY_MS);
    return false;
  }

  private sleep(ms: number): Promise<void> {
    if (this.isClosing) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
