/**
 * Errors of the query language. Their messages are InfluxDB 1.x's texts byte for byte: clients match on them.
 */
import { TidegateError } from '#kernel';
import type { Position } from './rune-reader.js';

/** A query text that does not parse. `httpd` prefixes the message with `error parsing query: `. */
export class ParseError extends TidegateError {
  /** @param message the complete text after `error parsing query: ` */
  constructor(message: string) {
    super('influxql.parse', message);
  }

  /** `found x, expected a, b at line 1, char 2`. */
  static found(found: string, expected: readonly string[], at: Position): ParseError {
    return new ParseError(`found ${found}, expected ${expected.join(', ')} ${place(at)}`);
  }

  /** A message with the place appended. */
  static at(message: string, at: Position): ParseError {
    return new ParseError(`${message} ${place(at)}`);
  }
}

/** An expression that parses but has no meaning where it stands, found when a statement is executed. */
export class ExpressionError extends TidegateError {
  constructor(message: string) {
    super('influxql.expression', message);
  }
}

function place(at: Position): string {
  return `at line ${at.line + 1}, char ${at.char + 1}`;
}
