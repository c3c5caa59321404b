/**
 * Numbers and quotes as Go reads and writes them: inputs accept the numbers that InfluxDB accepts, and their error texts are
 * InfluxDB's. Texts here are binary strings, one character a byte, so that odd bytes survive.
 */

/** Why {@link parseGoFloat} refuses a text. */
export type FloatRefusal = 'invalid syntax' | 'value out of range';

// In linear time for any text: no two repetitions can share characters.
const DECIMAL = /^[+-]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9][0-9_]*)?$/;
const HEXADECIMAL = /^([+-]?)0[xX]([0-9a-fA-F_]*)(?:\.([0-9a-fA-F_]*))?[pP]([+-]?[0-9][0-9_]*)$/;

/** The number that Go's `strconv.ParseFloat` makes of a text: also `inf`, `nan`, `1_000` and `0x1p4`; or why not. */
export function parseGoFloat(text: string): number | FloatRefusal {
  if (/^[+-]?inf(?:inity)?$/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
  if (/^nan$/i.test(text)) return Number.NaN;
  let value: number;
  if (DECIMAL.test(text)) {
    if (!areUnderscoresRight(text)) return 'invalid syntax';
    value = Number(text.replaceAll('_', ''));
  } else {
    const hex = HEXADECIMAL.exec(text);
    if (hex === null || !areUnderscoresRight(text)) return 'invalid syntax';
    const [whole = '', fraction = '', exponent = ''] = hex
      .slice(2)
      .map((part) => (part ?? '').replaceAll('_', ''));
    if (whole === '' && fraction === '') return 'invalid syntax';
    const digits = (whole + fraction).slice(0, HEX_DIGITS_MAX);
    const cut = whole.length + fraction.length - digits.length;
    const power = Number(exponent) - 4 * (fraction.length - cut);
    value = scaled(Number(BigInt(`0x${digits}`)), power) * (hex[1] === '-' ? -1 : 1);
  }
  return Number.isFinite(value) ? value : 'value out of range';
}

/** Beyond this no digit of a mantissa changes a double but by a tie. */
const HEX_DIGITS_MAX = 64;

/** In two steps, so that neither factor leaves the range of doubles before the product does. */
function scaled(mantissa: number, power: number): number {
  const limited = Math.max(-2000, Math.min(2000, power));
  const half = Math.trunc(limited / 2);
  return mantissa === 0 ? 0 : mantissa * 2 ** half * 2 ** (limited - half);
}

/** Underscores stand between digits only, or behind the prefix. @see Go strconv.underscoreOK */
function areUnderscoresRight(text: string): boolean {
  if (!text.includes('_')) return true;
  const digits = text.replace(/^[+-]?(?:0[xX])?/, (prefix) => (/x/i.test(prefix) ? '0' : ''));
  const isHex = /^[+-]?0[xX]/.test(text);
  return !(isHex ? /(?<![0-9a-fA-F])_|_(?![0-9a-fA-F])/ : /(?<![0-9])_|_(?![0-9])/).test(digits);
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '"': '\\"',
  '\\': '\\\\',
};
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Printable ASCII without what is escaped: nearly every text. */
const PLAIN = /^[ !#-[\]-~]*$/;

/** Quotes a binary string as Go's `%q` does. */
export function goQuote(text: string): string {
  if (PLAIN.test(text)) return `"${text}"`;
  let characters: string;
  try {
    characters = utf8.decode(Buffer.from(text, 'latin1'));
  } catch {
    // Not UTF-8: byte by byte.
    return `"${text.replace(/[^ !#-[\]-~]/g, (c) => ESCAPES[c] ?? hexEscape(c))}"`;
  }
  return `"${characters.replace(/["\\]|[^\P{C}]|[\p{Zl}\p{Zp}]|[^\P{Zs} ]/gu, escape)}"`;
}

function escape(c: string): string {
  const known = ESCAPES[c];
  if (known !== undefined) return known;
  const code = c.codePointAt(0) ?? 0;
  if (code < 0x80) return hexEscape(c);
  return code > 0xffff
    ? `\\U${code.toString(16).padStart(8, '0')}`
    : `\\u${code.toString(16).padStart(4, '0')}`;
}

const hexEscape = (c: string): string => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`;

/** White space as Go's `unicode.IsSpace`, in UTF-8 as a binary string. */
const SPACES =
  /(?:[\t-\r ]|\xc2[\x85\xa0]|\xe1\x9a\x80|\xe2\x80[\x80-\x8a\xa8\xa9\xaf]|\xe2\x81\x9f|\xe3\x80\x80)+/;

/** The words of a binary string, as Go's `strings.Fields`. */
export function goFields(text: string): string[] {
  return text.split(SPACES).filter((word) => word !== '');
}

/** Text as a binary string of its UTF-8. */
export const toBinary = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');
/** The text that a binary string is the UTF-8 of; what is not UTF-8 becomes U+FFFD. */
export const fromBinary = (binary: string): string =>
  Buffer.from(binary, 'latin1').toString('utf8');
