/**
 * Append-only stores in shared memory for what does not fit a row's cells: string bytes and integers beyond 2^53. Slabs are
 * never moved, so that a worker can read what was there when it was told of them.
 */

const SLAB_BYTES = 2 ** 20;
const INTEGERS_PER_SLAB = 4096;

/** Byte strings of up to a slab each; a place is `slab number * 2^20 + offset`. */
export class SharedBytes {
  private readonly slabs: Uint8Array[] = [];
  private used = SLAB_BYTES;

  /** Copies `bytes`; where they are. At most 2^20 bytes. */
  add(bytes: Uint8Array): number {
    if (this.slabs.length === 0 || this.used + bytes.length > SLAB_BYTES) {
      this.slabs.push(new Uint8Array(new SharedArrayBuffer(SLAB_BYTES)));
      this.used = 0;
    }
    const slab = this.slabs.length - 1;
    const offset = this.used;
    this.slabs[slab].set(bytes, offset);
    this.used = offset + bytes.length;
    return slab * SLAB_BYTES + offset;
  }

  /** The bytes at a place: a view. */
  at(place: number, length: number): Uint8Array {
    const offset = place % SLAB_BYTES;
    return this.slabs[Math.floor(place / SLAB_BYTES)].subarray(offset, offset + length);
  }

  /** Buffers for {@link sharedBytesAt} in another thread. */
  share(): SharedArrayBuffer[] {
    return this.slabs.map((slab) => slab.buffer as SharedArrayBuffer);
  }
}

/** The slab and offset of a place of {@link SharedBytes}. */
export function sharedBytesAt(
  slabs: readonly SharedArrayBuffer[],
  place: number,
  length: number,
): Uint8Array {
  return new Uint8Array(slabs[Math.floor(place / SLAB_BYTES)], place % SLAB_BYTES, length);
}

/** 64-bit integers by position. */
export class SharedIntegers {
  private readonly slabs: BigInt64Array[] = [];
  private count = 0;

  /** Appends; the position. */
  add(value: bigint): number {
    const position = this.count++;
    const slab = Math.floor(position / INTEGERS_PER_SLAB);
    if (slab === this.slabs.length) {
      this.slabs.push(new BigInt64Array(new SharedArrayBuffer(8 * INTEGERS_PER_SLAB)));
    }
    this.slabs[slab][position % INTEGERS_PER_SLAB] = value;
    return position;
  }

  /** The integer at a position. */
  at(position: number): bigint {
    return this.slabs[Math.floor(position / INTEGERS_PER_SLAB)][position % INTEGERS_PER_SLAB];
  }

  /** Buffers for {@link sharedIntegerAt} in another thread. */
  share(): SharedArrayBuffer[] {
    return this.slabs.map((slab) => slab.buffer as SharedArrayBuffer);
  }
}

/** The integer at a position of {@link SharedIntegers}. */
export function sharedIntegerAt(slabs: readonly SharedArrayBuffer[], position: number): bigint {
  const slab = new BigInt64Array(slabs[Math.floor(position / INTEGERS_PER_SLAB)]);
  return slab[position % INTEGERS_PER_SLAB];
}
