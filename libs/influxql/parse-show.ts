/**
 * The SHOW statements.
 */
import type {
  CardinalityOf,
  ListLiteral,
  MeasurementSource,
  RegexLiteral,
  ShowClauses,
  ShowModuleStatement,
  Statement,
  StringLiteral,
  WithKey,
} from './ast.js';
import {
  parseCondition,
  parseDimensions,
  parseMeasurement,
  parseMeasurements,
  parseOrderBy,
} from './parse-select.js';
import { TokenKind } from './token.js';
import { unexpected, type TokenCursor } from './token-cursor.js';

const NO_CLAUSES: ShowClauses = {
  database: '',
  sources: [],
  condition: null,
  dimensions: [],
  sortFields: [],
  limit: 0,
  offset: 0,
  slimit: 0,
  soffset: 0,
};

/** "SHOW" "MEASUREMENTS" [ on ] [ with_measurement ] [ where ] [ order_by ] [ limit ] [ offset ] ; two words consumed. */
export function parseShowMeasurements(cursor: TokenCursor): Statement {
  return {
    kind: 'showMeasurements',
    ...NO_CLAUSES,
    database: parseOn(cursor),
    sources: parseWithMeasurement(cursor),
    condition: parseCondition(cursor),
    sortFields: parseOrderBy(cursor),
    limit: cursor.optionalCount('LIMIT'),
    offset: cursor.optionalCount('OFFSET'),
  };
}

/** [ "WITH" "MEASUREMENT" ( "=" | "=~" ) source ] */
function parseWithMeasurement(cursor: TokenCursor): readonly MeasurementSource[] {
  if (!cursor.accept('WITH')) return [];
  cursor.expect('MEASUREMENT');
  const operator = cursor.scanSkippingSpace();
  if (operator.kind !== '=' && operator.kind !== '=~') throw unexpected(operator, ['=', '=~']);
  return [parseMeasurement(cursor)];
}

/** "SHOW" "SERIES" [ [ "EXACT" ] "CARDINALITY" … | [ on ] [ from ] [ where ] [ order_by ] [ limit ] [ offset ] ] */
export function parseShowSeries(cursor: TokenCursor): Statement {
  const isExact = cursor.accept('EXACT');
  if (cursor.accept('CARDINALITY')) return parseCardinality(cursor, 'series', isExact);
  return {
    kind: 'showSeries',
    ...NO_CLAUSES,
    database: parseOn(cursor),
    sources: parseFrom(cursor),
    condition: parseCondition(cursor),
    sortFields: parseOrderBy(cursor),
    limit: cursor.optionalCount('LIMIT'),
    offset: cursor.optionalCount('OFFSET'),
  };
}

/** "SHOW" "TAG" "KEYS" [ on ] [ from ] [ where ] [ order_by ] [ limit ] [ offset ] [ slimit ] [ soffset ] */
export function parseShowTagKeys(cursor: TokenCursor): Statement {
  return {
    kind: 'showTagKeys',
    ...NO_CLAUSES,
    database: parseOn(cursor),
    sources: parseFrom(cursor),
    condition: parseCondition(cursor),
    sortFields: parseOrderBy(cursor),
    limit: cursor.optionalCount('LIMIT'),
    offset: cursor.optionalCount('OFFSET'),
    slimit: cursor.optionalCount('SLIMIT'),
    soffset: cursor.optionalCount('SOFFSET'),
  };
}

/** "SHOW" "FIELD" "KEYS" [ on ] [ from ] [ order_by ] [ limit ] [ offset ] */
export function parseShowFieldKeys(cursor: TokenCursor): Statement {
  return {
    kind: 'showFieldKeys',
    ...NO_CLAUSES,
    database: parseOn(cursor),
    sources: parseFrom(cursor),
    sortFields: parseOrderBy(cursor),
    limit: cursor.optionalCount('LIMIT'),
    offset: cursor.optionalCount('OFFSET'),
  };
}

/** "SHOW" "TAG" "VALUES" [ on ] [ from ] with_key [ where ] [ order_by ] [ limit ] [ offset ], or its CARDINALITY form. */
export function parseShowTagValues(cursor: TokenCursor): Statement {
  const isExact = cursor.accept('EXACT');
  if (isExact) cursor.expect('CARDINALITY');
  if (isExact || cursor.accept('CARDINALITY'))
    return parseCardinality(cursor, 'tagValues', isExact);
  return {
    kind: 'showTagValues',
    ...NO_CLAUSES,
    database: parseOn(cursor),
    sources: parseFrom(cursor),
    withKey: parseWithKey(cursor),
    condition: parseCondition(cursor),
    sortFields: parseOrderBy(cursor),
    limit: cursor.optionalCount('LIMIT'),
    offset: cursor.optionalCount('OFFSET'),
  };
}

/** [ "EXACT" ] "CARDINALITY" … of MEASUREMENT, TAG KEY and FIELD KEY; those words are consumed. */
export function parseShowCardinality(of: CardinalityOf): (cursor: TokenCursor) => Statement {
  return (cursor) => {
    const token = cursor.scanSkippingSpace();
    const isExact = token.kind === 'EXACT';
    if (isExact) cursor.expect('CARDINALITY');
    else if (token.kind !== 'CARDINALITY') throw unexpected(token, ['EXACT', 'CARDINALITY']);
    return parseCardinality(cursor, of, isExact);
  };
}

/** [ on ] [ from ] [ with_key ] [ where ] [ group_by ] [ limit ] [ offset ] ; CARDINALITY is consumed. */
function parseCardinality(cursor: TokenCursor, of: CardinalityOf, isExact: boolean): Statement {
  return {
    kind: 'showCardinality',
    of,
    isExact,
    ...NO_CLAUSES,
    database: parseOn(cursor),
    sources: parseFrom(cursor),
    withKey: of === 'tagValues' ? parseWithKey(cursor) : null,
    condition: parseCondition(cursor),
    dimensions: parseDimensions(cursor),
    limit: cursor.optionalCount('LIMIT'),
    offset: cursor.optionalCount('OFFSET'),
  };
}

/** "WITH" "KEY" ( ( "=" | "!=" ) ident | ( "=~" | "!~" ) regex | "IN" "(" ident { "," ident } ")" ) */
function parseWithKey(cursor: TokenCursor): WithKey {
  cursor.expect('WITH', 'KEY');
  const token = cursor.scanSkippingSpace();
  switch (token.kind) {
    case 'IN':
      return { op: 'IN', key: parseKeyList(cursor) };
    case '=':
    case '!=':
      return {
        op: token.kind,
        key: { kind: 'string', value: cursor.ident() } satisfies StringLiteral,
      };
    case '=~':
    case '!~': {
      const source = cursor.regex();
      if (source === null) throw unexpected(cursor.scanSkippingSpace(), ['regex']);
      return { op: token.kind, key: { kind: 'regex', source } satisfies RegexLiteral };
    }
    default:
      throw unexpected(token, ['IN', '=', '=~']);
  }
}

function parseKeyList(cursor: TokenCursor): ListLiteral {
  cursor.expect(TokenKind.LPAREN);
  const values: string[] = [];
  do {
    values.push(cursor.ident());
  } while (cursor.accept(TokenKind.COMMA));
  cursor.expect(TokenKind.RPAREN);
  return { kind: 'list', values };
}

/** "SHOW" "RETENTION" "POLICIES" [ on ] */
export function parseShowRetentionPolicies(cursor: TokenCursor): Statement {
  return { kind: 'showRetentionPolicies', database: parseOn(cursor) };
}

/** "SHOW" "GRANTS" "FOR" user ; two words consumed. */
export function parseShowGrants(cursor: TokenCursor): Statement {
  cursor.expect('FOR');
  return { kind: 'showGrants', user: cursor.ident() };
}

/** "SHOW" ( "STATS" | "DIAGNOSTICS" ) [ "FOR" string ] */
export function parseShowModule(
  kind: ShowModuleStatement['kind'],
): (cursor: TokenCursor) => Statement {
  return (cursor) => ({ kind, module: cursor.accept('FOR') ? cursor.string() : '' });
}

/** [ "ON" database ] */
function parseOn(cursor: TokenCursor): string {
  return cursor.accept('ON') ? cursor.ident() : '';
}

/** [ "FROM" measurements ] */
function parseFrom(cursor: TokenCursor): readonly MeasurementSource[] {
  return cursor.accept('FROM') ? parseMeasurements(cursor) : [];
}
