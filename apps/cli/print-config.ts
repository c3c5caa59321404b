/** `tidegate config`: the defaults, or a given file with the environment applied. */
import { type Environment, formatConfig, formatSample, loadConfig, readConfigFile } from '#config';
import { configRegistry } from '../tidegate/config-registry.js';

/**
 * The configuration as TOML.
 * @param path a file to merge with the defaults; without one the sample is printed
 * @throws ConfigError
 */
export function printConfig(path: string | undefined, environment: Environment): string {
  if (path === undefined) return formatSample(configRegistry);
  const { config } = loadConfig(configRegistry, readConfigFile(path), environment);
  return formatConfig(configRegistry, config);
}
