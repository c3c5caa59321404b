/**
 * The one seam through which Tidegate touches files. Production uses NodeFileSystem; crash tests use a simulated one that
 * knows what has been synced. No other file of layers 0-4 imports node:fs.
 */
import fs from 'node:fs';
import { dirname } from 'node:path';

/** One entry of a directory. */
export interface DirectoryEntry {
  readonly name: string;
  readonly isDirectory: boolean;
}

/** Size and last change of a file. */
export interface FileStat {
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  readonly isDirectory: boolean;
}

/** Called once: with the error, or null. */
export type Done = (error: Error | null) => void;

/** An open file. Positions are absolute bytes; nothing keeps a cursor. */
export interface OpenFile {
  /** By what other threads of this process can read the file while it is open here; absent where there is no such thing. */
  readonly descriptor?: number;
  /** Writes all of `buffers` one after another from `position`; the buffers must not change until `done`, which may be called at once. */
  write(buffers: readonly Uint8Array[], position: number, done: Done): void;
  /** Makes data and size durable (fdatasync). */
  sync(done: Done): void;
  /** Reads up to `into.length` bytes at `position`; fewer at the end of the file. Blocks. */
  readSync(into: Uint8Array, position: number): number;
  /** Sets the length; new bytes are zero. */
  truncate(sizeBytes: number): Promise<void>;
  close(): Promise<void>;
}

/** How a file is opened: for reading only, for reading and writing, or new (fails where it exists) for both. */
export type OpenMode = 'read' | 'write' | 'create';

/** What Tidegate needs of a file system. Paths are absolute or relative to the process. */
export interface FileSystem {
  /** `write` creates the file when it is absent and keeps what is in it. */
  open(path: string, mode: OpenMode): Promise<OpenFile>;
  readFile(path: string): Promise<Uint8Array>;
  /** Entries in no particular order; an absent directory is an empty one. */
  list(path: string): Promise<readonly DirectoryEntry[]>;
  /** Null when there is nothing at `path`. */
  stat(path: string): Promise<FileStat | null>;
  /** Creates the directory and its parents; no error when it exists. New directories are durable when this resolves. */
  makeDirectory(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Removes a file or a whole directory; no error when absent. */
  remove(path: string): Promise<void>;
  /** Makes creations, renames and removals in a directory durable. */
  syncDirectory(path: string): Promise<void>;
}

/** Up to this size a write is a copy into the page cache, which is cheaper done at once than in another thread. */
const WRITE_AT_ONCE_BYTES = 64 * 1024;

class NodeOpenFile implements OpenFile {
  constructor(private readonly fd: number) {}

  get descriptor(): number {
    return this.fd;
  }

  write(buffers: readonly Uint8Array[], position: number, done: Done): void {
    const total = buffers.reduce((sum, buffer) => sum + buffer.length, 0);
    if (total <= WRITE_AT_ONCE_BYTES) {
      let failure: Error | null = null;
      try {
        let written = fs.writevSync(this.fd, buffers, position);
        if (written < total) {
          const rest = Buffer.concat(buffers);
          while (written < total)
            written += fs.writeSync(this.fd, rest, written, total - written, position + written);
        }
      } catch (error) {
        failure = error as Error;
      }
      done(failure);
      return;
    }
    fs.writev(this.fd, buffers as Uint8Array[], position, (error, written) => {
      if (error !== null || written === total) done(error);
      else this.writeRest(Buffer.concat(buffers).subarray(written), position + written, done);
    });
  }

  private writeRest(rest: Uint8Array, position: number, done: Done): void {
    fs.write(this.fd, rest, 0, rest.length, position, (error, written) => {
      if (error !== null || written === rest.length) done(error);
      else this.writeRest(rest.subarray(written), position + written, done);
    });
  }

  sync(done: Done): void {
    fs.fdatasync(this.fd, (error) => done(error));
  }

  readSync(into: Uint8Array, position: number): number {
    let read = 0;
    while (read < into.length) {
      const got = fs.readSync(this.fd, into, read, into.length - read, position + read);
      if (got === 0) break;
      read += got;
    }
    return read;
  }

  truncate(sizeBytes: number): Promise<void> {
    return new Promise((resolve, reject) =>
      fs.ftruncate(this.fd, sizeBytes, (error) => (error ? reject(error) : resolve())),
    );
  }

  close(): Promise<void> {
    return new Promise((resolve, reject) =>
      fs.close(this.fd, (error) => (error ? reject(error) : resolve())),
    );
  }
}

/** A file that another thread has open and keeps open meanwhile. Closing it here does nothing. */
export function openDescriptor(descriptor: number): OpenFile {
  return new BorrowedFile(descriptor);
}

class BorrowedFile extends NodeOpenFile {
  override close(): Promise<void> {
    return Promise.resolve();
  }
}

const FLAGS: Readonly<Record<OpenMode, number>> = {
  read: fs.constants.O_RDONLY,
  write: fs.constants.O_RDWR | fs.constants.O_CREAT,
  create: fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_EXCL,
};

// Not by `instanceof`: under Jest the errors of node:fs come from another realm.
const isAbsent = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT';

/** The machine's own file system. Stateless: make one wherever it is needed, worker threads included. */
export class NodeFileSystem implements FileSystem {
  open(path: string, mode: OpenMode): Promise<OpenFile> {
    return new Promise((resolve, reject) =>
      fs.open(path, FLAGS[mode], 0o644, (error, fd) =>
        error ? reject(error) : resolve(new NodeOpenFile(fd)),
      ),
    );
  }

  readFile(path: string): Promise<Uint8Array> {
    return fs.promises.readFile(path);
  }

  async list(path: string): Promise<readonly DirectoryEntry[]> {
    try {
      const entries = await fs.promises.readdir(path, { withFileTypes: true });
      return entries.map((entry) => ({ name: entry.name, isDirectory: entry.isDirectory() }));
    } catch (error) {
      if (isAbsent(error)) return [];
      throw error;
    }
  }

  async stat(path: string): Promise<FileStat | null> {
    try {
      const found = await fs.promises.stat(path);
      return { sizeBytes: found.size, modifiedMs: found.mtimeMs, isDirectory: found.isDirectory() };
    } catch (error) {
      if (isAbsent(error)) return null;
      throw error;
    }
  }

  async makeDirectory(path: string): Promise<void> {
    const first = await fs.promises.mkdir(path, { recursive: true });
    if (first === undefined) return;
    // Every level made has to be durable in its parent, up to the first one that was there before.
    for (let made = path; ; made = dirname(made)) {
      await this.syncDirectory(dirname(made));
      if (made === first || dirname(made) === made) return;
    }
  }

  rename(from: string, to: string): Promise<void> {
    return fs.promises.rename(from, to);
  }

  remove(path: string): Promise<void> {
    return fs.promises.rm(path, { recursive: true, force: true });
  }

  async syncDirectory(path: string): Promise<void> {
    const handle = await fs.promises.open(path, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }
}

/** Writes a whole file so that after a crash either the old or the new content is there: temporary file, sync, rename. */
export async function replaceFile(
  files: FileSystem,
  path: string,
  content: Uint8Array,
): Promise<void> {
  const temporary = `${path}tmp`;
  await files.remove(temporary);
  const file = await files.open(temporary, 'create');
  try {
    await new Promise<void>((resolve, reject) =>
      file.write([content], 0, (error) => (error ? reject(error) : resolve())),
    );
    await new Promise<void>((resolve, reject) =>
      file.sync((error) => (error ? reject(error) : resolve())),
    );
  } finally {
    await file.close();
  }
  await files.rename(temporary, path);
  await files.syncDirectory(dirname(path));
}
