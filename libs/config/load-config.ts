/**
 * From TOML text and environment variables to a checked, typed configuration. Order as InfluxDB 1.x: defaults, file,
 * environment, checks. Pure: the caller reads the file and hands in the variables.
 */
import { parse, TomlError } from 'smol-toml';
import { messageOf } from '#kernel';
import { type ConfigKey, refusalOf, TypeMismatch } from './config-key.js';
import { applyEnvironment, type Environment } from './environment.js';
import { ConfigError } from './errors.js';
import { nearestName } from './nearest.js';
import type {
  ConfigOf,
  KeyValues,
  Section,
  SectionKeys,
  SectionRegistry,
  TableValues,
} from './section.js';

/** A loaded configuration and what in it deserves a warning. */
export interface LoadedConfig<Registry extends SectionRegistry> {
  readonly config: ConfigOf<Registry>;
  readonly warnings: readonly string[];
}

/**
 * Reads a configuration.
 * @param toml text of the file; empty for none
 * @param environment the process' variables; only those that begin with `INFLUXDB_` matter
 * @throws ConfigError with InfluxDB 1.x's text
 */
export function loadConfig<const Registry extends SectionRegistry>(
  registry: Registry,
  toml: string,
  environment: Environment,
): LoadedConfig<Registry> {
  const warnings: string[] = [];
  const document = parseToml(toml);
  warnings.push(...unknownNames(registry, document));
  const found = Object.entries(registry).map(([name, section]) => ({
    name,
    section,
    tables: readTables(section, document, toml),
  }));
  warnings.push(...applyEnvironment(found, environment));
  for (const { section, tables } of found) checkTables(section, tables);
  const config = Object.fromEntries(
    found.map(({ name, section, tables }) => [name, section.repeats ? tables : tables[0]]),
  );
  return { config: config as ConfigOf<Registry>, warnings };
}

/**
 * Reads one table of a section that was not known when the file was read, a plugin's: its keys, warnings about unknown ones,
 * its check.
 * @param table as TOML parsers give it, integers as bigint
 * @throws ConfigError
 */
export function loadTable<Keys extends SectionKeys>(
  section: Section<Keys>,
  table: Readonly<Record<string, unknown>>,
): { readonly values: KeyValues<Keys>; readonly warnings: readonly string[] } {
  const plain: Section = section as unknown as Section;
  const values = readTable(plain, table, '');
  checkTables(plain, [values]);
  const known = declaredKeys(plain);
  const warnings = Object.keys(table)
    .filter((name) => !known.includes(name))
    .map((name) => unknownText(name, `${section.name}.`, known));
  return { values: values as KeyValues<Keys>, warnings };
}

/** A table of a section with every key at its default. */
export function defaultTable(section: Section): TableValues {
  return Object.fromEntries(
    Object.entries(section.keys).map(([name, key]) => [name, key.defaultValue]),
  );
}

function parseToml(toml: string): Record<string, unknown> {
  try {
    return parse(toml.replace(/^\uFEFF/, ''), { integersAsBigInt: true });
  } catch (error) {
    const text = (messageOf(error).split('\n')[0] ?? '').replace('Invalid TOML document: ', '');
    const where = error instanceof TomlError ? `toml: line ${error.line}: ` : '';
    throw ConfigError.parse(where + text, error);
  }
}

function readTables(
  section: Section,
  document: Record<string, unknown>,
  toml: string,
): TableValues[] {
  const raw = section.name === '' ? document : document[section.name];
  if (raw === undefined) return [defaultTable(section)];
  const rawTables: unknown[] = Array.isArray(raw) ? raw : [raw];
  if (!section.repeats && Array.isArray(raw))
    throw typeError(section, null, new TypeMismatch('[]map[string]interface {}', 'struct'), toml);
  return rawTables.map((table) => {
    if (typeof table !== 'object' || table === null)
      throw typeError(section, null, new TypeMismatch(typeof table, 'struct'), toml);
    return readTable(section, table as Record<string, unknown>, toml);
  });
}

function readTable(section: Section, table: Record<string, unknown>, toml: string): TableValues {
  const values = defaultTable(section);
  for (const [name, key] of Object.entries(section.keys)) {
    const raw = key.kind === 'other keys' ? otherKeysOf(section, table) : table[key.key];
    if (raw === undefined) continue;
    try {
      values[name] = key.fromToml(raw);
    } catch (thrown) {
      if (thrown instanceof TypeMismatch) throw typeError(section, key, thrown, toml);
      throw ConfigError.parse(refusalOf(thrown), thrown);
    }
  }
  return values;
}

function otherKeysOf(section: Section, table: Record<string, unknown>): Record<string, unknown> {
  const known = declaredKeys(section);
  return Object.fromEntries(Object.entries(table).filter(([name]) => !known.includes(name)));
}

const declaredKeys = ({ keys }: Section): readonly string[] =>
  Object.values(keys).map(({ key }) => key);

const hasOtherKeys = ({ keys }: Section): boolean =>
  Object.values(keys).some(({ kind }) => kind === 'other keys');

function typeError(
  section: Section,
  key: ConfigKey<unknown> | null,
  { found, wanted }: TypeMismatch,
  toml: string,
): ConfigError {
  const path = [section.name, key?.key ?? ''].filter((part) => part !== '').join('.');
  const line = key === null ? 0 : lineOf(toml, section.name, key.key);
  return ConfigError.parse(
    `toml: line ${line} (last key "${path}"): incompatible types: TOML value has type ${found}; destination has type ${wanted}`,
  );
}

/** Line of the first `key =` within the section, 0 when it is not spelt that way. */
function lineOf(toml: string, sectionName: string, key: string): number {
  let current = '';
  const lines = toml.split('\n');
  for (let i = 0; i < lines.length; i++) {
    const line = (lines[i] ?? '').trim();
    const header = /^\[+\s*([^\]\s]+)\s*\]+/.exec(line);
    if (header !== null) current = header[1] ?? '';
    else if (
      current === sectionName &&
      line.startsWith(key) &&
      /^\s*=/.test(line.slice(key.length))
    )
      return i + 1;
  }
  return 0;
}

function unknownNames(registry: SectionRegistry, document: Record<string, unknown>): string[] {
  const sections = Object.values(registry);
  const top = sections.find((section) => section.name === '');
  const names = sections.map((section) => section.name).filter((name) => name !== '');
  const topKeys = Object.values(top?.keys ?? {}).map((key) => key.key);
  const warnings: string[] = [];
  for (const [name, value] of Object.entries(document)) {
    const section = sections.find((candidate) => candidate.name === name && name !== '');
    if (section === undefined) {
      if (!topKeys.includes(name)) warnings.push(unknownText(name, '', [...names, ...topKeys]));
      continue;
    }
    if (hasOtherKeys(section)) continue;
    const known = declaredKeys(section);
    const tables: unknown[] = Array.isArray(value) ? value : [value];
    const given = new Set(
      tables.flatMap((table) =>
        Object.keys(typeof table === 'object' && table !== null ? table : {}),
      ),
    );
    for (const key of given)
      if (!known.includes(key)) warnings.push(unknownText(key, `${name}.`, known));
  }
  return warnings;
}

function unknownText(name: string, prefix: string, known: readonly string[]): string {
  const nearest = nearestName(name, known);
  const hint = nearest === null ? '' : `, did you mean "${prefix}${nearest}"?`;
  return `unknown configuration key "${prefix}${name}" is ignored${hint}`;
}

function checkTables(section: Section, tables: readonly TableValues[]): void {
  for (const table of tables) {
    const complaint = section.check(table);
    if (complaint === null) continue;
    throw ConfigError.invalid(
      section.repeats ? `invalid ${section.name} config: ${complaint}` : complaint,
    );
  }
}
