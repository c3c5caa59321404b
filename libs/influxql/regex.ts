/**
 * Regular expressions with Go's syntax in linear time, through re2js. Sources are compiled when parsed, so that bad
 * ones are parse errors, and again where they are used; the last few programs are kept.
 */
import { RE2JS } from 're2js';
import { messageOf } from '#kernel';
import { ParseError } from './errors.js';

/** A compiled expression: true where it matches anywhere in the text. Never retains the text. */
export type RegexMatcher = (text: string) => boolean;

/** Programs kept; a dashboard has a few dozen distinct expressions. */
const PROGRAMS_MAX = 256;
const programs = new Map<string, RegexMatcher>();

/**
 * Compiles a source between the slashes.
 * @throws ParseError with Go's text (``error parsing regexp: missing closing ): `(` ``)
 */
export function compileRegex(source: string): RegexMatcher {
  const known = programs.get(source);
  if (known) return known;
  const matcher = compile(source);
  if (programs.size >= PROGRAMS_MAX) {
    const oldest = programs.keys().next();
    if (!oldest.done) programs.delete(oldest.value);
  }
  programs.set(source, matcher);
  return matcher;
}

function compile(source: string): RegexMatcher {
  if (/^(?:[A-Za-z0-9_ -])*$/.test(source)) return (text) => text.includes(source);
  const exact = /^\^([A-Za-z0-9_ -]*)\$$/.exec(source)?.[1];
  if (exact !== undefined) return (text) => text === exact;
  // Go up to 1.21 knows (?P<name>…) only, and does not mind a name used twice.
  if (hasBareNamedGroup(source))
    throw new ParseError('error parsing regexp: invalid or unsupported Perl syntax: `(?<`');
  try {
    const program = programOf(source);
    return (text) => program.matcher(text).find();
  } catch (thrown) {
    throw new ParseError(messageOf(thrown));
  }
}

function programOf(source: string): RE2JS {
  try {
    return RE2JS.compile(source);
  } catch (thrown) {
    if (!/duplicate capture group name/.test(messageOf(thrown))) throw thrown;
    return RE2JS.compile(source.replace(/\(\?P<\w+>/g, '('));
  }
}

/** True where `(?<` stands outside classes and quotations. */
function hasBareNamedGroup(source: string): boolean {
  if (!source.includes('(?<')) return false;
  const plain = source
    .replace(/\\Q[^]*?(?:\\E|$)/g, '')
    .replace(/\\[^]/g, '')
    .replace(/\[\^?\]?(?:\[:\^?\w+:\]|[^\]])*\]/g, '');
  return plain.includes('(?<');
}

/**
 * The texts that an expression of the form `^(a|b)$` or `^a$` stands for, else null; lets a tag regex be answered from
 * posting lists. @see InfluxDB influxql `conditionExpr` rewriting of simple regexes
 */
export function literalAlternatives(source: string): readonly string[] | null {
  const body = /^\^(?:\(([^()]*)\)|([^()|]*))\$$/.exec(source);
  if (!body) return null;
  const parts = (body[1] ?? body[2] ?? '').split('|');
  return parts.every((part) => /^[A-Za-z0-9_ -]+$/.test(part)) ? parts : null;
}
