/**
 * Where a worker thread's script is. Workers cannot run TypeScript, so a module that is itself run from its source
 * (under Jest) starts the worker of the build.
 */

/**
 * The URL of a worker's compiled script.
 * @param moduleUrl `import.meta.url` of the caller
 * @param script the script beside the caller, `./name.worker.js`
 */
export function workerUrl(moduleUrl: string, script: string): URL {
  const url = new URL(script, moduleUrl);
  if (moduleUrl.endsWith('.ts'))
    url.pathname = url.pathname.replace(/\/(libs|apps)\/(?!.*\/\1\/)/, '/dist/$1/');
  return url;
}
