/**
 * The unit of timestamps on the wire. InfluxDB 1.x takes anything it does not know for nanoseconds; so do we.
 */

/** Units a client can name. */
export type Precision = 'ns' | 'u' | 'ms' | 's' | 'm' | 'h';

const UNIT_NS: Readonly<Record<Precision, number>> = {
  ns: 1,
  u: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

/** The precision a request asked for; unknown words (also `µ`) mean nanoseconds. Same as InfluxDB 1.x. */
export function precisionOf(word: string): Precision {
  return word in UNIT_NS ? (word as Precision) : 'ns';
}

/** Nanoseconds in one unit; exact. */
export function precisionNs(precision: Precision): number {
  return UNIT_NS[precision];
}
