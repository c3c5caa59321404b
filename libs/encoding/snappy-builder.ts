/**
 * A snappy block made piece by piece, whose beginning may be given last: answers need not lie in memory uncompressed, and what
 * stands in front of them (their length) is known only at the end. Pieces are compressed apart; copies reach no further back
 * than their piece, so that they can be laid end to end.
 */
import { compressSnappy } from './snappy.js';
import { skipVarint, VARINT_MAX_BYTES, writeVarint } from './varint.js';

/** Bytes that are compressed together; snappy's own windows are not larger. */
const PIECE_BYTES = 64 * 1024;

/** Builds one block. */
export class SnappyBuilder {
  /** Bytes added so far. */
  sizeBytes = 0;
  private readonly piece = new Uint8Array(PIECE_BYTES);
  private pieceLength = 0;
  private readonly pieces: Uint8Array[] = [];

  /** Adds `bytes[0 .. length)`; they are copied. */
  add(bytes: Uint8Array, length: number): void {
    this.sizeBytes += length;
    for (let from = 0; from < length;) {
      const count = Math.min(PIECE_BYTES - this.pieceLength, length - from);
      this.piece.set(bytes.subarray(from, from + count), this.pieceLength);
      this.pieceLength += count;
      from += count;
      if (this.pieceLength === PIECE_BYTES) this.flush();
    }
  }

  /**
   * The block of all that was added, with `head` in front of it. The builder is not to be used any more.
   * @param head up to 60 bytes
   */
  finish(head: Uint8Array): Uint8Array {
    this.flush();
    const start = new Uint8Array(VARINT_MAX_BYTES + 1);
    let length = writeVarint(start, 0, head.length + this.sizeBytes);
    // A literal of up to 60 bytes: its tag is the length.
    if (head.length > 0) start[length++] = (head.length - 1) << 2;
    return Buffer.concat([start.subarray(0, length), head, ...this.pieces]);
  }

  private flush(): void {
    if (this.pieceLength === 0) return;
    const block = compressSnappy(this.piece.subarray(0, this.pieceLength));
    this.pieces.push(block.slice(skipVarint(block, 0, block.length)));
    this.pieceLength = 0;
  }
}
