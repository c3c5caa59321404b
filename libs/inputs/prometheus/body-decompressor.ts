/** Decompresses snappy bodies of requests into one buffer that is used again; capped. */
import { decompressSnappyInto, snappySizeBytes } from '#encoding';
import { TidegateError } from '#kernel';
import { InputError } from '../shared/errors.js';

/** A larger buffer is let go of after its request. */
const KEPT_MAX_BYTES = 8 * 1024 * 1024;
const FIRST_BYTES = 64 * 1024;

/** One body at a time: what it gives is valid until the next. */
export class BodyDecompressor {
  /** The content, in its first bytes. */
  bytes = new Uint8Array(FIRST_BYTES);

  constructor(private readonly sizeMaxBytes: number) {}

  /**
   * Decompresses a body.
   * @returns the size of the content
   * @throws InputError with Go's text, or where the content is too large
   */
  decompress(body: Uint8Array): number {
    try {
      // What it claims to hold is checked against what so few bytes can hold, before memory is taken.
      const sizeBytes = snappySizeBytes(body, 0, body.length, Number.MAX_SAFE_INTEGER);
      if (sizeBytes > this.sizeMaxBytes) {
        throw new InputError(
          'inputs.too-large',
          `body of ${sizeBytes} bytes exceeds max-decompressed-size (${this.sizeMaxBytes})`,
        );
      }
      if (sizeBytes > this.bytes.length) {
        const doubled = Math.min(2 * this.bytes.length, KEPT_MAX_BYTES);
        this.bytes = new Uint8Array(Math.max(sizeBytes, doubled));
      }
      return decompressSnappyInto(body, 0, body.length, this.bytes);
    } catch (error) {
      if (error instanceof InputError || !(error instanceof TidegateError)) throw error;
      throw new InputError('inputs.bad-request', 'snappy: corrupt input', { cause: error });
    }
  }

  /** The content is not needed any more. */
  release(): void {
    if (this.bytes.length > KEPT_MAX_BYTES) this.bytes = new Uint8Array(FIRST_BYTES);
  }
}
