/**
 * 64-bit integers as two 32-bit words (`lo`, `hi`, two's complement), the form they have in BigInt64Array memory. Lets hot
 * loops handle nanosecond times without a BigInt object.
 */

const TWO_32 = 4294967296;

/** The value of two words as a float: exact below 2^53 in size, else the nearest multiple of 2^11 or so. */
export function int64ToNumber(lo: number, hi: number): number {
  return hi * TWO_32 + (lo >>> 0);
}

/** The exact value of two words. */
export function int64ToBigInt(lo: number, hi: number): bigint {
  return (BigInt(hi) << 32n) | BigInt(lo >>> 0);
}

/** The low word of an integer taken modulo 2^64. */
export function lowWord(value: bigint): number {
  return Number(BigInt.asIntN(32, value));
}

/** The high word of an integer taken modulo 2^64. */
export function highWord(value: bigint): number {
  return Number(BigInt.asIntN(32, value >> 32n));
}

/** Nanoseconds from one time to another, exact while they are less than 2^53 apart. */
export function int64Difference(lo: number, hi: number, baseLo: number, baseHi: number): number {
  return (hi - baseHi) * TWO_32 + ((lo >>> 0) - (baseLo >>> 0));
}

/** Below 0, 0 or above 0 as the first value is less than, equal to or more than the second. */
export function int64Compare(loA: number, hiA: number, loB: number, hiB: number): number {
  return hiA !== hiB ? hiA - hiB : (loA >>> 0) - (loB >>> 0);
}
