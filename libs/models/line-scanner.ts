/**
 * The grammar of line protocol, one line at a time and exactly as InfluxDB 1.x applies it, quirks and error texts included.
 * Pure functions over bytes; the fast path of line-parser.ts falls back on them for whatever it does not expect.
 * @see InfluxDB models/points.go
 */
import { compareBytes, KEY_LENGTH_MAX } from './series-key.js';

const SPACE = 32;
const QUOTE = 34;
const COMMA = 44;
const EQUALS = 61;
const BACKSLASH = 92;
const NEWLINE = 10;
const latin1 = new TextDecoder('latin1');

/** Why a line is refused; the text goes behind `unable to parse '…': `. */
export class LineRejection {
  constructor(readonly reason: string) {}
}

/** Where the parts of a line are; offsets into the body, ends exclusive. */
export interface LineParts {
  keyStart: number;
  keyEnd: number;
  /** Starts of `key=value` of each tag; each ends one byte before the next start (or `keyEnd` + 1). */
  tagStarts: number[];
  tagsAreSorted: boolean;
  fieldsStart: number;
  fieldsEnd: number;
  /** Equal to `timeEnd` where the line has no timestamp. */
  timeStart: number;
  timeEnd: number;
}

/** One past the last byte of the line that starts at `start`: a newline outside quotes, or `end`. */
export function findLineEnd(bytes: Uint8Array, start: number, end: number): number {
  let isQuoted = false;
  let inFields = false;
  let equals = 0;
  let commas = 0;
  for (let i = start; i < end; i++) {
    const c = bytes[i];
    if (c === BACKSLASH && i + 2 < end) {
      i++;
      continue;
    }
    if (c === SPACE) inFields = true;
    if (inFields) {
      if (!isQuoted && c === EQUALS) equals++;
      else if (!isQuoted && c === COMMA) commas++;
      else if (c === QUOTE && equals > commas) isQuoted = !isQuoted;
    }
    if (c === NEWLINE && !isQuoted) return i;
  }
  return end;
}

/** The first position from `i` that is no space, tab or zero byte. */
export function skipBlanks(bytes: Uint8Array, i: number, end: number): number {
  while (i < end && (bytes[i] === SPACE || bytes[i] === 9 || bytes[i] === 0)) i++;
  return i;
}

/** Finds the parts of the line `bytes[start..end)`, whose first byte is no blank, or says why it is refused. */
export function scanLine(bytes: Uint8Array, start: number, end: number): LineParts | LineRejection {
  const parts: LineParts = {
    keyStart: start,
    keyEnd: start,
    tagStarts: [],
    tagsAreSorted: true,
    fieldsStart: start,
    fieldsEnd: start,
    timeStart: end,
    timeEnd: end,
  };
  const refused =
    scanKey(bytes, end, parts) ?? scanFields(bytes, end, parts) ?? scanTime(bytes, end, parts);
  return refused === undefined ? parts : new LineRejection(refused);
}

function scanKey(bytes: Uint8Array, end: number, parts: LineParts): string | undefined {
  let i = parts.keyStart;
  if (i >= end || bytes[i] === COMMA) return 'missing measurement';
  for (;;) {
    i++;
    if (i >= end) return 'missing fields';
    if (bytes[i - 1] === BACKSLASH) continue;
    if (bytes[i] === COMMA || bytes[i] === SPACE) break;
  }
  while (bytes[i] === COMMA) {
    i++;
    parts.tagStarts.push(i);
    const value = scanTagKey(bytes, i, end);
    if (typeof value === 'string') return value;
    const next = scanTagValue(bytes, value, end);
    if (typeof next === 'string') return next;
    i = next;
  }
  parts.keyEnd = i;
  const refused = checkTagOrder(bytes, parts);
  if (refused !== undefined) return refused;
  const length = i - parts.keyStart;
  return length > KEY_LENGTH_MAX
    ? `max key length exceeded: ${length} > ${KEY_LENGTH_MAX}`
    : undefined;
}

function scanTagKey(bytes: Uint8Array, i: number, end: number): number | string {
  if (i >= end || bytes[i] === SPACE || bytes[i] === COMMA || bytes[i] === EQUALS) {
    return 'missing tag key';
  }
  for (;;) {
    i++;
    if (i >= end) return 'missing tag value';
    const isEscaped = bytes[i - 1] === BACKSLASH;
    if ((bytes[i] === SPACE || bytes[i] === COMMA) && !isEscaped) return 'missing tag value';
    if (bytes[i] === EQUALS && !isEscaped) return i + 1;
  }
}

function scanTagValue(bytes: Uint8Array, i: number, end: number): number | string {
  if (i >= end || bytes[i] === COMMA || bytes[i] === SPACE) return 'missing tag value';
  for (;;) {
    i++;
    if (i >= end) return 'missing fields';
    if (bytes[i - 1] === BACKSLASH) continue;
    if (bytes[i] === EQUALS) return 'invalid tag format';
    if (bytes[i] === COMMA || bytes[i] === SPACE) return i;
  }
}

/** The key of the tag that starts at `start`, as written. */
export function tagKeyBytes(bytes: Uint8Array, start: number, end: number): Uint8Array {
  let i = start;
  while (i < end && !(bytes[i] === EQUALS && (i === start || bytes[i - 1] !== BACKSLASH))) i++;
  return bytes.subarray(start, i);
}

function checkTagOrder(bytes: Uint8Array, parts: LineParts): string | undefined {
  const keys = parts.tagStarts.map((start) => tagKeyBytes(bytes, start, parts.keyEnd));
  for (let i = 1; i < keys.length; i++) {
    const order = compareBytes(keys[i - 1], keys[i]);
    if (order === 0) return 'duplicate tags';
    if (order > 0) {
      parts.tagsAreSorted = false;
      keys.sort(compareBytes);
      return keys.some((key, k) => k > 0 && compareBytes(keys[k - 1], key) === 0)
        ? 'duplicate tags'
        : undefined;
    }
  }
  return undefined;
}

function scanFields(bytes: Uint8Array, end: number, parts: LineParts): string | undefined {
  let i = skipBlanks(bytes, parts.keyEnd, end);
  const start = i;
  let isQuoted = false;
  let equals = 0;
  let commas = 0;
  while (i < end) {
    const c = bytes[i];
    if (c === BACKSLASH && i + 1 < end) {
      i += 2;
      continue;
    }
    if (c === QUOTE && equals > commas) {
      isQuoted = !isQuoted;
      i++;
      continue;
    }
    if (c === EQUALS && !isQuoted) {
      equals++;
      const before = bytes[i - 1];
      if ((before === SPACE || before === COMMA) && bytes[i - 2] !== BACKSLASH) {
        return 'missing field key';
      }
      const first = bytes[i + 1];
      if (i + 1 >= end || first === COMMA || first === SPACE) return 'missing field value';
      if (first !== QUOTE) {
        const next =
          isNumeric(first) || first === 45 || first === 78 || first === 110
            ? scanNumber(bytes, i + 1, end)
            : scanBoolean(bytes, i + 1, end);
        if (typeof next === 'string') return next;
        i = next;
        continue;
      }
    }
    if (c === COMMA && !isQuoted) commas++;
    if (c === SPACE && !isQuoted) break;
    i++;
  }
  if (isQuoted) return 'unbalanced quotes';
  if (equals === 0 || commas !== equals - 1) return 'invalid field format';
  parts.fieldsStart = start;
  parts.fieldsEnd = i;
  return undefined;
}

const isNumeric = (c: number): boolean => (c >= 48 && c <= 57) || c === 46;
const isDelimiter = (c: number): boolean => c === COMMA || c === SPACE;

/** Checks a number from `start`; the position behind it, or why it is refused. */
function scanNumber(bytes: Uint8Array, start: number, end: number): number | string {
  let i = start;
  let isInteger = false;
  let hasPoint = false;
  let hasExponent = false;
  if (bytes[i] === 45 && ++i === end) return 'invalid number';
  for (; i < end && !isDelimiter(bytes[i]); i++) {
    const c = bytes[i];
    if (c === 105 && i > start && !isInteger) {
      isInteger = true;
      continue;
    }
    if (c === 46) {
      if (hasPoint) return 'invalid number';
      hasPoint = true;
    }
    if (i > start && (c === 101 || c === 69)) {
      hasExponent = true;
      continue;
    }
    if ((c === 43 || c === 45) && (bytes[i - 1] === 101 || bytes[i - 1] === 69)) continue;
    if (!isNumeric(c)) return 'invalid number';
  }
  if (isInteger && (hasPoint || hasExponent)) return 'invalid number';
  const signLength = bytes[start] === 45 ? 1 : 0;
  if (i - start - Number(isInteger) - Number(hasPoint) - signLength === 0) return 'invalid number';
  if (isInteger) {
    if (bytes[i - 1] !== 105) return 'invalid number';
    const text = latin1.decode(bytes.subarray(start, i - 1));
    const value = BigInt(text);
    return BigInt.asIntN(64, value) === value
      ? i
      : `unable to parse integer ${text}: strconv.ParseInt: parsing "${text}": value out of range`;
  }
  if (hasExponent || i - start >= 25) {
    const text = latin1.decode(bytes.subarray(start, i));
    const isFloat = /^-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text);
    if (!isFloat || !Number.isFinite(Number(text))) return 'invalid float';
  }
  return i;
}

const BOOLEANS = new Set(['t', 'T', 'true', 'True', 'TRUE', 'f', 'F', 'false', 'False', 'FALSE']);

function scanBoolean(bytes: Uint8Array, start: number, end: number): number | string {
  let i = start;
  while (i < end && !isDelimiter(bytes[i])) i++;
  return BOOLEANS.has(latin1.decode(bytes.subarray(start, i))) ? i : 'invalid boolean';
}

function scanTime(bytes: Uint8Array, end: number, parts: LineParts): string | undefined {
  let i = skipBlanks(bytes, parts.fieldsEnd, end);
  parts.timeStart = i;
  if (bytes[i] === 45 && i < end) i++;
  for (; i < end && bytes[i] !== NEWLINE && bytes[i] !== SPACE; i++) {
    if (bytes[i] < 48 || bytes[i] > 57) return 'bad timestamp';
  }
  parts.timeEnd = i;
  return undefined;
}

/** True where only spaces follow position `i`. */
export function onlySpacesFollow(bytes: Uint8Array, i: number, end: number): boolean {
  while (i < end && bytes[i] === SPACE) i++;
  return i >= end;
}

/** Where the field name that starts at `i` ends: its unescaped equals sign. */
export function findFieldNameEnd(bytes: Uint8Array, i: number, end: number): number {
  const start = i;
  while (i < end && !(bytes[i] === EQUALS && (i === start || bytes[i - 1] !== BACKSLASH))) i++;
  return i;
}

/** Where the field value that starts at `i` ends: an unquoted comma, or `end`. */
export function findFieldValueEnd(bytes: Uint8Array, i: number, end: number): number {
  let isQuoted = false;
  while (i < end) {
    if (
      bytes[i] === BACKSLASH &&
      (bytes[i + 1] === QUOTE || bytes[i + 1] === BACKSLASH) &&
      i + 1 < end
    ) {
      i += 2;
      continue;
    }
    if (bytes[i] === QUOTE) isQuoted = !isQuoted;
    else if (bytes[i] === COMMA && !isQuoted) break;
    i++;
  }
  return i;
}
