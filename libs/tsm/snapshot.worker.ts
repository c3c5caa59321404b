/** Worker thread that writes snapshots, one at a time, so that encoding never holds up the main thread. */
import { parentPort } from 'node:worker_threads';
import { invariant, messageOf, NodeFileSystem } from '#kernel';
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

port.on('message', ({ id, job }: SnapshotRequest) => {
  writeSnapshot(files, job).then(
    (summaries) => port.postMessage({ id, summaries } satisfies SnapshotReply),
    (error: unknown) => port.postMessage({ id, error: messageOf(error) } satisfies SnapshotReply),
  );
});
