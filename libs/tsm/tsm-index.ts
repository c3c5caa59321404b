/**
 * The index of a TSM file, read on demand. Opening scans it once: every record is checked, and one key in each few KiB is
 * kept, so that a lookup is a binary search in memory and one read. A million keys cost about 2 MB.
 *
 * @see docs/formats/tsm.md
 */
import type { OpenFile } from '#kernel';
import type { FieldType } from '#models';
import { compareBytes, crc32, readI64, readU16 } from '#encoding';
import { isFieldType } from './block.js';
import { TsmError } from './errors.js';
import type { IndexEntries } from './index-entries.js';
import { ENTRY_BYTES, FOOTER_BYTES, HEADER_BYTES, KEY_HEADER_BYTES } from './tsm-format.js';

/** A key is kept at the first record this far behind the last kept one. */
const SAMPLE_BYTES = 4096;
/** Stretches between kept keys that are read at once when keys are asked for in order: 64 KiB or so. */
const READ_AHEAD = 16;
/** What looking for a key in the chunk in hand found. */
const FOUND = 1;
const ABSENT = 0;
const BEYOND_CHUNK = -1;
/** Bytes read at a time by scans. */
const SCAN_BYTES = 256 * 1024;

/** Where the index lies in its file, and the whole file's size. */
export interface IndexBounds {
  readonly start: number;
  /** One past its last byte: where the footer begins. */
  readonly end: number;
}

/** Reads records of the index one after another. The key is a view that the next step overwrites. */
export class IndexScanner {
  key: Uint8Array = new Uint8Array(0);
  /** Where the record of `key` begins in the file. */
  recordAt = 0;
  private bytes = new Uint8Array(SCAN_BYTES);
  /** File position of `bytes[0]`. */
  private loadedAt = 0;
  private loadedBytes = 0;
  private at: number;

  /**
   * @param bounds positions of whole records: scanning may begin at any record
   */
  constructor(
    private readonly file: OpenFile,
    private readonly bounds: IndexBounds,
  ) {
    this.at = bounds.start;
  }

  /**
   * Moves on to the next record.
   * @param entries filled with its blocks
   * @returns false at the end
   * @throws TsmError `tsm.corrupt-index` for a record that does not end inside the index
   */
  next(entries: IndexEntries): boolean {
    if (this.at >= this.bounds.end) return false;
    this.recordAt = this.at;
    let position = this.load(2);
    const keyBytes = readU16(this.bytes, position);
    position = this.load(2 + keyBytes + KEY_HEADER_BYTES);
    const headerAt = position + 2 + keyBytes;
    const count = readU16(this.bytes, headerAt + 1);
    const type = this.bytes[headerAt]!;
    const recordBytes = 2 + keyBytes + KEY_HEADER_BYTES + count * ENTRY_BYTES;
    position = this.load(recordBytes);
    if (keyBytes === 0 || count === 0 || !isFieldType(type)) {
      throw corruptIndex(this.at, `key of ${keyBytes} bytes, type ${type}, ${count} blocks`);
    }
    this.key = this.bytes.subarray(position + 2, position + 2 + keyBytes);
    entries.fill(type, count, this.bytes, position + 2 + keyBytes + KEY_HEADER_BYTES);
    this.at += recordBytes;
    return true;
  }

  /** Makes `sizeBytes` from the current record on available; where they begin in `bytes`. */
  private load(sizeBytes: number): number {
    if (this.at + sizeBytes > this.bounds.end) throw corruptIndex(this.at, 'record is cut off');
    if (this.at + sizeBytes > this.loadedAt + this.loadedBytes) {
      if (sizeBytes > this.bytes.length) this.bytes = new Uint8Array(sizeBytes * 2);
      const wanted = Math.min(this.bytes.length, this.bounds.end - this.at);
      this.loadedAt = this.at;
      this.loadedBytes = this.file.readSync(this.bytes.subarray(0, wanted), this.at);
      if (this.loadedBytes < sizeBytes) throw corruptIndex(this.at, 'file is cut off');
    }
    return this.at - this.loadedAt;
  }
}

/** What a scan of the whole index found. */
export interface IndexSummary {
  readonly keyCount: number;
  readonly blockCount: number;
  /** Earliest and latest time of all blocks, inclusive. */
  readonly minNs: bigint;
  readonly maxNs: bigint;
}

/** What lets another thread look keys up in an index that has been loaded. */
export interface SharedTsmIndex {
  readonly bounds: IndexBounds;
  /** As in {@link TsmIndex}. */
  readonly sampleAt: readonly number[];
  readonly sampleKeys: Uint8Array;
  readonly sampleEnds: readonly number[];
}

/** Finds keys in the index of an open file. Not for concurrent use (it is synchronous throughout). */
export class TsmIndex {
  /** File positions of the kept records; one more at the end for the end of the index. */
  private sampleAt: number[] = [];
  private sampleKeys: Uint8Array = new Uint8Array(1024);
  private sampleEnds: number[] = [];
  private chunk = new Uint8Array(SAMPLE_BYTES * 2);
  /** Number of the first kept key of the chunk in hand, and one past the last; -1 for none. */
  private chunkFirst = -1;
  private chunkEnd = -1;
  private chunkBytes = 0;
  /** Where in the chunk the record found last begins, and the one behind it; -1 for none. */
  private lastAt = -1;
  private resumeAt = 0;

  private constructor(
    private readonly file: OpenFile,
    private readonly bounds: IndexBounds,
  ) {}

  /**
   * Scans and checks an index.
   * @throws TsmError `tsm.corrupt-index`: record cut off, keys out of order, times or positions that cannot be
   */
  static load(
    file: OpenFile,
    bounds: IndexBounds,
    entries: IndexEntries,
  ): { index: TsmIndex; summary: IndexSummary } {
    const index = new TsmIndex(file, bounds);
    const scanner = new IndexScanner(file, bounds);
    let [keyCount, blockCount] = [0, 0];
    let [minNs, maxNs] = [0n, 0n];
    let keyBefore = new Uint8Array(0);
    let keyBuffer = new Uint8Array(256);
    while (scanner.next(entries)) {
      const { key } = scanner;
      if (keyCount > 0 && compareBytes(keyBefore, key) >= 0) {
        throw corruptIndex(scanner.recordAt, 'keys out of order');
      }
      checkEntries(entries, bounds, scanner.recordAt);
      index.sampleRecord(scanner.recordAt, key);
      if (keyCount === 0) {
        minNs = entries.minNs[0]!;
        maxNs = entries.maxNs[0]!;
      }
      for (let i = 0; i < entries.count; i++) {
        if (entries.minNs[i]! < minNs) minNs = entries.minNs[i]!;
        if (entries.maxNs[i]! > maxNs) maxNs = entries.maxNs[i]!;
      }
      if (keyBuffer.length < key.length) keyBuffer = new Uint8Array(key.length * 2);
      keyBuffer.set(key);
      keyBefore = keyBuffer.subarray(0, key.length);
      keyCount++;
      blockCount += entries.count;
    }
    if (keyCount === 0) throw corruptIndex(bounds.start, 'no keys');
    index.sampleAt.push(bounds.end);
    return { index, summary: { keyCount, blockCount, minNs, maxNs } };
  }

  /**
   * Samples an index whose checksum was right: it is as it was written, so records are only stepped over. A generator of turns.
   * @throws TsmError `tsm.corrupt-index`
   */
  static *sampled(file: OpenFile, bounds: IndexBounds): Generator<void, TsmIndex> {
    const index = new TsmIndex(file, bounds);
    let bytes = new Uint8Array(SCAN_BYTES);
    for (let loadedAt = bounds.start, at = bounds.start; at < bounds.end; loadedAt = at) {
      const loaded = file.readSync(
        bytes.subarray(0, Math.min(bytes.length, bounds.end - loadedAt)),
        loadedAt,
      );
      while (at < bounds.end) {
        const position = at - loadedAt;
        const keyBytes = position + 2 > loaded ? 0 : readU16(bytes, position);
        const keyEnd = position + 2 + keyBytes;
        const isWhole = keyBytes > 0 && keyEnd + KEY_HEADER_BYTES <= loaded;
        const count = isWhole ? readU16(bytes, keyEnd + 1) : 0;
        const next = keyEnd + KEY_HEADER_BYTES + count * ENTRY_BYTES;
        // Only key and header are looked at; the entries may be beyond what is loaded.
        if (!isWhole) {
          if (at > loadedAt) break;
          if (loaded < bytes.length) throw corruptIndex(at, 'record is cut off');
          bytes = new Uint8Array(bytes.length * 2);
          break;
        }
        index.sampleRecord(at, bytes.subarray(position + 2, keyEnd));
        at = loadedAt + next;
        if (next >= loaded) break;
      }
      yield;
    }
    index.sampleAt.push(bounds.end);
    return index;
  }

  /** For another thread. */
  share(): SharedTsmIndex {
    const { bounds, sampleAt, sampleKeys, sampleEnds } = this;
    return { bounds, sampleAt, sampleKeys: sampleKeys.slice(0, sampleEnds.at(-1)), sampleEnds };
  }

  /** The index that {@link share} was called for, over the same file. */
  static fromShared(file: OpenFile, shared: SharedTsmIndex): TsmIndex {
    const index = new TsmIndex(file, shared.bounds);
    index.sampleAt = [...shared.sampleAt];
    index.sampleKeys = shared.sampleKeys;
    index.sampleEnds = [...shared.sampleEnds];
    return index;
  }

  /**
   * Looks a key up.
   * @param entries filled when it is there
   * @returns false when it is not
   * @throws TsmError `tsm.corrupt-index` when the file has changed since it was opened
   */
  find(key: Uint8Array, entries: IndexEntries): boolean {
    if (this.isAhead(key)) {
      // Keys are mostly asked for in order: go on behind the last one found.
      const found = this.findFrom(key, this.resumeAt, entries);
      if (found !== BEYOND_CHUNK) return found === FOUND;
    }
    const number = this.sampleFor(key);
    if (number < 0) return false;
    this.loadChunk(number);
    const start = this.sampleAt[number]! - this.sampleAt[this.chunkFirst]!;
    return this.findFrom(key, start, entries) === FOUND;
  }

  /** True when the key comes behind the last one found, and may be in the chunk in hand. */
  private isAhead(key: Uint8Array): boolean {
    const { lastAt, chunk } = this;
    if (lastAt < 0) return false;
    return compareRange(chunk, lastAt + 2, lastAt + 2 + readU16(chunk, lastAt), key) < 0;
  }

  /** Looks for a key from a record of the chunk on. */
  private findFrom(key: Uint8Array, start: number, entries: IndexEntries): number {
    const bytes = this.chunk;
    for (let at = start; at < this.chunkBytes;) {
      const keyEnd = at + 2 + readU16(bytes, at);
      const order = compareRange(bytes, at + 2, keyEnd, key);
      if (order > 0) return ABSENT;
      const count = readU16(bytes, keyEnd + 1);
      const next = keyEnd + KEY_HEADER_BYTES + count * ENTRY_BYTES;
      if (order === 0) {
        entries.fill(bytes[keyEnd] as FieldType, count, bytes, keyEnd + KEY_HEADER_BYTES);
        this.lastAt = at;
        this.resumeAt = next;
        return FOUND;
      }
      at = next;
    }
    return BEYOND_CHUNK;
  }

  /** Where the blocks end and the index begins. */
  get dataEnd(): number {
    return this.bounds.start;
  }

  /** Stretches between kept keys. */
  get stretchCount(): number {
    return this.sampleEnds.length;
  }

  /** Where a stretch begins in the file; that of number {@link stretchCount} is where the last one ends. */
  stretchStart(number: number): number {
    return this.sampleAt[number]!;
  }

  /** Number of the stretch that a key is in, where it is there at all; -1 where it comes before all keys. */
  stretchOf(key: Uint8Array): number {
    return this.sampleFor(key);
  }

  /** A scanner over all records. */
  scan(): IndexScanner {
    return new IndexScanner(this.file, this.bounds);
  }

  /** A scanner that begins at most a few KiB before the first key not below `key`. */
  scanFrom(key: Uint8Array): IndexScanner {
    const number = Math.max(0, this.sampleFor(key));
    return new IndexScanner(this.file, { start: this.sampleAt[number]!, end: this.bounds.end });
  }

  private sampleRecord(recordAt: number, key: Uint8Array): void {
    const last = this.sampleAt[this.sampleAt.length - 1];
    if (last !== undefined && recordAt - last < SAMPLE_BYTES) return;
    const start = this.sampleEnds[this.sampleEnds.length - 1] ?? 0;
    const end = start + key.length;
    if (end > this.sampleKeys.length) {
      const larger = new Uint8Array(end * 2);
      larger.set(this.sampleKeys.subarray(0, start));
      this.sampleKeys = larger;
    }
    this.sampleKeys.set(key, start);
    this.sampleEnds.push(end);
    this.sampleAt.push(recordAt);
  }

  /** Number of the last kept key that is not above `key`, or -1. */
  private sampleFor(key: Uint8Array): number {
    let low = 0;
    let high = this.sampleEnds.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const start = middle === 0 ? 0 : this.sampleEnds[middle - 1]!;
      if (compareRange(this.sampleKeys, start, this.sampleEnds[middle]!, key) <= 0)
        low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** Reads the records from one kept key to the next, or to one further on when keys are asked for in order. */
  private loadChunk(number: number): void {
    if (number >= this.chunkFirst && number < this.chunkEnd) return;
    const ahead = number === this.chunkEnd ? READ_AHEAD : 1;
    const end = Math.min(number + ahead, this.sampleAt.length - 1);
    const start = this.sampleAt[number]!;
    const sizeBytes = this.sampleAt[end]! - start;
    if (sizeBytes > this.chunk.length) this.chunk = new Uint8Array(sizeBytes);
    this.chunkFirst = -1;
    this.chunkEnd = -1;
    this.lastAt = -1;
    if (this.file.readSync(this.chunk.subarray(0, sizeBytes), start) < sizeBytes) {
      throw corruptIndex(start, 'file is cut off');
    }
    this.chunkBytes = sizeBytes;
    this.chunkFirst = number;
    this.chunkEnd = end;
  }
}

/** Order of `bytes[start .. end)` and a key. */
function compareRange(bytes: Uint8Array, start: number, end: number, key: Uint8Array): number {
  const length = Math.min(end - start, key.length);
  for (let i = 0; i < length; i++) {
    const order = bytes[start + i]! - key[i]!;
    if (order !== 0) return order;
  }
  return end - start - key.length;
}

/**
 * Where the index of a file lies, from its footer.
 * @throws TsmError `tsm.corrupt-index`
 */
export function readIndexBounds(file: OpenFile, sizeBytes: number): IndexBounds {
  const footer = new Uint8Array(FOOTER_BYTES);
  const end = sizeBytes - FOOTER_BYTES;
  if (end <= HEADER_BYTES || file.readSync(footer, end) < FOOTER_BYTES) {
    throw corruptIndex(sizeBytes, 'file is cut off');
  }
  const start = readI64(footer, 0);
  if (start <= BigInt(HEADER_BYTES) || start >= BigInt(end)) {
    throw corruptIndex(end, `index offset ${start} in a file of ${sizeBytes} bytes`);
  }
  return { start: Number(start), end };
}

/** Checksum of everything from the index to the end of the file. A generator of turns. */
export function* indexCrc(file: OpenFile, bounds: IndexBounds): Generator<void, number> {
  const buffer = new Uint8Array(SCAN_BYTES);
  const end = bounds.end + FOOTER_BYTES;
  let crc = 0;
  for (let at = bounds.start; at < end;) {
    const got = file.readSync(buffer.subarray(0, Math.min(buffer.length, end - at)), at);
    if (got === 0) break;
    crc = crc32(buffer.subarray(0, got), crc);
    at += got;
    yield;
  }
  return crc;
}

function checkEntries(entries: IndexEntries, bounds: IndexBounds, recordAt: number): void {
  for (let i = 0; i < entries.count; i++) {
    const offset = entries.offsets[i]!;
    const sizeBytes = entries.sizesBytes[i]!;
    if (offset < HEADER_BYTES || sizeBytes < 5 || offset + sizeBytes > bounds.start) {
      throw corruptIndex(recordAt, `block of ${sizeBytes} bytes at ${offset}`);
    }
    if (entries.minNs[i]! > entries.maxNs[i]!) {
      throw corruptIndex(recordAt, `block from ${entries.minNs[i]} to ${entries.maxNs[i]}`);
    }
  }
}

/** An error that the reader completes with the file's name. */
export function corruptIndex(offset: number, reason: string): TsmError {
  return new TsmError('tsm.corrupt-index', `cannot read index at offset ${offset}: ${reason}`);
}
