/**
 * The TSM files of one shard, in the order in which they overwrite each other. Files that do not read are put aside; what a
 * crash left half done is removed.
 */
import { join } from 'node:path';
import type { FileSystem, Logger } from '#kernel';
import { TsmError } from './errors.js';
import { Quarantine } from './quarantine.js';
import { compareTsmFileIds, parseTsmFileName, TEMPORARY_SUFFIX } from './tsm-format.js';
import type { TsmReader } from './tsm-reader.js';

/** Open files of a shard. */
export class FileStore {
  private readers: readonly TsmReader[] = [];
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
    for (const { name, isDirectory } of await this.files.list(this.directory)) {
      if (isDirectory) continue;
      const path = join(this.directory, name);
      if (name.endsWith(TEMPORARY_SUFFIX)) {
        await this.files.remove(path);
      } else if (parseTsmFileName(name) !== null) {
        const reader = await this.quarantine.openTsm(path);
        if (reader !== null) found.push(reader);
      }
    }
    this.readers = found.sort((a, b) => compareTsmFileIds(a.id, b.id));
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

  /** The generation after the newest. */
  get nextGeneration(): number {
    return this.readers.reduce((max, { id }) => Math.max(max, id.generation), 0) + 1;
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
    this.readers = [...this.readers, ...prepared].sort((a, b) => compareTsmFileIds(a.id, b.id));
  }

  async close(): Promise<void> {
    const { readers } = this;
    this.readers = [];
    for (const reader of readers) await reader.release();
  }
}
