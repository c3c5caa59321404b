/**
 * A file system in memory that forgets, on `crash()`, what was not made durable, and that can stop at the n-th step. For
 * crash tests of what writes through kernel's FileSystem.
 */
import { dirname } from 'node:path';
import type { DirectoryEntry, Done, FileStat, FileSystem, OpenFile, OpenMode } from '#kernel';

interface Inode {
  data: Uint8Array;
  synced: Uint8Array;
}

/** Thrown by the step at which the machine stops, and for paths that are not there. */
export class MachineStopped extends Error {}

/** See the header. */
export class CrashFileSystem implements FileSystem {
  /** Steps left before the machine stops. */
  stepsLeft = Number.POSITIVE_INFINITY;
  /** Steps taken so far. */
  steps = 0;
  private names = new Map<string, Inode>();
  private syncedNames = new Map<string, Inode>();

  /** Power loss: names and bytes fall back to what was synced; unsynced bytes of synced names are cut off. */
  crash(): void {
    this.names = new Map(this.syncedNames);
    for (const inode of this.names.values()) inode.data = inode.synced;
    this.stepsLeft = Number.POSITIVE_INFINITY;
  }

  /** Puts a file there as if it had always been. */
  put(path: string, data: Uint8Array): void {
    const inode = { data, synced: data };
    this.names.set(path, inode);
    this.syncedNames.set(path, inode);
  }

  paths(): string[] {
    return [...this.names.keys()].sort();
  }

  open(path: string, mode: OpenMode): Promise<OpenFile> {
    return this.step(() => {
      let inode = this.names.get(path);
      if (inode !== undefined && mode === 'create') throw new MachineStopped(`${path} exists`);
      if (inode === undefined) {
        if (mode === 'read') throw new MachineStopped(`${path} is absent`);
        inode = { data: new Uint8Array(0), synced: new Uint8Array(0) };
        this.names.set(path, inode);
      }
      return this.openFile(inode);
    });
  }

  readFile(path: string): Promise<Uint8Array> {
    const inode = this.names.get(path);
    return inode === undefined
      ? Promise.reject(new MachineStopped(`${path} is absent`))
      : Promise.resolve(inode.data.slice());
  }

  list(path: string): Promise<readonly DirectoryEntry[]> {
    const names = this.paths().filter((name) => dirname(name) === path);
    return Promise.resolve(
      names.map((name) => ({ name: name.slice(path.length + 1), isDirectory: false })),
    );
  }

  stat(path: string): Promise<FileStat | null> {
    const inode = this.names.get(path);
    return Promise.resolve(
      inode === undefined
        ? null
        : { sizeBytes: inode.data.length, modifiedMs: 0, isDirectory: false },
    );
  }

  makeDirectory(_path: string): Promise<void> {
    return Promise.resolve();
  }

  rename(from: string, to: string): Promise<void> {
    return this.step(() => {
      const inode = this.names.get(from);
      if (inode === undefined) throw new MachineStopped(`${from} is absent`);
      this.names.set(to, inode);
      this.names.delete(from);
    });
  }

  remove(path: string): Promise<void> {
    return this.step(() => void this.names.delete(path));
  }

  syncDirectory(path: string): Promise<void> {
    return this.step(() => {
      for (const name of [...this.syncedNames.keys()])
        if (dirname(name) === path) this.syncedNames.delete(name);
      for (const [name, inode] of this.names)
        if (dirname(name) === path) this.syncedNames.set(name, inode);
    });
  }

  private openFile(inode: Inode): OpenFile {
    const after = (done: Done, action: () => void): void =>
      void this.step(action).then(
        () => done(null),
        (error: unknown) => done(error as Error),
      );
    return {
      write: (buffers, position, done) =>
        after(done, () => {
          const bytes = Buffer.concat(buffers);
          const data = new Uint8Array(Math.max(inode.data.length, position + bytes.length));
          data.set(inode.data);
          data.set(bytes, position);
          inode.data = data;
        }),
      sync: (done) => after(done, () => void (inode.synced = inode.data)),
      readSync: (into, position) => {
        const part = inode.data.subarray(position, position + into.length);
        into.set(part);
        return part.length;
      },
      truncate: (sizeBytes) => this.step(() => void (inode.data = inode.data.slice(0, sizeBytes))),
      close: () => Promise.resolve(),
    };
  }

  private step<Result>(action: () => Result): Promise<Result> {
    if (this.stepsLeft <= 0) return Promise.reject(new MachineStopped('the machine stopped'));
    this.stepsLeft--;
    this.steps++;
    try {
      return Promise.resolve(action());
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }
}
