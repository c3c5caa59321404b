/**
 * A file system in memory for tests: as quick as a map, and it can fail at the n-th change. Nothing is lost in a failure;
 * what is durable and what is not is the crash tests' affair.
 */
import { dirname } from 'node:path';
import {
  type DirectoryEntry,
  type Done,
  type FileStat,
  type FileSystem,
  type OpenFile,
  type OpenMode,
  TidegateError,
} from '#kernel';

class MemoryFile {
  bytes = new Uint8Array(0);
}

/** Files by path. Directories exist as soon as something is in them. */
export class MemoryFileSystem implements FileSystem {
  readonly files = new Map<string, MemoryFile>();
  /** Changes (writes, renames, removals, creations) until one fails; it and all after it throw. */
  changesLeft = Infinity;
  /** Files that are open. */
  openCount = 0;

  /** Content of a file, its own array. */
  content(path: string): Uint8Array {
    return this.found(path).bytes;
  }

  /** Makes or replaces a file. */
  put(path: string, bytes: Uint8Array): void {
    const file = new MemoryFile();
    file.bytes = bytes.slice();
    this.files.set(path, file);
  }

  /** Paths in order. */
  paths(): string[] {
    return [...this.files.keys()].sort();
  }

  async open(path: string, mode: OpenMode): Promise<OpenFile> {
    if (mode === 'read') return this.opened(this.found(path));
    if (mode === 'create' && this.files.has(path)) throw failure(`EEXIST: ${path}`);
    if (!this.files.has(path)) {
      this.change();
      this.files.set(path, new MemoryFile());
    }
    return this.opened(this.found(path));
  }

  async readFile(path: string): Promise<Uint8Array> {
    return this.found(path).bytes.slice();
  }

  async list(path: string): Promise<readonly DirectoryEntry[]> {
    const names = this.paths().filter((name) => dirname(name) === path);
    return names.map((name) => ({ name: name.slice(path.length + 1), isDirectory: false }));
  }

  async stat(path: string): Promise<FileStat | null> {
    const file = this.files.get(path);
    return file === undefined
      ? null
      : { sizeBytes: file.bytes.length, modifiedMs: 0, isDirectory: false };
  }

  async makeDirectory(): Promise<void> {}

  async rename(from: string, to: string): Promise<void> {
    const file = this.found(from);
    this.change();
    this.files.set(to, file);
    this.files.delete(from);
  }

  async remove(path: string): Promise<void> {
    if (!this.files.has(path)) return;
    this.change();
    this.files.delete(path);
  }

  async syncDirectory(): Promise<void> {}

  private opened(file: MemoryFile): OpenFile {
    this.openCount++;
    return {
      write: (buffers, position, done) => this.write(file, buffers, position, done),
      sync: (done) => queueMicrotask(() => done(null)),
      readSync: (into, position) => {
        const bytes = file.bytes.subarray(position, position + into.length);
        into.set(bytes);
        return bytes.length;
      },
      truncate: async (sizeBytes) => {
        const bytes = new Uint8Array(sizeBytes);
        bytes.set(file.bytes.subarray(0, sizeBytes));
        file.bytes = bytes;
      },
      close: async () => {
        this.openCount--;
      },
    };
  }

  private write(
    file: MemoryFile,
    buffers: readonly Uint8Array[],
    position: number,
    done: Done,
  ): void {
    try {
      this.change();
    } catch (error) {
      queueMicrotask(() => done(error as Error));
      return;
    }
    const end = position + buffers.reduce((sum, buffer) => sum + buffer.length, 0);
    if (end > file.bytes.length) {
      const bytes = new Uint8Array(end);
      bytes.set(file.bytes);
      file.bytes = bytes;
    }
    let at = position;
    for (const buffer of buffers) {
      file.bytes.set(buffer, at);
      at += buffer.length;
    }
    queueMicrotask(() => done(null));
  }

  private change(): void {
    if (--this.changesLeft < 0) throw failure('EIO: no more changes');
  }

  private found(path: string): MemoryFile {
    const file = this.files.get(path);
    if (file === undefined) throw failure(`ENOENT: ${path}`);
    return file;
  }
}

function failure(message: string): TidegateError {
  return new TidegateError('test.file-system', message);
}
