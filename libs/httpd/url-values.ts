/**
 * Parameters of URLs and forms as Go's net/url reads them: a pair with a bad escape or a semicolon is dropped, the rest
 * stays. Same as InfluxDB 1.x, whose clients see the difference in error texts.
 */

/** Values by name, in order. */
export class UrlValues {
  private readonly values = new Map<string, string[]>();

  /** Parses `a=b&c=d`. */
  static parse(text: string): UrlValues {
    const found = new UrlValues();
    if (text === '') return found;
    for (const pair of text.split('&')) {
      if (pair === '' || pair.includes(';')) continue;
      const equals = pair.indexOf('=');
      const name = unescape(equals < 0 ? pair : pair.slice(0, equals));
      const value = unescape(equals < 0 ? '' : pair.slice(equals + 1));
      if (name !== null && value !== null) found.add(name, value);
    }
    return found;
  }

  /** The query part of a request target. */
  static ofTarget(target: string): UrlValues {
    const question = target.indexOf('?');
    return question < 0 ? new UrlValues() : UrlValues.parse(target.slice(question + 1));
  }

  add(name: string, value: string): void {
    const known = this.values.get(name);
    if (known === undefined) this.values.set(name, [value]);
    else known.push(value);
  }

  /** The first value, or ''. */
  get(name: string): string {
    return this.values.get(name)?.[0] ?? '';
  }

  has(name: string): boolean {
    return this.values.has(name);
  }
}

function unescape(text: string): string | null {
  if (!/[%+]/.test(text)) return text;
  if (/%(?![0-9a-fA-F]{2})/.test(text)) return null;
  const spaced = text.replaceAll('+', ' ');
  try {
    return decodeURIComponent(spaced);
  } catch {
    // Bytes that are no UTF-8: decoded one by one, as Go keeps them.
    const bytes = Buffer.from(
      spaced.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) =>
        String.fromCharCode(Number.parseInt(hex, 16)),
      ),
      'latin1',
    );
    return bytes.toString('utf8');
  }
}
