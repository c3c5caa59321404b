/**
 * Files of the index are frames: a kind, a length, a checksum, bytes. The checksum goes on from that of the frame before, so
 * that a frame is sound only in its place behind the frames that it was written after.
 *
 * @see docs/formats/series-index.md
 */
import { crc32 } from '#encoding';
import type { FileSystem, OpenFile } from '#kernel';
import { SeriesIndexError } from '../errors.js';

/** Kind, length and checksum in front of each frame's bytes. */
export const FRAME_HEADER_BYTES = 12;
/** Bytes gathered before they are written. */
const WRITE_BYTES = 256 * 1024;
/** Bytes read at a time where frames are small. */
const READ_BYTES = 64 * 1024;

/** Longest frame; a longer length is corruption. */
export const FRAME_BYTES_MAX = 2 ** 31 - 1;

/** First bytes of both kinds of file: `TGSI`, then the version. */
export const INDEX_MAGIC: Uint8Array = Uint8Array.of(0x54, 0x47, 0x53, 0x49, 1, 0, 0, 0);

/** What a frame is. */
export const FrameKind = {
  COUNTS: 1,
  KEY_LENGTHS: 2,
  KEYS: 3,
  MEASUREMENT: 4,
  NUMBERS: 5,
  SHARD: 6,
  END: 7,
  OPENED: 16,
  CLOSED: 17,
  SHARD_CHANGED: 18,
  SHARD_GONE: 19,
} as const;

/** The header of a frame. */
export function frameHeader(kind: number, parts: readonly Uint8Array[], crcBefore: number): Header {
  const header = new Uint8Array(FRAME_HEADER_BYTES);
  const view = new DataView(header.buffer);
  const sizeBytes = parts.reduce((sum, part) => sum + part.length, 0);
  view.setUint32(0, kind, true);
  view.setUint32(4, sizeBytes, true);
  let crc = crc32(header.subarray(0, 8), crcBefore);
  for (const part of parts) crc = crc32(part, crc);
  view.setUint32(8, crc, true);
  return { bytes: header, crc, sizeBytes: FRAME_HEADER_BYTES + sizeBytes };
}

/** A header made. */
export interface Header {
  readonly bytes: Uint8Array;
  readonly crc: number;
  /** Of the whole frame. */
  readonly sizeBytes: number;
}

/** Writes frames one behind the other, gathered until there are many or {@link flush} is called. One call at a time. */
export class FrameWriter {
  /** Bytes written, those that wait included. */
  sizeBytes: number;
  /** Checksum of the last frame. */
  private crc: number;
  private pending: Uint8Array[] = [];
  private pendingBytes = 0;

  constructor(
    private readonly file: OpenFile,
    /** Where the next frame goes, and the checksum of the one before. */
    at: { readonly sizeBytes: number; readonly crc: number } = { sizeBytes: 0, crc: 0 },
  ) {
    this.sizeBytes = at.sizeBytes;
    this.crc = at.crc;
  }

  /** Begins a file. */
  begin(): void {
    this.put([INDEX_MAGIC]);
  }

  /** Adds a frame whose bytes are those of `parts`, which must not change until it is flushed. */
  async add(kind: number, parts: readonly Uint8Array[]): Promise<void> {
    const { bytes, crc } = frameHeader(kind, parts, this.crc);
    this.put([bytes, ...parts.filter(({ length }) => length > 0)]);
    this.crc = crc;
    if (this.pendingBytes >= WRITE_BYTES) await this.flush();
  }

  /** Hands what has been added to the disk. */
  flush(): Promise<void> {
    const { pending, pendingBytes } = this;
    if (pendingBytes === 0) return Promise.resolve();
    this.pending = [];
    this.pendingBytes = 0;
    const position = this.sizeBytes - pendingBytes;
    return new Promise((resolve, reject) =>
      this.file.write(pending, position, (error) => (error === null ? resolve() : reject(error))),
    );
  }

  /** Makes what was added durable. */
  async sync(): Promise<void> {
    await this.flush();
    await new Promise<void>((resolve, reject) =>
      this.file.sync((error) => (error === null ? resolve() : reject(error))),
    );
  }

  private put(parts: readonly Uint8Array[]): void {
    for (const part of parts) {
      this.pending.push(part);
      this.pendingBytes += part.length;
      this.sizeBytes += part.length;
    }
  }
}

/** Reads frames one behind the other, straight into where they are wanted. Blocks. */
export class FrameReader {
  /** Of the frame in hand. */
  kind = 0;
  /** Bytes of the frame in hand. */
  length = 0;
  /** Where the frame in hand begins; behind the last sound frame when one was not. */
  at = 0;
  /** Checksum of the last sound frame. */
  crc = 0;
  private next: number = INDEX_MAGIC.length;
  private readonly header = new Uint8Array(FRAME_HEADER_BYTES);
  private readonly ahead = new Uint8Array(READ_BYTES);
  private aheadAt = 0;
  private aheadBytes = 0;

  constructor(
    private readonly file: OpenFile,
    private readonly sizeBytes: number,
  ) {}

  /** Opens a file for reading; null when it is absent. */
  static async open(
    files: FileSystem,
    path: string,
  ): Promise<{ reader: FrameReader; close: () => Promise<void> } | null> {
    const stat = await files.stat(path);
    if (stat === null) return null;
    const file = await files.open(path, 'read');
    return { reader: new FrameReader(file, stat.sizeBytes), close: () => file.close() };
  }

  /** @throws SeriesIndexError when the file is none of ours, or of another version */
  begin(): void {
    const magic = new Uint8Array(INDEX_MAGIC.length);
    const got = this.file.readSync(magic, 0);
    if (got < magic.length || INDEX_MAGIC.some((byte, i) => magic[i] !== byte)) {
      throw this.corrupt('not an index of this version');
    }
  }

  /**
   * Reads the header of the next frame.
   * @returns false at the end of the file
   * @throws SeriesIndexError when there is something that is no whole frame
   */
  advance(): boolean {
    this.at = this.next;
    if (this.at === this.sizeBytes) return false;
    if (this.load(this.header, this.at) < FRAME_HEADER_BYTES) throw this.corrupt('cut off');
    const view = new DataView(this.header.buffer);
    this.kind = view.getUint32(0, true);
    this.length = view.getUint32(4, true);
    this.next = this.at + FRAME_HEADER_BYTES + this.length;
    if (this.length > FRAME_BYTES_MAX || this.next > this.sizeBytes) throw this.corrupt('cut off');
    return true;
  }

  /** Reads the next frame's header, which has to be of this kind. */
  expect(kind: number): void {
    if (!this.advance()) throw this.corrupt('cut off');
    if (this.kind !== kind) throw this.corrupt(`frame of kind ${this.kind}, wanted ${kind}`);
  }

  /** The bytes of the frame in hand. @throws SeriesIndexError `series-index.corrupt` */
  read(): Uint8Array {
    const bytes = new Uint8Array(this.length);
    this.readInto([bytes]);
    return bytes;
  }

  /** Reads the frame in hand into `parts`, which together have its length. */
  readInto(parts: readonly Uint8Array[]): void {
    let at = this.at + FRAME_HEADER_BYTES;
    let crc = crc32(this.header.subarray(0, 8), this.crc);
    for (const part of parts) {
      if (this.load(part, at) < part.length) throw this.corrupt('cut off');
      crc = crc32(part, crc);
      at += part.length;
    }
    if (at !== this.next) throw this.corrupt(`frame of ${this.length} bytes`);
    if (crc !== new DataView(this.header.buffer).getUint32(8, true)) {
      throw this.corrupt('crc mismatch');
    }
    this.crc = crc;
  }

  /** Reads ahead where little is wanted. */
  private load(into: Uint8Array, at: number): number {
    if (into.length > READ_BYTES / 2) return this.file.readSync(into, at);
    if (at < this.aheadAt || at + into.length > this.aheadAt + this.aheadBytes) {
      this.aheadAt = at;
      this.aheadBytes = this.file.readSync(this.ahead, at);
    }
    const start = at - this.aheadAt;
    const part = this.ahead.subarray(start, Math.min(start + into.length, this.aheadBytes));
    into.set(part);
    return part.length;
  }

  /** An error about the place in hand. */
  corrupt(reason: string): SeriesIndexError {
    return new SeriesIndexError(
      'series-index.corrupt',
      `cannot read series index at offset ${this.at}: ${reason}`,
    );
  }
}
