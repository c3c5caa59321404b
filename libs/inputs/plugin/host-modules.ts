/**
 * Module hooks that give plugins the running Tidegate's own `tidegate/inputs`, wherever the plugin lies and whatever copy lies
 * beside it. Loaded by Node in a thread of its own, once a plugin is configured.
 */
import type { ResolveHookContext, ResolveFnOutput } from 'node:module';

const MODULES: Readonly<Record<string, string>> = {
  'tidegate/inputs': '../plugin-api.js',
  'tidegate/inputs/testing': '../testing/index.js',
};

/** Node's hook. @see Node.js module.register */
export async function resolve(
  specifier: string,
  context: ResolveHookContext,
  next: (specifier: string, context?: ResolveHookContext) => Promise<ResolveFnOutput>,
): Promise<ResolveFnOutput> {
  const ours = MODULES[specifier];
  if (ours === undefined) return next(specifier, context);
  return { url: new URL(ours, import.meta.url).href, format: 'module', shortCircuit: true };
}
