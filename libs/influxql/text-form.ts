/**
 * How identifiers, strings, regular expressions, durations and numbers are written in InfluxQL, both ways where reading
 * is not the scanner's work.
 */
import { ParseError } from './errors.js';
import { isKeyword } from './token.js';

const MAX_INT64 = 9223372036854775807n;

const UNITS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  u: 1_000n,
  µ: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
  d: 86_400_000_000_000n,
  w: 604_800_000_000_000n,
};

/**
 * A possibly dotted identifier, quoted where needed. All but the last segment of several are always quoted.
 * Same as InfluxDB 1.x.
 */
export function quoteIdent(...segments: readonly string[]): string {
  const last = segments.length - 1;
  return segments
    .map((segment, i) => {
      const isEdge = i === 0 || i === last;
      const needsQuotes =
        (i < last && segment !== '') || identNeedsQuotes(segment) || (isEdge && segment === '');
      return needsQuotes ? `"${escapeText(segment, '"')}"` : segment;
    })
    .join('.');
}

/** True where `name` cannot stand bare: a keyword, or other characters than letters, digits and `_`. */
export function identNeedsQuotes(name: string): boolean {
  return isKeyword(name) || (name !== '' && !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name));
}

/** A string literal in single quotes. */
export function quoteString(text: string): string {
  return `'${escapeText(text, "'")}'`;
}

/** A regular expression between slashes. */
export function quoteRegex(source: string): string {
  return `/${source.replaceAll('/', '\\/')}/`;
}

function escapeText(text: string, quote: string): string {
  return text.replace(/[\n\\"']/g, (rune) => {
    if (rune === '\n') return '\\n';
    return rune === '\\' || rune === quote ? `\\${rune}` : rune;
  });
}

/**
 * Nanoseconds of a duration literal such as `1h30m`.
 * @throws ParseError `invalid duration` or upstream's overflow text
 */
export function parseInfluxqlDuration(text: string): bigint {
  if (!/^(?:\d+(?:ns|ms|[uµsmhdw]))+$/.test(text)) throw new ParseError('invalid duration');
  let totalNs = 0n;
  for (const [, digits = '', unit = ''] of text.matchAll(/(\d+)(ns|ms|[uµsmhdw])/g)) {
    const count = BigInt(digits);
    if (count > MAX_INT64) throw new ParseError('invalid duration');
    totalNs += count * (UNITS[unit] ?? 1n);
    if (totalNs > MAX_INT64) {
      throw new ParseError(`overflowed duration ${count}${unit}: choose a smaller duration or INF`);
    }
  }
  return totalNs;
}

/** A duration as a literal, in the largest unit that divides it: `90m`, `1w`, `0s`. */
export function formatInfluxqlDuration(durationNs: bigint): string {
  if (durationNs === 0n) return '0s';
  for (const unit of ['w', 'd', 'h', 'm', 's', 'ms', 'u'] as const) {
    const unitNs = UNITS[unit] ?? 1n;
    if (durationNs % unitNs === 0n) return `${durationNs / unitNs}${unit}`;
  }
  return `${durationNs}ns`;
}

/** A float literal: three decimals, never an exponent. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
  return Math.abs(value) >= 1e21 ? `${BigInt(value)}.000` : value.toFixed(3);
}

/** A float in its shortest form, with an exponent below 1e-4 and from 1e21 on: Go's `%v`. */
export function formatShortest(value: number): string {
  const size = Math.abs(value);
  const needsExponent = size !== 0 && (size < 1e-4 || size >= 1e21);
  const text = needsExponent ? value.toExponential() : String(value);
  return text.replace(/e([+-])(\d)$/, 'e$10$2');
}
