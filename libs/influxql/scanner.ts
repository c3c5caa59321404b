/**
 * Turns a query text into tokens with InfluxDB 1.x's rules and places. It knows characters only: which token may stand
 * where is the parser's matter. A quoted token that is broken, and every string and regular expression, carries the place
 * of the character before its quote, as upstream's does.
 */
import { END_OF_TEXT, RuneReader, type Position } from './rune-reader.js';
import { TokenKind, isKeyword } from './token.js';

/** One token. `literal` is '' where the kind says it all; error texts print `literal` or else `kind`. */
export interface Token {
  /** One of TokenKind, an operator, or a keyword in upper case. */
  readonly kind: string;
  readonly position: Position;
  readonly literal: string;
}

/** Scans one query text. */
export class Scanner {
  readonly #reader: RuneReader;

  constructor(text: string) {
    this.#reader = new RuneReader(text);
  }

  /**
   * The next character as it stands in the text, white space included. Looking at the end of the text takes it, which
   * shows in the place of the next token: same as InfluxDB 1.x.
   */
  peekRune(): string {
    const rune = this.#reader.read();
    if (rune !== END_OF_TEXT) this.#reader.unread();
    return rune;
  }

  /** The next token, white space and comments included. */
  scan(): Token {
    const reader = this.#reader;
    const rune = reader.read();
    const position = reader.position();
    if (isWhitespace(rune)) return this.#scanWhitespace(rune, position);
    if (isIdentFirst(rune) || rune === '"') {
      reader.unread();
      return this.#scanIdent(true);
    }
    if (isDigit(rune)) return this.#scanNumber(rune, position);
    if (rune === END_OF_TEXT) return { kind: TokenKind.EOF, position, literal: '' };
    if (rune === "'") return this.#scanString();
    if (rune === '.') {
      return isDigit(reader.peek())
        ? this.#scanNumber(rune, position)
        : plain(TokenKind.DOT, position);
    }
    if (rune === '$') {
      const name = this.#scanIdent(false);
      const kind = name.kind === TokenKind.IDENT ? TokenKind.BOUNDPARAM : name.kind;
      return { kind, position, literal: `$${name.literal}` };
    }
    return this.#scanSymbol(rune, position);
  }

  /** A regular expression between slashes; white space before it must be consumed already. */
  scanRegex(): Token {
    const reader = this.#reader;
    const position = reader.position();
    const broken = (literal = ''): Token => ({ kind: TokenKind.BADREGEX, position, literal });
    if (reader.read() !== '/') return broken();
    let literal = '';
    for (;;) {
      const rune = reader.read();
      if (rune === '/') return { kind: TokenKind.REGEX, position, literal };
      if (rune === END_OF_TEXT || rune === '\n') return broken();
      if (rune !== '\\') {
        literal += rune;
        continue;
      }
      const escaped = reader.read();
      if (escaped === END_OF_TEXT) return broken();
      literal += escaped === '/' ? '/' : `\\${escaped}`;
    }
  }

  #scanWhitespace(first: string, position: Position): Token {
    let literal = first;
    for (;;) {
      const rune = this.#reader.read();
      if (rune === END_OF_TEXT) break;
      if (!isWhitespace(rune)) {
        this.#reader.unread();
        break;
      }
      literal += rune;
    }
    return { kind: TokenKind.WS, position, literal };
  }

  /** @param lookup true to tell keywords from identifiers */
  #scanIdent(lookup: boolean): Token {
    const reader = this.#reader;
    reader.read();
    const position = reader.position();
    reader.unread();
    let literal = '';
    for (;;) {
      const rune = reader.read();
      if (rune === END_OF_TEXT) break;
      if (rune === '"') {
        const quoted = this.#scanString('"');
        if (quoted.kind !== TokenKind.STRING) return quoted;
        return { kind: TokenKind.IDENT, position, literal: quoted.literal };
      }
      if (!isIdent(rune)) {
        reader.unread();
        break;
      }
      literal += rune;
      literal += this.#scanBareIdent();
    }
    if (lookup && isKeyword(literal)) return plain(literal.toUpperCase(), position);
    return { kind: TokenKind.IDENT, position, literal };
  }

  /** Identifier characters up to another character, which stays, or the end, which is consumed (its place then moves on). */
  #scanBareIdent(): string {
    let literal = '';
    for (;;) {
      const rune = this.#reader.read();
      if (rune === END_OF_TEXT) return literal;
      if (!isIdent(rune)) {
        this.#reader.unread();
        return literal;
      }
      literal += rune;
    }
  }

  /** A string whose opening quote is consumed. */
  #scanString(quote = "'"): Token {
    const reader = this.#reader;
    reader.unread();
    const position = reader.position();
    reader.read();
    let literal = '';
    for (;;) {
      const rune = reader.read();
      if (rune === quote) return { kind: TokenKind.STRING, position, literal };
      if (rune === '\n' || rune === END_OF_TEXT)
        return { kind: TokenKind.BADSTRING, position, literal };
      if (rune !== '\\') {
        literal += rune;
        continue;
      }
      const escaped = reader.read();
      if (escaped === 'n') literal += '\n';
      else if (escaped === '\\' || escaped === '"' || escaped === "'") literal += escaped;
      else
        return { kind: TokenKind.BADESCAPE, position: reader.position(), literal: `\\${escaped}` };
    }
  }

  /** A number, integer or duration whose first character (a digit, or a point before a digit) is consumed. */
  #scanNumber(first: string, position: Position): Token {
    const reader = this.#reader;
    let literal = first + this.#scanDigits();
    if (first === '.') return { kind: TokenKind.NUMBER, position, literal };
    if (reader.read() === '.') {
      if (isDigit(reader.peek())) literal += `.${this.#scanDigits()}`;
      return { kind: TokenKind.NUMBER, position, literal };
    }
    reader.unread();
    if (!isUnitLetter(reader.peek())) return { kind: TokenKind.INTEGER, position, literal };
    for (;;) {
      const rune = reader.read();
      if (!isUnitLetter(rune) && !isDigit(rune)) break;
      literal += rune;
    }
    reader.unread();
    return { kind: TokenKind.DURATIONVAL, position, literal };
  }

  #scanDigits(): string {
    let digits = '';
    for (;;) {
      const rune = this.#reader.read();
      if (!isDigit(rune)) break;
      digits += rune;
    }
    this.#reader.unread();
    return digits;
  }

  #scanSymbol(rune: string, position: Position): Token {
    const reader = this.#reader;
    const next = reader.peek();
    const pair = rune + next;
    switch (pair) {
      case '--':
        reader.read();
        this.#skipLine();
        return plain(TokenKind.COMMENT, position);
      case '/*':
        reader.read();
        return plain(this.#skipComment() ? TokenKind.COMMENT : TokenKind.ILLEGAL, position);
      case '=~':
      case '!=':
      case '!~':
      case '>=':
      case '<=':
      case '::':
        reader.read();
        return plain(pair, position);
      case '<>':
        reader.read();
        return plain('!=', position);
      default:
        return '+-*/%&|^=<>(),;:'.includes(rune)
          ? plain(rune, position)
          : { kind: TokenKind.ILLEGAL, position, literal: rune };
    }
  }

  #skipLine(): void {
    for (;;) {
      const rune = this.#reader.read();
      if (rune === '\n' || rune === END_OF_TEXT) return;
    }
  }

  /** False where the comment never ends. */
  #skipComment(): boolean {
    for (;;) {
      let rune = this.#reader.read();
      while (rune === '*') {
        rune = this.#reader.read();
        if (rune === '/') return true;
      }
      if (rune === END_OF_TEXT) return false;
    }
  }
}

function plain(kind: string, position: Position): Token {
  return { kind, position, literal: '' };
}

function isWhitespace(rune: string): boolean {
  return rune === ' ' || rune === '\t' || rune === '\n';
}

function isDigit(rune: string): boolean {
  return rune.length === 1 && rune >= '0' && rune <= '9';
}

function isLetter(rune: string): boolean {
  return rune.length === 1 && ((rune >= 'a' && rune <= 'z') || (rune >= 'A' && rune <= 'Z'));
}

function isUnitLetter(rune: string): boolean {
  return isLetter(rune) || rune === 'µ';
}

function isIdentFirst(rune: string): boolean {
  return isLetter(rune) || rune === '_';
}

function isIdent(rune: string): boolean {
  return isIdentFirst(rune) || isDigit(rune);
}
