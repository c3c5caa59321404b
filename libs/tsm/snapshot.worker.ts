/** Worker thread that writes snapshots, one at a time, so that encoding never holds up the main thread. */
import { parentPort } from 'node:worker_threads';
import { invariant, messageOf, NodeFileSystem } from '#kernel';
import { SharedMemoryRelease } from './shared-memory-release.js';
import { type SnapshotJob, writeSnapshot } from './snapshot.js';
import type { TsmFileSummary } from './tsm-writer.js';

/** What the worker is told. */
export interface SnapshotRequest {
  readonly id: number;
  readonly job: SnapshotJob;
}

/** What the worker answers. */
export type SnapshotReply =
  | { readonly id: number; readonly summaries: readonly TsmFileSummary[] }
  | { readonly id: number; readonly error: string };

const port = parentPort;
invariant(port !== null, 'the snapshot worker runs as a worker thread');
const files = new NodeFileSystem();
const memory = new SharedMemoryRelease();

port.on('message', ({ id, job }: SnapshotRequest) => {
  const sizeBytes = cacheBytes(job);
  writeSnapshot(files, job)
    .then(
      (summaries) => port.postMessage({ id, summaries } satisfies SnapshotReply),
      (error: unknown) => port.postMessage({ id, error: messageOf(error) } satisfies SnapshotReply),
    )
    .finally(() => memory.add(sizeBytes));
});

/** Bytes of shared memory of a job's cache; the keys stay in use. */
function cacheBytes({ cache }: SnapshotJob): number {
  const buffers = [...cache.strings, ...cache.bigIntegers, ...cache.heads];
  let sizeBytes = 0;
  for (const buffer of buffers) sizeBytes += buffer?.byteLength ?? 0;
  for (const { buffer } of cache.chunks) sizeBytes += buffer.byteLength;
  return sizeBytes;
}
