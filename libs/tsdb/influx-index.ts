/**
 * The index files that InfluxDB keeps in a database's folder: `_series`, and `index` and `fields.idx` of its shards. We neither
 * need nor maintain them. As soon as a database holds other series or fields than they say, they go: without them InfluxDB
 * builds its index anew from the TSM files.
 */
import { join } from 'node:path';
import { type FileSystem, type Logger, messageOf } from '#kernel';

const SERIES_FILE = '_series';
const SHARD_FILES = ['index', 'fields.idx'];

/** InfluxDB's index of one database. */
export class InfluxIndex {
  private work: Promise<void> | null = null;

  /** @param directory the database's folder */
  constructor(
    private readonly files: FileSystem,
    private readonly directory: string,
    private readonly logger: Logger,
  ) {}

  /** Removes it, once in a process: whoever calls later waits for the same. */
  drop(): Promise<void> {
    this.work ??= this.removeAll().catch((error: unknown) => {
      this.work = null;
      this.logger.warn("InfluxDB's index could not be removed; it is tried again", {
        path: this.directory,
        error: messageOf(error),
      });
    });
    return this.work;
  }

  private async removeAll(): Promise<void> {
    const { files, directory } = this;
    let removed = 0;
    // The series file goes last: it says that the rest may still be there.
    for (const policy of await this.folders(directory)) {
      if (policy === SERIES_FILE) continue;
      for (const shard of await this.folders(join(directory, policy))) {
        const path = join(directory, policy, shard);
        const names = (await files.list(path))
          .map(({ name }) => name)
          .filter((name) => SHARD_FILES.includes(name));
        for (const name of names) await files.remove(join(path, name));
        if (names.length > 0) await files.syncDirectory(path);
        removed += names.length;
      }
    }
    if ((await files.stat(join(directory, SERIES_FILE))) !== null) {
      await files.remove(join(directory, SERIES_FILE));
      await files.syncDirectory(directory);
      removed++;
    }
    if (removed > 0) {
      this.logger.info(
        "InfluxDB's index was removed, for it does not know what was written since",
        { path: directory },
      );
    }
  }

  private async folders(path: string): Promise<readonly string[]> {
    return (await this.files.list(path))
      .filter(({ isDirectory }) => isDirectory)
      .map(({ name }) => name);
  }
}
