/**
 * Where compactions run: in worker threads in the server, in place in tests and small programs. One compactor serves all
 * shards and keeps the budget: so many at a time, so many bytes a second.
 */
import { Worker } from 'node:worker_threads';
import { type FileSystem, workerUrl } from '#kernel';
import { TsmError } from '../errors.js';
import { type CompactionJob, type CompactionResult, mergeFiles } from './compact-files.js';
import type { CompactionReply, CompactionRequest } from './compaction.worker.js';

/** What a shard wants compacted. */
export type CompactionWork = Pick<CompactionJob, 'directory' | 'paths' | 'repack'>;

/** A compaction under way. */
export interface CompactionRun {
  /** Files with temporary names. Rejects with `tsm.compaction-stopped` after {@link stop}. */
  readonly result: Promise<CompactionResult>;
  /** Ends it soon. */
  stop(): void;
}

/** Runs compactions. */
export interface Compactor {
  /** Begins one, or null when as many run as may. */
  start(work: CompactionWork): CompactionRun | null;
  close(): Promise<void>;
}

/** What compactions may take. */
export interface CompactionBudget {
  /** `max-concurrent-compactions`; at least 1. */
  readonly concurrentMax: number;
  /** `compact-throughput` and `compact-throughput-burst`, over all compactions; 0 = no limit. */
  readonly throughputBytes: number;
  readonly burstBytes: number;
}

/** Runs compactions in the calling thread, as many as are asked for. */
export function inPlaceCompactor(files: FileSystem): Compactor {
  return {
    start: (work) => {
      let isStopped = false;
      const job = { ...work, throughputBytes: 0, burstBytes: 0 };
      return {
        result: mergeFiles(files, job, () => isStopped),
        stop: () => {
          isStopped = true;
        },
      };
    },
    close: () => Promise.resolve(),
  };
}

interface Waiting {
  resolve(result: CompactionResult): void;
  reject(error: Error): void;
}

/** A worker thread and what it is at. */
interface Lane {
  worker: Worker | null;
  waiting: Waiting | null;
}

/** Runs each compaction in a worker thread of its own; a thread is kept for the next and started again should it die. */
export class WorkerCompactor implements Compactor {
  private readonly lanes: Lane[];
  private isClosed = false;

  constructor(private readonly budget: CompactionBudget) {
    this.lanes = Array.from({ length: Math.max(1, budget.concurrentMax) }, () => ({
      worker: null,
      waiting: null,
    }));
  }

  start(work: CompactionWork): CompactionRun | null {
    const lane = this.lanes.find(({ waiting }) => waiting === null);
    if (lane === undefined || this.isClosed) return null;
    const worker = (lane.worker ??= this.begin(lane));
    const { throughputBytes, burstBytes } = this.budget;
    const share = (bytes: number): number => Math.ceil(bytes / this.lanes.length);
    const job = { ...work, throughputBytes: share(throughputBytes), burstBytes: share(burstBytes) };
    const stopped = new Int32Array(new SharedArrayBuffer(4));
    // Work in hand keeps the process alive; an idle worker does not.
    worker.ref();
    const result = new Promise<CompactionResult>((resolve, reject) => {
      lane.waiting = { resolve, reject };
      worker.postMessage({ job, stopped } satisfies CompactionRequest);
    });
    return { result, stop: () => void Atomics.store(stopped, 0, 1) };
  }

  async close(): Promise<void> {
    this.isClosed = true;
    for (const lane of this.lanes) {
      const { worker } = lane;
      lane.worker = null;
      await worker?.terminate();
    }
  }

  private begin(lane: Lane): Worker {
    const worker = new Worker(workerUrl(import.meta.url, './compaction.worker.js'));
    worker.unref();
    worker.on('message', (reply: CompactionReply) => {
      const { waiting } = lane;
      lane.waiting = null;
      worker.unref();
      if ('error' in reply) waiting?.reject(new TsmError(reply.code, reply.error));
      else waiting?.resolve(reply.result);
    });
    const fail = (reason: string): void => {
      if (lane.worker === worker) lane.worker = null;
      const { waiting } = lane;
      lane.waiting = null;
      waiting?.reject(new TsmError('tsm.compaction-failed', reason));
    };
    worker.on('error', (error) => fail(error.message));
    worker.on('exit', (code) => fail(`compaction worker ended with code ${code}`));
    return worker;
  }
}
