/** Turns the hooks of host-modules.ts on. */
import { register } from 'node:module';

let areUsed = false;

/** From now on `tidegate/inputs` is this Tidegate's, for everybody. Does nothing where sources are run. */
export function useHostModules(): void {
  const { url } = import.meta;
  if (areUsed || url.endsWith('.ts')) return;
  areUsed = true;
  register(new URL('./host-modules.js', url));
}
