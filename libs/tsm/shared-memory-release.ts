/**
 * Lets a worker thread give up the shared memory that it has been sent. It belongs to all threads that have seen it, and one
 * that makes little garbage of its own hardly ever looks whether it still needs it: without this a snapshot worker holds hundreds
 * of megabytes of caches that were written long ago.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Collects when so much has been used since the last time: a few milliseconds in a worker's small heap. */
const COLLECT_AFTER_BYTES = 32 * 2 ** 20;

/** Counts shared memory that a worker is done with. One a thread. */
export class SharedMemoryRelease {
  private usedBytes = 0;
  private collect: (() => void) | null = null;

  /** Takes note of shared memory that nothing refers to any more, or will not when this turn ends. */
  add(sizeBytes: number): void {
    this.usedBytes += sizeBytes;
    if (this.usedBytes < COLLECT_AFTER_BYTES) return;
    this.usedBytes = 0;
    // In a turn of its own, when what was used is out of reach.
    setImmediate(() => {
      this.collect ??= exposeCollector();
      this.collect();
    });
  }
}

/** The collector is a function only where its flag is set, and Node.js takes that flag for a whole process only at its start. */
function exposeCollector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}
