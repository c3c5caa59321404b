/**
 * Statements that change databases, retention policies, continuous queries, subscriptions and stored series.
 */
import type { MeasurementSource, RetentionPolicyOptions, Statement } from './ast.js';
import { ParseError } from './errors.js';
import { parseCondition, parseMeasurements, parseSelect } from './parse-select.js';
import { formatInfluxqlDuration } from './text-form.js';
import { TokenKind } from './token.js';
import { unexpected, type TokenCursor } from './token-cursor.js';
import { callsIn, groupByInterval } from './select-shape.js';

/** "CREATE" "DATABASE" name [ "WITH" options ] ; two words consumed. */
export function parseCreateDatabase(cursor: TokenCursor): Statement {
  const name = cursor.ident();
  if (!cursor.accept('WITH')) return { kind: 'createDatabase', name, policy: null };
  const token = cursor.scanSkippingSpace();
  const options = ['DURATION', 'NAME', 'REPLICATION', 'SHARD'];
  if (!options.includes(token.kind)) throw unexpected(token, options);
  cursor.unscan();
  const durationNs = cursor.accept('DURATION') ? cursor.duration() : null;
  const replication = cursor.accept('REPLICATION') ? parseReplication(cursor) : null;
  const shardDurationNs = cursor.accept('SHARD') ? parseShardDuration(cursor) : null;
  const policyName = cursor.accept('NAME') ? cursor.ident() : '';
  const policy = { durationNs, replication, shardDurationNs, name: policyName };
  return { kind: 'createDatabase', name, policy };
}

/** "CREATE" "RETENTION" "POLICY" name "ON" db "DURATION" d "REPLICATION" n [ "SHARD" "DURATION" d ] [ "DEFAULT" ] */
export function parseCreateRetentionPolicy(cursor: TokenCursor): Statement {
  const name = cursor.ident();
  cursor.expect('ON');
  const database = cursor.ident();
  cursor.expect('DURATION');
  const durationNs = cursor.duration();
  cursor.expect('REPLICATION');
  const replication = parseReplication(cursor);
  const shardDurationNs = cursor.accept('SHARD') ? parseFiniteShardDuration(cursor) : null;
  const isDefault = cursor.accept('DEFAULT');
  return {
    kind: 'createRetentionPolicy',
    name,
    database,
    durationNs,
    replication,
    shardDurationNs,
    isDefault,
  };
}

/** "ALTER" "RETENTION" "POLICY" name "ON" db option { option } ; each option once, in any order. */
export function parseAlterRetentionPolicy(cursor: TokenCursor): Statement {
  const name = cursor.ident();
  cursor.expect('ON');
  const database = cursor.ident();
  const known = ['DURATION', 'REPLICATION', 'SHARD', 'DEFAULT'];
  const seen = new Set<string>();
  const options: { -readonly [key in keyof RetentionPolicyOptions]: RetentionPolicyOptions[key] } =
    {
      durationNs: null,
      replication: null,
      shardDurationNs: null,
    };
  for (;;) {
    const token = cursor.scanSkippingSpace();
    if (!known.includes(token.kind)) {
      if (seen.size === 0) throw unexpected(token, known);
      cursor.unscan();
      break;
    }
    if (seen.has(token.kind))
      throw ParseError.at(`found duplicate ${token.kind} option`, token.position);
    seen.add(token.kind);
    if (token.kind === 'DURATION') options.durationNs = cursor.duration();
    else if (token.kind === 'REPLICATION') options.replication = parseReplication(cursor);
    else if (token.kind === 'SHARD') options.shardDurationNs = parseFiniteShardDuration(cursor);
  }
  return {
    kind: 'alterRetentionPolicy',
    name,
    database,
    ...options,
    isDefault: seen.has('DEFAULT'),
  };
}

function parseReplication(cursor: TokenCursor): number {
  const token = cursor.integer();
  const count = Number(token.literal);
  if (count >= 1 && count <= 0x7fffffff) return count;
  throw ParseError.at(
    `invalid value ${token.literal}: must be 1 <= n <= 2147483647`,
    token.position,
  );
}

/** SHARD is consumed. */
function parseShardDuration(cursor: TokenCursor): bigint {
  cursor.expect('DURATION');
  return cursor.duration();
}

/** As {@link parseShardDuration}, for policies of their own: a group of shards has an end. */
function parseFiniteShardDuration(cursor: TokenCursor): bigint {
  cursor.expect('DURATION');
  const token = cursor.scanSkippingSpace();
  if (token.kind === 'INF')
    throw ParseError.at('invalid duration INF for shard duration', token.position);
  cursor.unscan();
  return cursor.duration();
}

/** "DROP" "RETENTION" "POLICY" name "ON" db, and "DROP" "CONTINUOUS" "QUERY" likewise. */
export function parseDropInDatabase(
  kind: 'dropRetentionPolicy' | 'dropContinuousQuery',
): (cursor: TokenCursor) => Statement {
  return (cursor) => {
    const name = cursor.ident();
    cursor.expect('ON');
    return { kind, name, database: cursor.ident() };
  };
}

/** "DROP" "DATABASE" | "MEASUREMENT" | "USER" name */
export function parseDropNamed(
  kind: 'dropDatabase' | 'dropMeasurement' | 'dropUser',
): (cursor: TokenCursor) => Statement {
  return (cursor) => ({ kind, name: cursor.ident() });
}

/** "DROP" "SHARD" id */
export function parseDropShard(cursor: TokenCursor): Statement {
  return { kind: 'dropShard', id: cursor.uint64() };
}

/** "DROP" "SERIES" and "DELETE": [ from ] [ where ], at least one of them; those words are consumed. */
export function parseDeletion(kind: 'dropSeries' | 'delete'): (cursor: TokenCursor) => Statement {
  return (cursor) => {
    const token = cursor.scanSkippingSpace();
    let sources: readonly MeasurementSource[] = [];
    if (token.kind === 'FROM') {
      sources = parseMeasurements(cursor);
      sources.forEach(refuseQualified);
    } else if (token.kind === 'WHERE') {
      cursor.unscan();
    } else {
      throw unexpected(token, ['FROM', 'WHERE']);
    }
    return { kind, sources, condition: parseCondition(cursor) };
  };
}

function refuseQualified(source: MeasurementSource): void {
  const start = { line: 0, char: 0 };
  if (source.retentionPolicy !== '') throw ParseError.at('retention policy not supported', start);
  if (source.database !== '') throw ParseError.at('database not supported', start);
}

/** "CREATE" "SUBSCRIPTION" name "ON" db "." rp "DESTINATIONS" ( "ALL" | "ANY" ) string { "," string } [ "WHERE" expr ] */
export function parseCreateSubscription(cursor: TokenCursor): Statement {
  const name = cursor.ident();
  const { database, retentionPolicy } = parsePolicyName(cursor);
  cursor.expect('DESTINATIONS');
  const token = cursor.scanSkippingSpace();
  if (token.kind !== 'ALL' && token.kind !== 'ANY') throw unexpected(token, ['ALL', 'ANY']);
  const destinations: string[] = [];
  do {
    destinations.push(cursor.string());
  } while (cursor.accept(TokenKind.COMMA));
  return {
    kind: 'createSubscription',
    name,
    database,
    retentionPolicy,
    mode: token.kind,
    destinations,
    condition: parseCondition(cursor),
  };
}

/** "DROP" "SUBSCRIPTION" name "ON" db "." rp */
export function parseDropSubscription(cursor: TokenCursor): Statement {
  const name = cursor.ident();
  return { kind: 'dropSubscription', name, ...parsePolicyName(cursor) };
}

function parsePolicyName(cursor: TokenCursor): {
  readonly database: string;
  readonly retentionPolicy: string;
} {
  cursor.expect('ON');
  const database = cursor.ident();
  // No white space before the dot, but behind it. Same as InfluxDB 1.x.
  const dot = cursor.scan();
  if (dot.kind !== TokenKind.DOT) throw unexpected(dot, [TokenKind.DOT]);
  return { database, retentionPolicy: cursor.ident() };
}

/**
 * "CREATE" "CONTINUOUS" "QUERY" name "ON" db [ "RESAMPLE" [ "EVERY" d ] [ "FOR" d ] ] "BEGIN" select "END" ; the first
 * three words are consumed. An aggregate needs GROUP BY time(…).
 */
export function parseCreateContinuousQuery(cursor: TokenCursor): Statement {
  const name = cursor.ident();
  cursor.expect('ON');
  const database = cursor.ident();
  const { everyNs, forNs } = parseResample(cursor);
  cursor.expect('BEGIN', 'SELECT');
  const source = parseSelect(cursor, 'required');
  const interval = groupByInterval(source.dimensions);
  const fault = 'fault' in interval ? interval.fault : null;
  let intervalNs = 'fault' in interval ? 0n : interval.intervalNs;
  if (callsIn(source).length > 0 && intervalNs === 0n) {
    cursor.unscan();
    cursor.unscan();
    const expected = ['GROUP BY time(...)', ...(fault === null ? [] : [fault])];
    throw unexpected(cursor.scanSkippingSpace(), expected);
  }
  cursor.expect('END');
  if (fault !== null) throw new ParseError(fault);
  if (everyNs > intervalNs) intervalNs = everyNs;
  if (forNs !== 0n && intervalNs > forNs) {
    throw new ParseError(
      'FOR duration must be >= GROUP BY time duration: must be a minimum of ' +
        `${formatInfluxqlDuration(intervalNs)}, got ${formatInfluxqlDuration(forNs)}`,
    );
  }
  return {
    kind: 'createContinuousQuery',
    name,
    database,
    source,
    resampleEveryNs: everyNs,
    resampleForNs: forNs,
  };
}

function parseResample(cursor: TokenCursor): { readonly everyNs: bigint; readonly forNs: bigint } {
  if (!cursor.accept('RESAMPLE')) return { everyNs: 0n, forNs: 0n };
  const token = cursor.scanSkippingSpace();
  if (token.kind !== 'EVERY' && token.kind !== 'FOR') throw unexpected(token, ['EVERY', 'FOR']);
  cursor.unscan();
  const everyNs = cursor.accept('EVERY') ? cursor.duration() : 0n;
  const forNs = cursor.accept('FOR') ? cursor.duration() : 0n;
  if (everyNs === 0n && forNs === 0n)
    throw unexpected(cursor.scanSkippingSpace(), ['EVERY', 'FOR']);
  return { everyNs, forNs };
}
