/**
 * Puts files that do not read aside, so that a shard opens with the rest. Nothing is deleted: a `.bad` file can be looked at
 * and repaired by hand.
 */
import { dirname } from 'node:path';
import { type FileSystem, type Logger, messageOf } from '#kernel';
import { TsmError } from './errors.js';
import { BAD_SUFFIX } from './tsm-format.js';
import { tombstonePath } from './tombstone.js';
import { TsmReader } from './tsm-reader.js';

/** Renames what is corrupt, and counts. One for a shard or for a process. */
export class Quarantine {
  /** Files put aside so far. */
  count = 0;

  constructor(
    private readonly files: FileSystem,
    private readonly logger: Logger,
  ) {}

  /**
   * Opens a TSM file. Corrupt tombstones are put aside alone: what they deleted is seen again, which is better than losing
   * the rest.
   * @returns null when the file itself was put aside
   */
  async openTsm(path: string): Promise<TsmReader | null> {
    try {
      return await TsmReader.open(this.files, path);
    } catch (error) {
      if (!(error instanceof TsmError)) throw error;
      if (error.code === 'tsm.corrupt-tombstone') {
        await this.putAside(tombstonePath(path), error);
        return this.openTsm(path);
      }
      await this.putAside(path, error);
      return null;
    }
  }

  /** Renames `path` to `path.bad` (`.bad.2`, … where that is taken), durably. */
  async putAside(path: string, reason: unknown): Promise<void> {
    let to = path + BAD_SUFFIX;
    for (let number = 2; (await this.files.stat(to)) !== null; number++)
      to = `${path}${BAD_SUFFIX}.${number}`;
    await this.files.rename(path, to);
    await this.files.syncDirectory(dirname(path));
    this.count++;
    this.logger.error('file is corrupt and was renamed aside', {
      path,
      to,
      reason: messageOf(reason),
    });
  }
}
