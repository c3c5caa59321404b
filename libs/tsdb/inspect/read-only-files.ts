/**
 * A file system over another that is only read: whatever is written, renamed or removed happens in memory. A shard opened over
 * it replays its log and puts aside what is corrupt without a change on the disk.
 */
import { basename, dirname } from 'node:path';
import type { DirectoryEntry, FileStat, FileSystem, OpenFile, OpenMode } from '#kernel';
import { TsdbError } from '../errors.js';

/** What is different from the disk: a file in memory, one of the disk under another name, or none any more. */
type Change =
  | { readonly kind: 'memory'; bytes: Uint8Array }
  | { readonly kind: 'disk'; readonly path: string }
  | { readonly kind: 'removed' };

/** See the header. */
export class ReadOnlyFiles implements FileSystem {
  private readonly changes = new Map<string, Change>();

  constructor(private readonly disk: FileSystem) {}

  async open(path: string, mode: OpenMode): Promise<OpenFile> {
    const change = this.changes.get(path);
    if (mode === 'read') {
      if (change === undefined) return this.disk.open(path, 'read');
      if (change.kind === 'disk') return this.disk.open(change.path, 'read');
      if (change.kind === 'removed') throw absent(path);
      return memoryFile(change);
    }
    const isThere = (await this.stat(path)) !== null;
    if (isThere && mode === 'create') {
      throw new TsdbError('tsdb.file-exists', `cannot create ${path}: it exists`);
    }
    const bytes = isThere ? await this.readFile(path) : new Uint8Array(0);
    const written = { kind: 'memory' as const, bytes };
    this.changes.set(path, written);
    return memoryFile(written);
  }

  async readFile(path: string): Promise<Uint8Array> {
    const change = this.changes.get(path);
    if (change === undefined) return this.disk.readFile(path);
    if (change.kind === 'disk') return this.disk.readFile(change.path);
    if (change.kind === 'removed') throw absent(path);
    return change.bytes.slice();
  }

  async list(path: string): Promise<readonly DirectoryEntry[]> {
    const onDisk = await this.disk.list(path);
    const changed = [...this.changes].filter(([name]) => dirname(name) === path);
    const names = new Set(changed.map(([name]) => basename(name)));
    const added = changed
      .filter(([, { kind }]) => kind !== 'removed')
      .map(([name]) => ({ name: basename(name), isDirectory: false }));
    return [...onDisk.filter(({ name }) => !names.has(name)), ...added];
  }

  async stat(path: string): Promise<FileStat | null> {
    const change = this.changes.get(path);
    if (change === undefined) return this.disk.stat(path);
    if (change.kind === 'disk') return this.disk.stat(change.path);
    if (change.kind === 'removed') return null;
    return { sizeBytes: change.bytes.length, modifiedMs: 0, isDirectory: false };
  }

  makeDirectory(_path: string): Promise<void> {
    return Promise.resolve();
  }

  rename(from: string, to: string): Promise<void> {
    const change = this.changes.get(from);
    this.changes.set(to, change ?? { kind: 'disk', path: from });
    this.changes.set(from, { kind: 'removed' });
    return Promise.resolve();
  }

  remove(path: string): Promise<void> {
    this.changes.set(path, { kind: 'removed' });
    return Promise.resolve();
  }

  syncDirectory(_path: string): Promise<void> {
    return Promise.resolve();
  }
}

function memoryFile(file: { bytes: Uint8Array }): OpenFile {
  return {
    write: (buffers, position, done) => {
      const written = Buffer.concat(buffers);
      const bytes = new Uint8Array(Math.max(file.bytes.length, position + written.length));
      bytes.set(file.bytes);
      bytes.set(written, position);
      file.bytes = bytes;
      done(null);
    },
    sync: (done) => done(null),
    readSync: (into, position) => {
      const part = file.bytes.subarray(position, position + into.length);
      into.set(part);
      return part.length;
    },
    truncate: (sizeBytes) => {
      const bytes = new Uint8Array(sizeBytes);
      bytes.set(file.bytes.subarray(0, sizeBytes));
      file.bytes = bytes;
      return Promise.resolve();
    },
    close: () => Promise.resolve(),
  };
}

const absent = (path: string): TsdbError =>
  new TsdbError('tsdb.file-absent', `cannot read ${path}: it is not there`);
