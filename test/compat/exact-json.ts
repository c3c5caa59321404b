/**
 * JSON whose numbers keep their spelling, so that 64-bit integers compare exactly.
 */

/** A number as it was spelt. */
export class ExactNumber {
  constructor(readonly text: string) {}

  get isInteger(): boolean {
    return /^-?\d+$/.test(this.text);
  }
}

/** A parsed value. */
export type Json = null | boolean | string | ExactNumber | Json[] | { [key: string]: Json };

/** Parses a document. @throws SyntaxError */
export function parseExact(text: string): Json {
  const numbers: string[] = [];
  // Numbers become marked strings first, so that JSON.parse does the rest.
  const marked = text.replace(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g, (token) => {
    if (token.startsWith('"')) return token;
    numbers.push(token);
    return `{"\\u0000n":${numbers.length - 1}}`;
  });
  return JSON.parse(marked, (_, value: unknown) => {
    if (typeof value === 'object' && value !== null && '\u0000n' in value) {
      return new ExactNumber(numbers[value['\u0000n'] as number] ?? '');
    }
    return value;
  }) as Json;
}

/** True for JSON objects. */
export function isRecord(value: Json | undefined): value is { [key: string]: Json } {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof ExactNumber)
  );
}

/** Text of a value for reports. */
export function showJson(value: Json | undefined): string {
  if (value === undefined) return 'absent';
  if (value instanceof ExactNumber) return value.text;
  if (Array.isArray(value)) return `[${value.map(showJson).join(',')}]`;
  if (isRecord(value)) {
    return `{${Object.entries(value)
      .map(([key, item]) => `${JSON.stringify(key)}:${showJson(item)}`)
      .join(',')}}`;
  }
  return JSON.stringify(value);
}

/** Where two values differ first, or null. Integers are compared exactly, other numbers within `tolerance` (relative). */
export function firstDifference(
  actual: Json | undefined,
  expected: Json | undefined,
  tolerance: number,
  path = '$',
): string | null {
  const differ = (): string =>
    `${path}: got ${showJson(actual).slice(0, 300)}, expected ${showJson(expected).slice(0, 300)}`;
  if (actual instanceof ExactNumber && expected instanceof ExactNumber) {
    return sameNumber(actual, expected, tolerance) ? null : differ();
  }
  if (Array.isArray(actual) && Array.isArray(expected)) {
    for (let i = 0; i < Math.min(actual.length, expected.length); i++) {
      const found = firstDifference(actual[i], expected[i], tolerance, `${path}[${i}]`);
      if (found !== null) return found;
    }
    return actual.length === expected.length
      ? null
      : `${path}: ${actual.length} items, expected ${expected.length}; ${differ()}`;
  }
  if (isRecord(actual) && isRecord(expected)) {
    for (const key of new Set([...Object.keys(expected), ...Object.keys(actual)])) {
      const found = firstDifference(actual[key], expected[key], tolerance, `${path}.${key}`);
      if (found !== null) return found;
    }
    return null;
  }
  return actual === expected ? null : differ();
}

function sameNumber(a: ExactNumber, b: ExactNumber, tolerance: number): boolean {
  if (a.text === b.text) return true;
  if (a.isInteger && b.isInteger) return BigInt(a.text) === BigInt(b.text);
  const x = Number(a.text);
  const y = Number(b.text);
  return x === y || Math.abs(x - y) <= tolerance * Math.max(Math.abs(x), Math.abs(y));
}
