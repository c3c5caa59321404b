/**
 * Values for `$name` in a query. A bound parameter is replaced by a token before the parser sees it, so it can stand
 * wherever such a token can. Same forms as InfluxDB 1.x: a plain JSON value, or an object of one entry that names the type.
 */
import { formatInfluxqlDuration } from './text-form.js';
import { TokenKind } from './token.js';

/** A JSON value given for a parameter; integers as bigint, floats as number. */
export type ParameterValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | readonly ParameterValue[]
  | { readonly [key: string]: ParameterValue };

/** Values by name, without the `$`. */
export type Parameters = ReadonlyMap<string, ParameterValue>;

/** Kind and literal of the token that stands for a parameter. */
export interface BoundToken {
  readonly kind: string;
  readonly literal: string;
}

/** The token for a value; for a value that cannot be bound, a BOUNDPARAM token with the reason as its literal. */
export function bindParameter(value: ParameterValue): BoundToken {
  if (typeof value === 'string') return { kind: TokenKind.STRING, literal: value };
  if (typeof value === 'bigint') return { kind: TokenKind.INTEGER, literal: value.toString() };
  if (typeof value === 'number') return { kind: TokenKind.NUMBER, literal: decimal(value) };
  if (typeof value === 'boolean') return { kind: value ? 'TRUE' : 'FALSE', literal: '' };
  if (value === null) return refused('unable to bind parameter with type <nil>');
  if (isList(value)) return refused('unable to bind parameter with type []interface {}');
  return bindObject(value);
}

function bindObject(value: { readonly [key: string]: ParameterValue }): BoundToken {
  const entries = Object.entries(value);
  const entry = entries[0];
  if (entries.length !== 1 || !entry) {
    return refused('bound object parameter value must have exactly one entry');
  }
  const [type, inner] = entry;
  switch (type) {
    case 'regex':
    case 'identifier':
    case 'string': {
      if (typeof inner !== 'string') return refused(`${type} literal must be a string value`);
      const kinds = {
        regex: TokenKind.REGEX,
        identifier: TokenKind.IDENT,
        string: TokenKind.STRING,
      };
      return { kind: kinds[type], literal: inner };
    }
    case 'float':
      if (typeof inner === 'number' || typeof inner === 'bigint') {
        return { kind: TokenKind.NUMBER, literal: decimal(inner) };
      }
      return refused('float literal must be a float value');
    case 'integer':
      return typeof inner === 'bigint'
        ? { kind: TokenKind.INTEGER, literal: inner.toString() }
        : refused('integer literal must be an integer value');
    case 'duration':
      if (typeof inner === 'string') return { kind: TokenKind.DURATIONVAL, literal: inner };
      return typeof inner === 'bigint'
        ? { kind: TokenKind.DURATIONVAL, literal: formatInfluxqlDuration(inner) }
        : refused('duration literal must be a string or integer value');
    default:
      return refused(`unknown bind object type: ${type}`);
  }
}

function refused(reason: string): BoundToken {
  return { kind: TokenKind.BOUNDPARAM, literal: reason };
}

function decimal(value: number | bigint): string {
  return typeof value === 'number' && Math.abs(value) >= 1e21
    ? BigInt(value).toString()
    : String(value);
}

function isList(value: object): value is readonly ParameterValue[] {
  return Array.isArray(value);
}
