/**
 * Walks the indexes of several TSM files side by side, key by key.
 */
import { compareBytes } from '#encoding';
import { IndexEntries } from '../index-entries.js';
import type { IndexScanner } from '../tsm-index.js';
import type { TsmReader } from '../tsm-reader.js';

interface Side {
  readonly reader: TsmReader;
  readonly scanner: IndexScanner;
  readonly entries: IndexEntries;
  isOpen: boolean;
}

/** A key's blocks in one file. */
export interface KeyPart {
  readonly reader: TsmReader;
  /** Valid until the next key. */
  readonly entries: IndexEntries;
}

/** Gives each key once, in order, with the files that have it. */
export class KeyMerge {
  /** The key in hand; a view that holds until the next. */
  key: Uint8Array = new Uint8Array(0);
  /** The files that have it, in the order in which they were given. */
  readonly parts: KeyPart[] = [];
  private readonly sides: Side[];
  private readonly used: Side[] = [];
  private buffer = new Uint8Array(256);

  /** @param readers oldest first; they have to stay open */
  constructor(readers: readonly TsmReader[]) {
    this.sides = readers.map((reader) => ({
      reader,
      scanner: reader.scan(),
      entries: new IndexEntries(),
      isOpen: true,
    }));
    this.used.push(...this.sides);
  }

  /**
   * Moves on to the next key; false at the end.
   * @throws TsmError `tsm.corrupt-index`
   */
  next(): boolean {
    for (const side of this.used) {
      side.isOpen = side.scanner.next(side.entries);
    }
    this.used.length = 0;
    this.parts.length = 0;
    let least: Uint8Array | null = null;
    for (const { isOpen, scanner } of this.sides) {
      if (isOpen && (least === null || compareBytes(scanner.key, least) < 0)) least = scanner.key;
    }
    if (least === null) return false;
    if (this.buffer.length < least.length) this.buffer = new Uint8Array(least.length * 2);
    this.buffer.set(least);
    this.key = this.buffer.subarray(0, least.length);
    for (const side of this.sides) {
      if (!side.isOpen || compareBytes(side.scanner.key, this.key) !== 0) continue;
      this.used.push(side);
      this.parts.push({ reader: side.reader, entries: side.entries });
    }
    return true;
  }
}
