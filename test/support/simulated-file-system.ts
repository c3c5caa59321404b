/**
 * A machine's disk in memory for crash tests: what was not synced is lost, torn or reordered when the power goes, and any
 * operation can be made to fail. Everything that is left to chance comes from one seed.
 *
 * The model. Bytes of a file are durable after `sync` of the file, names after `syncDirectory` of their directory, both only
 * then; a file can be durable without having a durable name. A rename is one change: after a crash the old or the new name is
 * there, never both or neither. Sectors of 512 bytes are written whole; a write that was not synced may leave any of its
 * sectors, and zeros between them. A sync that fails loses what it was to write. A write that fails may have written a part.
 */
import { basename, dirname } from 'node:path';
import type { DirectoryEntry, Done, FileStat, FileSystem, OpenFile, OpenMode } from '#kernel';
import { SeededRandom } from './seeded-random.js';
import { SimulatedDirectory, type SimulatedNode } from './simulated-directory.js';
import { SimulatedFile } from './simulated-file.js';

/** What programs ask of a file system. */
export type OperationKind =
  | 'open'
  | 'write'
  | 'sync'
  | 'truncate'
  | 'read'
  | 'readFile'
  | 'rename'
  | 'remove'
  | 'makeDirectory'
  | 'syncDirectory';

/** An operation about to happen. */
export interface Operation {
  readonly kind: OperationKind;
  readonly path: string;
  /** Counted from 1. */
  readonly number: number;
}

/** What an operation is to fail with; `SHORT` makes a read return half of what it should. */
export type Fault = 'ENOSPC' | 'EIO' | 'EMFILE' | 'SHORT';

/** An error with the code that node:fs would give. */
class SystemError extends Error {
  constructor(
    readonly code: string,
    what: string,
  ) {
    super(`${code}: ${what}`);
  }
}

/** See the header. */
export class SimulatedFileSystem implements FileSystem {
  /** Operations so far; reading names and sizes does not count. */
  operationCount = 0;
  /** The machine stops at the operation of this number, which may still happen. */
  stopAt = Number.POSITIVE_INFINITY;
  /** Says which operations fail. */
  fault: (operation: Operation) => Fault | null = () => null;
  /** Bytes that all files together may have; writes beyond fail with ENOSPC. */
  capacityBytes = Number.POSITIVE_INFINITY;
  /** Files open now. */
  openCount = 0;
  private readonly random: SeededRandom;
  private readonly root = new SimulatedDirectory();
  /** Files opened before the last crash are of no use after it. */
  private boot = 0;

  constructor(seed = 1) {
    this.random = new SeededRandom(seed);
  }

  /** True when the machine has stopped and waits for {@link crash}. */
  get isStopped(): boolean {
    return this.operationCount >= this.stopAt;
  }

  /** Power loss: what is not durable is lost or not, by chance. The machine runs again afterwards. */
  crash(): void {
    this.root.crash(this.random);
    this.restart();
  }

  /** The process dies and the machine runs on: nothing is lost, and nothing gets durable. */
  restart(): void {
    this.boot++;
    this.openCount = 0;
    this.stopAt = Number.POSITIVE_INFINITY;
    this.fault = () => null;
  }

  /** Puts a file there as if it had always been, with the directories above it. */
  put(path: string, bytes: Uint8Array): void {
    const file = new SimulatedFile();
    file.put(bytes);
    const directory = this.directories(dirname(path), true);
    directory.link(basename(path), file);
    directory.sync();
  }

  /** What programs read in a file. @throws when there is none */
  content(path: string): Uint8Array {
    return this.file(path).current;
  }

  /** Paths of all files, in order. */
  paths(): string[] {
    const found: string[] = [];
    const walk = (directory: SimulatedDirectory, prefix: string): void => {
      for (const [name, node] of directory.current) {
        if (node.isDirectory) walk(node, `${prefix}/${name}`);
        else found.push(`${prefix}/${name}`);
      }
    };
    walk(this.root, '');
    return found.sort();
  }

  /** Bytes of all files. */
  get usedBytes(): number {
    return this.paths().reduce((sum, path) => sum + this.content(path).length, 0);
  }

  async open(path: string, mode: OpenMode): Promise<OpenFile> {
    await this.begin('open', path);
    let node = this.find(path);
    if (node?.isDirectory === true) throw new SystemError('EISDIR', path);
    if (node !== undefined && mode === 'create') throw new SystemError('EEXIST', path);
    if (node === undefined) {
      if (mode === 'read') throw new SystemError('ENOENT', path);
      node = new SimulatedFile();
      this.directories(dirname(path), false).link(basename(path), node);
    }
    this.openCount++;
    return this.opened(path, node);
  }

  async readFile(path: string): Promise<Uint8Array> {
    const fault = await this.begin('readFile', path);
    const { current } = this.file(path);
    return current.slice(0, fault === 'SHORT' ? current.length >>> 1 : current.length);
  }

  async list(path: string): Promise<readonly DirectoryEntry[]> {
    this.refuseWhenStopped(path);
    const node = this.find(path);
    if (node === undefined || !node.isDirectory) return [];
    return [...node.current].map(([name, { isDirectory }]) => ({ name, isDirectory }));
  }

  async stat(path: string): Promise<FileStat | null> {
    this.refuseWhenStopped(path);
    const node = this.find(path);
    if (node === undefined) return null;
    const sizeBytes = node.isDirectory ? 0 : node.current.length;
    return { sizeBytes, modifiedMs: 0, isDirectory: node.isDirectory };
  }

  async makeDirectory(path: string): Promise<void> {
    await this.begin('makeDirectory', path);
    this.directories(path, true);
  }

  async rename(from: string, to: string): Promise<void> {
    await this.begin('rename', from);
    const node = this.find(from);
    if (node === undefined) throw new SystemError('ENOENT', from);
    if (dirname(from) !== dirname(to)) throw new SystemError('EXDEV', `${from} to ${to}`);
    this.directories(dirname(from), false).rename(basename(from), basename(to), node);
  }

  async remove(path: string): Promise<void> {
    await this.begin('remove', path);
    const parent = this.find(dirname(path));
    if (parent?.isDirectory !== true || !parent.current.has(basename(path))) return;
    // What is in a directory goes one by one, so that a crash may leave a part.
    const node = this.find(path);
    if (node?.isDirectory === true) {
      for (const name of [...node.current.keys()]) await this.remove(`${path}/${name}`);
    }
    parent.unlink(basename(path));
  }

  async syncDirectory(path: string): Promise<void> {
    await this.begin('syncDirectory', path);
    this.directories(path, false).sync();
  }

  private opened(path: string, file: SimulatedFile): OpenFile {
    const { boot } = this;
    let isClosed = false;
    const check = (): void => {
      if (isClosed || boot !== this.boot) throw new SystemError('EBADF', path);
    };
    const calling = (done: Done, action: () => Promise<void>): void =>
      void action().then(
        () => done(null),
        (error: unknown) => done(error as Error),
      );
    return {
      write: (buffers, position, done) =>
        calling(done, async () => {
          check();
          await this.write(path, file, position, Buffer.concat(buffers));
        }),
      sync: (done) =>
        calling(done, async () => {
          check();
          await this.begin('sync', path, () => file.failSync(this.random));
          file.sync();
        }),
      readSync: (into, position) => {
        check();
        const fault = this.next('read', path);
        const part = file.current.subarray(position, position + into.length);
        const whole = fault === 'SHORT' ? part.subarray(0, part.length >>> 1) : part;
        into.set(whole);
        return whole.length;
      },
      truncate: async (sizeBytes) => {
        check();
        await this.begin('truncate', path);
        file.truncate(sizeBytes);
      },
      close: async () => {
        if (isClosed) throw new SystemError('EBADF', path);
        isClosed = true;
        if (boot === this.boot) this.openCount--;
      },
    };
  }

  private async write(
    path: string,
    file: SimulatedFile,
    position: number,
    bytes: Uint8Array,
  ): Promise<void> {
    // A write that fails may have put some of its bytes there.
    const partly = (): void =>
      file.write(position, bytes.subarray(0, this.random.below(bytes.length + 1)));
    await this.begin('write', path, partly);
    const grownBytes = Math.max(0, position + bytes.length - file.current.length);
    if (grownBytes > 0 && this.usedBytes + grownBytes > this.capacityBytes) {
      const room = Math.max(0, this.capacityBytes - this.usedBytes);
      file.write(position, bytes.subarray(0, Math.min(bytes.length, room)));
      throw new SystemError('ENOSPC', `no space left on device, write ${path}`);
    }
    file.write(position, bytes);
  }

  /** Counts an operation and lets it fail if it is to; `onFailure` does what a failed one still does. */
  private async begin(
    kind: OperationKind,
    path: string,
    onFailure: () => void = () => undefined,
  ): Promise<Fault | null> {
    const { boot } = this;
    // No operation of a disk is done in the turn in which it is asked for.
    await Promise.resolve();
    if (boot !== this.boot) throw new SystemError('EBADF', path);
    try {
      return this.next(kind, path);
    } catch (error) {
      onFailure();
      throw error;
    }
  }

  private next(kind: OperationKind, path: string): Fault | null {
    this.refuseWhenStopped(path);
    const number = ++this.operationCount;
    if (this.isStopped) throw new SystemError('EIO', `the machine stops at ${kind} of ${path}`);
    const fault = this.fault({ kind, path, number });
    if (fault === null || (fault === 'SHORT' && (kind === 'read' || kind === 'readFile'))) {
      return fault;
    }
    throw new SystemError(fault, `${kind} ${path}`);
  }

  private refuseWhenStopped(path: string): void {
    if (this.isStopped) throw new SystemError('EIO', `the machine has stopped: ${path}`);
  }

  private find(path: string): SimulatedNode | undefined {
    let node: SimulatedNode | undefined = this.root;
    for (const name of namesOf(path)) {
      if (node === undefined || !node.isDirectory) return undefined;
      node = node.current.get(name);
    }
    return node;
  }

  private file(path: string): SimulatedFile {
    const node = this.find(path);
    if (node === undefined || node.isDirectory) throw new SystemError('ENOENT', path);
    return node;
  }

  /** The directory at `path`; missing ones are made, durably, where `isMade`. */
  private directories(path: string, isMade: boolean): SimulatedDirectory {
    let directory = this.root;
    for (const name of namesOf(path)) {
      let next = directory.current.get(name);
      if (next === undefined) {
        if (!isMade) throw new SystemError('ENOENT', path);
        next = new SimulatedDirectory();
        directory.link(name, next);
        directory.sync();
      }
      if (!next.isDirectory) throw new SystemError('ENOTDIR', path);
      directory = next;
    }
    return directory;
  }
}

const namesOf = (path: string): string[] => path.split('/').filter((name) => name !== '');
