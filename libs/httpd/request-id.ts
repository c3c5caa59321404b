/** Ids of requests: UUIDs of version 1 (time), as InfluxDB 1.x gives them, so that logs sort by them. */

/** 100 ns steps from the start of the Gregorian calendar to 1970. */
const GREGORIAN_OFFSET = 122_192_928_000_000_000n;
const TWO_32 = 2 ** 32;

let millisecond = -1;
/** Where the ids of the millisecond begin, and how many there are behind the first. */
let firstTicks = 0n;
let count = 0;
/** The words of {@link firstTicks}: the low one as a number, the others as they are printed. */
let low = 0;
let rest = '';
let clockSequence = 0;

/** A new id. Ids made by one process are distinct. */
export function newRequestId(nowMs: number): string {
  count++;
  // 64-bit arithmetic once a millisecond: small requests come faster.
  if (nowMs > millisecond || low + count >= TWO_32) begin(nowMs);
  clockSequence = (clockSequence + 1) & 0x3fff;
  return `${hex(low + count, 8)}${rest}${hex(clockSequence | 0x8000, 4)}-000000000000`;
}

function begin(nowMs: number): void {
  const ticks = BigInt(nowMs) * 10_000n + GREGORIAN_OFFSET;
  const next = firstTicks + BigInt(count);
  firstTicks = ticks > next ? ticks : next;
  count = 0;
  if (nowMs > millisecond) millisecond = nowMs;
  low = Number(firstTicks & 0xffffffffn);
  const middle = hex(Number((firstTicks >> 32n) & 0xffffn), 4);
  const high = hex(Number((firstTicks >> 48n) & 0x0fffn) | 0x1000, 4);
  rest = `-${middle}-${high}-`;
}

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');
