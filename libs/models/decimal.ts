/**
 * Decimal digits to the nearest double, bit for bit what Number() gives, without making a string in the common cases.
 */

/** 10^0 to 10^22: all exact. */
export const POWERS_OF_TEN: Float64Array = Float64Array.from({ length: 23 }, (_, e) =>
  Number(`1e${e}`),
);

const SPLIT = 134217729; // 2^27 + 1: cuts a double into two halves whose products are exact (Dekker).
const latin1 = new TextDecoder('latin1');

/**
 * The double nearest to unsigned digits with at most one decimal point, `bytes[start..end)`, at least one digit. For numbers
 * too long for a 53-bit mantissa: up to 22 digits through exact double-double arithmetic, else through Number().
 *
 * N = hi * 10^k + lo is held exactly as S + E; the quotient N / 10^f is q + q2 with a relative error of q2 below 2^-51.
 * When q + q2 rounds to the same double for q2 stretched and shrunk by 1e-9, that double is the correctly rounded one.
 */
export function parseLongDecimal(bytes: Uint8Array, start: number, end: number): number {
  let hi = 0;
  let lo = 0;
  let hiDigits = 0;
  let loDigits = 0;
  let fraction = 0;
  let isFraction = false;
  for (let i = start; i < end; i++) {
    const c = bytes[i];
    if (c === 46) {
      isFraction = true;
      continue;
    }
    if (isFraction) fraction++;
    if (hiDigits < 15) {
      hi = hi * 10 + (c - 48);
      if (hi !== 0) hiDigits++;
    } else {
      lo = lo * 10 + (c - 48);
      loDigits++;
    }
  }
  if (loDigits > 7 || fraction > 22) return Number(latin1.decode(bytes.subarray(start, end)));
  const k = POWERS_OF_TEN[loDigits];
  const product = hi * k;
  let t = SPLIT * hi;
  let ah = t - (t - hi);
  let al = hi - ah;
  t = SPLIT * k;
  let bh = t - (t - k);
  let bl = k - bh;
  const rest = ah * bh - product + ah * bl + al * bh + al * bl + lo;
  const sum = product + rest;
  const error = rest - (sum - product);
  const divisor = POWERS_OF_TEN[fraction];
  const q = sum / divisor;
  t = SPLIT * q;
  ah = t - (t - q);
  al = q - ah;
  t = SPLIT * divisor;
  bh = t - (t - divisor);
  bl = divisor - bh;
  const back = q * divisor;
  const backError = ah * bh - back + ah * bl + al * bh + al * bl;
  const q2 = (sum - back - backError + error) / divisor;
  const high = q + q2 * (1 + 1e-9);
  const low = q + q2 * (1 - 1e-9);
  return high === low ? high : Number(latin1.decode(bytes.subarray(start, end)));
}

/** The double nearest to `bytes[start..end)`, digits with an optional point and exponent. The grammar has been checked. */
export function parseDecimalText(bytes: Uint8Array, start: number, end: number): number {
  return Number(latin1.decode(bytes.subarray(start, end)));
}
