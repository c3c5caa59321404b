/**
 * Finds and imports the package of a plugin. A path is taken from the configuration's folder; a package is looked for in
 * `node_modules` there and above, then where Tidegate is installed.
 */
import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { messageOf } from '#kernel';
import { InputError } from '../shared/errors.js';
import type { InputDefinition } from '../shared/input.js';

/** A plugin's code. */
export interface LoadedPlugin {
  readonly definition: InputDefinition;
  /** What its files begin with, a folder or a file; '' where not known. */
  readonly root: string;
}

/** How long a package may take to be imported: one that waits for something at its top level never ends. */
export const IMPORT_MS_MAX = 10_000;

interface FoundPackage {
  /** What `import()` is given. */
  readonly specifier: string;
  readonly root: string;
}

/**
 * Imports a plugin.
 * @param name as `package` has it
 * @param configFolder where relative paths and `node_modules` start
 * @throws InputError `inputs.plugin` that says what is wrong with it
 */
export async function loadPlugin(name: string, configFolder: string): Promise<LoadedPlugin> {
  const { specifier, root } = find(name, configFolder);
  let exported: Readonly<Record<string, unknown>>;
  try {
    exported = await withTimeout(import(specifier), IMPORT_MS_MAX, 'its import did not end');
  } catch (error) {
    throw failed(`cannot load plugin ${name}: ${messageOf(error)}`, error);
  }
  const definition = exported['input'] ?? exported['default'];
  if (!isDefinition(definition)) {
    throw failed(`cannot use plugin ${name}: it has no export "input" made by defineInput()`);
  }
  return { definition, root };
}

/** The outcome, or an InputError after so long. */
export async function withTimeout<T>(
  work: Promise<T>,
  timeoutMs: number,
  what: string,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(failed(`${what} within ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function find(name: string, configFolder: string): FoundPackage {
  if (/^(\.{1,2})?\//.test(name) || name.startsWith('file:')) {
    const path = name.startsWith('file:') ? new URL(name).pathname : resolve(configFolder, name);
    if (!existsSync(path)) throw failed(`cannot load plugin ${name}: there is no ${path}`);
    return statSync(path).isDirectory() ? ofFolder(name, path) : ofFile(path, path);
  }
  for (let folder = resolve(configFolder); ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name);
    if (existsSync(candidate)) return ofFolder(name, candidate);
    if (folder === dirname(folder)) return { specifier: name, root: '' };
  }
}

const ofFile = (path: string, root: string): FoundPackage => ({
  specifier: pathToFileURL(realpathSync(path)).href,
  root: realpathSync(root),
});

function ofFolder(name: string, folder: string): FoundPackage {
  let described: unknown;
  try {
    described = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  } catch (error) {
    throw failed(`cannot load plugin ${name}: ${messageOf(error)}`, error);
  }
  const { exports, main } = described as { exports?: unknown; main?: unknown };
  const entry = entryOf(exports) ?? (typeof main === 'string' ? main : 'index.js');
  const path = join(folder, entry);
  if (!existsSync(path)) throw failed(`cannot load plugin ${name}: there is no ${path}`);
  return ofFile(path, folder);
}

/** The file that `exports` of a package.json names for an import of the package itself. */
function entryOf(exports: unknown): string | null {
  if (typeof exports === 'string') return exports;
  if (typeof exports !== 'object' || exports === null) return null;
  const by = exports as Readonly<Record<string, unknown>>;
  for (const condition of ['.', 'node', 'import', 'default']) {
    const entry = entryOf(by[condition]);
    if (entry !== null) return entry;
  }
  return null;
}

function isDefinition(value: unknown): value is InputDefinition {
  if (typeof value !== 'object' || value === null) return false;
  const { section, create } = value as Partial<InputDefinition>;
  return (
    typeof create === 'function' &&
    typeof section?.name === 'string' &&
    typeof section.keys === 'object'
  );
}

function failed(message: string, cause?: unknown): InputError {
  return new InputError('inputs.plugin', message, { cause });
}
