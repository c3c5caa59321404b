/**
 * Says on whose behalf code runs, so that an error that nobody catches can be laid at the right door: plugins run in a scope of
 * their own. Costs nothing where there are none.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

/** Whoever is responsible; undefined for Tidegate itself. */
export const faultScope = new AsyncLocalStorage<object>();

/** A callback that runs in the scope of now. Node runs callbacks of accepted sockets outside of any. */
export function inPresentScope<Args extends unknown[]>(
  callback: (...args: Args) => void,
): (...args: Args) => void {
  const owner = faultScope.getStore();
  if (owner === undefined) return callback;
  return (...args) => faultScope.run(owner, callback, ...args);
}
