/**
 * Memory for request bodies, used again and again: bodies of megabytes allocated anew for each request would keep the
 * garbage collector and the kernel busy. Small bodies come from Node's own pool.
 */

/** Smallest buffer kept. */
const KEPT_MIN_BYTES = 64 * 1024;
/** Largest buffer kept. */
const KEPT_MAX_BYTES = 32 * 1024 * 1024;
/** Bytes kept in all. */
const KEPT_TOTAL_BYTES = 64 * 1024 * 1024;

/** Buffers by powers of two. */
export class BufferPool {
  private readonly free = new Map<number, Buffer[]>();
  private keptBytes = 0;

  /** A buffer of at least `sizeBytes`; its content is arbitrary. */
  take(sizeBytes: number): Buffer {
    if (sizeBytes < KEPT_MIN_BYTES) return Buffer.allocUnsafe(sizeBytes);
    const classBytes = 2 ** Math.ceil(Math.log2(sizeBytes));
    const kept = this.free.get(classBytes)?.pop();
    if (kept === undefined)
      return Buffer.allocUnsafeSlow(classBytes > KEPT_MAX_BYTES ? sizeBytes : classBytes);
    this.keptBytes -= classBytes;
    return kept;
  }

  /** Gives back a buffer from {@link take} that nobody refers to any more. */
  give(buffer: Buffer): void {
    const { length } = buffer;
    const isClass =
      length >= KEPT_MIN_BYTES && length <= KEPT_MAX_BYTES && Number.isInteger(Math.log2(length));
    if (!isClass || this.keptBytes + length > KEPT_TOTAL_BYTES) return;
    const list = this.free.get(length);
    if (list === undefined) this.free.set(length, [buffer]);
    else list.push(buffer);
    this.keptBytes += length;
  }
}
