/**
 * Where the configuration file is. Never InfluxDB's own path: its data may be live in another process, so its file has to
 * be named by whoever starts Tidegate.
 */
import { existsSync, readFileSync } from 'node:fs';
import type { Environment } from './environment.js';
import { ConfigError } from './errors.js';
import { messageOf } from '#kernel';

const LOCAL_FILE = './tidegate.toml';

/**
 * The path to read: the flag, then TIDEGATE_CONFIG, INFLUXDB_CONFIG_PATH, `./tidegate.toml` when it exists. Null for none;
 * the null device stands for none.
 */
export function findConfigFile(flag: string | undefined, environment: Environment): string | null {
  const named = [flag, environment['TIDEGATE_CONFIG'], environment['INFLUXDB_CONFIG_PATH']].find(
    (path) => path !== undefined && path !== '',
  );
  if (named !== undefined) return named === '/dev/null' ? null : named;
  return existsSync(LOCAL_FILE) ? LOCAL_FILE : null;
}

/**
 * The file's text; empty for no file.
 * @throws ConfigError when it cannot be read
 */
export function readConfigFile(path: string | null): string {
  if (path === null) return '';
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw ConfigError.parse(`cannot read ${JSON.stringify(path)}: ${messageOf(error)}`, error);
  }
}
