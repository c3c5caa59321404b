/**
 * The TSM files of one shard, in the order in which they overwrite each other. Files that do not read are put aside; what a
 * crash left half done is removed.
 */
import { join } from 'node:path';
import type { FileSystem, Logger } from '#kernel';
import { TsmError } from './errors.js';
import { Quarantine } from './quarantine.js';
import {
  BAD_SUFFIX,
  CHECKSUM_SUFFIX,
  compareTsmFileIds,
  parseTsmFileName,
  TEMPORARY_SUFFIX,
} from './tsm-format.js';
import type { TsmReader } from './tsm-reader.js';

/** Open files of a shard. */
export class FileStore {
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

  /** Opens what is in the folder. */
  async open(): Promise<void> {
    const found: TsmReader[] = [];
    const entries = await this.files.list(this.directory);
    const names = new Set(
      entries.filter(({ isDirectory }) => !isDirectory).map(({ name }) => name),
    );
    for (const name of names) {
      const path = join(this.directory, name);
      if (name.endsWith(TEMPORARY_SUFFIX) || isLeftOver(name, names)) {
        await this.files.remove(path);
      } else if (parseTsmFileName(name) !== null) {
        const reader = await this.quarantine.openTsm(path);
        if (reader !== null) found.push(reader);
      }
    }
    this.show(found);
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
