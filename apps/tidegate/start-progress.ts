/** How far the start has come, for /ready and for requests that wait for it. */
import type { Readiness } from '#httpd';
import type { StoreProgress } from '#tsdb';

/** What is under way. */
export interface StartPhase {
  readonly phase: string;
  readonly done: number;
  readonly total: number;
  /** Bytes of write-ahead logs found and replayed, while shards open. */
  readonly logBytes?: number;
  readonly logBytesReplayed?: number;
}

/** What of opening the store is under way: the index counts bytes, shards count themselves. */
export function storePhase({ isIndexLoaded, index, shards, log }: StoreProgress): StartPhase {
  if (!isIndexLoaded)
    return { phase: 'series index', done: index.doneBytes, total: index.totalBytes };
  return {
    phase: 'shards',
    done: shards.opened,
    total: shards.expected,
    logBytes: log.foundBytes,
    logBytesReplayed: log.replayedBytes,
  };
}

/** The start's state. */
export class StartProgress implements Readiness {
  private phase: StartPhase | null = { phase: 'start', done: 0, total: 0 };
  private readonly waiting = new Set<() => void>();
  /** Gives the detail of the present phase while it runs. */
  detail: () => Partial<StartPhase> = () => ({});

  enter(phase: string, done: number, total: number): void {
    this.phase = { phase, done, total };
  }

  /** Everything is open. */
  finish(): void {
    this.phase = null;
    for (const wake of this.waiting) wake();
    this.waiting.clear();
  }

  /** The server is closing: nothing new begins. */
  leave(): void {
    this.phase = { phase: 'shutdown', done: 0, total: 0 };
  }

  pending(): StartPhase | null {
    return this.phase === null ? null : { ...this.phase, ...this.detail() };
  }

  waitUntilReady(timeoutMs: number): Promise<boolean> {
    if (this.phase === null) return Promise.resolve(true);
    if (this.phase.phase === 'shutdown') return Promise.resolve(false);
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        resolve(true);
      };
      const timer = setTimeout(() => {
        this.waiting.delete(wake);
        resolve(false);
      }, timeoutMs);
      this.waiting.add(wake);
    });
  }
}
