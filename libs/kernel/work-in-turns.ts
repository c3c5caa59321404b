/**
 * Long work on the event loop, cut into turns: what runs in one piece for longer keeps requests and timers waiting. The work is
 * a generator that yields wherever it can be interrupted; here is decided when it is. Talks to nobody.
 */

/** Work goes on for this long before others get their turn. */
const TURN_MS = 8;

/**
 * Runs a generator to its end.
 * @param work yields every millisecond or so; what it yields is of no interest
 * @returns what it returns @throws what it throws
 */
export async function workInTurns<T>(work: Generator<unknown, T>): Promise<T> {
  let startedMs = performance.now();
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
    if (performance.now() - startedMs < TURN_MS) continue;
    await new Promise((resolve) => setImmediate(resolve));
    startedMs = performance.now();
  }
}
