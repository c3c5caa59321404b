/**
 * SELECT with its clauses, EXPLAIN, and the clauses that other statements share with it (FROM, WHERE, ORDER BY).
 */
import type {
  ExplainStatement,
  Expr,
  Field,
  Fill,
  IntoTarget,
  MeasurementSource,
  SelectStatement,
  SortField,
  Source,
} from './ast.js';
import { ParseError } from './errors.js';
import { checkedSegments, parseExpr } from './parse-expr.js';
import type { Position } from './rune-reader.js';
import { isKnownTimeZone } from './time-zone.js';
import { TokenKind } from './token.js';
import { unexpected, type TokenCursor } from './token-cursor.js';
import { findExpr } from './visitor.js';

/** Whether a SELECT may, or must, have INTO. */
export type IntoRule = 'optional' | 'required';

/**
 * select = "SELECT" fields [ into ] from [ where ] [ group_by ] [ fill ] [ order_by ] [ limit ] [ offset ] [ slimit ]
 * [ soffset ] [ tz ] ; SELECT is consumed.
 */
export function parseSelect(cursor: TokenCursor, into: IntoRule): SelectStatement {
  return cursor.nested(() => {
    const fields = parseFields(cursor);
    const target = parseInto(cursor, into);
    cursor.expect('FROM');
    return {
      kind: 'select',
      fields,
      into: target,
      sources: parseSources(cursor),
      condition: parseCondition(cursor),
      dimensions: parseDimensions(cursor),
      fill: parseFill(cursor),
      sortFields: parseOrderBy(cursor),
      limit: cursor.optionalCount('LIMIT'),
      offset: cursor.optionalCount('OFFSET'),
      slimit: cursor.optionalCount('SLIMIT'),
      soffset: cursor.optionalCount('SOFFSET'),
      timeZone: parseTimeZone(cursor),
    };
  });
}

/** "EXPLAIN" [ "ANALYZE" ] select ; EXPLAIN is consumed. */
export function parseExplain(cursor: TokenCursor): ExplainStatement {
  const isAnalyze = cursor.accept('ANALYZE');
  cursor.expect('SELECT');
  return { kind: 'explain', isAnalyze, statement: parseSelect(cursor, 'optional') };
}

/** field { "," field } */
function parseFields(cursor: TokenCursor): readonly Field[] {
  const fields: Field[] = [];
  do {
    fields.push(parseField(cursor));
  } while (cursor.accept(TokenKind.COMMA));
  return fields;
}

/** field = ( regex | expr ) [ "AS" ident ] */
function parseField(cursor: TokenCursor): Field {
  const source = cursor.regex();
  let expr: Expr;
  if (source === null) {
    const { position } = cursor.scanSkippingSpace();
    cursor.unscan();
    expr = parseExpr(cursor);
    refuseComparison(expr, position);
  } else {
    expr = { kind: 'regex', source };
  }
  const alias = cursor.accept('AS') ? cursor.ident() : '';
  cursor.consumeWhitespace();
  return { expr, alias };
}

function refuseComparison(expr: Expr, position: Position): void {
  const found = findExpr(expr, (node) => node.kind === 'binary' && !'+-*/%&|^'.includes(node.op));
  if (found?.kind !== 'binary') return;
  const place = `line ${position.line + 1}, char ${position.char + 1}`;
  throw new ParseError(
    `invalid operator ${found.op} in SELECT clause at ${place}; operator is intended for WHERE clause`,
  );
}

/** [ "INTO" target ] */
function parseInto(cursor: TokenCursor, rule: IntoRule): IntoTarget | null {
  const token = cursor.scanSkippingSpace();
  if (token.kind !== 'INTO') {
    if (rule === 'required') throw unexpected(token, ['INTO']);
    cursor.unscan();
    return null;
  }
  const segments = cursor.segmentedIdents();
  if (segments.length < 3 && cursor.peekRune() === ':') {
    cursor.expect(TokenKind.COLON, 'MEASUREMENT');
    return segments.length === 2
      ? { database: segments[0] ?? '', retentionPolicy: segments[1] ?? '', name: '' }
      : { database: '', retentionPolicy: segments[0] ?? '', name: '' };
  }
  return nameParts(checkedSegments(segments));
}

/** `[db.[rp].]name` */
function nameParts(segments: readonly string[]): IntoTarget {
  const [first = '', second = '', third = ''] = segments;
  if (segments.length === 1) return { database: '', retentionPolicy: '', name: first };
  if (segments.length === 2) return { database: '', retentionPolicy: first, name: second };
  return { database: first, retentionPolicy: second, name: third };
}

/** source { "," source } ; FROM is consumed. */
function parseSources(cursor: TokenCursor): readonly Source[] {
  const sources: Source[] = [];
  do {
    sources.push(parseSource(cursor));
  } while (cursor.accept(TokenKind.COMMA));
  return sources;
}

/** Measurements only, as SHOW and DELETE take them; FROM is consumed. */
export function parseMeasurements(cursor: TokenCursor): readonly MeasurementSource[] {
  const sources: MeasurementSource[] = [];
  do {
    sources.push(parseMeasurement(cursor));
  } while (cursor.accept(TokenKind.COMMA));
  return sources;
}

/** source = "(" select ")" | measurement */
function parseSource(cursor: TokenCursor): Source {
  const source = cursor.regex();
  if (source !== null) return regexSource([], source);
  if (!cursor.accept(TokenKind.LPAREN)) return parseNamedMeasurement(cursor);
  cursor.expect('SELECT');
  const statement = parseSelect(cursor, 'optional');
  cursor.expect(TokenKind.RPAREN);
  return { kind: 'subquery', statement };
}

/** measurement = regex | [ [ db "." ] [ rp ] "." ] ( name | regex ) */
export function parseMeasurement(cursor: TokenCursor): MeasurementSource {
  const leading = cursor.regex();
  return leading === null ? parseNamedMeasurement(cursor) : regexSource([], leading);
}

/** A measurement that does not begin with a regex; looking for one again would move the place of the text's end. */
function parseNamedMeasurement(cursor: TokenCursor): MeasurementSource {
  const segments = cursor.segmentedIdents();
  const isFull = segments.length >= 3;
  const source = isFull ? null : cursor.regex();
  if (source !== null) return regexSource(segments, source);
  return { kind: 'measurement', ...nameParts(checkedSegments(segments)), regex: null };
}

function regexSource(segments: readonly string[], source: string): MeasurementSource {
  const parts = nameParts([...segments, '']);
  return { kind: 'measurement', ...parts, regex: source };
}

/** [ "WHERE" expr ] */
export function parseCondition(cursor: TokenCursor): Expr | null {
  return cursor.accept('WHERE') ? parseExpr(cursor) : null;
}

/** [ "GROUP" "BY" dimension { "," dimension } ] ; a dimension is a regex or an expression. */
export function parseDimensions(cursor: TokenCursor): readonly Expr[] {
  if (!cursor.accept('GROUP')) return [];
  cursor.expect('BY');
  const dimensions: Expr[] = [];
  do {
    const source = cursor.regex();
    dimensions.push(source === null ? parseExpr(cursor) : { kind: 'regex', source });
    cursor.consumeWhitespace();
  } while (cursor.accept(TokenKind.COMMA));
  return dimensions;
}

/** [ "fill" "(" option ")" ] ; fill is not a keyword. */
function parseFill(cursor: TokenCursor): Fill {
  const call = parseTrailingCall(cursor, 'fill');
  if (!call) return { option: 'null' };
  const [argument] = call;
  if (!argument || call.length !== 1) {
    throw new ParseError('fill requires an argument, e.g.: 0, null, none, previous, linear');
  }
  if (argument.kind === 'number' || argument.kind === 'integer')
    return { option: 'number', value: argument };
  const name = argument.kind === 'varRef' ? argument.name : '';
  if (name === 'null' || name === 'none' || name === 'previous' || name === 'linear')
    return { option: name };
  throw new ParseError('expected number argument in fill()');
}

/** [ "tz" "(" string ")" ] ; tz is not a keyword. */
function parseTimeZone(cursor: TokenCursor): string | null {
  const call = parseTrailingCall(cursor, 'tz');
  if (!call) return null;
  const [argument] = call;
  if (!argument || call.length !== 1) throw new ParseError('tz requires exactly one argument');
  if (argument.kind !== 'string') throw new ParseError('expected string argument in tz()');
  if (!isKnownTimeZone(argument.value)) {
    throw new ParseError(`unable to find time zone ${argument.value}`);
  }
  return argument.value;
}

/** Arguments of a call by this name if it comes next, else null. */
function parseTrailingCall(cursor: TokenCursor, name: string): readonly Expr[] | null {
  const token = cursor.scanSkippingSpace();
  cursor.unscan();
  if (token.kind !== TokenKind.IDENT || token.literal.toLowerCase() !== name) return null;
  const expr = parseExpr(cursor);
  if (expr.kind !== 'call') throw new ParseError(`${name} must be a function call`);
  return expr.args;
}

/** [ "ORDER" "BY" sort_field { "," sort_field } ] ; only time, alone, is allowed. */
export function parseOrderBy(cursor: TokenCursor): readonly SortField[] {
  if (!cursor.accept('ORDER')) return [];
  cursor.expect('BY');
  const token = cursor.scanSkippingSpace();
  const isBare = token.kind === 'ASC' || token.kind === 'DESC';
  if (!isBare && token.kind !== TokenKind.IDENT)
    throw unexpected(token, ['identifier', 'ASC', 'DESC']);
  const fields: SortField[] = [];
  if (isBare) {
    fields.push({ name: '', isAscending: token.kind === 'ASC' });
  } else {
    cursor.unscan();
    fields.push(parseSortField(cursor));
    if (token.literal !== 'time') throw new ParseError('only ORDER BY time supported at this time');
  }
  while (cursor.accept(TokenKind.COMMA)) fields.push(parseSortField(cursor));
  if (fields.length > 1) throw new ParseError('only ORDER BY time supported at this time');
  return fields;
}

/** ident [ "ASC" | "DESC" ] */
function parseSortField(cursor: TokenCursor): SortField {
  const name = cursor.ident();
  const token = cursor.scanSkippingSpace();
  if (token.kind !== 'ASC' && token.kind !== 'DESC') cursor.unscan();
  return { name, isAscending: token.kind !== 'DESC' };
}
