/** Writing and reading the bytes inside frames: varints, texts, numbers, sets of series. */
import { readVarint, varintSizeBytes, writeVarint } from '#encoding';
import { SeriesIndexError } from '../errors.js';
import { bitCount, SeriesSet } from '../series-set.js';

const encoder = new TextEncoder();
const decoder = new TextDecoder();
/** Words of a set that are written together: 65,536 ids. */
const CHUNK_WORDS = 2048;
const CHUNK_IDS = CHUNK_WORDS * 32;
/** Ids of a chunk up to which they are listed; with more, its bits are written. */
const LISTED_MAX = 4096;

/** Bytes that grow. */
export class PayloadWriter {
  private buffer = new Uint8Array(256);
  private at = 0;

  /** What was written: a view. */
  get bytes(): Uint8Array {
    return this.buffer.subarray(0, this.at);
  }

  varint(value: number): this {
    this.reserve(varintSizeBytes(value));
    this.at = writeVarint(this.buffer, this.at, value);
    return this;
  }

  /** 8 bytes. */
  float(value: number): this {
    this.reserve(8);
    new DataView(this.buffer.buffer).setFloat64(this.at, value, true);
    this.at += 8;
    return this;
  }

  /** 8 bytes, two's complement. */
  int64(value: bigint): this {
    this.reserve(8);
    new DataView(this.buffer.buffer).setBigInt64(this.at, value, true);
    this.at += 8;
    return this;
  }

  /** Length and bytes. */
  blob(bytes: Uint8Array): this {
    this.varint(bytes.length);
    this.reserve(bytes.length);
    this.buffer.set(bytes, this.at);
    this.at += bytes.length;
    return this;
  }

  /** Length and UTF-8. */
  text(value: string): this {
    return this.blob(encoder.encode(value));
  }

  /** Chunks of 65,536 ids: number, count, and the ids as 16 bits each or all bits. */
  set(ids: SeriesSet): this {
    const { words } = ids;
    const counts: number[] = [];
    for (let from = 0; from < words.length; from += CHUNK_WORDS) {
      let count = 0;
      const end = Math.min(from + CHUNK_WORDS, words.length);
      for (let word = from; word < end; word++) count += bitCount(words[word]);
      counts.push(count);
    }
    this.varint(counts.filter((count) => count > 0).length);
    for (const [chunk, count] of counts.entries()) {
      if (count === 0) continue;
      this.varint(chunk).varint(count);
      this.chunk(words.subarray(chunk * CHUNK_WORDS, (chunk + 1) * CHUNK_WORDS), count);
    }
    return this;
  }

  private chunk(words: Uint32Array, count: number): void {
    const isListed = count <= LISTED_MAX;
    this.reserve(isListed ? count * 2 : CHUNK_WORDS * 4);
    const view = new DataView(this.buffer.buffer);
    for (let word = 0; word < words.length; word++) {
      if (!isListed) {
        view.setUint32(this.at, words[word], true);
        this.at += 4;
        continue;
      }
      for (let bits = words[word]; bits !== 0; bits &= bits - 1) {
        view.setUint16(this.at, word * 32 + (31 - Math.clz32(bits & -bits)), true);
        this.at += 2;
      }
    }
    if (isListed || words.length === CHUNK_WORDS) return;
    this.buffer.fill(0, this.at, this.at + (CHUNK_WORDS - words.length) * 4);
    this.at += (CHUNK_WORDS - words.length) * 4;
  }

  private reserve(sizeBytes: number): void {
    if (this.at + sizeBytes <= this.buffer.length) return;
    const wider = new Uint8Array(Math.max(this.at + sizeBytes, this.buffer.length * 2));
    wider.set(this.buffer);
    this.buffer = wider;
  }
}

/** Reads what {@link PayloadWriter} wrote; bounds are checked. */
export class PayloadReader {
  private at = 0;
  private readonly view: DataView;

  constructor(private readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  varint(): number {
    const value = readVarint(this.bytes, this.at, this.bytes.length);
    this.at += varintSizeBytes(value);
    return value;
  }

  float(): number {
    const at = this.take(8);
    return this.view.getFloat64(at, true);
  }

  int64(): bigint {
    const at = this.take(8);
    return this.view.getBigInt64(at, true);
  }

  /** A view. */
  blob(): Uint8Array {
    const length = this.varint();
    const at = this.take(length);
    return this.bytes.subarray(at, at + length);
  }

  text(): string {
    return decoder.decode(this.blob());
  }

  set(): SeriesSet {
    const ids = new SeriesSet();
    const chunks = this.varint();
    for (let n = 0; n < chunks; n++) {
      const first = this.varint() * CHUNK_IDS;
      const count = this.varint();
      if (count <= LISTED_MAX) {
        const at = this.take(count * 2);
        for (let i = 0; i < count; i++) ids.add(first + this.view.getUint16(at + i * 2, true));
      } else {
        const at = this.take(CHUNK_WORDS * 4);
        for (let word = 0; word < CHUNK_WORDS; word++) {
          ids.addWord(first / 32 + word, this.view.getUint32(at + word * 4, true));
        }
      }
    }
    return ids;
  }

  private take(sizeBytes: number): number {
    const { at } = this;
    if (at + sizeBytes > this.bytes.length) {
      throw new SeriesIndexError(
        'series-index.corrupt',
        'cannot read series index: frame ends early',
      );
    }
    this.at += sizeBytes;
    return at;
  }
}
