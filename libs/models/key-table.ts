/**
 * A hash table from byte strings to small integers (0, 1, 2, … in order of insertion). Keys lie in slabs of shared memory
 * and everything else in typed arrays, so that a million keys cost the garbage collector nothing and worker threads read
 * them without a copy.
 */
import { invariant } from '#kernel';
import { hashKey } from './series-key.js';

const SLAB_BITS = 20;
const SLAB_BYTES = 2 ** SLAB_BITS;
const UNIT_BITS = 3; // Keys start at multiples of 8 bytes, so that words can be compared.
const UNITS_MASK = 2 ** (SLAB_BITS - UNIT_BITS) - 1;
const EMPTY = -1;
/** Place of a key that was left out; see {@link KeyTable.without}. */
const LEFT_OUT = -1;
const NO_BYTES = new Uint8Array(0);
/** Keys copied between turns: less than a millisecond. */
const COPIED_AT_ONCE = 2000;

/** Bytes of a slab of keys. */
export const KEY_SLAB_BYTES = SLAB_BYTES;

/** What a worker thread needs to read keys: the slabs, and the place and length of each key. */
export interface SharedKeys {
  readonly slabs: readonly SharedArrayBuffer[];
  /** Slab number and offset in it, in units of 8 bytes: `slab << 17 | offset >> 3`. */
  readonly places: Int32Array;
  readonly lengths: Uint16Array;
  readonly count: number;
}

/** The keys of a table as they lie in memory, to be stored and restored: lengths by number, and the used part of each slab. */
export interface KeyTableContent {
  readonly lengths: Uint16Array;
  readonly slabs: readonly Uint8Array[];
}

/** Byte strings of up to 65535 bytes, each once. Not safe for writers in several threads. */
export class KeyTable {
  private slots: Int32Array;
  private hashes: Int32Array;
  private places: Int32Array;
  private lengths: Uint16Array;
  private readonly slabs: Uint8Array[] = [];
  private readonly slabWords: Int32Array[] = [];
  private slabUsed = SLAB_BYTES;
  private probe: Uint8Array = new Uint8Array(0);
  private probeView: DataView = new DataView(new ArrayBuffer(0));
  private size = 0;
  /** Keys that can be found: those of a restored table are hashed when there is time, or when one is looked for. */
  private hashedCount = 0;

  constructor(capacity = 64) {
    this.slots = new Int32Array(capacity * 2).fill(EMPTY);
    this.hashes = new Int32Array(capacity);
    this.places = shared(Int32Array, capacity);
    this.lengths = shared(Uint16Array, capacity);
  }

  /**
   * A table of stored keys.
   * @param lengths by number
   * @param slabs of {@link newSlab}, filled, not to be changed afterwards
   * @returns null when the slabs are not those of these lengths
   */
  static restore(lengths: Uint16Array, slabs: readonly Uint8Array[]): KeyTable | null {
    let capacity = 16;
    while (capacity < lengths.length) capacity *= 2;
    const table = new KeyTable(capacity);
    for (const slab of slabs) {
      table.slabs.push(slab);
      table.slabWords.push(new Int32Array(slab.buffer));
    }
    let slabNumber = 0;
    let used = 0;
    for (let n = 0; n < lengths.length; n++) {
      if (used + lengths[n] > SLAB_BYTES) {
        slabNumber++;
        used = 0;
      }
      if (slabNumber >= slabs.length) return null;
      table.places[n] = (slabNumber << (SLAB_BITS - UNIT_BITS)) | (used >>> UNIT_BITS);
      used = (used + lengths[n] + 7) & ~7;
    }
    if (lengths.length > 0 && slabNumber !== slabs.length - 1) return null;
    table.lengths.set(lengths);
    table.size = lengths.length;
    table.slabUsed = slabs.length === 0 ? SLAB_BYTES : used;
    return table;
  }

  /**
   * Makes more keys of a restored table ready to be found, before they are asked for: all of a million take 0.1 s.
   * @returns false when all are
   */
  hashSome(count: number): boolean {
    const end = Math.min(this.size, this.hashedCount + count);
    for (let n = this.hashedCount; n < end; n++) {
      const place = this.places[n];
      const slab = this.slabs[place >>> (SLAB_BITS - UNIT_BITS)];
      const hash = hashKey(slab, (place & UNITS_MASK) << UNIT_BITS, this.lengths[n]);
      this.hashes[n] = hash;
      this.insert(n, hash);
    }
    this.hashedCount = end;
    return end < this.size;
  }

  /**
   * A table with some keys left out: the others keep their numbers, those have no bytes and are not found. A generator of
   * turns; keys that are added meanwhile are in it too, up to its end.
   */
  *without(isLeftOut: (n: number) => boolean): Generator<void, KeyTable> {
    while (this.hashSome(COPIED_AT_ONCE)) yield;
    const copy = new KeyTable(this.hashes.length);
    while (copy.size < this.size) {
      const end = Math.min(this.size, copy.size + COPIED_AT_ONCE);
      while (copy.size < end) copy.copyNext(this, isLeftOut(copy.size));
      yield;
    }
    return copy;
  }

  /** Takes the next key of another table, or leaves its number without one. */
  private copyNext(from: KeyTable, isLeftOut: boolean): void {
    if (this.size === this.hashes.length) this.grow();
    const n = this.size++;
    this.hashedCount = this.size;
    if (isLeftOut || from.places[n] === LEFT_OUT) {
      this.places[n] = LEFT_OUT;
      return;
    }
    const place = from.places[n];
    const slab = from.slabs[place >>> (SLAB_BITS - UNIT_BITS)];
    this.hashes[n] = from.hashes[n];
    this.lengths[n] = from.lengths[n];
    this.places[n] = this.store(slab, (place & UNITS_MASK) << UNIT_BITS, from.lengths[n]);
    this.insert(n, this.hashes[n]);
  }

  /** Memory for the keys of {@link restore}. */
  static newSlab(): Uint8Array {
    return shared(Uint8Array, SLAB_BYTES);
  }

  /** What {@link restore} takes: views of shared memory that stay as they are, whatever is added. */
  get content(): KeyTableContent {
    const last = this.slabs.length - 1;
    return {
      lengths: this.lengths.subarray(0, this.size),
      slabs: this.slabs.map((slab, n) => (n === last ? slab.subarray(0, this.slabUsed) : slab)),
    };
  }

  /** Number of keys. */
  get count(): number {
    return this.size;
  }

  /** Bytes this table takes, roughly. */
  get sizeBytes(): number {
    return this.slabs.length * SLAB_BYTES + this.slots.length * 4 + this.hashes.length * 10;
  }

  /** Length of a key, or -1 where there is no such number. */
  lengthOf(n: number): number {
    return n < this.size ? this.lengths[n] : -1;
  }

  /**
   * Whether a key goes on with `view[start..start+length)` from its byte `from` on.
   * @param n number of a key
   * @param from a multiple of 4; `from + length` is at most the key's length
   * @param view readable for 3 bytes more
   */
  continues(n: number, from: number, view: DataView, start: number, length: number): boolean {
    const place = this.places[n];
    const words = this.slabWords[place >>> (SLAB_BITS - UNIT_BITS)];
    let w = ((place & UNITS_MASK) << 1) + (from >>> 2);
    let p = start;
    const end = start + (length & ~3);
    while (p < end) {
      if (view.getInt32(p, true) !== words[w]) return false;
      p += 4;
      w++;
    }
    const rest = length & 3;
    return rest === 0 || (view.getInt32(p, true) ^ words[w]) << (32 - 8 * rest) === 0;
  }

  /** The number of the key `bytes[start..start+length)` with this hash, or -1. */
  find(bytes: Uint8Array, start: number, length: number, hash: number): number {
    if (bytes !== this.probe) {
      this.probe = bytes;
      this.probeView = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    }
    if (this.hashedCount < this.size) this.hashSome(this.size);
    const { slots, hashes, lengths, places, probeView } = this;
    const mask = slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const n = slots[slot];
      if (n === EMPTY) return -1;
      if (hashes[n] !== hash || lengths[n] !== length) continue;
      const place = places[n];
      const words = this.slabWords[place >>> (SLAB_BITS - UNIT_BITS)];
      let w = (place & UNITS_MASK) << 1;
      let i = 0;
      while (i + 4 <= length && probeView.getInt32(start + i, true) === words[w]) {
        i += 4;
        w++;
      }
      if (i + 4 <= length) continue;
      const rest = words[w];
      let same = true;
      for (let shift = 0; i < length; i++, shift += 8) {
        if (((rest >>> shift) & 0xff) !== bytes[start + i]) {
          same = false;
          break;
        }
      }
      if (same) return n;
    }
  }

  /** Adds a key that is not there yet; its number. Copies the bytes. */
  add(bytes: Uint8Array, start: number, length: number, hash: number): number {
    invariant(length <= 65535, 'a key of a KeyTable has at most 65535 bytes');
    if (this.hashedCount < this.size) this.hashSome(this.size);
    if (this.size === this.hashes.length) this.grow();
    const n = this.size++;
    this.hashes[n] = hash;
    this.lengths[n] = length;
    this.places[n] = this.store(bytes, start, length);
    this.insert(n, hash);
    this.hashedCount = this.size;
    return n;
  }

  /** The bytes of key `n`: a view of shared memory, not to be changed; none where it was left out. */
  bytesOf(n: number): Uint8Array {
    const place = this.places[n];
    if (place === LEFT_OUT) return NO_BYTES;
    const slab = this.slabs[place >>> (SLAB_BITS - UNIT_BITS)];
    const offset = (place & UNITS_MASK) << UNIT_BITS;
    return slab.subarray(offset, offset + this.lengths[n]);
  }

  /** Order of two keys by their bytes. */
  compare(a: number, b: number): number {
    const slabA = this.slabs[this.places[a] >>> (SLAB_BITS - UNIT_BITS)];
    const slabB = this.slabs[this.places[b] >>> (SLAB_BITS - UNIT_BITS)];
    const atA = (this.places[a] & UNITS_MASK) << UNIT_BITS;
    const atB = (this.places[b] & UNITS_MASK) << UNIT_BITS;
    const n = Math.min(this.lengths[a], this.lengths[b]);
    for (let i = 0; i < n; i++) {
      const order = slabA[atA + i] - slabB[atB + i];
      if (order !== 0) return order;
    }
    return this.lengths[a] - this.lengths[b];
  }

  /** Handles for reading keys 0 to count - 1 in another thread. Keys added later may be missing there. */
  share(): SharedKeys {
    return {
      slabs: this.slabs.map((slab) => slab.buffer as SharedArrayBuffer),
      places: this.places,
      lengths: this.lengths,
      count: this.size,
    };
  }

  private store(bytes: Uint8Array, start: number, length: number): number {
    if (this.slabs.length === 0 || this.slabUsed + length > SLAB_BYTES) {
      const slab = shared(Uint8Array, SLAB_BYTES);
      this.slabs.push(slab);
      this.slabWords.push(new Int32Array(slab.buffer));
      this.slabUsed = 0;
    }
    const slabNumber = this.slabs.length - 1;
    const offset = this.slabUsed;
    const slab = this.slabs[slabNumber];
    for (let i = 0; i < length; i++) slab[offset + i] = bytes[start + i];
    this.slabUsed = (offset + length + 7) & ~7;
    return (slabNumber << (SLAB_BITS - UNIT_BITS)) | (offset >>> UNIT_BITS);
  }

  private insert(n: number, hash: number): void {
    const mask = this.slots.length - 1;
    let slot = hash & mask;
    while (this.slots[slot] !== EMPTY) slot = (slot + 1) & mask;
    this.slots[slot] = n;
  }

  private grow(): void {
    const capacity = this.hashes.length * 2;
    this.hashes = widen(this.hashes, new Int32Array(capacity));
    this.places = widen(this.places, shared(Int32Array, capacity));
    this.lengths = widen(this.lengths, shared(Uint16Array, capacity));
    this.slots = new Int32Array(capacity * 2).fill(EMPTY);
    for (let n = 0; n < this.size; n++)
      if (this.places[n] !== LEFT_OUT) this.insert(n, this.hashes[n]);
  }
}

/** Reads the keys of {@link KeyTable.share}, in any thread. */
export class SharedKeyReader {
  /** Where the key lies that was located last: `slab[start .. start + length)`. Shared memory, not to be changed. */
  slab: Uint8Array = new Uint8Array(0);
  /** The slab as words; the key begins with word `start / 4`, and may be read to the end of its last word. */
  words: Int32Array = new Int32Array(0);
  start = 0;
  length = 0;
  private readonly slabs: readonly Uint8Array[];
  private readonly slabWords: readonly Int32Array[];

  constructor(private readonly keys: SharedKeys) {
    this.slabs = keys.slabs.map((slab) => new Uint8Array(slab));
    this.slabWords = keys.slabs.map((slab) => new Int32Array(slab));
  }

  /** The bytes of key `n`: a view of shared memory, not to be changed. */
  bytesOf(n: number): Uint8Array {
    const place = this.keys.places[n];
    if (place === LEFT_OUT) return NO_BYTES;
    const offset = (place & UNITS_MASK) << UNIT_BITS;
    return this.slabs[place >>> (SLAB_BITS - UNIT_BITS)].subarray(
      offset,
      offset + this.keys.lengths[n],
    );
  }

  /** Finds the bytes of key `n` without making a view of them: sets {@link slab}, {@link words}, {@link start} and {@link length}. */
  locate(n: number): void {
    const place = this.keys.places[n];
    const slab = place >>> (SLAB_BITS - UNIT_BITS);
    this.slab = this.slabs[slab];
    this.words = this.slabWords[slab];
    this.start = (place & UNITS_MASK) << UNIT_BITS;
    this.length = this.keys.lengths[n];
  }

  /** Order of two keys as they are with `suffix` behind each: that of the field keys of TSM files. */
  compareWithSuffix(a: number, b: number, suffix: Uint8Array): number {
    const { places, lengths } = this.keys;
    const slabA = this.slabs[places[a] >>> (SLAB_BITS - UNIT_BITS)];
    const slabB = this.slabs[places[b] >>> (SLAB_BITS - UNIT_BITS)];
    const atA = (places[a] & UNITS_MASK) << UNIT_BITS;
    const atB = (places[b] & UNITS_MASK) << UNIT_BITS;
    const lengthA = lengths[a];
    const lengthB = lengths[b];
    const n = Math.min(lengthA, lengthB);
    for (let i = 0; i < n; i++) {
      const order = slabA[atA + i] - slabB[atB + i];
      if (order !== 0) return order;
    }
    for (let i = n; i < n + suffix.length; i++) {
      const byteA = i < lengthA ? slabA[atA + i] : suffix[i - lengthA];
      const byteB = i < lengthB ? slabB[atB + i] : suffix[i - lengthB];
      if (byteA !== byteB) return byteA - byteB;
    }
    return lengthA - lengthB;
  }
}

interface SharedArrayConstructor<T> {
  new (buffer: SharedArrayBuffer): T;
  readonly BYTES_PER_ELEMENT: number;
}

function shared<T>(make: SharedArrayConstructor<T>, length: number): T {
  return new make(new SharedArrayBuffer(length * make.BYTES_PER_ELEMENT));
}

function widen<T extends { set(from: T): void }>(from: T, to: T): T {
  to.set(from);
  return to;
}
