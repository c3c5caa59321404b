/** Snapshots and compactions that are timed. */
import type { Compactor, Snapshotter } from '#tsm';

/** The same snapshotter; `observe` is told how long each snapshot took. */
export function withTimedSnapshots(
  snapshotter: Snapshotter,
  observe: (seconds: number) => void,
): Snapshotter {
  return {
    run: async (job) => {
      const startedMs = performance.now();
      const summaries = await snapshotter.run(job);
      observe((performance.now() - startedMs) / 1000);
      return summaries;
    },
    close: () => snapshotter.close(),
  };
}

/** The same compactor; `observe` is told how long each compaction took that was not stopped and did not fail. */
export function withTimedCompactions(
  compactor: Compactor,
  observe: (seconds: number) => void,
): Compactor {
  return {
    start: (work) => {
      const startedMs = performance.now();
      const run = compactor.start(work);
      if (run === null) return null;
      const result = run.result.then((done) => {
        observe((performance.now() - startedMs) / 1000);
        return done;
      });
      return { result, stop: () => run.stop() };
    },
    close: () => compactor.close(),
  };
}
