/** Worker thread that runs one compaction at a time. */
import { parentPort } from 'node:worker_threads';
import { invariant, lowerThreadPriority, messageOf, NodeFileSystem } from '#kernel';
import { TsmError } from '../errors.js';
import { type CompactionJob, type CompactionResult, mergeFiles } from './compact-files.js';

/** What the worker is told. */
export interface CompactionRequest {
  readonly job: CompactionJob;
  /** Shared; 1 when the work is to end. */
  readonly stopped: Int32Array;
}

/** What the worker answers. */
export type CompactionReply =
  { readonly result: CompactionResult } | { readonly error: string; readonly code: string };

/** Nobody waits for a compaction; where cores are few, writes and queries go first. */
const NICE = 10;

const port = parentPort;
invariant(port !== null, 'the compaction worker runs as a worker thread');
const files = new NodeFileSystem();
lowerThreadPriority(NICE);

port.on('message', ({ job, stopped }: CompactionRequest) => {
  mergeFiles(files, job, () => Atomics.load(stopped, 0) === 1).then(
    (result) => port.postMessage({ result } satisfies CompactionReply),
    (error: unknown) => {
      const code = error instanceof TsmError ? error.code : 'tsm.compaction-failed';
      port.postMessage({ error: messageOf(error), code } satisfies CompactionReply);
    },
  );
});
