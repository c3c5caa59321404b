/**
 * Damages a file in every way that one byte or one cut can, and opens what it belongs to anew each time.
 */
import { RecordedLog, SimulatedFileSystem } from '#test-support';

/** Files by path. */
export type FileSet = ReadonlyMap<string, Uint8Array>;

/** One way in which a file is not what it was. */
export interface Damage {
  readonly name: string;
  /** First byte that is not as it was. */
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** Every byte with one bit flipped, and with all; the file cut at every length. */
export function* damages(content: Uint8Array): Generator<Damage> {
  for (let at = 0; at < content.length; at++) {
    for (const mask of [1 << (at % 8), 0xff]) {
      const bytes = content.slice();
      bytes[at] ^= mask;
      yield { name: `byte ${at} xor ${mask}`, at, bytes };
    }
  }
  for (let at = 0; at < content.length; at++) {
    yield { name: `cut at ${at}`, at, bytes: content.slice(0, at) };
  }
}

/** Copies of all files of a disk. */
export function copyFiles(files: SimulatedFileSystem): FileSet {
  return new Map(files.paths().map((path) => [path, files.content(path).slice()]));
}

/** A disk with copies of files. */
export function diskOf(files: FileSet): SimulatedFileSystem {
  const disk = new SimulatedFileSystem();
  for (const [path, bytes] of files) disk.put(path, bytes);
  return disk;
}

/** A disk on which one file is damaged, and what is said about it. */
export interface DamagedDisk {
  readonly damage: Damage;
  readonly disk: SimulatedFileSystem;
  readonly log: RecordedLog;
}

/** The disk with each damage of one file in turn. */
export function* damagedDisks(files: FileSet, path: string): Generator<DamagedDisk> {
  for (const damage of damages(files.get(path) ?? new Uint8Array(0))) {
    const disk = diskOf(files);
    disk.put(path, damage.bytes);
    yield { damage, disk, log: new RecordedLog() };
  }
}
