/**
 * Where snapshots run: in a worker thread in the server, in place in tests and small programs.
 */
import { Worker } from 'node:worker_threads';
import { type FileSystem, workerUrl } from '#kernel';
import { TsmError } from './errors.js';
import { type Snapshotter, writeSnapshot } from './snapshot.js';
import type { SnapshotReply, SnapshotRequest } from './snapshot.worker.js';
import type { TsmFileSummary } from './tsm-writer.js';

/** Runs snapshots in the calling thread. */
export function inPlaceSnapshotter(files: FileSystem): Snapshotter {
  return { run: (job) => writeSnapshot(files, job), close: () => Promise.resolve() };
}

interface Waiting {
  resolve(summaries: readonly TsmFileSummary[]): void;
  reject(error: Error): void;
}

/** Runs snapshots in one worker thread, which starts with the first and is started again should it die. */
export class WorkerSnapshotter implements Snapshotter {
  private worker: Worker | null = null;
  private readonly waiting = new Map<number, Waiting>();
  private nextId = 1;

  run(job: SnapshotRequest['job']): Promise<readonly TsmFileSummary[]> {
    const worker = (this.worker ??= this.start());
    const id = this.nextId++;
    // Work in hand keeps the process alive; an idle worker does not.
    worker.ref();
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      worker.postMessage({ id, job } satisfies SnapshotRequest);
    });
  }

  async close(): Promise<void> {
    const { worker } = this;
    this.worker = null;
    await worker?.terminate();
  }

  private start(): Worker {
    const worker = new Worker(workerUrl(import.meta.url, './snapshot.worker.js'));
    worker.unref();
    worker.on('message', (reply: SnapshotReply) => {
      const waiting = this.waiting.get(reply.id);
      this.waiting.delete(reply.id);
      if (this.waiting.size === 0) worker.unref();
      if ('error' in reply) waiting?.reject(new TsmError('tsm.snapshot-failed', reply.error));
      else waiting?.resolve(reply.summaries);
    });
    worker.on('error', (error) => this.fail(worker, error.message));
    worker.on('exit', (code) => this.fail(worker, `snapshot worker ended with code ${code}`));
    return worker;
  }

  private fail(worker: Worker, reason: string): void {
    if (this.worker === worker) this.worker = null;
    const error = new TsmError('tsm.snapshot-failed', reason);
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
  }
}
