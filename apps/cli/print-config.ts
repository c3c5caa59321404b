/** `tidegate config`: the defaults, explained; or values of a given file and the environment. */
import { type Environment, formatConfig, formatSample, loadConfig, readConfigFile } from '#config';
import { configRegistry } from '../tidegate/config-registry.js';

/**
 * The configuration as TOML: the sample where nothing differs from the defaults.
 * @param path a file to merge with the defaults; the environment is applied with and without one, as by InfluxDB 1.x
 * @throws ConfigError
 */
export function printConfig(path: string | undefined, environment: Environment): string {
  const sample = formatSample(configRegistry);
  const printed = (toml: string, variables: Environment): string =>
    formatConfig(configRegistry, loadConfig(configRegistry, toml, variables).config);
  if (path !== undefined) return printed(readConfigFile(path), environment);
  const text = printed(sample, environment);
  return text === printed(sample, {}) ? sample : text;
}
