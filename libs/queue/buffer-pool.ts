/**
 * Memory for copies of large payloads, used again: new megabytes for each write would keep the garbage collector busy. Small
 * payloads are not worth it.
 */

const POOLED_BYTES_MIN = 64 * 1024;
const BUFFERS_MAX = 16;

/** See the header. */
export class BufferPool {
  private readonly free: Uint8Array[] = [];

  /** A copy of pieces, in memory that may have been used before. */
  copy(pieces: readonly Uint8Array[], sizeBytes: number): Uint8Array {
    const copy = this.take(sizeBytes);
    let at = 0;
    for (const piece of pieces) {
      copy.set(piece, at);
      at += piece.length;
    }
    return copy;
  }

  /** Takes memory back that {@link copy} gave and nobody looks at. */
  give(copy: Uint8Array): void {
    if (copy.length < POOLED_BYTES_MIN || this.free.length >= BUFFERS_MAX) return;
    this.free.push(new Uint8Array(copy.buffer));
  }

  private take(sizeBytes: number): Uint8Array {
    if (sizeBytes < POOLED_BYTES_MIN) return new Uint8Array(sizeBytes);
    const at = this.free.findIndex(
      ({ length }) => length >= sizeBytes && length <= 2 * sizeBytes + POOLED_BYTES_MIN,
    );
    if (at >= 0) return this.free.splice(at, 1)[0].subarray(0, sizeBytes);
    // Rounded up, so that the next one, which is mostly a little larger or smaller, fits too.
    const roomBytes = Math.ceil((sizeBytes * 1.1) / POOLED_BYTES_MIN) * POOLED_BYTES_MIN;
    if (this.free.length >= BUFFERS_MAX) this.free.shift();
    return Buffer.allocUnsafeSlow(roomBytes).subarray(0, sizeBytes);
  }
}
