/**
 * Reads one TSM file: which keys it has, where their blocks are, and the blocks' bytes. All reads but opening and closing are
 * synchronous. It holds the file's tombstones, and counts its users, so that a file that has been compacted away stays open
 * until the last query has left it.
 *
 * @see docs/formats/tsm.md
 */
import { basename } from 'node:path';
import { type FileSystem, messageOf, NodeFileSystem, openDescriptor, type OpenFile } from '#kernel';
import { readU32 } from '#encoding';
import { TsmError } from './errors.js';
import { IndexEntries } from './index-entries.js';
import { FileWalk } from './sweep/file-walk.js';
import {
  corruptIndex,
  indexCrc,
  type IndexScanner,
  type IndexSummary,
  readIndexBounds,
  type SharedTsmIndex,
  TsmIndex,
} from './tsm-index.js';
import {
  addTombstones,
  readTombstones,
  type Tombstone,
  tombstonePath,
  TombstoneSet,
} from './tombstone.js';
import {
  CHECKSUM_SUFFIX,
  HEADER_BYTES,
  parseTsmFileName,
  TSM_MAGIC,
  TSM_VERSION,
  type TsmFileId,
} from './tsm-format.js';
import { checksumText } from './tsm-writer.js';

/** The most bytes that one read ahead takes; a single larger block is read alone. */
const READ_MAX_BYTES = 256 * 1024;
/** What is read at least when blocks are asked for one behind the other. */
const READ_AHEAD_BYTES = 32 * 1024;

/** A stretch of a file in memory: the blocks that a cursor reads one after another. Belongs to one cursor. */
export class BlockBuffer {
  /** Whose bytes these are. */
  owner: TsmReader | null = null;
  bytes = new Uint8Array(0);
  /** Position in the file of `bytes[0]`. */
  offset = 0;
  /** Bytes that hold. */
  sizeBytes = 0;

  /** Where in `bytes` a block begins, or -1 when it is not all here. */
  positionOf(offset: number, sizeBytes: number): number {
    const position = offset - this.offset;
    return position >= 0 && position + sizeBytes <= this.sizeBytes ? position : -1;
  }
}

/** What lets another thread of this process read an open file. */
export interface SharedTsmFile {
  readonly descriptor: number;
  readonly path: string;
  readonly sizeBytes: number;
  readonly summary: IndexSummary;
  readonly index: SharedTsmIndex;
  /** Content of its {@link TombstoneSet}. */
  readonly tombstones: Uint8Array;
}

/** Readers made so far, for their numbers. */
let readerCount = 0;

/** An open TSM file. */
export class TsmReader {
  /** Tells readers of this thread apart, also those of one file opened twice. */
  readonly number = ++readerCount;
  /** Deletions since it was opened. */
  deletionCount = 0;
  readonly path: string;
  /** What its name says; zeros for another name. */
  readonly id: TsmFileId;
  /** Of the file. */
  readonly sizeBytes: number;
  readonly summary: IndexSummary;
  private userCount = 1;
  private checksum: string | null = null;
  private tombstoneSet = TombstoneSet.none;

  private constructor(
    private readonly files: FileSystem,
    private readonly file: OpenFile,
    /** Null until it is read: see {@link check}. */
    private loadedIndex: TsmIndex | null,
    facts: { path: string; sizeBytes: number; summary: IndexSummary },
  ) {
    this.path = facts.path;
    this.id = parseTsmFileName(basename(facts.path)) ?? { generation: 0, sequence: 0 };
    this.sizeBytes = facts.sizeBytes;
    this.summary = facts.summary;
  }

  /**
   * Opens a file and checks its header and its whole index; blocks are checked when they are read.
   * @param path `…/%09d-%09d.tsm`
   * @throws TsmError `tsm.corrupt-file` naming the file, or `tsm.corrupt-tombstone`; errors of the file system
   */
  static async open(files: FileSystem, path: string): Promise<TsmReader> {
    const sizeBytes = (await files.stat(path))?.sizeBytes ?? 0;
    const checksum = await readChecksum(files, path);
    const file = await files.open(path, 'read');
    try {
      const { index, summary } = finished(openIndex(file, sizeBytes, checksum, false));
      if (summary === null) throw corruptIndex(sizeBytes, 'not read');
      const reader = new TsmReader(files, file, index, { path, sizeBytes, summary });
      reader.tombstoneSet = await readTombstones(files, tombstonePath(path));
      return reader;
    } catch (error) {
      await file.close();
      throw asCorruptFile(path, error);
    }
  }

  /**
   * Opens a file that has been checked before and has not changed since; its index is read and checked at its first use.
   * @param summary what the index holds
   * @throws as {@link open}
   */
  static async openKnown(
    files: FileSystem,
    path: string,
    { sizeBytes, summary }: { readonly sizeBytes: number; readonly summary: IndexSummary },
  ): Promise<TsmReader> {
    const file = await files.open(path, 'read');
    try {
      const reader = new TsmReader(files, file, null, { path, sizeBytes, summary });
      reader.checksum = await readChecksum(files, path);
      reader.tombstoneSet = await readTombstones(files, tombstonePath(path));
      return reader;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** True when the index has been read and checked. */
  get isChecked(): boolean {
    return this.loadedIndex !== null;
  }

  /**
   * Reads and checks the index of a file of {@link openKnown}; nothing to do where that has been done.
   * @throws TsmError `tsm.corrupt-file`; what the disk throws
   */
  check(): void {
    finished(this.checkInTurns());
  }

  /** The same as a generator of turns. May be begun while another is under way; the file has to stay open. */
  *checkInTurns(): Generator<void, void> {
    if (this.loadedIndex !== null) return;
    try {
      const opened = yield* openIndex(this.file, this.sizeBytes, this.checksum, true);
      this.loadedIndex ??= opened.index;
    } catch (error) {
      throw asCorruptFile(this.path, error);
    }
  }

  private get index(): TsmIndex {
    this.check();
    return this.loadedIndex!;
  }

  /** True where other threads can read the file too. */
  get isShareable(): boolean {
    return this.file.descriptor !== undefined;
  }

  /** For another thread, which may read while this one keeps the file open; null where the file system has no descriptors. */
  share(): SharedTsmFile | null {
    const { path, sizeBytes, summary, index } = this;
    const { descriptor } = this.file;
    if (descriptor === undefined) return null;
    const tombstones = this.tombstoneSet.content;
    return { descriptor, path, sizeBytes, summary, index: index.share(), tombstones };
  }

  /** The file that {@link share} was called for. Reads only: nothing is deleted through it. */
  static fromShared(shared: SharedTsmFile): TsmReader {
    const file = openDescriptor(shared.descriptor);
    const index = TsmIndex.fromShared(file, shared.index);
    const reader = new TsmReader(new NodeFileSystem(), file, index, shared);
    if (shared.tombstones.length > 0) reader.tombstoneSet = TombstoneSet.parse(shared.tombstones);
    return reader;
  }

  /** What has been deleted from this file. */
  get tombstones(): TombstoneSet {
    return this.tombstoneSet;
  }

  /**
   * Looks a key up.
   * @param key series key, separator and field
   * @param entries filled with its blocks, tombstones not taken off
   * @returns false when the file does not have it
   */
  find(key: Uint8Array, entries: IndexEntries): boolean {
    return this.index.find(key, entries);
  }

  /** For walking through many keys in order. */
  walk(): FileWalk {
    return new FileWalk(this.file, this.index);
  }

  /** All keys in order, or those from `from` on (and a few before it). */
  scan(from?: Uint8Array): IndexScanner {
    return from === undefined ? this.index.scan() : this.index.scanFrom(from);
  }

  /**
   * Makes the bytes of block `number` available, and with one read those behind (or before) it which lie next to it.
   * @param towards the last entry that the caller is going to want, below `number` when it goes backwards
   * @returns where the block begins in `buffer.bytes`
   * @throws TsmError `tsm.corrupt-file` when the file is shorter than its index says
   */
  load(buffer: BlockBuffer, entries: IndexEntries, number: number, towards: number): number {
    const { offsets, sizesBytes } = entries;
    const isOurs = buffer.owner === this;
    const loaded = isOurs ? buffer.positionOf(offsets[number]!, sizesBytes[number]!) : -1;
    if (loaded >= 0) return loaded;
    let first = number;
    let last = number;
    let total = sizesBytes[number]!;
    while (last < towards && offsets[last]! + sizesBytes[last]! === offsets[last + 1]!) {
      if (total + sizesBytes[last + 1]! > READ_MAX_BYTES) break;
      total += sizesBytes[++last]!;
    }
    while (first > towards && offsets[first - 1]! + sizesBytes[first - 1]! === offsets[first]!) {
      if (total + sizesBytes[first - 1]! > READ_MAX_BYTES) break;
      total += sizesBytes[--first]!;
    }
    if (isOurs && offsets[first] === buffer.offset + buffer.sizeBytes) {
      // Small blocks of one key after another: the next ones are going to be wanted.
      total = Math.max(total, Math.min(READ_AHEAD_BYTES, this.index.dataEnd - offsets[first]));
    }
    if (buffer.bytes.length < total) buffer.bytes = new Uint8Array(total + (total >>> 1));
    buffer.owner = this;
    buffer.offset = offsets[first]!;
    buffer.sizeBytes = this.file.readSync(buffer.bytes.subarray(0, total), buffer.offset);
    const position = buffer.positionOf(offsets[number]!, sizesBytes[number]!);
    if (position < 0) {
      const where = `block at offset ${offsets[number]} of ${basename(this.path)}`;
      throw new TsmError('tsm.corrupt-file', `cannot read ${where}: file is cut off`);
    }
    return position;
  }

  /**
   * Deletes values: durable when it resolves, seen by cursors opened after. One call at a time.
   * @param tombstones for keys of this file; others do no harm
   */
  async delete(tombstones: readonly Tombstone[]): Promise<void> {
    await this.deleteInBatches([tombstones]);
  }

  /** Like {@link delete}, for more tombstones than should be in memory at one time. */
  async deleteInBatches(
    batches: AsyncIterable<readonly Tombstone[]> | Iterable<readonly Tombstone[]>,
  ): Promise<void> {
    const path = tombstonePath(this.path);
    let isChanged = false;
    try {
      for await (const batch of batches) {
        isChanged ||= batch.length > 0;
        await addTombstones(this.files, path, batch);
      }
    } finally {
      // Once for all batches: a file may have millions of keys.
      if (isChanged) {
        this.tombstoneSet = await readTombstones(this.files, path);
        this.deletionCount++;
      }
    }
  }

  /** Keeps the file open until {@link release} is called once more. */
  retain(): this {
    this.userCount++;
    return this;
  }

  /** Gives up one use; the file is closed with the last. Opening counts as one. */
  async release(): Promise<void> {
    if (--this.userCount === 0) await this.file.close();
  }
}

/** Names the file in what was wrong with its index. */
function asCorruptFile(path: string, error: unknown): unknown {
  if (!(error instanceof TsmError) || error.code === 'tsm.corrupt-tombstone') return error;
  return new TsmError('tsm.corrupt-file', `cannot open ${basename(path)}: ${messageOf(error)}`, {
    cause: error,
  });
}

/** Runs a generator of turns to its end at once. */
function finished<T>(work: Generator<void, T>): T {
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
  }
}

/** @param isKnown true when a right checksum is enough, for what the index holds is known */
function* openIndex(
  file: OpenFile,
  sizeBytes: number,
  checksum: string | null,
  isKnown: boolean,
): Generator<void, { index: TsmIndex; summary: IndexSummary | null }> {
  const header = new Uint8Array(HEADER_BYTES);
  if (file.readSync(header, 0) < HEADER_BYTES || readU32(header, 0) !== TSM_MAGIC) {
    throw corruptIndex(0, 'not a TSM file');
  }
  if (header[4] !== TSM_VERSION) throw corruptIndex(4, `version ${header[4]}`);
  const bounds = readIndexBounds(file, sizeBytes);
  // A checksum of another size belongs to a file that has been replaced by someone else.
  if (checksum !== null && checksum.startsWith(`${sizeBytes} `)) {
    if (checksum !== checksumText(sizeBytes, yield* indexCrc(file, bounds))) {
      throw corruptIndex(bounds.start, 'crc mismatch');
    }
    if (isKnown) return { index: yield* TsmIndex.sampled(file, bounds), summary: null };
  }
  return TsmIndex.load(file, bounds, new IndexEntries());
}

/** The text of the checksum beside a file that we wrote; null where there is none, or one that is itself damaged. */
async function readChecksum(files: FileSystem, path: string): Promise<string | null> {
  if ((await files.stat(path + CHECKSUM_SUFFIX)) === null) return null;
  const text = new TextDecoder('latin1').decode(await files.readFile(path + CHECKSUM_SUFFIX));
  const [, size, crc] = /^(\d+) ([0-9a-f]{8}) [0-9a-f]{8}\n$/.exec(text) ?? [];
  if (crc === undefined) return null;
  return checksumText(Number(size), Number.parseInt(crc, 16)) === text ? text : null;
}
