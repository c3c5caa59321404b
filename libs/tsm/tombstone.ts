/**
 * Tombstones: what has been deleted from a TSM file since it was written, in a file beside it. Reads versions 2 to 4, writes
 * 4. A deletion adds a gzip member to the file, which is replaced as a whole.
 *
 * @see docs/formats/tombstone.md
 */
import { dirname } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type FileSystem, messageOf } from '#kernel';
import { readI64, readU32, writeI64, writeU32 } from '#encoding';
import { TsmError } from './errors.js';
import { isCutBetweenMembers, membersBefore, packMember } from './tombstone-member.js';
import { TEMPORARY_SUFFIX } from './tsm-format.js';

const VERSION_2 = 0x1502;
const VERSION_3 = 0x1503;
const VERSION_4 = 0x1504;
const HEADER_BYTES = 4;
/** Bytes of an entry beside its key. */
const ENTRY_FIXED_BYTES = 20;
/** The most bytes that a tombstone file may unpack to. Above, compact the shard in place of deleting more. */
export const TOMBSTONE_MAX_BYTES = 2 ** 30;

/** A deletion: values of `key` from `minNs` to `maxNs`, both inclusive. */
export interface Tombstone {
  /** Series key, separator and field. */
  readonly key: Uint8Array;
  readonly minNs: bigint;
  readonly maxNs: bigint;
}

/** Deleted times of one key: inclusive ranges, ascending, apart from each other. */
export interface DeletedRanges {
  readonly count: number;
  readonly minNs: BigInt64Array;
  readonly maxNs: BigInt64Array;
}

/** The path of a TSM file's tombstones. */
export function tombstonePath(tsmPath: string): string {
  return tsmPath.replace(/\.tsm$/, '.tombstone');
}

/** All tombstones of a TSM file, looked up by key. Immutable; keys lie in the bytes of the file. */
export class TombstoneSet {
  /** No tombstones. */
  static readonly none = new TombstoneSet(new Uint8Array(0), []);

  private readonly order: Uint32Array;

  private constructor(
    private readonly bytes: Uint8Array,
    starts: number[],
  ) {
    this.order = mergeRuns(bytes, Uint32Array.from(starts));
  }

  /**
   * @param bytes entries of the unpacked file, kept
   * @throws TsmError `tsm.corrupt-tombstone`
   */
  static parse(bytes: Uint8Array): TombstoneSet {
    const starts: number[] = [];
    for (let at = 0; at < bytes.length;) {
      const keyBytes = at + 4 <= bytes.length ? readU32(bytes, at) : Infinity;
      if (at + keyBytes + ENTRY_FIXED_BYTES > bytes.length)
        throw corrupt(`entry at offset ${at} is cut off`);
      starts.push(at);
      at += keyBytes + ENTRY_FIXED_BYTES;
    }
    return new TombstoneSet(bytes, starts);
  }

  /** What {@link parse} reads. */
  get content(): Uint8Array {
    return this.bytes;
  }

  /** Number of tombstones. */
  get count(): number {
    return this.order.length;
  }

  /** Deleted times of a key, or null. */
  find(key: Uint8Array): DeletedRanges | null {
    let low = 0;
    let high = this.order.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareKeyAt(this.bytes, this.order[middle]!, key) < 0) low = middle + 1;
      else high = middle;
    }
    const found: [bigint, bigint][] = [];
    for (; low < this.order.length; low++) {
      const at = this.order[low]!;
      if (compareKeyAt(this.bytes, at, key) !== 0) break;
      const timesAt = at + 4 + key.length;
      found.push([readI64(this.bytes, timesAt), readI64(this.bytes, timesAt + 8)]);
    }
    return found.length === 0 ? null : joinRanges(found);
  }

  /** Every tombstone, in order of keys; `key` is a view. */
  *[Symbol.iterator](): Generator<Tombstone> {
    for (const at of this.order) {
      const key = keyAt(this.bytes, at);
      const timesAt = at + 4 + key.length;
      yield { key, minNs: readI64(this.bytes, timesAt), maxNs: readI64(this.bytes, timesAt + 8) };
    }
  }
}

/**
 * Reads the tombstones at `path`; none when the file is absent.
 * @throws TsmError `tsm.corrupt-tombstone` when it is neither a version that we know nor whole
 */
export async function readTombstones(files: FileSystem, path: string): Promise<TombstoneSet> {
  if ((await files.stat(path)) === null) return TombstoneSet.none;
  const content = await files.readFile(path);
  // Nobody writes a file without tombstones; it has been cut.
  if (content.length <= HEADER_BYTES) throw corrupt('it is empty');
  return parseTombstones(content);
}

/**
 * Reads the content of a tombstone file.
 * @throws TsmError `tsm.corrupt-tombstone`
 */
export function parseTombstones(content: Uint8Array): TombstoneSet {
  if (content.length === 0) return TombstoneSet.none;
  const version = content.length < HEADER_BYTES ? -1 : readU32(content, 0);
  const body = content.subarray(HEADER_BYTES);
  if (version === VERSION_2) return TombstoneSet.parse(body.slice());
  if (version !== VERSION_3 && version !== VERSION_4) throw corrupt('unknown version');
  if (body.length === 0) return TombstoneSet.none;
  const entries = unpack(body);
  if (isCutBetweenMembers(body)) throw corrupt('the last of its parts is missing');
  return TombstoneSet.parse(entries);
}

/**
 * Adds tombstones to the file at `path`, which is made when absent. After a crash the old or the new file is there. Writers
 * of one file must not run at the same time.
 */
export async function addTombstones(
  files: FileSystem,
  path: string,
  tombstones: readonly Tombstone[],
): Promise<void> {
  if (tombstones.length === 0) return;
  const before = (await files.stat(path)) === null ? new Uint8Array(0) : await files.readFile(path);
  const header = new Uint8Array(HEADER_BYTES);
  writeU32(header, 0, VERSION_4);
  const parts: Uint8Array[] = [header];
  if (before.length > HEADER_BYTES && readU32(before, 0) === VERSION_4)
    parts.push(membersBefore(before.subarray(HEADER_BYTES)));
  else if (before.length > 0) parts.push(membersBefore(pack([...parseTombstones(before)])));
  parts.push(pack(tombstones));
  await writeWhole(files, path, parts);
}

/** Entries as one gzip member. */
function pack(tombstones: readonly Tombstone[]): Uint8Array {
  let sizeBytes = 0;
  for (const { key } of tombstones) sizeBytes += key.length + ENTRY_FIXED_BYTES;
  const bytes = new Uint8Array(sizeBytes);
  let at = 0;
  for (const { key, minNs, maxNs } of tombstones) {
    writeU32(bytes, at, key.length);
    bytes.set(key, at + 4);
    writeI64(bytes, at + 4 + key.length, minNs);
    writeI64(bytes, at + 12 + key.length, maxNs);
    at += key.length + ENTRY_FIXED_BYTES;
  }
  return packMember(bytes);
}

function unpack(body: Uint8Array): Uint8Array {
  try {
    return gunzipSync(body, { maxOutputLength: TOMBSTONE_MAX_BYTES });
  } catch (error) {
    throw corrupt(messageOf(error), error);
  }
}

async function writeWhole(
  files: FileSystem,
  path: string,
  parts: readonly Uint8Array[],
): Promise<void> {
  const temporary = path + TEMPORARY_SUFFIX;
  await files.remove(temporary);
  const file = await files.open(temporary, 'create');
  try {
    await new Promise<void>((resolve, reject) =>
      file.write(parts, 0, (error) => (error === null ? resolve() : reject(error))),
    );
    await new Promise<void>((resolve, reject) =>
      file.sync((error) => (error === null ? resolve() : reject(error))),
    );
  } finally {
    await file.close();
  }
  await files.rename(temporary, path);
  await files.syncDirectory(dirname(path));
}

function keyAt(bytes: Uint8Array, at: number): Uint8Array {
  return bytes.subarray(at + 4, at + 4 + readU32(bytes, at));
}

/** Entries in order of their keys. Each deletion from a large file left a long run in order; those are merged. */
function mergeRuns(bytes: Uint8Array, starts: Uint32Array): Uint32Array {
  let ends: number[] = [];
  for (let i = 1; i <= starts.length; i++) {
    if (i === starts.length || compareKeys(bytes, starts[i - 1]!, starts[i]!) > 0) ends.push(i);
  }
  let from = starts;
  while (ends.length > 1) {
    const to = new Uint32Array(from.length);
    const merged: number[] = [];
    for (let r = 0, start = 0; r < ends.length; r += 2) {
      const middle = ends[r]!;
      const end = ends[r + 1] ?? middle;
      let [a, b] = [start, middle];
      for (let at = start; at < end; at++) {
        const isFirst = a < middle && (b >= end || compareKeys(bytes, from[a]!, from[b]!) <= 0);
        to[at] = isFirst ? from[a++]! : from[b++]!;
      }
      merged.push(end);
      start = end;
    }
    from = to;
    ends = merged;
  }
  return from;
}

/** Order of the key of an entry and another. */
function compareKeyAt(bytes: Uint8Array, at: number, key: Uint8Array): number {
  const length = readU32(bytes, at);
  const n = Math.min(length, key.length);
  for (let i = 0; i < n; i++) {
    const difference = bytes[at + 4 + i]! - key[i]!;
    if (difference !== 0) return difference;
  }
  return length - key.length;
}

/** Order of the keys of two entries. */
function compareKeys(bytes: Uint8Array, a: number, b: number): number {
  const lengthA = readU32(bytes, a);
  const lengthB = readU32(bytes, b);
  const n = Math.min(lengthA, lengthB);
  for (let i = 4; i < 4 + n; i++) {
    const difference = bytes[a + i]! - bytes[b + i]!;
    if (difference !== 0) return difference;
  }
  return lengthA - lengthB;
}

/** Sorts ranges and joins those that touch. */
function joinRanges(ranges: [bigint, bigint][]): DeletedRanges {
  ranges.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  const joined: [bigint, bigint][] = [];
  for (const [minNs, maxNs] of ranges) {
    const last = joined[joined.length - 1];
    if (last !== undefined && minNs <= last[1] + 1n) {
      if (maxNs > last[1]) last[1] = maxNs;
    } else if (minNs <= maxNs) joined.push([minNs, maxNs]);
  }
  return {
    count: joined.length,
    minNs: BigInt64Array.from(joined, ([minNs]) => minNs),
    maxNs: BigInt64Array.from(joined, ([, maxNs]) => maxNs),
  };
}

function corrupt(reason: string, cause?: unknown): TsmError {
  return new TsmError('tsm.corrupt-tombstone', `cannot read tombstones: ${reason}`, { cause });
}
