/**
 * Times as 64-bit nanoseconds in typed arrays, made without one bigint a value.
 */

const TWO_32 = 4294967296;

/**
 * Writes `baseNs + offsets[i]` for `count` rows into `out` from position `at` on. Offsets are whole and below 2^53 in size.
 */
export function writeTimes(
  out: BigInt64Array,
  at: number,
  baseNs: bigint,
  offsets: Float64Array,
  count: number,
): void {
  const words = new Uint32Array(out.buffer, out.byteOffset, out.length * 2);
  const base = BigInt.asUintN(64, baseNs);
  const baseLow = Number(base & 0xffffffffn);
  const baseHigh = Number(base >> 32n);
  for (let i = 0; i < count; i++) {
    const offset = offsets[i] as number;
    const high = Math.floor(offset / TWO_32);
    const low = baseLow + (offset - high * TWO_32);
    const carry = low >= TWO_32 ? 1 : 0;
    const word = (at + i) * 2;
    words[word] = low - carry * TWO_32;
    words[word + 1] = baseHigh + high + carry;
  }
}
