/**
 * One key of the configuration: its name in the file, kind, default, documentation line and reading. Every library
 * declares its own keys with these builders in a `*.config.ts`; the loader and the sample are driven by them.
 * A key never reads the file or the environment itself.
 */
import { formatDurationNs, messageOf, parseByteSize, parseDurationNs } from '#kernel';
import { ConfigError } from './errors.js';

/** What a key holds, in the words that InfluxDB's messages use. */
export type ConfigKind =
  | 'boolean'
  | 'integer'
  | 'string'
  | 'duration'
  | 'size'
  | 'file mode'
  | 'string list'
  | 'string table'
  | 'other keys';

/** One declared key; `Value` is what code receives. */
export interface ConfigKey<Value> {
  /** Name in the file, `retention-autocreate`. */
  readonly key: string;
  readonly kind: ConfigKind;
  /** What the key does, one or two sentences for the sample. */
  readonly doc: string;
  /** The default as a TOML literal. */
  readonly defaultLiteral: string;
  /** What the sample shows where the default cannot stand in a usable file (directories). */
  readonly sampleLiteral: string;
  readonly defaultValue: Value;
  /** Value of a parsed TOML value; throws a plain message of {@link TypeMismatch} or of the kind's own parser. */
  fromToml(value: unknown): Value;
  /** Value of an environment variable's text, which is not empty. */
  fromText(variable: string, text: string): Value;
  /** A value as a TOML literal; for a sub-table, its lines. */
  toLiteral(value: Value): string;
}

/** A TOML value of another type than the key's. */
export class TypeMismatch {
  constructor(
    readonly found: string,
    readonly wanted: string,
  ) {}
}

interface KeyText {
  readonly doc: string;
  /** See {@link ConfigKey.sampleLiteral}. */
  readonly sample?: string;
}

/** `true` or `false`; variables accept Go's spellings (`1`, `t`, `TRUE` …). */
export function booleanKey(key: string, defaultValue: boolean, text: KeyText): ConfigKey<boolean> {
  return {
    ...common(key, 'boolean', String(defaultValue), text),
    toLiteral: String,
    defaultValue,
    fromToml: (value) => (typeof value === 'boolean' ? value : mismatch(value, 'boolean')),
    fromText(variable, given) {
      if (/^(1|t|T|TRUE|true|True)$/.test(given)) return true;
      if (/^(0|f|F|FALSE|false|False)$/.test(given)) return false;
      throw variableError(variable, {
        key,
        type: 'bool',
        given,
        reason: `strconv.ParseBool: parsing ${JSON.stringify(given)}: invalid syntax`,
      });
    },
  };
}

/** A whole number. */
export function integerKey(key: string, defaultValue: number, text: KeyText): ConfigKey<number> {
  return {
    ...common(key, 'integer', String(defaultValue), text),
    toLiteral: String,
    defaultValue,
    fromToml(value) {
      if (typeof value === 'bigint') return Number(value);
      return mismatch(value, 'integer');
    },
    fromText(variable, given) {
      if (/^[+-]?\d+$/.test(given) && Number.isSafeInteger(Number(given))) return Number(given);
      throw variableError(variable, {
        key,
        type: 'int',
        given,
        reason: `strconv.ParseInt: parsing ${JSON.stringify(given)}: invalid syntax`,
      });
    },
  };
}

/** Any text. */
export function stringKey(key: string, defaultValue: string, text: KeyText): ConfigKey<string> {
  return {
    ...common(key, 'string', JSON.stringify(defaultValue), text),
    toLiteral: (value) => JSON.stringify(value),
    defaultValue,
    fromToml: (value) => (typeof value === 'string' ? value : mismatch(value, 'string')),
    fromText: (_variable, given) => given,
  };
}

/** One of a few words; anything else stops the start with `complaint(word)`. */
export function choiceKey<const Word extends string>(
  key: string,
  words: readonly Word[],
  text: KeyText & { readonly complaint: (word: string) => string },
): ConfigKey<Word> {
  const first = words[0] as Word;
  const choose = (given: string): Word => {
    const found = words.find((word) => word === given);
    if (found === undefined) throw new RefusedText(text.complaint(given));
    return found;
  };
  return {
    ...common(key, 'string', JSON.stringify(first), text),
    toLiteral: (value) => JSON.stringify(value),
    defaultValue: first,
    fromToml: (value) => (typeof value === 'string' ? choose(value) : mismatch(value, 'string')),
    fromText: (_variable, given) => choose(given),
  };
}

/** A duration in Go's syntax; code receives milliseconds, fractions included. */
export function durationKey(key: string, defaultText: string, text: KeyText): ConfigKey<number> {
  const parse = (given: string): number => Number(parseDurationNs(given)) / 1e6;
  return {
    ...common(key, 'duration', JSON.stringify(defaultText), text),
    toLiteral: (ms) => JSON.stringify(formatDurationNs(BigInt(Math.round(ms * 1e6)))),
    defaultValue: parse(defaultText),
    fromToml: (value) => parse(textOf(value, 'string')),
    fromText: (_variable, given) => parse(given),
  };
}

/** A number of bytes, with k, m or g; code receives bytes. */
export function sizeKey(key: string, defaultText: string, text: KeyText): ConfigKey<number> {
  const literal = /^\d+$/.test(defaultText) ? defaultText : JSON.stringify(defaultText);
  return {
    ...common(key, 'size', literal, text),
    toLiteral: String,
    defaultValue: parseByteSize(defaultText),
    fromToml: (value) => parseByteSize(textOf(value, 'string')),
    fromText: (_variable, given) => parseByteSize(given),
  };
}

/** Permission bits in octal, `"0777"`. */
export function fileModeKey(key: string, defaultText: string, text: KeyText): ConfigKey<number> {
  const parse = (given: string): number => {
    if (/^[0-7]+$/.test(given)) return Number.parseInt(given, 8);
    throw new RefusedText(`strconv.ParseUint: parsing ${JSON.stringify(given)}: invalid syntax`);
  };
  return {
    ...common(key, 'file mode', JSON.stringify(defaultText), text),
    toLiteral: (mode) => JSON.stringify(mode.toString(8).padStart(4, '0')),
    defaultValue: parse(defaultText),
    fromToml: (value) => parse(textOf(value, 'string')),
    fromText: (_variable, given) => parse(given),
  };
}

/** A list of texts; a variable gives them separated by commas. */
export function stringListKey(key: string, text: KeyText): ConfigKey<readonly string[]> {
  return {
    ...common(key, 'string list', '[]', text),
    toLiteral: (list) => JSON.stringify(list),
    defaultValue: [],
    fromToml(value) {
      if (!Array.isArray(value)) return mismatch(value, 'slice');
      return value.map((item: unknown) =>
        typeof item === 'string' ? item : mismatch(item, 'string'),
      );
    },
    fromText: (_variable, given) => given.split(','),
  };
}

/** A sub-table of texts, `[http.headers]`. */
export function stringTableKey(
  key: string,
  text: KeyText,
): ConfigKey<Readonly<Record<string, string>>> {
  return {
    ...common(key, 'string table', '', text),
    toLiteral: (table) =>
      Object.entries(table)
        .map(([name, value]) => `    ${JSON.stringify(name)} = ${JSON.stringify(value)}`)
        .join('\n'),
    defaultValue: {},
    fromToml(value) {
      if (typeof value !== 'object' || value === null || Array.isArray(value))
        return mismatch(value, 'table');
      return Object.fromEntries(
        Object.entries(value).map(([name, item]: [string, unknown]) => [
          name,
          typeof item === 'string' ? item : mismatch(item, 'string'),
        ]),
      );
    },
    fromText(variable, given) {
      throw variableError(variable, {
        key,
        type: 'map[string]string',
        given,
        reason: 'a table cannot be set by a variable',
      });
    },
  };
}

/**
 * Whatever else stands in a table: the keys that its section does not declare, for a part that is not known before the file is
 * read. Variables cannot set them.
 */
export function otherKeys(text: KeyText): ConfigKey<Readonly<Record<string, unknown>>> {
  return {
    ...common('', 'other keys', '', text),
    toLiteral: (table) =>
      Object.entries(table)
        .map(([name, value]) => `${JSON.stringify(name)} = ${tomlLiteral(value)}`)
        .join('\n'),
    defaultValue: {},
    fromToml: (value) => value as Readonly<Record<string, unknown>>,
    fromText: () => ({}),
  };
}

/** A parsed TOML value as TOML again, on one line. */
function tomlLiteral(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return `[${value.map(tomlLiteral).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value);
    return `{ ${entries.map(([name, item]) => `${JSON.stringify(name)} = ${tomlLiteral(item)}`).join(', ')} }`;
  }
  // A whole float would be read as an integer.
  return typeof value === 'number' && Number.isInteger(value) ? value.toFixed(1) : String(value);
}

/** A value whose text the key's own parser refused; the loader adds where it stood. */
export class RefusedText {
  constructor(readonly message: string) {}
}

function common(key: string, kind: ConfigKind, literal: string, text: KeyText) {
  return {
    key,
    kind,
    doc: text.doc,
    defaultLiteral: literal,
    sampleLiteral: text.sample ?? literal,
  };
}

function mismatch(value: unknown, wanted: string): never {
  throw new TypeMismatch(tomlType(value), wanted);
}

/** Upstream hands numbers and booleans to its text parsers as they are spelt. */
function textOf(value: unknown, wanted: string): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'bigint' || typeof value === 'boolean' || typeof value === 'number')
    return String(value);
  return mismatch(value, wanted);
}

function tomlType(value: unknown): string {
  if (typeof value === 'bigint') return 'int64';
  if (typeof value === 'number') return 'float64';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'string') return 'string';
  if (value instanceof Date) return 'time.Time';
  return Array.isArray(value) ? '[]interface {}' : 'map[string]interface {}';
}

interface Refusal {
  readonly key: string;
  readonly type: string;
  readonly given: string;
  readonly reason: string;
}

function variableError(variable: string, { key, type, given, reason }: Refusal): ConfigError {
  const field = key
    .split('-')
    .map((part) => part.slice(0, 1).toUpperCase() + part.slice(1))
    .join('');
  return ConfigError.environment(
    `failed to apply ${variable} to ${field} using type ${type} and value '${given}': ${reason}`,
  );
}

/** The message of whatever a key's parser threw. */
export function refusalOf(thrown: unknown): string {
  return thrown instanceof RefusedText ? thrown.message : messageOf(thrown);
}
