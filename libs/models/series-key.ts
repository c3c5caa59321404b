/**
 * Series keys: `measurement,tag=value,…` with tags in byte order and `,`, space (and in tags `=`) escaped by a backslash.
 * This canonical form is what TSM files and the series index hold. Hashing is that of the parser's scan.
 */

/** A tag of a series, unescaped. */
export interface Tag {
  readonly key: string;
  readonly value: string;
}

/** A series key taken apart; tags in byte order of their keys. */
export interface ParsedSeriesKey {
  readonly measurement: string;
  readonly tags: readonly Tag[];
}

/** Longest key of a series and, with separator and field, of a field. Same as InfluxDB 1.x. */
export const KEY_LENGTH_MAX = 65535;

/** Start of the hash. Differs in each process, so that nobody can make keys that collide. */
export const KEY_HASH_SEED = (Math.random() * 0x100000000) | 0;

const GOLDEN = 0x9e3779b1 | 0;
const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** The last step of the hash, from the running value and the last 0-3 bytes as a word. */
export function finishKeyHash(running: number, tail: number): number {
  let h = Math.imul(running ^ tail, GOLDEN);
  h ^= h >>> 15;
  h = Math.imul(h, 0x85ebca6b);
  return h ^ (h >>> 13);
}

/** Hash of `bytes[start..start+length)`; equals what the line parser computes while it scans. */
export function hashKey(bytes: Uint8Array, start: number, length: number): number {
  let h = KEY_HASH_SEED;
  let p = start;
  const wordsEnd = start + (length & ~3);
  for (; p < wordsEnd; p += 4) {
    const w = bytes[p] | (bytes[p + 1] << 8) | (bytes[p + 2] << 16) | (bytes[p + 3] << 24);
    h = Math.imul(h ^ w, GOLDEN);
    h = (h << 13) | (h >>> 19);
  }
  let tail = 0;
  for (let i = start + length - 1; i >= p; i--) tail = (tail << 8) | bytes[i];
  return finishKeyHash(h, tail);
}

/** Order of byte strings. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const n = Math.min(a.length, b.length);
  for (let i = 0; i < n; i++) {
    if (a[i] !== b[i]) return a[i] - b[i];
  }
  return a.length - b.length;
}

/** Order of strings by their UTF-8 bytes, which is that of code points. */
export function compareUtf8(a: string, b: string): number {
  const n = Math.min(a.length, b.length);
  for (let i = 0; i < n; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) {
      // Surrogates stand for code points above all others.
      const xs = x >= 0xd800 && x <= 0xdfff ? x + 0x10000 : x;
      const ys = y >= 0xd800 && y <= 0xdfff ? y + 0x10000 : y;
      return xs - ys;
    }
  }
  return a.length - b.length;
}

/** Undoes the escapes of measurements, tags and field names: a backslash before comma, space, equals sign or quote goes. */
export function unescapeName(text: string): string {
  return text.includes('\\') ? text.replace(/\\([, ="])/g, '$1') : text;
}

const escapeMeasurement = (text: string): string => text.replace(/[, ]/g, '\\$&');
const escapeTag = (text: string): string => text.replace(/[,= ]/g, '\\$&');

/** The canonical key text of a measurement and tags that are in byte order of their keys; empty values are left out. */
export function formatSeriesKey(measurement: string, tags: readonly Tag[]): string {
  let key = escapeMeasurement(measurement);
  for (const tag of tags) {
    if (tag.value !== '') key += `,${escapeTag(tag.key)}=${escapeTag(tag.value)}`;
  }
  return key;
}

/** The canonical key of a measurement and tags in any order (of equal keys the last wins). */
export function encodeSeriesKey(measurement: string, tags: readonly Tag[]): Uint8Array {
  const sorted = [...new Map(tags.map((tag) => [tag.key, tag])).values()];
  sorted.sort((a, b) => compareUtf8(a.key, b.key));
  return encoder.encode(formatSeriesKey(measurement, sorted));
}

/**
 * The canonical key of a key as written: tags in byte order, escaped no more than needed. Bytes that are not UTF-8 stay as
 * they are, so that two names of another encoding remain two. Same as InfluxDB 1.x.
 */
export function canonicalSeriesKey(bytes: Uint8Array): Uint8Array {
  // A character for each byte: all that has a meaning is ASCII, and the order of such texts is that of their bytes.
  const { measurement, tags } = parseKeyText(Buffer.from(bytes).toString('latin1'));
  const sorted = [...tags].sort((a, b) => (a.key < b.key ? -1 : Number(a.key > b.key)));
  return Uint8Array.from(Buffer.from(formatSeriesKey(measurement, sorted), 'latin1'));
}

/** Takes a valid key apart. Also reads keys that are escaped more than the canonical form needs. */
export function parseSeriesKey(bytes: Uint8Array): ParsedSeriesKey {
  return parseKeyText(decoder.decode(bytes));
}

function parseKeyText(text: string): ParsedSeriesKey {
  const parts = splitUnescaped(text, ',');
  const tags = parts.slice(1).map((part) => {
    const [key = '', ...value] = splitUnescaped(part, '=');
    return { key: unescapeName(key), value: unescapeName(value.join('=')) };
  });
  return { measurement: unescapeName(parts[0] ?? ''), tags };
}

function splitUnescaped(text: string, separator: string): string[] {
  if (!text.includes('\\')) return text.split(separator);
  const parts: string[] = [];
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === separator && text[i - 1] !== '\\') {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}
