/**
 * The strings of a remote write 2.0 request: its `symbols` and the references of one series into them. Feeds the WriteDecoder,
 * which owns it; positions are into the request's bytes.
 */
import { DELIMITED, malformed, VARINT, type WireCursor, wrongType } from './wire-cursor.js';

const SYMBOLS_FIELD = 4;
const REFS_NAME = 'LabelsRefs';

/** Symbols of one request at a time. */
export class SymbolTable {
  /** Bytes of each symbol. */
  lengths = new Int32Array(256);
  /** References of the series that was read last. */
  refs = new Int32Array(64);
  refCount = 0;
  private starts = new Int32Array(256);
  private count = 0;
  private bytes: Uint8Array = new Uint8Array(0);

  /** Reads the symbols of a request. @throws InputError */
  read(cursor: WireCursor, bytes: Uint8Array, length: number): void {
    this.bytes = bytes;
    this.count = 0;
    cursor.reset(bytes, 0, length);
    while (cursor.at < length) {
      const tag = cursor.tag();
      if (tag >>> 3 !== SYMBOLS_FIELD) {
        cursor.skip(tag);
        continue;
      }
      if ((tag & 7) !== DELIMITED) throw wrongType(tag, 'Symbols');
      const symbolLength = cursor.length();
      if (this.count === this.starts.length) {
        this.starts = wider(this.starts);
        this.lengths = wider(this.lengths);
      }
      this.starts[this.count] = cursor.at;
      this.lengths[this.count++] = symbolLength;
      cursor.at += symbolLength;
    }
    // The specification wants it so, that 0 can stand for nothing.
    if (this.count > 0 && this.lengths[0] !== 0) throw malformed('symbols: the first is not empty');
  }

  /** Begins the references of a series. */
  startRefs(): void {
    this.refCount = 0;
  }

  /** Adds references, packed or one by one. @throws InputError */
  readRefs(cursor: WireCursor, tag: number): void {
    if ((tag & 7) === VARINT) {
      this.add(cursor.uint32());
      return;
    }
    if ((tag & 7) !== DELIMITED) throw wrongType(tag, REFS_NAME);
    const { end } = cursor;
    const refsEnd = cursor.length() + cursor.at;
    cursor.end = refsEnd;
    while (cursor.at < refsEnd) this.add(cursor.uint32());
    cursor.end = end;
  }

  /** Copies a symbol to `to[at ..]`; returns the position behind it. */
  copy(symbol: number, to: Uint8Array, at: number): number {
    const { bytes } = this;
    const start = this.starts[symbol]!;
    const length = this.lengths[symbol]!;
    for (let i = 0; i < length; i++) to[at + i] = bytes[start + i]!;
    return at + length;
  }

  private add(ref: number): void {
    if (ref >= this.count)
      throw malformed(`labels_refs: no symbol ${ref}, there are ${this.count}`);
    if (this.refCount === this.refs.length) this.refs = wider(this.refs);
    this.refs[this.refCount++] = ref;
  }
}

function wider(from: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const to = new Int32Array(from.length * 2);
  to.set(from);
  return to;
}
