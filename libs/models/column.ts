/**
 * Columns of values as they travel from storage to the query engine: typed arrays that their producer reuses.
 */

/** Strings laid end to end: string i is `bytes[offsets[i] .. offsets[i+1])`, UTF-8. */
export interface StringColumn {
  bytes: Uint8Array;
  /** Holds count + 1 entries. */
  offsets: Int32Array;
}

/**
 * Values of one field of one series in time order, a window onto buffers that belong to the producer: valid until its
 * next batch is asked for.
 */
export interface ColumnBatch {
  count: number;
  /** Nanoseconds since 1970; the times are `baseNs + offsets[i]`, strictly ascending (or descending for a descending cursor). */
  baseNs: bigint;
  /** Whole nanoseconds relative to `baseNs`, below 2^53 in size, hence exact. */
  offsets: Float64Array;
  /** Floats as they are; integers and unsigned exact where within 2^53 (else see `wide`); booleans as 0 and 1. Unused for strings. */
  numbers: Float64Array;
  /** For integer and unsigned columns with values beyond 2^53: all values as 64-bit words; else null. */
  wide: BigInt64Array | null;
  /** For string columns. */
  strings: StringColumn | null;
}
