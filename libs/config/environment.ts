/**
 * Overrides from the environment: `INFLUXDB_<SECTION>_<KEY>`, for lists `INFLUXDB_GRAPHITE_BIND_ADDRESS` (all tables) and
 * `INFLUXDB_GRAPHITE_0_BIND_ADDRESS` (one table), as InfluxDB 1.x. Empty variables count as absent.
 * @see InfluxDB toml.ApplyEnvOverrides
 */
import { refusalOf } from './config-key.js';
import { ConfigError } from './errors.js';
import { nearestName } from './nearest.js';
import type { Section, SectionTables, TableValues } from './section.js';

/** Variables by name, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

const PREFIX = 'INFLUXDB';

/** Variables of the namespace that are no keys: where the file is, and what container images add. */
const NOT_KEYS = ['INFLUXDB_CONFIG_PATH', 'INFLUXDB_VERSION'];

/**
 * Changes `sections` by the variables.
 * @returns warnings about variables in the namespace that name no key
 * @throws ConfigError
 */
export function applyEnvironment(
  sections: readonly SectionTables[],
  environment: Environment,
): string[] {
  const known = new Set<string>(NOT_KEYS);
  for (const { section, tables } of sections) {
    tables.forEach((table, i) => {
      const name = variableName(PREFIX, section.name);
      const prefixes = section.repeats ? [name, `${name}_${i}`] : [name];
      for (const prefix of prefixes) applyTable(section, table, { prefix, environment, known });
    });
  }
  return Object.keys(environment)
    .filter((name) => name.startsWith(`${PREFIX}_`) && !known.has(name))
    .map((name) => {
      const nearest = nearestName(name, [...known]);
      return `environment variable ${name} matches no configuration key${nearest === null ? '' : `, did you mean ${nearest}?`}`;
    });
}

interface Source {
  readonly prefix: string;
  readonly environment: Environment;
  readonly known: Set<string>;
}

function applyTable(
  section: Section,
  table: TableValues,
  { prefix, environment, known }: Source,
): void {
  for (const [name, key] of Object.entries(section.keys)) {
    if (key.kind === 'other keys') continue;
    const variable = variableName(prefix, key.key);
    known.add(variable);
    const text = environment[variable];
    if (key.kind === 'string list')
      table[name] = indexed(table[name], variable, { environment, known, prefix });
    if (text === undefined || text === '') continue;
    // Upstream fills a list from a variable only while it is empty.
    if (key.kind === 'string list' && Array.isArray(table[name]) && table[name].length > 0)
      continue;
    try {
      table[name] = key.fromText(variable, text);
    } catch (thrown) {
      if (thrown instanceof ConfigError) throw thrown;
      throw ConfigError.environment(refusalOf(thrown), thrown);
    }
  }
}

/** Replaces elements of a list by `…_TEMPLATES_0` and so on. */
function indexed(value: unknown, variable: string, { environment, known }: Source): unknown {
  if (!Array.isArray(value)) return value;
  return value.map((item: unknown, i) => {
    known.add(`${variable}_${i}`);
    const text = environment[`${variable}_${i}`];
    return text === undefined || text === '' ? item : text;
  });
}

function variableName(prefix: string, name: string): string {
  return name === '' ? prefix : `${prefix}_${name.toUpperCase().replaceAll(/[-.]/g, '_')}`;
}
