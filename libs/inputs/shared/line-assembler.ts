/**
 * Cuts the bytes of a connection into whole lines, for line protocols over TCP. All connections of a listener share one buffer
 * in which lines lie while they are decoded; a connection keeps only the beginning of its last, unfinished line.
 */

import { UNREPLAYABLE } from './ingest-ledger.js';

/** Bytes behind the lines that may be read but mean nothing: decoders read whole words. */
export const LINE_PADDING = 16;

/** Takes whole lines: `bytes[0..length)`, each ended by a newline. Lent for the call. Must not throw. */
export type LinesHandler = (lines: LineScratch, length: number) => void;

/** The buffer that lines lie in. */
export class LineScratch {
  bytes: Uint8Array = new Uint8Array(2 * 65536 + LINE_PADDING);
  view: DataView = new DataView(this.bytes.buffer);

  /** Puts two byte strings one after the other; their length. */
  fill(first: Uint8Array, second: Uint8Array): number {
    const length = first.length + second.length;
    if (length + LINE_PADDING > this.bytes.length) {
      this.bytes = new Uint8Array(2 * length + LINE_PADDING);
      this.view = new DataView(this.bytes.buffer);
    }
    this.bytes.set(first);
    this.bytes.set(second, first.length);
    return length;
  }
}

const NEWLINE = 10;
const NO_BYTES = new Uint8Array(0);
/** Target of a line that was too long: what is left of it must not be taken for a line. */
export const BEGINNING_ONLY = { [UNREPLAYABLE]: 'only the beginning of the line is kept' };
/** Ends the last line of what has none. */
export const ONE_NEWLINE = Uint8Array.of(NEWLINE);

/** The lines of one connection. */
export class LineAssembler {
  private rest: Uint8Array = NO_BYTES;
  private restLength = 0;
  /** True within a line that was too long, up to its end. */
  private isSkipping = false;

  /**
   * @param scratch shared by all connections of a listener
   * @param lineBytesMax longest line; a longer one that does not end within a chunk is handed to `onTooLong` and skipped
   */
  constructor(
    private readonly scratch: LineScratch,
    private readonly lineBytesMax: number,
    private readonly onLines: LinesHandler,
    private readonly onTooLong: (beginning: Uint8Array) => void,
  ) {}

  /** Takes the next bytes. */
  push(chunk: Uint8Array): void {
    let from = 0;
    if (this.isSkipping) {
      from = chunk.indexOf(NEWLINE) + 1;
      if (from === 0) return;
      this.isSkipping = false;
    }
    const end = chunk.lastIndexOf(NEWLINE) + 1;
    if (end > from) {
      const length = this.scratch.fill(this.takeRest(), chunk.subarray(from, end));
      from = end;
      this.keep(chunk, from);
      this.onLines(this.scratch, length);
    } else {
      this.keep(chunk, from);
    }
  }

  /** Takes the last line, which may lack its newline. */
  end(): void {
    if (this.restLength === 0) return;
    this.onLines(this.scratch, this.scratch.fill(this.takeRest(), ONE_NEWLINE));
  }

  private takeRest(): Uint8Array {
    const rest = this.rest.subarray(0, this.restLength);
    this.restLength = 0;
    return rest;
  }

  private keep(chunk: Uint8Array, from: number): void {
    const size = chunk.length - from;
    if (size === 0) return;
    const needed = this.restLength + size;
    if (needed > this.lineBytesMax) {
      const beginning = new Uint8Array(needed);
      beginning.set(this.takeRest());
      beginning.set(chunk.subarray(from), needed - size);
      this.rest = NO_BYTES;
      this.isSkipping = true;
      this.onTooLong(beginning);
      return;
    }
    if (needed > this.rest.length) {
      const wider = new Uint8Array(Math.max(needed, 2 * this.rest.length));
      wider.set(this.rest.subarray(0, this.restLength));
      this.rest = wider;
    }
    this.rest.set(from === 0 ? chunk : chunk.subarray(from), this.restLength);
    this.restLength = needed;
  }
}

/** Lines of a datagram, empty ones apart. */
export function countLines(bytes: Uint8Array): number {
  let lines = 0;
  let isEmpty = true;
  for (const c of bytes) {
    if (c !== NEWLINE) isEmpty = false;
    else if (!isEmpty) {
      lines++;
      isEmpty = true;
    }
  }
  return isEmpty ? lines : lines + 1;
}
