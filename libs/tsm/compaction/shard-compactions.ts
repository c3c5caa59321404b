/**
 * The compactions of one shard: plans them, starts those that the budget allows, and puts what comes of them in the place of
 * the files that went in. Deletions meanwhile are repeated on the outputs before anybody sees those.
 */
import { type FileSystem, type Logger, messageOf } from '#kernel';
import type { FileStore } from '../file-store.js';
import { addTombstones, type Tombstone, tombstonePath } from '../tombstone.js';
import { publishTsmFiles } from '../tsm-writer.js';
import type { Turns } from '../turns.js';
import { type CompactionResult, removeCompacted } from './compact-files.js';
import {
  type CompactionStatistics,
  compactionStatistics,
  KIND_PREFIX,
} from './compaction-statistics.js';
import type { CompactionRun, Compactor } from './compactors.js';
import { type CompactionPlan, planCompactions } from './planner.js';

/** What a shard's compactions stand on. */
export interface ShardCompactionParts {
  readonly files: FileSystem;
  readonly logger: Logger;
  readonly directory: string;
  readonly fileStore: FileStore;
  readonly compactor: Compactor;
  readonly turns: Turns;
  readonly nowMs: () => number;
  /** Told when outputs have taken the place of inputs; `isLossy` when blocks were left out that did not decode. */
  readonly onInstalled: (isLossy: boolean) => Promise<void>;
}

interface Running {
  readonly plan: CompactionPlan;
  readonly run: CompactionRun;
  /** Deletions on the inputs since it started. */
  readonly missed: Tombstone[];
  done: Promise<void>;
}

/** Pause after a compaction that failed; doubled each time up to the longest. */
const RETRY_FIRST_MS = 1000;
const RETRY_LONGEST_MS = 60_000;

/** Compacts one shard. */
export class ShardCompactions {
  readonly statistics: CompactionStatistics = compactionStatistics();
  private readonly running = new Set<Running>();
  /** Files that have been replaced and could not be removed yet. */
  private obsolete: Pick<CompactionResult, 'inputs' | 'corruptInputs'>[] = [];
  private failures = 0;
  private retryAtMs = 0;
  private isStopped = false;
  private isFull = false;
  /** True while something is deleted: a compaction started then could miss a part of it. */
  isHeld = false;

  constructor(private readonly parts: ShardCompactionParts) {}

  /**
   * Starts what is due. Nothing while it is held.
   * @param full true when the shard has not been written to for long
   * @returns true when a compaction runs now
   */
  start(full: boolean): boolean {
    this.isFull = full;
    if (this.isStopped || this.isHeld || this.parts.nowMs() < this.retryAtMs)
      return this.running.size > 0;
    if (this.obsolete.length > 0) {
      this.retryRemoval();
      return this.running.size > 0;
    }
    const plans = this.plan(full);
    const queued = new Map<CompactionPlan['kind'], number>();
    for (const plan of plans) {
      if (!this.startOne(plan)) queued.set(plan.kind, (queued.get(plan.kind) ?? 0) + 1);
    }
    for (const [kind, prefix] of KIND_PREFIX)
      this.statistics[`${prefix}CompactionQueue`] = queued.get(kind) ?? 0;
    return this.running.size > 0;
  }

  /** Resolves when those that run now have ended, well or not. */
  async settled(): Promise<void> {
    await Promise.all([...this.running].map(({ done }) => done));
  }

  /** True while a compaction reads a file. */
  isReading(path: string): boolean {
    return [...this.running].some(({ plan }) => plan.paths.includes(path));
  }

  /** Takes note of deletions from a file, for compactions that read it. */
  noteDeletion(path: string, tombstones: readonly Tombstone[]): void {
    for (const { plan, missed } of this.running) {
      if (!plan.paths.includes(path)) continue;
      for (const tombstone of tombstones) missed.push(tombstone);
    }
  }

  /** Removes replaced files that are still there; before that nothing may be deleted, for it would come back with them. */
  async removeObsolete(): Promise<void> {
    while (this.obsolete.length > 0) {
      await removeCompacted(this.parts.files, this.obsolete[0]);
      this.obsolete.shift();
    }
  }

  /** Ends what runs and starts nothing more. */
  async stop(): Promise<void> {
    this.isStopped = true;
    for (const { run } of this.running) run.stop();
    await this.settled();
  }

  /** Names of files that are still to be removed must not be given to new ones. */
  private retryRemoval(): void {
    const { turns, logger, directory, nowMs } = this.parts;
    turns
      .run(() => this.removeObsolete())
      .catch((error: unknown) => {
        this.retryAtMs = nowMs() + RETRY_FIRST_MS;
        logger.warn('files that were compacted could not be removed', {
          path: directory,
          error: messageOf(error),
        });
      });
  }

  private plan(full: boolean): readonly CompactionPlan[] {
    const busy = new Set([...this.running].flatMap(({ plan }) => plan.paths));
    const files = this.parts.fileStore.current.map((reader) => ({
      path: reader.path,
      id: reader.id,
      sizeBytes: reader.sizeBytes,
      hasTombstones: reader.tombstones.count > 0,
      isBusy: busy.has(reader.path),
    }));
    return planCompactions(files, { full });
  }

  private startOne(plan: CompactionPlan): boolean {
    const { compactor, directory, logger, nowMs } = this.parts;
    const { paths, repack } = plan;
    const run = compactor.start({ directory, paths, repack });
    if (run === null) return false;
    const prefix = KIND_PREFIX.get(plan.kind) ?? 'tsmFull';
    const { statistics } = this;
    const startedMs = nowMs();
    const running: Running = { plan, run, missed: [], done: Promise.resolve() };
    this.running.add(running);
    statistics[`${prefix}CompactionsActive`]++;
    running.done = this.finish(running)
      .then((result) => {
        this.failures = 0;
        statistics[`${prefix}Compactions`]++;
        this.report(plan, result, nowMs() - startedMs);
      })
      .catch((error: unknown) => {
        if (this.isStopped) return;
        statistics[`${prefix}CompactionErr`]++;
        this.retryAtMs =
          nowMs() + Math.min(RETRY_LONGEST_MS, RETRY_FIRST_MS * 2 ** this.failures++);
        logger.error('compaction failed; it is tried again', {
          path: directory,
          error: messageOf(error),
        });
      })
      .finally(() => {
        this.running.delete(running);
        statistics[`${prefix}CompactionsActive`]--;
        statistics[`${prefix}CompactionDuration`] += Math.round((nowMs() - startedMs) * 1e6);
        this.start(this.isFull);
      });
    return true;
  }

  private async finish(running: Running): Promise<CompactionResult> {
    const result = await running.run.result;
    await this.parts.turns.run(() => this.install(running, result));
    return result;
  }

  private async install({ plan, missed }: Running, result: CompactionResult): Promise<void> {
    const { files, fileStore } = this.parts;
    const { outputs } = result;
    try {
      for (const { path } of outputs) await addTombstones(files, tombstonePath(path), missed);
      await publishTsmFiles(files, outputs);
      const prepared = await fileStore.prepare(outputs.map(({ path }) => path));
      await fileStore.replace(plan.paths, prepared);
    } catch (error) {
      this.obsolete.push({ inputs: outputs.map(({ path }) => path), corruptInputs: [] });
      for (const { temporaryPath } of outputs)
        await files.remove(temporaryPath).catch(() => undefined);
      await this.removeObsolete();
      throw error;
    }
    this.obsolete.push(result);
    await this.parts.onInstalled(result.corruptInputs.length > 0);
    await this.removeObsolete();
  }

  private report({ kind }: CompactionPlan, result: CompactionResult, durationMs: number): void {
    const { logger, directory } = this.parts;
    const { inputs, outputs, corruptInputs } = result;
    logger.info('files compacted', {
      path: directory,
      kind,
      inputs: inputs.length,
      outputs: outputs.length,
      bytes: outputs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      durationMs: Math.round(durationMs),
    });
    for (const path of corruptInputs) {
      logger.error(
        'file has corrupt blocks; what is sound of it was compacted and it was renamed aside',
        { path },
      );
    }
  }
}
