/** Files whose syncs are timed: the write-ahead log's. Everything else goes through as it is. */
import type { Done, FileSystem, OpenFile, OpenMode } from '#kernel';

/** Takes a duration. */
type ObserveSeconds = (seconds: number) => void;

/**
 * The same file system, with syncs of some files timed.
 * @param isObserved whether the syncs of the file at a path are timed
 */
export function withTimedSyncs(
  files: FileSystem,
  isObserved: (path: string) => boolean,
  observe: ObserveSeconds,
): FileSystem {
  return {
    open: async (path: string, mode: OpenMode) => {
      const file = await files.open(path, mode);
      return isObserved(path) ? new TimedFile(file, observe) : file;
    },
    readFile: (path) => files.readFile(path),
    list: (path) => files.list(path),
    stat: (path) => files.stat(path),
    makeDirectory: (path) => files.makeDirectory(path),
    rename: (from, to) => files.rename(from, to),
    remove: (path) => files.remove(path),
    syncDirectory: (path) => files.syncDirectory(path),
  };
}

class TimedFile implements OpenFile {
  constructor(
    private readonly file: OpenFile,
    private readonly observe: ObserveSeconds,
  ) {}

  get descriptor(): number | undefined {
    return this.file.descriptor;
  }

  write(buffers: readonly Uint8Array[], position: number, done: Done): void {
    this.file.write(buffers, position, done);
  }

  sync(done: Done): void {
    const startedMs = performance.now();
    this.file.sync((error) => {
      this.observe((performance.now() - startedMs) / 1000);
      done(error);
    });
  }

  readSync(into: Uint8Array, position: number): number {
    return this.file.readSync(into, position);
  }

  truncate(sizeBytes: number): Promise<void> {
    return this.file.truncate(sizeBytes);
  }

  close(): Promise<void> {
    return this.file.close();
  }
}
