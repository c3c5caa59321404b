/** A progress bar on a terminal; nothing where standard error goes to a file. */
import { Presets, SingleBar } from 'cli-progress';
import type { InspectOutput } from './inspect-options.js';

/** Shows how far long work is. */
export interface Progress {
  /** @param what is being worked on, for example a path */
  show(done: number, what: string): void;
  stop(): void;
}

/** Starts a bar of `total` steps. */
export function startProgress(output: InspectOutput, total: number): Progress {
  if (output.stderr.isTTY !== true || total === 0) {
    return { show: () => undefined, stop: () => undefined };
  }
  const format = '{bar} {percentage}% {value}/{total} {what}';
  const bar = new SingleBar(
    { format, stream: output.stderr, hideCursor: true, clearOnComplete: true, etaBuffer: 50 },
    Presets.shades_classic,
  );
  bar.start(total, 0, { what: '' });
  return {
    show: (done, what) => bar.update(done, { what }),
    stop: () => bar.stop(),
  };
}
