/**
 * Tokens of InfluxQL. A token's kind is the text that error messages print for it when it has no literal of its own.
 */

const OPERATORS = [
  '+',
  '-',
  '*',
  '/',
  '%',
  '&',
  '|',
  '^',
  'AND',
  'OR',
  '=',
  '!=',
  '=~',
  '!~',
  '<',
  '<=',
  '>',
  '>=',
] as const;

/** An operator of a binary expression. */
export type BinaryOperator = (typeof OPERATORS)[number];

const KEYWORDS = (
  'ALL ALTER ANALYZE ANY AS ASC BEGIN BY CARDINALITY CREATE CONTINUOUS DATABASE DATABASES DEFAULT DELETE DESC ' +
  'DESTINATIONS DIAGNOSTICS DISTINCT DROP DURATION END EVERY EXACT EXPLAIN FIELD FOR FROM GRANT GRANTS GROUP GROUPS IN ' +
  'INF INSERT INTO KEY KEYS KILL LIMIT MEASUREMENT MEASUREMENTS NAME OFFSET ON ORDER PASSWORD POLICY POLICIES PRIVILEGES ' +
  'QUERIES QUERY READ REPLICATION RESAMPLE RETENTION REVOKE SELECT SERIES SET SHARD SHARDS SHOW SLIMIT SOFFSET STATS ' +
  'SUBSCRIPTION SUBSCRIPTIONS TAG TO USER USERS VALUES WHERE WITH WRITE AND OR TRUE FALSE'
).split(' ');

const KEYWORD_SET: ReadonlySet<string> = new Set(KEYWORDS);
const OPERATOR_SET: ReadonlySet<string> = new Set(OPERATORS);

const PRECEDENCE: Readonly<Record<BinaryOperator, number>> = {
  OR: 1,
  AND: 2,
  '=': 3,
  '!=': 3,
  '=~': 3,
  '!~': 3,
  '<': 3,
  '<=': 3,
  '>': 3,
  '>=': 3,
  '+': 4,
  '-': 4,
  '|': 4,
  '^': 4,
  '*': 5,
  '/': 5,
  '%': 5,
  '&': 5,
};

/** Kinds of token that are neither a keyword nor an operator. */
export const TokenKind = {
  ILLEGAL: 'ILLEGAL',
  EOF: 'EOF',
  WS: 'WS',
  COMMENT: 'COMMENT',
  IDENT: 'IDENT',
  BOUNDPARAM: 'BOUNDPARAM',
  NUMBER: 'NUMBER',
  INTEGER: 'INTEGER',
  DURATIONVAL: 'DURATIONVAL',
  STRING: 'STRING',
  BADSTRING: 'BADSTRING',
  BADESCAPE: 'BADESCAPE',
  REGEX: 'REGEX',
  BADREGEX: 'BADREGEX',
  LPAREN: '(',
  RPAREN: ')',
  COMMA: ',',
  COLON: ':',
  DOUBLECOLON: '::',
  SEMICOLON: ';',
  DOT: '.',
} as const;

/** True for words that cannot be identifiers without quotes; any case. */
export function isKeyword(word: string): boolean {
  return KEYWORD_SET.has(word.toUpperCase());
}

/** True where a token kind is a binary operator. */
export function isOperator(kind: string): kind is BinaryOperator {
  return OPERATOR_SET.has(kind);
}

/** How tightly an operator binds; higher is tighter. */
export function precedenceOf(operator: BinaryOperator): number {
  return PRECEDENCE[operator];
}
