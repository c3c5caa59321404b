/**
 * FNV-1a with 64 bits, in two 32-bit words so that no bigint is made per byte. InfluxDB 1.x places a series in a shard
 * group's shards by it.
 *
 * @see http://www.isthe.com/chongo/tech/comp/fnv/
 */

/** The offset basis. */
const BASIS_HIGH = 0xcbf29ce4;
const BASIS_LOW = 0x84222325;
/** The prime is 2^40 + 0x1b3. */
const PRIME_LOW = 0x1b3;

const state = new Uint32Array(2);

/** The hash of `bytes[start .. end)` as an unsigned 64-bit number. */
export function fnv1a64(bytes: Uint8Array, start: number, end: number): bigint {
  hashInto(state, bytes, start, end);
  return (BigInt(state[0]!) << 32n) | BigInt(state[1]!);
}

/**
 * The hash of `bytes[start .. end)` modulo `divisor`, without a bigint: which of `divisor` shards holds a series key.
 * @param divisor whole, 1 .. 2^26
 */
export function fnv1a64Modulo(
  bytes: Uint8Array,
  start: number,
  end: number,
  divisor: number,
): number {
  hashInto(state, bytes, start, end);
  return ((state[0]! % divisor) * (4294967296 % divisor) + (state[1]! % divisor)) % divisor;
}

function hashInto(out: Uint32Array, bytes: Uint8Array, start: number, end: number): void {
  let high = BASIS_HIGH;
  let low = BASIS_LOW;
  for (let i = start; i < end; i++) {
    low = (low ^ bytes[i]!) >>> 0;
    // (high:low) * (2^40 + 0x1b3) modulo 2^64; the products stay below 2^41, exact in float64.
    const product = low * PRIME_LOW;
    high = (high * PRIME_LOW + Math.floor(product / 4294967296) + ((low << 8) >>> 0)) % 4294967296;
    low = product % 4294967296;
  }
  out[0] = high;
  out[1] = low;
}
