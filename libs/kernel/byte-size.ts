/**
 * Sizes as InfluxDB 1.x writes them in its configuration: a number of bytes with an optional k, m or g.
 */
import { TidegateError } from './errors.js';

const FACTOR: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };

/**
 * Bytes of a size such as `25m`, `1g` or `1048576`.
 * @throws TidegateError `kernel.bad-size`
 * @see InfluxDB toml.Size
 */
export function parseByteSize(text: string): number {
  const found = /^(\d+)([kmg]?)$/i.exec(text);
  if (found === null) {
    if (text === '') throw new TidegateError('kernel.bad-size', 'size was empty');
    const unit = text.slice(-1);
    throw new TidegateError(
      'kernel.bad-size',
      /[0-9]/.test(unit)
        ? `invalid size: ${text}`
        : `unknown size suffix: ${unit} (expected k, m, or g)`,
    );
  }
  const sizeBytes = Number(found[1]) * (FACTOR[(found[2] ?? '').toLowerCase()] ?? 1);
  if (!Number.isSafeInteger(sizeBytes)) {
    throw new TidegateError(
      'kernel.bad-size',
      `size would overflow the max size of 2^53 bytes: ${text}`,
    );
  }
  return sizeBytes;
}
