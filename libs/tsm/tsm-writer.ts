/**
 * Writes one TSM file: blocks as they come, in order of their keys, then the index, then the footer. It works under a
 * temporary name; publishTsmFiles gives finished files their own. The index waits in memory, outside the JavaScript heap.
 *
 * @see docs/formats/tsm.md
 */
import { dirname } from 'node:path';
import type { FileSystem, OpenFile } from '#kernel';
import type { FieldType } from '#models';
import { compareBytes, crc32, writeI64, writeU16, writeU32 } from '#encoding';
import { TsmError } from './errors.js';
import {
  CHECKSUM_SUFFIX,
  ENTRY_BYTES,
  FILE_MAX_BYTES,
  FOOTER_BYTES,
  HEADER_BYTES,
  KEY_BLOCKS_MAX,
  KEY_HEADER_BYTES,
  KEY_MAX_BYTES,
  TEMPORARY_SUFFIX,
  TSM_MAGIC,
  TSM_VERSION,
} from './tsm-format.js';

/** Bytes gathered before they are written. */
const BUFFER_BYTES = 1 << 20;
/** Buffers on their way to the disk before the caller should wait. */
const BUFFERS_MAX = 4;

/** What a finished file holds. */
export interface TsmFileSummary {
  /** Where it lies until it is published. */
  readonly temporaryPath: string;
  readonly path: string;
  readonly sizeBytes: number;
  readonly keyCount: number;
  readonly blockCount: number;
  readonly minNs: bigint;
  readonly maxNs: bigint;
  /** Checksum of everything from the index to the end of the file. */
  readonly indexCrc: number;
}

/** Grows by chunks, never copies what is in it. */
class ChunkedBytes {
  readonly chunks: Uint8Array[] = [];
  sizeBytes = 0;
  private free = 0;
  private chunk = new Uint8Array(0);

  /** Room for `sizeBytes` in one piece; the caller fills it at once. */
  take(sizeBytes: number): Uint8Array {
    if (this.free + sizeBytes > this.chunk.length) {
      this.seal();
      this.chunk = new Uint8Array(Math.max(BUFFER_BYTES, sizeBytes));
    }
    const taken = this.chunk.subarray(this.free, this.free + sizeBytes);
    this.free += sizeBytes;
    this.sizeBytes += sizeBytes;
    return taken;
  }

  /** Closes the chunk in hand, so that `chunks` holds everything. */
  seal(): void {
    if (this.free > 0) this.chunks.push(this.chunk.subarray(0, this.free));
    this.chunk = new Uint8Array(0);
    this.free = 0;
  }
}

/** Writes one file. Not for concurrent use. */
export class TsmWriter {
  private readonly temporaryPath: string;
  private data = new ChunkedBytes();
  private readonly index = new ChunkedBytes();
  private dataBytes = HEADER_BYTES;
  private writtenBytes = 0;
  private writing: Promise<void> = Promise.resolve();
  private writingCount = 0;
  private failure: Error | null = null;
  private isClosed = false;
  private key: Uint8Array = new Uint8Array(0);
  private keyType = -1;
  private keyBlocks = 0;
  private keyHeader: Uint8Array = new Uint8Array(KEY_HEADER_BYTES);
  private keyCount = 0;
  private blockCount = 0;
  private minNs = 0n;
  private maxNs = 0n;
  private lastMaxNs = 0n;

  private constructor(
    private readonly files: FileSystem,
    private readonly path: string,
    private readonly file: OpenFile,
  ) {
    this.temporaryPath = path + TEMPORARY_SUFFIX;
    const header = this.data.take(HEADER_BYTES);
    writeU32(header, 0, TSM_MAGIC);
    header[4] = TSM_VERSION;
  }

  /**
   * Begins a file.
   * @param path its name in the end; it is written as `path.tmp`, and what a crash left there is removed
   */
  static async create(files: FileSystem, path: string): Promise<TsmWriter> {
    await files.remove(path + TEMPORARY_SUFFIX);
    return new TsmWriter(files, path, await files.open(path + TEMPORARY_SUFFIX, 'create'));
  }

  /** Size of the file if it were finished now. */
  get sizeBytes(): number {
    return this.dataBytes + this.index.sizeBytes + FOOTER_BYTES;
  }

  /** True when nothing has been added. */
  get isEmpty(): boolean {
    return this.keyCount === 0;
  }

  /** True when a block of `blockBytes` for `key` fits the limits of the format; else finish and go on in another file. */
  hasRoom(key: Uint8Array, blockBytes: number): boolean {
    const added = blockBytes + ENTRY_BYTES + key.length + 2 + KEY_HEADER_BYTES;
    if (this.sizeBytes + added > FILE_MAX_BYTES) return false;
    return this.keyBlocks < KEY_BLOCKS_MAX || compareBytes(key, this.key) !== 0;
  }

  /**
   * Adds a block.
   * @param key series key, separator and field; not before the key of the block before
   * @param minNs time of the first value of the block, inclusive; after `maxNs` of this key's block before
   * @param maxNs time of the last value
   * @param block the whole block with its checksum; copied
   * @returns false when the disk is behind: wait for {@link drained} before the next
   * @throws TsmError `tsm.key-order`, `tsm.key-too-long`, `tsm.file-full`; what a write threw before
   */
  add(key: Uint8Array, type: FieldType, minNs: bigint, maxNs: bigint, block: Uint8Array): boolean {
    if (this.failure !== null) throw this.failure;
    if (!this.hasRoom(key, block.length)) {
      throw new TsmError('tsm.file-full', `cannot add a block to ${this.path}: max file exceeded`);
    }
    this.turnToKey(key, type, minNs);
    const entry = this.index.take(ENTRY_BYTES);
    writeI64(entry, 0, minNs);
    writeI64(entry, 8, maxNs);
    writeI64(entry, 16, BigInt(this.dataBytes));
    writeU32(entry, 24, block.length);
    writeU16(this.keyHeader, 1, ++this.keyBlocks);
    this.lastMaxNs = maxNs;
    if (this.blockCount++ === 0 || minNs < this.minNs) this.minNs = minNs;
    if (this.blockCount === 1 || maxNs > this.maxNs) this.maxNs = maxNs;
    this.data.take(block.length).set(block);
    this.dataBytes += block.length;
    if (this.data.sizeBytes >= BUFFER_BYTES) this.flush();
    return this.writingCount < BUFFERS_MAX;
  }

  /** Resolves when all that has been handed to the disk is written. */
  async drained(): Promise<void> {
    await this.writing;
    if (this.failure !== null) throw this.failure;
  }

  /**
   * Writes index and footer, makes the file durable and closes it. It keeps its temporary name until it is published.
   * @throws TsmError `tsm.empty-file` when nothing was added; the temporary file is removed then
   */
  async finish(): Promise<TsmFileSummary> {
    if (this.isEmpty) {
      await this.abort();
      throw new TsmError('tsm.empty-file', `cannot finish ${this.path}: no blocks`);
    }
    const indexOffset = this.dataBytes;
    writeI64(this.index.take(FOOTER_BYTES), 0, BigInt(indexOffset));
    this.flush();
    this.index.seal();
    let indexCrc = 0;
    for (const chunk of this.index.chunks) {
      indexCrc = crc32(chunk, indexCrc);
      this.write([chunk]);
    }
    try {
      await this.drained();
      await new Promise<void>((resolve, reject) =>
        this.file.sync((error) => (error === null ? resolve() : reject(error))),
      );
    } catch (error) {
      await this.abort();
      throw error;
    }
    await this.close();
    const { temporaryPath, path, keyCount, blockCount, minNs, maxNs } = this;
    const sizeBytes = this.writtenBytes;
    return { temporaryPath, path, sizeBytes, keyCount, blockCount, minNs, maxNs, indexCrc };
  }

  /** Closes and removes the temporary file. May be called again, and after a failed {@link finish}. */
  async abort(): Promise<void> {
    await this.writing;
    await this.close();
    await this.files.remove(this.temporaryPath);
  }

  /** A descriptor must not be closed twice: by then it may be another file's. */
  private async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    await this.file.close();
  }

  /** Begins the index record of a key unless it is the one in hand. */
  private turnToKey(key: Uint8Array, type: FieldType, minNs: bigint): void {
    const order = this.keyCount === 0 ? 1 : compareBytes(key, this.key);
    if (order === 0 && type === this.keyType && minNs > this.lastMaxNs) return;
    if (order <= 0) {
      const reason =
        order < 0 ? 'key before the last one' : 'block overlaps the last one or has another type';
      throw new TsmError('tsm.key-order', `cannot add a block to ${this.path}: ${reason}`);
    }
    if (key.length === 0 || key.length > KEY_MAX_BYTES) {
      throw new TsmError(
        'tsm.key-too-long',
        `cannot add a key of ${key.length} bytes to ${this.path}`,
      );
    }
    const record = this.index.take(2 + key.length + KEY_HEADER_BYTES);
    writeU16(record, 0, key.length);
    record.set(key, 2);
    // The number of blocks is written here as they come.
    this.keyHeader = record.subarray(2 + key.length);
    this.keyHeader[0] = type;
    this.key = record.subarray(2, 2 + key.length);
    this.keyType = type;
    this.keyBlocks = 0;
    this.keyCount++;
  }

  private flush(): void {
    this.data.seal();
    if (this.data.chunks.length > 0) this.write(this.data.chunks);
    this.data = new ChunkedBytes();
  }

  private write(buffers: readonly Uint8Array[]): void {
    const position = this.writtenBytes;
    for (const buffer of buffers) this.writtenBytes += buffer.length;
    this.writingCount++;
    const done = new Promise<void>((resolve) =>
      this.file.write(buffers, position, (error) => {
        this.writingCount--;
        this.failure ??= error;
        resolve();
      }),
    );
    this.writing = this.writing.then(() => done);
  }
}

/**
 * Gives finished files their names, all of one directory, and makes that durable. A crash in between leaves some `.tmp`
 * files, which are removed at the next start, and no half file. Beside each goes the checksum of its index.
 */
export async function publishTsmFiles(
  files: FileSystem,
  summaries: readonly TsmFileSummary[],
): Promise<void> {
  for (const { temporaryPath, path } of summaries) await files.rename(temporaryPath, path);
  const directories = new Set(summaries.map(({ path }) => dirname(path)));
  for (const directory of directories) await files.syncDirectory(directory);
  for (const summary of summaries) await writeChecksum(files, summary);
}

/** Text of a `.crc` file: size of the file it belongs to, checksum of its index, and a checksum of these two. */
export function checksumText(sizeBytes: number, indexCrc: number): string {
  const text = `${sizeBytes} ${hex(indexCrc)}`;
  return `${text} ${hex(crc32(new TextEncoder().encode(text)))}\n`;
}

const hex = (crc: number): string => crc.toString(16).padStart(8, '0');

/** Not synced on its own: without it, or torn, the file is read like one of InfluxDB's, by structural checks. */
async function writeChecksum(files: FileSystem, summary: TsmFileSummary): Promise<void> {
  const path = summary.path + CHECKSUM_SUFFIX;
  await files.remove(path);
  const file = await files.open(path, 'create');
  const text = new TextEncoder().encode(checksumText(summary.sizeBytes, summary.indexCrc));
  await new Promise<void>((resolve, reject) =>
    file.write([text], 0, (error) => (error === null ? resolve() : reject(error))),
  ).finally(() => file.close());
}
