/**
 * Entry of the parser: which words open which statement. The order of the words is the order in which error texts list
 * them, hence not free.
 */
import type { Expr, SelectStatement, ShowPlainStatement, Statement } from './ast.js';
import { ParseError } from './errors.js';
import {
  parseCreateUser,
  parseGrant,
  parseKillQuery,
  parseRevoke,
  parseSetPassword,
} from './parse-access.js';
import { parseExpr } from './parse-expr.js';
import {
  parseAlterRetentionPolicy,
  parseCreateContinuousQuery,
  parseCreateDatabase,
  parseCreateRetentionPolicy,
  parseCreateSubscription,
  parseDeletion,
  parseDropInDatabase,
  parseDropNamed,
  parseDropShard,
  parseDropSubscription,
} from './parse-schema.js';
import { parseExplain, parseSelect } from './parse-select.js';
import {
  parseShowCardinality,
  parseShowFieldKeys,
  parseShowGrants,
  parseShowMeasurements,
  parseShowModule,
  parseShowRetentionPolicies,
  parseShowSeries,
  parseShowTagKeys,
  parseShowTagValues,
} from './parse-show.js';
import { TokenKind } from './token.js';
import { TokenCursor, unexpected, type ParseOptions } from './token-cursor.js';

type Production = (cursor: TokenCursor) => Statement;
/** What may follow a word: a production, or further words. */
interface WordTree {
  readonly [word: string]: Production | WordTree;
}

const plain =
  (kind: ShowPlainStatement['kind']): Production =>
  () => ({ kind });

const STATEMENTS: WordTree = {
  SELECT: (cursor) => parseSelect(cursor, 'optional'),
  DELETE: parseDeletion('delete'),
  SHOW: {
    CONTINUOUS: { QUERIES: plain('showContinuousQueries') },
    DATABASES: plain('showDatabases'),
    DIAGNOSTICS: parseShowModule('showDiagnostics'),
    FIELD: { KEY: parseShowCardinality('fieldKey'), KEYS: parseShowFieldKeys },
    GRANTS: parseShowGrants,
    MEASUREMENT: parseShowCardinality('measurement'),
    MEASUREMENTS: parseShowMeasurements,
    QUERIES: plain('showQueries'),
    RETENTION: { POLICIES: parseShowRetentionPolicies },
    SERIES: parseShowSeries,
    SHARD: { GROUPS: plain('showShardGroups') },
    SHARDS: plain('showShards'),
    STATS: parseShowModule('showStats'),
    SUBSCRIPTIONS: plain('showSubscriptions'),
    TAG: {
      KEY: parseShowCardinality('tagKey'),
      KEYS: parseShowTagKeys,
      VALUES: parseShowTagValues,
    },
    USERS: plain('showUsers'),
  },
  CREATE: {
    CONTINUOUS: { QUERY: parseCreateContinuousQuery },
    DATABASE: parseCreateDatabase,
    USER: parseCreateUser,
    RETENTION: { POLICY: parseCreateRetentionPolicy },
    SUBSCRIPTION: parseCreateSubscription,
  },
  DROP: {
    CONTINUOUS: { QUERY: parseDropInDatabase('dropContinuousQuery') },
    DATABASE: parseDropNamed('dropDatabase'),
    MEASUREMENT: parseDropNamed('dropMeasurement'),
    RETENTION: { POLICY: parseDropInDatabase('dropRetentionPolicy') },
    SERIES: parseDeletion('dropSeries'),
    SHARD: parseDropShard,
    SUBSCRIPTION: parseDropSubscription,
    USER: parseDropNamed('dropUser'),
  },
  EXPLAIN: parseExplain,
  GRANT: parseGrant,
  REVOKE: parseRevoke,
  ALTER: { RETENTION: { POLICY: parseAlterRetentionPolicy } },
  SET: { PASSWORD: parseSetPassword },
  KILL: { QUERY: parseKillQuery },
};

/**
 * Parses statements separated by semicolons.
 * @throws ParseError at the first one that does not parse, with InfluxDB 1.x's text
 */
export function parseQuery(text: string, options: ParseOptions = {}): readonly Statement[] {
  const cursor = new TokenCursor(text, options);
  const statements: Statement[] = [];
  let isSeparated = true;
  for (;;) {
    const token = cursor.scanSkippingSpace();
    if (token.kind === TokenKind.EOF) return statements;
    if (token.kind === TokenKind.SEMICOLON) {
      isSeparated = true;
      continue;
    }
    if (!isSeparated) throw unexpected(token, [';']);
    cursor.unscan();
    statements.push(parseWords(cursor, STATEMENTS));
    isSeparated = false;
  }
}

/**
 * Parses exactly one statement; what follows it is not looked at.
 * @throws ParseError
 */
export function parseStatement(text: string, options: ParseOptions = {}): Statement {
  return parseWords(new TokenCursor(text, options), STATEMENTS);
}

/**
 * Parses one SELECT.
 * @throws ParseError also where it is another statement
 */
export function parseSelectStatement(text: string): SelectStatement {
  const statement = parseStatement(text);
  if (statement.kind !== 'select') throw new ParseError('a SELECT statement is needed');
  return statement;
}

/**
 * Parses one expression.
 * @throws ParseError
 */
export function parseExpression(text: string, options: ParseOptions = {}): Expr {
  return parseExpr(new TokenCursor(text, options));
}

function parseWords(cursor: TokenCursor, tree: WordTree): Statement {
  const token = cursor.scanSkippingSpace();
  const next = Object.hasOwn(tree, token.kind) ? tree[token.kind] : undefined;
  if (typeof next === 'function') return next(cursor);
  if (next) return parseWords(cursor, next);
  const isFirst = tree === STATEMENTS;
  if ((isFirst || tree === STATEMENTS.SHOW) && token.kind === TokenKind.IDENT) {
    const text = token.literal.toUpperCase();
    const own = cursor.extensions
      .find(({ word, isFirstWord = false }) => word === text && isFirstWord === isFirst)
      ?.parse(cursor);
    if (own) return own;
  }
  throw unexpected(token, Object.keys(tree));
}
