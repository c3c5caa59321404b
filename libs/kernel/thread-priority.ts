/** Priority of single threads, for background work that shall not hold up requests where cores are few. */
import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';

/** Where Linux says which thread reads it: `<process>/task/<thread>`. */
const THREAD_SELF = '/proc/thread-self';

/**
 * Lets other threads of the machine go before the calling one. Linux has priorities by thread; elsewhere nothing happens.
 * @param nice 1 to 19; each step is about a tenth less time where all cores are busy
 * @returns number of the thread whose priority was changed, or null
 */
export function lowerThreadPriority(nice: number): number | null {
  try {
    const thread = Number(readlinkSync(THREAD_SELF).split('/').pop());
    setPriority(thread, nice);
    return thread;
  } catch {
    // No such file system, or a sandbox that forbids it: the work is done at the priority it has.
    return null;
  }
}
