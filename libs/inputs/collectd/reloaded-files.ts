/** Files that are read at the start and again whenever they have changed: a file, or all files of a folder and its folders. */
import { type FileSystem, type Logger, messageOf } from '#kernel';

/** How often files are looked at. */
export const RELOAD_INTERVAL_MS = 1000;
/** Files of one folder that are read. */
const FILES_MAX = 1000;
const DEPTH_MAX = 16;
/** Largest file that is read. */
const FILE_BYTES_MAX = 16 * 1024 * 1024;

/** A file found. */
interface FoundFile {
  readonly path: string;
  readonly mark: string;
}

/** What to watch. */
export interface WatchedFiles {
  readonly path: string;
  /** What the files are, for the log: `types.db`. */
  readonly what: string;
  /** Whether it is worth a warning that there are none. */
  readonly areNeeded: boolean;
}

/** Takes the contents, in order of paths, as binary strings. Must not throw. */
export type ContentsHandler = (contents: readonly string[]) => void;

/** Reads files and keeps up with them. */
export class ReloadedFiles {
  private timer: NodeJS.Timeout | null = null;
  private marks: string | null = null;
  private isLooking = false;

  constructor(
    private readonly watched: WatchedFiles,
    private readonly files: FileSystem,
    private readonly logger: Logger,
    private readonly onContents: ContentsHandler,
  ) {}

  /** Reads, and begins to watch. A file that is not there is awaited. */
  async open(): Promise<void> {
    if (this.timer !== null) return;
    this.timer = setInterval(() => void this.refresh(), RELOAD_INTERVAL_MS);
    this.timer.unref();
    await this.refresh();
  }

  close(): void {
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = null;
  }

  /** Reads again if anything has changed. */
  async refresh(): Promise<void> {
    if (this.isLooking) return;
    this.isLooking = true;
    const { logger } = this;
    const { path, what, areNeeded } = this.watched;
    try {
      const found: FoundFile[] = [];
      await this.find(path, 0, found);
      found.sort((a, b) => (a.path < b.path ? -1 : 1));
      const marks = found.map((file) => `${file.path} ${file.mark}`).join('\n');
      if (marks === this.marks) return;
      const isFirst = this.marks === null;
      this.marks = marks;
      if (found.length === 0 && areNeeded) {
        logger.warn('Unable to find file; waiting for it', { file: what, path });
      } else if (!isFirst) {
        logger.info('File has changed', { file: what, path });
      }
      const contents: string[] = [];
      for (const file of found) {
        const bytes = await this.files.readFile(file.path);
        contents.push(Buffer.from(bytes).toString('latin1'));
      }
      this.onContents(contents);
    } catch (error) {
      // What was read before stays.
      logger.warn('Unable to read file', { file: what, path, error: messageOf(error) });
    } finally {
      this.isLooking = false;
    }
  }

  private async find(path: string, depth: number, found: FoundFile[]): Promise<void> {
    const stat = await this.files.stat(path);
    if (stat === null || depth > DEPTH_MAX) return;
    if (!stat.isDirectory) {
      const isTaken = found.length < FILES_MAX && stat.sizeBytes <= FILE_BYTES_MAX;
      if (isTaken) found.push({ path, mark: `${stat.sizeBytes} ${stat.modifiedMs}` });
      return;
    }
    for (const { name } of await this.files.list(path)) {
      await this.find(`${path}/${name}`, depth + 1, found);
    }
  }
}
