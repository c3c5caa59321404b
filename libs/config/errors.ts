/**
 * Errors of the configuration: a file that is no TOML, a value of the wrong type, a value that a part refuses.
 * All of them stop the start; their texts are InfluxDB 1.x's.
 */
import { TidegateError } from '#kernel';

/** Why a configuration cannot be used. */
export class ConfigError extends TidegateError {
  /** The file is not TOML, or a value has the wrong type. */
  static parse(message: string, cause?: unknown): ConfigError {
    return new ConfigError('config.parse', `parse config: ${message}`, { cause });
  }

  /** An `INFLUXDB_…` variable cannot be applied. */
  static environment(message: string, cause?: unknown): ConfigError {
    return new ConfigError('config.environment', `apply env config: ${message}`, { cause });
  }

  /** A well-formed value is refused by the part it belongs to. */
  static invalid(message: string): ConfigError {
    return new ConfigError(
      'config.invalid',
      `${message}. To generate a valid configuration file run \`tidegate config > tidegate.generated.toml\``,
    );
  }
}
