/**
 * What the block decoders fill: reusable columns that grow to the largest block seen and are never given back in between.
 * One owner at a time; the arrays change with the next block decoded into them.
 */

/**
 * The most values a decoded block may claim. InfluxDB 1.x writes 1,000 (10,000 when aggressive) a block; a run-length block
 * of 20 bytes could claim 2^64, so that a limit has to stand in front of the allocation. 8 MiB a column at the most.
 */
export const BLOCK_VALUES_MAX = 1 << 20;

/** Whole numbers below this are exact in a Float64Array. */
export const EXACT_LIMIT = 2 ** 53;

const INITIAL_VALUES = 1024;

/** Decoded timestamps of one block, nanoseconds since 1970. */
export class TimeBlock {
  /** What `offsets` are relative to. */
  baseNs = 0n;
  /** `timeNs - baseNs`, exact; the first `count` entries hold. Not valid while `wide` is set. */
  offsets = new Float64Array(INITIAL_VALUES);
  /** Absolute timestamps (first `count` entries), where one lies 2^53 ns (104 days) or more from `baseNs`; else null. */
  wide: BigInt64Array | null = null;
  count = 0;

  private wideBuffer = new BigInt64Array(0);

  /** Makes room for `count` offsets. What was in them is lost when they grow. */
  reserve(count: number): Float64Array {
    if (this.offsets.length < count) this.offsets = new Float64Array(grown(count));
    return this.offsets;
  }

  /** Makes room for `count` absolute timestamps and sets `wide` to them. */
  reserveWide(count: number): BigInt64Array {
    if (this.wideBuffer.length < count) this.wideBuffer = new BigInt64Array(grown(count));
    this.wide = this.wideBuffer;
    return this.wideBuffer;
  }
}

/** Strings laid end to end: string i is `bytes[offsets[i] .. offsets[i+1])`. */
export interface StringValues {
  bytes: Uint8Array;
  /** Count + 1 entries hold. */
  offsets: Int32Array;
}

/** Decoded values of one block; which members hold depends on the block's type. */
export class ValueBlock {
  /** Floats; integers and unsigned (nearest float where `wide` is set); booleans as 0 and 1. */
  numbers = new Float64Array(INITIAL_VALUES);
  /** All values of an integer or unsigned block as 64-bit words, where any is beyond 2^53 in size; else null. */
  wide: BigInt64Array | null = null;
  readonly strings: StringValues = {
    bytes: new Uint8Array(0),
    offsets: new Int32Array(INITIAL_VALUES),
  };

  private wideBuffer = new BigInt64Array(0);

  /** Makes room for `count` numbers. What was in them is lost when they grow. */
  reserve(count: number): Float64Array {
    if (this.numbers.length < count) this.numbers = new Float64Array(grown(count));
    return this.numbers;
  }

  /** Makes room for `count` words and sets `wide` to them. */
  reserveWide(count: number): BigInt64Array {
    if (this.wideBuffer.length < count) this.wideBuffer = new BigInt64Array(grown(count));
    this.wide = this.wideBuffer;
    return this.wideBuffer;
  }

  /** Makes room for `count` strings of `sizeBytes` in all. */
  reserveStrings(count: number, sizeBytes: number): StringValues {
    const { strings } = this;
    if (strings.offsets.length < count + 1) strings.offsets = new Int32Array(grown(count + 1));
    if (strings.bytes.length < sizeBytes) strings.bytes = new Uint8Array(grown(sizeBytes));
    return strings;
  }
}

/** A capacity with room to spare, so that slowly growing blocks do not allocate each time. */
function grown(count: number): number {
  return count + (count >>> 2);
}
