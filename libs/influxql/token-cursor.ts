/**
 * The parser's view of the tokens: take one, give back up to three, and the small productions that many statements share.
 * A token that was given back is what the next scan returns, even a scan for a regular expression: InfluxDB 1.x does so
 * and some of its error texts come from it.
 */
import { bindParameter, type Parameters } from './bound-parameters.js';
import { ParseError } from './errors.js';
import type { ExtensionStatement } from './ast.js';
import { compileRegex } from './regex.js';
import { Scanner, type Token } from './scanner.js';
import { parseInfluxqlDuration } from './text-form.js';
import { TokenKind } from './token.js';

/** Recognises statements of Tidegate's own, after SHOW or by their first word. Their words are contextual and never listed in error texts. */
export interface StatementExtension {
  /** The word after SHOW, in upper case, for example `INGEST`. */
  readonly word: string;
  /** True where the statement begins with the word. */
  readonly isFirstWord?: boolean;
  /** Parses what follows the word, which is consumed. Null gives the usual error for the word. */
  parse(cursor: TokenCursor): ExtensionStatement | null;
}

/** What a parse may be given besides the text. */
export interface ParseOptions {
  readonly parameters?: Parameters;
  readonly extensions?: readonly StatementExtension[];
}

const HISTORY = 3;
/** Deeper nesting than any person writes; deeper texts would exhaust the stack. */
const DEPTH_MAX = 400;

/** Tokens of one query text. */
export class TokenCursor {
  readonly extensions: readonly StatementExtension[];
  readonly #scanner: Scanner;
  readonly #parameters: Parameters;
  readonly #history: Token[] = [];
  #returned = 0;
  #depth = 0;

  constructor(text: string, options: ParseOptions = {}) {
    this.#scanner = new Scanner(text);
    this.#parameters = options.parameters ?? new Map();
    this.extensions = options.extensions ?? [];
  }

  /** The next token, white space and comments included; bound parameters are already replaced. */
  scan(): Token {
    return this.#take(() => this.#scanner.scan());
  }

  /** The next token that is neither white space nor a comment. */
  scanSkippingSpace(): Token {
    for (;;) {
      const token = this.scan();
      if (token.kind !== TokenKind.WS && token.kind !== TokenKind.COMMENT) return token;
    }
  }

  /** Gives the token taken last back. */
  unscan(): void {
    this.#returned++;
  }

  /** The next character of the text behind any token that was given back. */
  peekRune(): string {
    return this.#scanner.peekRune();
  }

  /** Takes white space if it comes next. */
  consumeWhitespace(): void {
    if (this.scan().kind !== TokenKind.WS) this.unscan();
  }

  /** Takes the next token if it is of this kind. */
  accept(kind: string): boolean {
    if (this.scanSkippingSpace().kind === kind) return true;
    this.unscan();
    return false;
  }

  /** Takes one token after another, each of which must be of the given kind. */
  expect(...kinds: readonly string[]): void {
    for (const kind of kinds) {
      const token = this.scanSkippingSpace();
      if (token.kind !== kind) throw unexpected(token, [kind]);
    }
  }

  /** An identifier. */
  ident(): string {
    const token = this.scanSkippingSpace();
    if (token.kind !== TokenKind.IDENT) throw unexpected(token, ['identifier']);
    return token.literal;
  }

  /** A string literal. */
  string(): string {
    const token = this.scanSkippingSpace();
    if (token.kind !== TokenKind.STRING) throw unexpected(token, ['string']);
    return token.literal;
  }

  /** An integer, its digits as written, with its token. */
  integer(): Token {
    const token = this.scanSkippingSpace();
    if (token.kind !== TokenKind.INTEGER) throw unexpected(token, ['integer']);
    return token;
  }

  /** A uint64. */
  uint64(): bigint {
    const token = this.integer();
    const value = BigInt(token.literal);
    if (value <= 0xffffffffffffffffn) return value;
    throw ParseError.at(
      `strconv.ParseUint: parsing "${token.literal}": value out of range`,
      token.position,
    );
  }

  /** A duration in nanoseconds; INF is 0. */
  duration(): bigint {
    const token = this.scanSkippingSpace();
    if (token.kind === 'INF') return 0n;
    if (token.kind !== TokenKind.DURATIONVAL) throw unexpected(token, ['duration']);
    try {
      return parseInfluxqlDuration(token.literal);
    } catch (thrown) {
      throw thrown instanceof ParseError ? ParseError.at(thrown.message, token.position) : thrown;
    }
  }

  /** `KEYWORD n`, else 0. Numbers beyond 2^53 lose digits, which no limit notices. */
  optionalCount(keyword: string): number {
    return this.accept(keyword) ? Number(this.integer().literal) : 0;
  }

  /**
   * A regular expression if one comes next, else null.
   * @throws ParseError where a token given back stands in its way: same as InfluxDB 1.x
   */
  regex(): string | null {
    if (isSpace(this.peekRune())) this.consumeWhitespace();
    const rune = this.peekRune();
    if (rune === '$') {
      const token = this.scan();
      if (token.kind === TokenKind.REGEX) return checkedRegex(token);
      this.unscan();
      return null;
    }
    if (rune !== '/') return null;
    const token = this.#take(() => this.#scanner.scanRegex());
    return checkedRegex(token);
  }

  /** Names joined with points. Stops behind a point that a slash or a colon follows: the caller takes it from there. */
  segmentedIdents(): readonly string[] {
    const segments = [this.ident()];
    while (this.scan().kind === TokenKind.DOT) {
      const rune = this.peekRune();
      if (rune === '/' || rune === ':') return segments;
      segments.push(rune === '.' ? '' : this.ident());
    }
    this.unscan();
    return segments;
  }

  /** Runs a nested production and refuses texts nested too deeply. */
  nested<T>(production: () => T): T {
    if (++this.#depth > DEPTH_MAX) throw new ParseError('query is nested too deeply');
    const result = production();
    this.#depth--;
    return result;
  }

  #take(scan: () => Token): Token {
    if (this.#returned > 0) {
      const token = this.#history[this.#history.length - this.#returned];
      this.#returned--;
      if (token) return token;
    }
    let token = scan();
    if (token.kind === TokenKind.BOUNDPARAM) {
      const value = this.#parameters.get(token.literal.slice(1));
      if (value !== undefined && token.literal !== '$')
        token = { ...token, ...bindParameter(value) };
    }
    this.#history.push(token);
    if (this.#history.length > HISTORY) this.#history.shift();
    return token;
  }
}

/** The error for a token that may not stand where it does. */
export function unexpected(token: Token, expected: readonly string[]): ParseError {
  return ParseError.found(token.literal || token.kind, expected, token.position);
}

/** The source of a REGEX token, known to compile. */
export function checkedRegex(token: Token): string {
  switch (token.kind) {
    case TokenKind.REGEX:
      break;
    case TokenKind.BADREGEX:
      throw ParseError.at(`bad regex: ${token.literal}`, token.position);
    default:
      throw unexpected(token, ['regex']);
  }
  try {
    compileRegex(token.literal);
  } catch (thrown) {
    throw thrown instanceof ParseError ? ParseError.at(thrown.message, token.position) : thrown;
  }
  return token.literal;
}

function isSpace(rune: string): boolean {
  return rune === ' ' || rune === '\t' || rune === '\n';
}
