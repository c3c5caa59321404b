/** Lays compact JSON out over lines as Go's json.Indent does with four spaces. Works on any cut of the bytes. */
import { ByteSink } from './byte-sink.js';

/** Turns compact JSON into indented JSON, piece by piece. */
export class JsonIndenter {
  private depth = 0;
  private isInString = false;
  private isEscaped = false;
  /** True right after an opening bracket: an empty list or object stays on its line. */
  private isOpened = false;
  private readonly sink = new ByteSink();

  /** The indented form of the next bytes. */
  indent(bytes: Uint8Array): Uint8Array {
    for (let i = 0; i < bytes.length; i++) this.next(bytes[i]);
    return this.sink.drain();
  }

  private next(c: number): void {
    const { sink } = this;
    if (this.isInString) {
      sink.byte(c);
      if (this.isEscaped) this.isEscaped = false;
      else if (c === 92) this.isEscaped = true;
      else if (c === 34) this.isInString = false;
      return;
    }
    const isClosing = c === 125 || c === 93;
    if (this.isOpened && !isClosing) this.line(++this.depth);
    if (isClosing) {
      if (this.isOpened) sink.byte(c);
      else {
        this.line(--this.depth);
        sink.byte(c);
      }
      this.isOpened = false;
      return;
    }
    this.isOpened = c === 123 || c === 91;
    sink.byte(c);
    if (c === 34) this.isInString = true;
    else if (c === 44) this.line(this.depth);
    else if (c === 58) sink.byte(32);
  }

  private line(depth: number): void {
    this.sink.ascii(`\n${'    '.repeat(depth)}`);
  }
}
