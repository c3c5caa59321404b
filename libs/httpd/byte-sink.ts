/**
 * A growing run of bytes that answers are written into: text, Go's JSON strings, numbers and times, without a string or
 * object per cell where that can be avoided.
 */

const encoder = new TextEncoder();
const TWO_31 = 2147483648;

const HANDED_OVER_BYTES = 64 * 1024;

/** Bytes of an answer. */
export class ByteSink {
  private bytes = new Uint8Array(16 * 1024);
  length = 0;
  /** The first float that JSON cannot hold, null for none. */
  nonFinite: number | null = null;

  /** What was written so far; a view, valid until the next write. */
  view(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  /** What was written so far; the sink is empty afterwards. Many bytes are handed over, few are copied. */
  drain(): Uint8Array {
    if (this.length >= HANDED_OVER_BYTES) {
      const taken = this.bytes.subarray(0, this.length);
      this.bytes = new Uint8Array(HANDED_OVER_BYTES * 2);
      this.length = 0;
      return taken;
    }
    const copy = this.bytes.slice(0, this.length);
    this.length = 0;
    return copy;
  }

  /** Makes room for `count` more bytes. */
  reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.bytes.length) return;
    const wider = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    wider.set(this.bytes.subarray(0, this.length));
    this.bytes = wider;
  }

  byte(value: number): void {
    if (this.length === this.bytes.length) this.reserve(1);
    this.bytes[this.length++] = value;
  }

  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** The first `count` of a few bytes. */
  copy(from: Uint8Array, count: number): void {
    this.reserve(count);
    const { bytes, length } = this;
    for (let i = 0; i < count; i++) bytes[length + i] = from[i];
    this.length = length + count;
  }

  /** Text of ASCII characters only. */
  ascii(text: string): void {
    this.reserve(text.length);
    const { bytes } = this;
    let at = this.length;
    for (let i = 0; i < text.length; i++) bytes[at++] = text.charCodeAt(i);
    this.length = at;
  }

  /** Any text, as UTF-8. */
  utf8(text: string): void {
    this.reserve(text.length * 3);
    this.length += encoder.encodeInto(text, this.bytes.subarray(this.length)).written;
  }

  /** A whole number below 2^53 in size. */
  integer(value: number): void {
    if (value > -TWO_31 && value < TWO_31) this.smallInteger(value | 0);
    else this.ascii(value.toString());
  }

  private smallInteger(value: number): void {
    this.reserve(11);
    const { bytes } = this;
    if (value >= 0 && value < 100) {
      const tens = (value / 10) | 0;
      if (tens > 0) bytes[this.length++] = 48 + tens;
      bytes[this.length++] = 48 + value - tens * 10;
      return;
    }
    let rest = value;
    if (rest < 0) {
      bytes[this.length++] = 45;
      rest = -rest;
    }
    let digits = 1;
    for (let power = 10; power <= rest; power *= 10) digits++;
    for (let at = this.length + digits - 1; at >= this.length; at--) {
      const quotient = (rest / 10) | 0;
      bytes[at] = 48 + rest - quotient * 10;
      rest = quotient;
    }
    this.length += digits;
  }

  /** A float as Go's JSON prints it, which is how JavaScript does, -0 apart. Not finite: null, and noted in `nonFinite`. */
  jsonFloat(value: number): void {
    if (Number.isInteger(value) && value > -TWO_31 && value < TWO_31 && !Object.is(value, -0)) {
      this.smallInteger(value);
    } else if (Object.is(value, -0)) this.ascii('-0');
    else if (Number.isFinite(value)) this.ascii(String(value));
    else {
      this.nonFinite ??= value;
      this.ascii('null');
    }
  }

  /** A float in full digits, as CSV answers have it. */
  plainFloat(value: number): void {
    this.ascii(formatPlainFloat(value));
  }

  /** A string in quotes, escaped as Go's encoding/json does. */
  jsonString(text: string): void {
    this.reserve(text.length + 2);
    const { bytes } = this;
    let at = this.length;
    bytes[at++] = 34;
    for (let i = 0; i < text.length; i++) {
      const c = text.charCodeAt(i);
      if (c > 0x7e || PLAIN[c] === 0) {
        this.utf8(`"${text.replace(ESCAPED, escapeCharacter)}"`);
        return;
      }
      bytes[at++] = c;
    }
    bytes[at++] = 34;
    this.length = at;
  }

  /** A time as RFC 3339 with as many decimals as needed, without quotes. */
  rfc3339(timeNs: bigint, offsetSec = 0): void {
    this.ascii(formatRfc3339Nano(timeNs, offsetSec));
  }
}

/** 1 for the ASCII characters that stand for themselves. */
const PLAIN = Uint8Array.from({ length: 0x7f }, (_, c) =>
  c < 0x20 || '"\\<>&'.includes(String.fromCharCode(c)) ? 0 : 1,
);

// A lone surrogate is what invalid UTF-8 has become; Go prints the replacement character for it.
const ESCAPED =
  /[\u0000-\u001f"\\<>&\u2028\u2029]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

function escapeCharacter(c: string): string {
  switch (c) {
    case '"':
      return '\\"';
    case '\\':
      return '\\\\';
    case '\n':
      return '\\n';
    case '\r':
      return '\\r';
    case '\t':
      return '\\t';
    default: {
      const code = c.charCodeAt(0);
      return code >= 0xd800 && code <= 0xdfff
        ? '\\ufffd'
        : `\\u${code.toString(16).padStart(4, '0')}`;
    }
  }
}

/** Digits without an exponent, as Go's FormatFloat(v, 'f', -1, 64). */
export function formatPlainFloat(value: number): string {
  if (Object.is(value, -0)) return '-0';
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
  const text = String(value);
  const found = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(text);
  if (found === null) return text;
  const [, sign = '', first = '', rest = '', exponentText = '0'] = found;
  const exponent = Number(exponentText);
  const digits = first + rest;
  return exponent < 0
    ? `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`
    : `${sign}${digits.padEnd(exponent + 1, '0')}`;
}

const MILLION = 1_000_000n;
let lastDay = Number.NaN;
let lastDayText = '';

/**
 * A time as RFC 3339, trailing zeros of the fraction left out.
 * @param offsetSec seconds by which local clocks are ahead of UTC
 */
export function formatRfc3339Nano(timeNs: bigint, offsetSec = 0): string {
  let ms = Number(timeNs / MILLION) + offsetSec * 1000;
  let belowMs = Number(timeNs % MILLION);
  if (belowMs < 0) {
    ms -= 1;
    belowMs += 1_000_000;
  }
  const day = Math.floor(ms / 86_400_000);
  if (day !== lastDay) {
    lastDay = day;
    lastDayText = dayText(day);
  }
  const msOfDay = ms - day * 86_400_000;
  const seconds = Math.floor(msOfDay / 1000);
  const clock = `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  const fractionNs = (msOfDay % 1000) * 1_000_000 + belowMs;
  const zone = offsetSec === 0 ? 'Z' : offsetText(offsetSec);
  if (fractionNs === 0) return `${lastDayText}T${clock}${zone}`;
  return `${lastDayText}T${clock}.${fractionNs.toString().padStart(9, '0').replace(/0+$/, '')}${zone}`;
}

/** `+05:30`. Seconds of old local times are cut off, as Go does. */
function offsetText(offsetSec: number): string {
  const minutes = Math.trunc(Math.abs(offsetSec) / 60);
  return `${offsetSec < 0 ? '-' : '+'}${two(Math.trunc(minutes / 60))}:${two(minutes % 60)}`;
}

const two = (value: number): string => (value < 10 ? `0${value}` : String(value));

/** `2026-01-31`, given days since 1970. */
export function dayText(day: number): string {
  const date = new Date(day * 86_400_000);
  return `${String(date.getUTCFullYear()).padStart(4, '0')}-${two(date.getUTCMonth() + 1)}-${two(date.getUTCDate())}`;
}
