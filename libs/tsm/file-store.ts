/**
 * The TSM files of one shard, in the order in which they overwrite each other. Files that do not read are put aside; what a
 * crash left half done is removed. Files that are as they were when their content was noted open without their index being
 * read; they are checked when they are first used.
 */
import { basename, join } from 'node:path';
import { type FileSystem, type Logger, workInTurns } from '#kernel';
import { TsmError } from './errors.js';
import { isUnreadable, Quarantine } from './quarantine.js';
import {
  BAD_SUFFIX,
  CHECKSUM_SUFFIX,
  compareTsmFileIds,
  ENTRY_BYTES,
  parseTsmFileName,
  TEMPORARY_SUFFIX,
} from './tsm-format.js';
import { tombstonePath } from './tombstone.js';
import type { TsmReader } from './tsm-reader.js';

/** A TSM file as it is on disk, and what its index holds. */
export interface FileMark {
  /** Without its folder. */
  readonly name: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  /** Of its tombstones; 0 for none. */
  readonly tombstoneBytes: number;
  readonly tombstoneModifiedMs: number;
  readonly keyCount: number;
  readonly blockCount: number;
  /** First and last time of its blocks, inclusive. */
  readonly minNs: bigint;
  readonly maxNs: bigint;
}

/** What opening found. */
export interface FoundFiles {
  /** True when every file that was known is there as it was. */
  readonly areKnownThere: boolean;
  /** Files that were not known, or not as they are. */
  readonly unknown: readonly TsmReader[];
}

/** What a key of an index is taken to be long. */
const KEY_BYTES = 64;

/** Open files of a shard. */
export class FileStore {
  /** Told of a file that turned out to be corrupt when it was first used; it is not among the files any more. */
  onCorrupt: (reader: TsmReader, error: unknown) => void = () => undefined;
  private readers: readonly TsmReader[] = [];
  private highestGeneration = 0;
  private readonly quarantine: Quarantine;

  constructor(
    private readonly files: FileSystem,
    private readonly directory: string,
    logger: Logger,
  ) {
    this.quarantine = new Quarantine(files, logger);
  }

  /**
   * Opens what is in the folder.
   * @param known files as they were
   */
  async open(known: readonly FileMark[] = []): Promise<FoundFiles> {
    const found: TsmReader[] = [];
    const unknown: TsmReader[] = [];
    const marks = new Map(known.map((mark) => [mark.name, mark]));
    const entries = await this.files.list(this.directory);
    const names = new Set(
      entries.filter(({ isDirectory }) => !isDirectory).map(({ name }) => name),
    );
    for (const name of names) {
      const path = join(this.directory, name);
      if (name.endsWith(TEMPORARY_SUFFIX) || isLeftOver(name, names)) {
        await this.files.remove(path);
      } else if (parseTsmFileName(name) !== null) {
        const mark = marks.get(name);
        const isAsKnown = mark !== undefined && (await this.isAsMarked(path, mark));
        const reader = await this.quarantine.openTsm(
          path,
          isAsKnown ? { sizeBytes: mark.sizeBytes, summary: mark } : null,
        );
        if (isAsKnown && reader !== null) marks.delete(name);
        if (reader === null) continue;
        found.push(reader);
        if (!isAsKnown) unknown.push(reader);
      }
    }
    this.show(found);
    return { areKnownThere: marks.size === 0, unknown };
  }

  /** The files as they are on disk now. */
  async marks(): Promise<FileMark[]> {
    const marks: FileMark[] = [];
    for (const { path, summary, sizeBytes } of this.readers) {
      const file = await this.files.stat(path);
      const tombstones = await this.files.stat(tombstonePath(path));
      const { keyCount, blockCount, minNs, maxNs } = summary;
      marks.push({
        name: basename(path),
        sizeBytes,
        modifiedMs: file?.modifiedMs ?? 0,
        tombstoneBytes: tombstones?.sizeBytes ?? 0,
        tombstoneModifiedMs: tombstones?.modifiedMs ?? 0,
        ...{ keyCount, blockCount, minNs, maxNs },
      });
    }
    return marks;
  }

  /**
   * Open files, like {@link current}, all of them checked: what is corrupt is left out and reported. To be asked before a file
   * is read.
   */
  checked(): readonly TsmReader[] {
    for (const reader of this.readers) {
      if (reader.isChecked) continue;
      try {
        reader.check();
      } catch (error) {
        this.leaveOut(reader, error);
      }
    }
    return this.readers;
  }

  /**
   * Checks files before anybody asks for them, in turns, so that nobody waits for it.
   * @param indexBytesMax indexes are not begun when so much has been read
   * @returns bytes of the indexes read, roughly
   */
  async checkEarly(indexBytesMax: number): Promise<number> {
    let indexBytes = 0;
    for (const reader of this.readers) {
      if (reader.isChecked || indexBytes >= indexBytesMax || !this.readers.includes(reader))
        continue;
      indexBytes += reader.summary.keyCount * KEY_BYTES + reader.summary.blockCount * ENTRY_BYTES;
      reader.retain();
      try {
        await workInTurns(reader.checkInTurns());
      } catch (error) {
        // Somebody else may have found it out meanwhile.
        if (this.readers.includes(reader)) this.leaveOut(reader, error);
      } finally {
        await reader.release();
      }
    }
    return indexBytes;
  }

  private leaveOut(reader: TsmReader, error: unknown): void {
    if (!(error instanceof TsmError) && !isUnreadable(error)) throw error;
    this.show(this.readers.filter((other) => other !== reader));
    this.onCorrupt(reader, error);
  }

  /** Renames a file aside that turned out to be corrupt. */
  async putAside(reader: TsmReader, reason: unknown): Promise<void> {
    await this.quarantine.putAside(reader.path, reason);
    await reader.release();
  }

  private async isAsMarked(path: string, mark: FileMark): Promise<boolean> {
    const file = await this.files.stat(path);
    const tombstones = await this.files.stat(tombstonePath(path));
    return (
      file?.sizeBytes === mark.sizeBytes &&
      file.modifiedMs === mark.modifiedMs &&
      (tombstones?.sizeBytes ?? 0) === mark.tombstoneBytes &&
      (tombstones?.modifiedMs ?? 0) === mark.tombstoneModifiedMs
    );
  }

  /** Open files, oldest first: later ones overwrite earlier ones. The array is replaced, never changed. */
  get current(): readonly TsmReader[] {
    return this.readers;
  }

  /** Files put aside because they did not read. */
  get badFileCount(): number {
    return this.quarantine.count;
  }

  /** Bytes of all files. */
  get diskBytes(): number {
    return this.readers.reduce((sum, reader) => sum + reader.sizeBytes, 0);
  }

  /** The generation after the newest that there has been. */
  get nextGeneration(): number {
    return this.highestGeneration + 1;
  }

  /**
   * Opens files that have been published; {@link install} makes them visible.
   * @throws TsmError when one does not read back: its content is still where it came from
   */
  async prepare(paths: readonly string[]): Promise<readonly TsmReader[]> {
    const prepared: TsmReader[] = [];
    for (const path of paths) {
      const reader = await this.quarantine.openTsm(path);
      if (reader === null) {
        for (const opened of prepared) await opened.release();
        throw new TsmError('tsm.corrupt-file', `file just written does not read back: ${path}`);
      }
      prepared.push(reader);
    }
    return prepared;
  }

  /** Adds prepared files, at once. */
  install(prepared: readonly TsmReader[]): void {
    this.show([...this.readers, ...prepared]);
  }

  /**
   * Removes a file of which nothing is wanted any more, durably; its tombstones after it, so that nothing deleted is seen again
   * after a crash in between. Whoever still reads it keeps it open.
   */
  async remove(reader: TsmReader): Promise<void> {
    await this.files.remove(reader.path);
    await this.files.syncDirectory(this.directory);
    this.show(this.readers.filter((other) => other !== reader));
    await reader.release();
    await this.files.remove(tombstonePath(reader.path));
    await this.files.remove(reader.path + CHECKSUM_SUFFIX);
  }

  /** Puts prepared files in the place of others, at once. Those stay open for whoever still reads them. */
  async replace(paths: readonly string[], prepared: readonly TsmReader[]): Promise<void> {
    const replaced = this.readers.filter(({ path }) => paths.includes(path));
    this.show([...this.readers.filter((reader) => !replaced.includes(reader)), ...prepared]);
    for (const reader of replaced) await reader.release();
  }

  private show(readers: TsmReader[]): void {
    this.readers = readers.sort((a, b) => compareTsmFileIds(a.id, b.id));
    for (const { id } of readers)
      this.highestGeneration = Math.max(this.highestGeneration, id.generation);
  }

  async close(): Promise<void> {
    const { readers } = this;
    this.readers = [];
    for (const reader of readers) await reader.release();
  }
}

/** True for tombstones and checksums whose file is gone: a crash came between removing the one and the other. */
function isLeftOver(name: string, names: ReadonlySet<string>): boolean {
  const tsm = name.endsWith(CHECKSUM_SUFFIX)
    ? name.slice(0, -CHECKSUM_SUFFIX.length)
    : name.replace(/\.tombstone$/, '.tsm');
  if (tsm === name || parseTsmFileName(tsm) === null || names.has(tsm)) return false;
  // One put aside keeps what belongs to it.
  return ![...names].some((other) => other.startsWith(tsm + BAD_SUFFIX));
}
