/**
 * Reads a query text code point by code point and knows the place of each. Error texts carry places, so this counts
 * exactly as InfluxDB 1.x does: `\r\n` and a lone `\r` are one newline, a place is zero-based, and the end of the text
 * takes one place when met first and the next one from then on.
 */

/** Zero-based line and column of a code point. */
export interface Position {
  readonly line: number;
  readonly char: number;
}

/** What {@link RuneReader.read} gives at the end of the text. A NUL in the text counts as the end too. */
export const END_OF_TEXT = '';

/** A cursor over a text that can step back any number of code points. */
export class RuneReader {
  readonly #runes: readonly string[];
  readonly #lines: Int32Array;
  readonly #chars: Int32Array;
  /** Index of the next code point; runs on past the end, where each read is END_OF_TEXT. */
  #next = 0;

  constructor(text: string) {
    this.#runes = Array.from(text.replace(/\r\n?/g, '\n'));
    const slots = this.#runes.length + 2;
    this.#lines = new Int32Array(slots);
    this.#chars = new Int32Array(slots);
    let line = 0;
    let char = 0;
    let hasEnded = false;
    for (let i = 0; i < slots; i++) {
      this.#lines[i] = line;
      this.#chars[i] = char;
      const rune = this.#runes[i] ?? '\0';
      if (rune === '\n') {
        line++;
        char = 0;
      } else if (!hasEnded) {
        char++;
      }
      if (rune === '\0') hasEnded = true;
    }
  }

  /** Takes the next code point. */
  read(): string {
    const rune = this.#runes[this.#next++];
    return rune === undefined || rune === '\0' ? END_OF_TEXT : rune;
  }

  /** Steps back by one. */
  unread(): void {
    this.#next--;
  }

  /** The next code point without taking it. */
  peek(): string {
    const rune = this.read();
    this.unread();
    return rune;
  }

  /** Place of the code point read last; the start before anything was read. */
  position(): Position {
    return this.#positionOf(this.#next - 1);
  }

  #positionOf(index: number): Position {
    const slot = Math.max(0, Math.min(index, this.#lines.length - 1));
    return { line: this.#lines[slot] ?? 0, char: this.#chars[slot] ?? 0 };
  }
}
