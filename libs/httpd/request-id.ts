/** Ids of requests: UUIDs of version 1 (time), as InfluxDB 1.x gives them, so that logs sort by them. */

/** 100 ns steps from the start of the Gregorian calendar to 1970. */
const GREGORIAN_OFFSET = 122_192_928_000_000_000n;

let lastTicks = 0n;
let clockSequence = 0;

/** A new id. Ids made by one process are distinct. */
export function newRequestId(nowMs: number): string {
  let ticks = BigInt(nowMs) * 10_000n + GREGORIAN_OFFSET;
  if (ticks <= lastTicks) ticks = lastTicks + 1n;
  lastTicks = ticks;
  clockSequence = (clockSequence + 1) & 0x3fff;
  const low = hex(Number(ticks & 0xffffffffn), 8);
  const middle = hex(Number((ticks >> 32n) & 0xffffn), 4);
  const high = hex(Number((ticks >> 48n) & 0x0fffn) | 0x1000, 4);
  return `${low}-${middle}-${high}-${hex(clockSequence | 0x8000, 4)}-000000000000`;
}

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');
