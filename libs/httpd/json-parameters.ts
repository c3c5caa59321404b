/**
 * The `params` of a query: a JSON object with exact integers, refused with the texts of Go's encoding/json.
 */
import type { Parameters, ParameterValue } from '#influxql';
import { HttpError } from './errors.js';

const INT64_MAX = 9223372036854775807n;
/** Deeper nesting than any parameter has. */
const DEPTH_MAX = 100;

/**
 * Parameters by name; '' and `null` give none.
 * @throws HttpError 400 `error parsing query parameters: …`, `error parsing json value: …`
 */
export function parseParameters(text: string): Parameters {
  if (text === '') return new Map();
  const value = new JsonReader(text).document();
  if (value === null) return new Map();
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw refuse(
      `json: cannot unmarshal ${goKind(value)} into Go value of type map[string]interface {}`,
    );
  }
  return new Map(Object.entries(value));
}

function refuse(reason: string): HttpError {
  return HttpError.badParameters(`error parsing query parameters: ${reason}`);
}

function goKind(value: ParameterValue): string {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'string') return 'string';
  return typeof value === 'boolean' ? 'bool' : 'number';
}

/** Recursive descent over one JSON text. */
class JsonReader {
  private at = 0;
  private depth = 0;

  constructor(private readonly text: string) {}

  document(): ParameterValue {
    return this.value();
  }

  private value(): ParameterValue {
    if (++this.depth > DEPTH_MAX) throw refuse('exceeded max depth');
    const c = this.peek();
    const value = this.valueFrom(c);
    this.depth--;
    return value;
  }

  private valueFrom(c: string): ParameterValue {
    if (c === '{') return this.object();
    if (c === '[') return this.list();
    if (c === '"') return this.string();
    if (c === 't') return this.word('true', true);
    if (c === 'f') return this.word('false', false);
    if (c === 'n') return this.word('null', null);
    if (/[-0-9]/.test(c)) return this.number();
    throw this.unexpected(c, 'looking for beginning of value');
  }

  private object(): ParameterValue {
    const entries: [string, ParameterValue][] = [];
    this.at++;
    if (this.peek() === '}') {
      this.at++;
      return {};
    }
    for (;;) {
      const quote = this.peek();
      if (quote !== '"') throw this.unexpected(quote, 'looking for beginning of object key string');
      const key = this.string();
      const colon = this.peek();
      if (colon !== ':') throw this.unexpected(colon, 'after object key');
      this.at++;
      entries.push([key, this.value()]);
      const next = this.peek();
      this.at++;
      if (next === '}') return Object.fromEntries(entries);
      if (next !== ',') throw this.unexpected(next, 'after object key:value pair');
    }
  }

  private list(): ParameterValue {
    const items: ParameterValue[] = [];
    this.at++;
    if (this.peek() === ']') {
      this.at++;
      return items;
    }
    for (;;) {
      items.push(this.value());
      const next = this.peek();
      this.at++;
      if (next === ']') return items;
      if (next !== ',') throw this.unexpected(next, 'after array element');
    }
  }

  private string(): string {
    const end = /"(?:[^"\\]|\\.)*"/sy;
    end.lastIndex = this.at;
    const found = end.exec(this.text);
    if (found === null) throw refuse('unexpected EOF');
    this.at = end.lastIndex;
    try {
      return JSON.parse(found[0]) as string;
    } catch {
      throw refuse('invalid character in string literal');
    }
  }

  private number(): number | bigint {
    const digits = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
    digits.lastIndex = this.at;
    const found = digits.exec(this.text);
    if (found === null) throw refuse('invalid character in numeric literal');
    this.at = digits.lastIndex;
    // Same as InfluxDB 1.x: what has no point is an integer, and must be one.
    if (found[1] !== undefined) return Number(found[0]);
    if (found[2] !== undefined) throw badInteger(found[0], 'invalid syntax');
    const value = BigInt(found[0]);
    if (value > INT64_MAX || value < -INT64_MAX - 1n)
      throw badInteger(found[0], 'value out of range');
    return value;
  }

  private word<Value extends boolean | null>(word: string, value: Value): Value {
    for (let i = 0; i < word.length; i++, this.at++) {
      const c = this.text[this.at] ?? '';
      if (c !== word[i])
        throw this.unexpected(c, `in literal ${word} (expecting ${goQuote(word[i] ?? '')})`);
    }
    return value;
  }

  private peek(): string {
    while (/[ \t\r\n]/.test(this.text[this.at] ?? '')) this.at++;
    return this.text[this.at] ?? '';
  }

  private unexpected(c: string, where: string): HttpError {
    return refuse(c === '' ? 'unexpected EOF' : `invalid character ${goQuote(c)} ${where}`);
  }
}

const goQuote = (c: string): string => (c === "'" ? `'\\''` : c === '"' ? `'"'` : `'${c}'`);

function badInteger(text: string, reason: string): HttpError {
  return HttpError.badParameters(
    `error parsing json value: strconv.ParseInt: parsing ${JSON.stringify(text)}: ${reason}`,
  );
}
