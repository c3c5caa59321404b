/** What the commands of `tidegate inspect` have in common: where the data is, and where they write. */
import { join } from 'node:path';
import { findConfigFile, loadConfig, readConfigFile } from '#config';
import { type FileSystem, NodeFileSystem, silentLogger, SystemClock } from '#kernel';
import type { InspectedStoreOptions } from '#tsdb';
import { configRegistry } from '../../tidegate/config-registry.js';
import { CommandError } from './errors.js';

/** Flags of all commands. */
export interface CommonFlags {
  readonly config?: string;
  readonly datadir?: string;
  readonly waldir?: string;
  readonly metadir?: string;
  readonly database?: string;
  readonly retention?: string;
}

/** Where things are. */
export interface InspectedPlace extends InspectedStoreOptions {
  /** '' when it is not known. */
  readonly metaDir: string;
}

/** Where the commands write; the process' streams, or a test's. */
export interface InspectOutput {
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean };
}

/**
 * The directories of the flags, else those of the configuration.
 * @throws CommandError when neither names a data directory; ConfigError
 */
export function inspectedPlace(
  flags: CommonFlags,
  environment: NodeJS.ProcessEnv,
  files: FileSystem = new NodeFileSystem(),
): InspectedPlace {
  const parts = { files, clock: new SystemClock(), logger: silentLogger };
  if (flags.datadir !== undefined) {
    // As InfluxDB lays them out where only one is given.
    const beside = (name: string): string => join(flags.datadir ?? '', '..', name);
    return {
      ...parts,
      dataDir: flags.datadir,
      walDir: flags.waldir ?? beside('wal'),
      metaDir: flags.metadir ?? beside('meta'),
    };
  }
  const path = findConfigFile(flags.config, environment);
  const { config } = loadConfig(configRegistry, readConfigFile(path), environment);
  const { dir, walDir } = config.data;
  if (dir === '') throw new CommandError('cannot find the data: give --datadir or --config');
  return {
    ...parts,
    dataDir: dir,
    walDir: flags.waldir ?? walDir,
    metaDir: flags.metadir ?? config.meta.dir,
  };
}
