/**
 * Expressions: operands, calls, casts and binary operators by precedence. Nothing here knows where an expression stands.
 */
import type { BinaryExpr, CastType, Expr, VarRef } from './ast.js';
import { ParseError } from './errors.js';
import type { Token } from './scanner.js';
import { parseInfluxqlDuration, quoteIdent } from './text-form.js';
import { TokenKind, isOperator, precedenceOf, type BinaryOperator } from './token.js';
import { checkedRegex, unexpected, type TokenCursor } from './token-cursor.js';

const OPERAND = ['identifier', 'string', 'number', 'bool'] as const;
const MAX_INT64 = 0x7fffffffffffffffn;
const MAX_UINT64 = 0xffffffffffffffffn;

/** expr = unary_expr { operator ( unary_expr | regex ) } ; higher precedence binds first, equal precedence to the left. */
export function parseExpr(cursor: TokenCursor): Expr {
  return cursor.nested(() => {
    const operands: Expr[] = [parseUnary(cursor)];
    const operators: BinaryOperator[] = [];
    for (;;) {
      const { kind } = cursor.scanSkippingSpace();
      if (!isOperator(kind)) {
        cursor.unscan();
        break;
      }
      const rhs = kind === '=~' || kind === '!~' ? parseRegexOperand(cursor) : parseUnary(cursor);
      while (operators.length > 0 && precedenceOf(operators.at(-1) ?? kind) >= precedenceOf(kind)) {
        foldLast(operands, operators);
      }
      operators.push(kind);
      operands.push(rhs);
    }
    while (operators.length > 0) foldLast(operands, operators);
    return operands[0] as Expr;
  });
}

function foldLast(operands: Expr[], operators: BinaryOperator[]): void {
  const op = operators.pop() as BinaryOperator;
  const rhs = operands.pop() as Expr;
  const lhs = operands.pop() as Expr;
  operands.push({ kind: 'binary', op, lhs, rhs } satisfies BinaryExpr);
}

/** `a.b.c [ "::" type ]`; nothing is consumed. */
export function parseVarRef(cursor: TokenCursor): VarRef {
  const segments = checkedSegments(cursor.segmentedIdents());
  const name = segments.join('.');
  if (cursor.scan().kind !== TokenKind.DOUBLECOLON) {
    cursor.unscan();
    return { kind: 'varRef', name, cast: null };
  }
  return { kind: 'varRef', name, cast: parseCast(cursor.scan()) };
}

/**
 * Segments of a name, at most three.
 * @throws ParseError `too many segments in …`
 */
export function checkedSegments(segments: readonly string[]): readonly string[] {
  if (segments.length <= 3) return segments;
  throw ParseError.at(`too many segments in ${quoteIdent(...segments)}`, { line: 0, char: 0 });
}

function parseCast(token: Token): CastType {
  if (token.kind === 'FIELD') return 'field';
  if (token.kind === 'TAG') return 'tag';
  if (token.kind !== TokenKind.IDENT) {
    throw unexpected(token, ['float', 'integer', 'string', 'boolean', 'field', 'tag']);
  }
  const type = token.literal.toLowerCase();
  switch (type) {
    case 'float':
    case 'integer':
    case 'unsigned':
    case 'string':
    case 'boolean':
      return type;
    default:
      throw unexpected(token, [
        'float',
        'integer',
        'unsigned',
        'string',
        'boolean',
        'field',
        'tag',
      ]);
  }
}

function parseRegexOperand(cursor: TokenCursor): Expr {
  const source = cursor.regex();
  if (source === null) throw unexpected(cursor.scanSkippingSpace(), ['regex']);
  return { kind: 'regex', source };
}

/** unary_expr = "(" expr ")" | var_ref | call | literal | wildcard | sign unary_expr */
function parseUnary(cursor: TokenCursor): Expr {
  const token = cursor.scanSkippingSpace();
  switch (token.kind) {
    case TokenKind.LPAREN: {
      const expr = parseExpr(cursor);
      cursor.expect(TokenKind.RPAREN);
      return { kind: 'paren', expr };
    }
    case TokenKind.IDENT:
      if (cursor.scan().kind === TokenKind.LPAREN) return parseCall(cursor, token.literal);
      cursor.unscan();
      cursor.unscan();
      return parseVarRef(cursor);
    case 'DISTINCT':
      return parseDistinct(cursor);
    case '*':
      return parseWildcard(cursor);
    case '+':
    case '-':
      return parseSigned(cursor, token.kind);
    case TokenKind.BOUNDPARAM: {
      const name = token.literal.startsWith('$') ? token.literal.slice(1) : token.literal;
      throw new ParseError(name === '' ? 'empty bound parameter' : `missing parameter: ${name}`);
    }
    default:
      return parseLiteral(token);
  }
}

function parseLiteral(token: Token): Expr {
  switch (token.kind) {
    case TokenKind.STRING:
      return { kind: 'string', value: token.literal };
    case TokenKind.NUMBER:
      return { kind: 'number', value: Number(token.literal) };
    case TokenKind.INTEGER: {
      const value = BigInt(token.literal);
      if (value > MAX_UINT64) throw ParseError.at('unable to parse integer', token.position);
      return value > MAX_INT64 ? { kind: 'unsigned', value } : { kind: 'integer', value };
    }
    case 'TRUE':
    case 'FALSE':
      return { kind: 'boolean', value: token.kind === 'TRUE' };
    case TokenKind.DURATIONVAL:
      return { kind: 'duration', valueNs: parseInfluxqlDuration(token.literal) };
    case TokenKind.REGEX:
      return { kind: 'regex', source: checkedRegex(token) };
    default:
      throw unexpected(token, OPERAND);
  }
}

/** call = name "(" [ ( regex | expr ) { "," ( regex | expr ) } ] ")" ; the name and "(" are consumed. */
function parseCall(cursor: TokenCursor, name: string): Expr {
  const call = { kind: 'call', name: name.toLowerCase() } as const;
  const first = cursor.regex();
  const args: Expr[] = [];
  if (first !== null) {
    args.push({ kind: 'regex', source: first });
  } else {
    if (cursor.accept(TokenKind.RPAREN)) return { ...call, args };
    args.push(parseExpr(cursor));
  }
  while (cursor.accept(TokenKind.COMMA)) {
    const source = cursor.regex();
    args.push(source === null ? parseExpr(cursor) : { kind: 'regex', source });
  }
  cursor.expect(TokenKind.RPAREN);
  return { ...call, args };
}

/** DISTINCT is consumed. */
function parseDistinct(cursor: TokenCursor): Expr {
  const token = cursor.scan();
  if (token.kind === TokenKind.LPAREN) return parseCall(cursor, 'distinct');
  if (token.kind !== TokenKind.WS) throw unexpected(token, ['(', 'identifier']);
  return { kind: 'distinct', name: cursor.ident() };
}

/** "*" is consumed. */
function parseWildcard(cursor: TokenCursor): Expr {
  if (cursor.scan().kind !== TokenKind.DOUBLECOLON) {
    cursor.unscan();
    return { kind: 'wildcard', only: null };
  }
  const token = cursor.scan();
  if (token.kind === 'FIELD') return { kind: 'wildcard', only: 'field' };
  if (token.kind === 'TAG') return { kind: 'wildcard', only: 'tag' };
  throw unexpected(token, ['field', 'tag']);
}

/** A sign before a number folds into it; before anything else it is a multiplication. The sign is consumed. */
function parseSigned(cursor: TokenCursor, sign: '+' | '-'): Expr {
  const token = cursor.scanSkippingSpace();
  const signable: readonly string[] = ['NUMBER', 'INTEGER', 'DURATIONVAL', '(', 'IDENT'];
  if (!signable.includes(token.kind)) {
    throw unexpected(token, ['identifier', 'number', 'duration', '(']);
  }
  cursor.unscan();
  const operand = parseUnary(cursor);
  const factor = sign === '-' ? -1n : 1n;
  switch (operand.kind) {
    case 'number':
      return { kind: 'number', value: Number(factor) * operand.value };
    case 'integer':
      return { kind: 'integer', value: factor * operand.value };
    case 'duration':
      return { kind: 'duration', valueNs: factor * operand.valueNs };
    case 'unsigned':
      if (sign === '+') return operand;
      if (operand.value === MAX_INT64 + 1n) return { kind: 'integer', value: -operand.value };
      throw new ParseError(`constant -${operand.value} underflows int64`);
    default:
      return { kind: 'binary', op: '*', lhs: { kind: 'integer', value: factor }, rhs: operand };
  }
}
