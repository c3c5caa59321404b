/**
 * Boolean blocks: a count and one bit a value, highest bit first. Byte for byte what InfluxDB 1.x writes.
 *
 * @see docs/formats/blocks.md
 */
import { CorruptionError } from './errors.js';
import { readVarint, skipVarint, writeVarint } from './varint.js';

const BIT_ENCODING = 1;
const ATTEMPT = 'decode booleans';

/** The most bytes {@link encodeBooleans} takes for `count` values. */
export function encodedBooleansMaxBytes(count: number): number {
  return 11 + ((count + 7) >>> 3);
}

/**
 * Writes `values[0 .. count)` at `position`: zero is false, anything else true.
 * @param out has room for {@link encodedBooleansMaxBytes}
 * @returns the position behind the block
 */
export function encodeBooleans(
  values: Float64Array,
  count: number,
  out: Uint8Array,
  position: number,
): number {
  out[position] = BIT_ENCODING << 4;
  position = writeVarint(out, position + 1, count);
  let pending = 1;
  for (let i = 0; i < count; i++) {
    pending = (pending << 1) | (values[i] === 0 ? 0 : 1);
    // The one in front has reached the ninth bit: eight values are in.
    if (pending > 255) {
      out[position++] = pending;
      pending = 1;
    }
  }
  if (pending === 1) return position;
  out[position] = pending << (Math.clz32(pending) - 23);
  return position + 1;
}

/**
 * Decodes the boolean block in `bytes[start .. end)`, which must hold exactly `count` values, to zeros and ones.
 * @param out has room for `count` values
 * @throws CorruptionError
 */
export function decodeBooleans(
  bytes: Uint8Array,
  start: number,
  end: number,
  out: Float64Array,
  count: number,
): void {
  if (end - start < 2 || bytes[start]! >>> 4 !== BIT_ENCODING) {
    throw new CorruptionError(ATTEMPT, start, 'no boolean block');
  }
  const found = readVarint(bytes, start + 1, end);
  const bits = skipVarint(bytes, start + 1, end);
  if (found !== count || (end - bits) * 8 < count) {
    throw new CorruptionError(
      ATTEMPT,
      start,
      `${found} values in ${end - bits} bytes where ${count} are due`,
    );
  }
  for (let i = 0; i < count; i++) out[i] = (bytes[bits + (i >>> 3)]! >>> (7 - (i & 7))) & 1;
}
