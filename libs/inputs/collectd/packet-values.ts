/** Values of collectd's packets as numbers, converted as InfluxDB converts them. Everything is stored as a float. */
import { DsKind } from './types-db.js';

const TWO_32 = 2 ** 32;
const TWO_63 = 2 ** 63;
const TWO_64 = 2 ** 64;

/** The eight bytes at `p`: gauges are little-endian doubles, all others big-endian integers. */
export function readValue(view: DataView, p: number, kind: number): number {
  if (kind === DsKind.GAUGE) return view.getFloat64(p, true);
  // One rounding: the product is exact.
  if (kind === DsKind.DERIVE) return view.getInt32(p) * TWO_32 + view.getUint32(p + 4);
  return view.getUint32(p) * TWO_32 + view.getUint32(p + 4);
}

/**
 * A value that was sent as one kind and is another by its type, converted as Go converts numbers on amd64: bits of integers stay,
 * fractions go, what is too large becomes -2^63.
 */
export function castValue(value: number, from: number, to: number): number {
  if (from === to || to === DsKind.GAUGE) return value;
  if (to === DsKind.DERIVE) {
    if (from === DsKind.GAUGE) return Math.abs(value) < TWO_63 ? Math.trunc(value) : -TWO_63;
    return value >= TWO_63 ? value - TWO_64 : value;
  }
  if (from === DsKind.GAUGE && !(value > -TWO_63 && value < TWO_64)) return TWO_63;
  const whole = Math.trunc(value);
  return whole < 0 ? whole + TWO_64 : whole;
}
