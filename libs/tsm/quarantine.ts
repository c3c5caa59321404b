/**
 * Puts files that do not read aside, so that a shard opens with the rest. Nothing is deleted: a `.bad` file can be looked at
 * and repaired by hand.
 */
import { dirname } from 'node:path';
import { type FileSystem, type Logger, messageOf } from '#kernel';
import { TsmError } from './errors.js';
import { BAD_SUFFIX } from './tsm-format.js';
import { readTombstones, tombstonePath } from './tombstone.js';
import type { IndexSummary } from './tsm-index.js';
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
   * the rest. What the disk refuses to give back (EIO) counts as corrupt.
   * @param known of a file that has not changed since it was checked: it is checked again at its first use
   * @returns null when the file itself was put aside
   */
  async openTsm(
    path: string,
    known: { readonly sizeBytes: number; readonly summary: IndexSummary } | null = null,
  ): Promise<TsmReader | null> {
    try {
      if (known !== null) return await TsmReader.openKnown(this.files, path, known);
      return await TsmReader.open(this.files, path);
    } catch (error) {
      if (!(error instanceof TsmError) && !isUnreadable(error)) throw error;
      if (await this.hasBadTombstones(path)) {
        await this.putAside(tombstonePath(path), error);
        return this.openTsm(path);
      }
      await this.putAside(path, error);
      return null;
    }
  }

  private async hasBadTombstones(path: string): Promise<boolean> {
    try {
      await readTombstones(this.files, tombstonePath(path));
      return false;
    } catch (error) {
      if (error instanceof TsmError || isUnreadable(error)) return true;
      throw error;
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

/** True for an error of a disk that cannot give back what it has: as good as corrupt, unlike a lack of rights or memory. */
export function isUnreadable(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'EIO';
}
