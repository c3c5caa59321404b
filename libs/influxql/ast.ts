/**
 * The syntax tree of InfluxQL: plain immutable data, one `kind` a node. What is done with nodes (printing, walking,
 * evaluating) lives elsewhere. Optional parts are null, '' (names) or 0 (limits), never undefined.
 */
import type { BinaryOperator } from './token.js';

/** A type named with `::` after a reference. `null` where the query does not say. */
export type CastType = 'float' | 'integer' | 'unsigned' | 'string' | 'boolean' | 'field' | 'tag';

/** A field, a tag or a bare name. */
export interface VarRef {
  readonly kind: 'varRef';
  readonly name: string;
  readonly cast: CastType | null;
}
/** A function call; the name is in lower case. */
export interface Call {
  readonly kind: 'call';
  readonly name: string;
  readonly args: readonly Expr[];
}
/** `DISTINCT f` without parentheses. */
export interface DistinctExpr {
  readonly kind: 'distinct';
  readonly name: string;
}
/** Two operands and an operator. */
export interface BinaryExpr {
  readonly kind: 'binary';
  readonly op: BinaryOperator;
  readonly lhs: Expr;
  readonly rhs: Expr;
}
/** An expression in parentheses. */
export interface ParenExpr {
  readonly kind: 'paren';
  readonly expr: Expr;
}
/** `*`, `*::field` or `*::tag`. */
export interface Wildcard {
  readonly kind: 'wildcard';
  readonly only: 'field' | 'tag' | null;
}
/** A regular expression in Go's syntax; known to compile. */
export interface RegexLiteral {
  readonly kind: 'regex';
  readonly source: string;
}
/** A float. */
export interface NumberLiteral {
  readonly kind: 'number';
  readonly value: number;
}
/** An int64. */
export interface IntegerLiteral {
  readonly kind: 'integer';
  readonly value: bigint;
}
/** An integer beyond int64 that fits uint64. */
export interface UnsignedLiteral {
  readonly kind: 'unsigned';
  readonly value: bigint;
}
/** A string in single quotes. */
export interface StringLiteral {
  readonly kind: 'string';
  readonly value: string;
}
/** `true` or `false`. */
export interface BooleanLiteral {
  readonly kind: 'boolean';
  readonly value: boolean;
}
/** A duration. */
export interface DurationLiteral {
  readonly kind: 'duration';
  readonly valueNs: bigint;
}
/** A moment; only made while expressions are reduced. May lie outside int64, which is an error where it is used. */
export interface TimeLiteral {
  readonly kind: 'time';
  readonly valueNs: bigint;
}
/** No value; only made while expressions are reduced. */
export interface NilLiteral {
  readonly kind: 'nil';
}
/** Names in parentheses, of `WITH KEY IN (…)`. */
export interface ListLiteral {
  readonly kind: 'list';
  readonly values: readonly string[];
}

/** A literal value. */
export type Literal =
  | NumberLiteral
  | IntegerLiteral
  | UnsignedLiteral
  | StringLiteral
  | BooleanLiteral
  | DurationLiteral
  | TimeLiteral
  | NilLiteral
  | RegexLiteral
  | ListLiteral;

/** Any expression. */
export type Expr = VarRef | Call | DistinctExpr | BinaryExpr | ParenExpr | Wildcard | Literal;

/** One column of a SELECT. */
export interface Field {
  readonly expr: Expr;
  /** '' without AS. */
  readonly alias: string;
}

/** A measurement, or those whose name matches. */
export interface MeasurementSource {
  readonly kind: 'measurement';
  readonly database: string;
  readonly retentionPolicy: string;
  /** '' where `regex` says which. */
  readonly name: string;
  readonly regex: string | null;
}
/** A SELECT in parentheses. */
export interface SubquerySource {
  readonly kind: 'subquery';
  readonly statement: SelectStatement;
}
/** What a statement reads from. */
export type Source = MeasurementSource | SubquerySource;

/** Destination of INTO. An empty name stands for `:MEASUREMENT`: the name read from. */
export interface IntoTarget {
  readonly database: string;
  readonly retentionPolicy: string;
  readonly name: string;
}

/** A key of ORDER BY; name is '' in `ORDER BY DESC`. */
export interface SortField {
  readonly name: string;
  readonly isAscending: boolean;
}

/** What empty windows become. */
export type Fill =
  | { readonly option: 'null' | 'none' | 'previous' | 'linear' }
  | { readonly option: 'number'; readonly value: NumberLiteral | IntegerLiteral };

/** SELECT. */
export interface SelectStatement {
  readonly kind: 'select';
  readonly fields: readonly Field[];
  readonly into: IntoTarget | null;
  readonly sources: readonly Source[];
  readonly condition: Expr | null;
  readonly dimensions: readonly Expr[];
  readonly fill: Fill;
  readonly sortFields: readonly SortField[];
  readonly limit: number;
  readonly offset: number;
  readonly slimit: number;
  readonly soffset: number;
  /** IANA name of tz(), '' for UTC, null without. */
  readonly timeZone: string | null;
}

/** EXPLAIN [ANALYZE]. */
export interface ExplainStatement {
  readonly kind: 'explain';
  readonly isAnalyze: boolean;
  readonly statement: SelectStatement;
}
/** DELETE. */
export interface DeleteStatement {
  readonly kind: 'delete';
  readonly sources: readonly MeasurementSource[];
  readonly condition: Expr | null;
}
/** DROP SERIES. */
export interface DropSeriesStatement {
  readonly kind: 'dropSeries';
  readonly sources: readonly MeasurementSource[];
  readonly condition: Expr | null;
}

/** Clauses of the SHOW forms over stored series. Those that a form does not have stay empty. */
export interface ShowClauses {
  /** '' for the request's database. */
  readonly database: string;
  readonly sources: readonly MeasurementSource[];
  readonly condition: Expr | null;
  readonly dimensions: readonly Expr[];
  readonly sortFields: readonly SortField[];
  readonly limit: number;
  readonly offset: number;
  readonly slimit: number;
  readonly soffset: number;
}
/** SHOW MEASUREMENTS; a WITH MEASUREMENT clause is in `sources`. */
export interface ShowMeasurementsStatement extends ShowClauses {
  readonly kind: 'showMeasurements';
}
/** SHOW SERIES. */
export interface ShowSeriesStatement extends ShowClauses {
  readonly kind: 'showSeries';
}
/** SHOW TAG KEYS. */
export interface ShowTagKeysStatement extends ShowClauses {
  readonly kind: 'showTagKeys';
}
/** SHOW FIELD KEYS. */
export interface ShowFieldKeysStatement extends ShowClauses {
  readonly kind: 'showFieldKeys';
}
/** Which tag keys SHOW TAG VALUES is about. */
export interface WithKey {
  readonly op: '=' | '!=' | '=~' | '!~' | 'IN';
  readonly key: StringLiteral | RegexLiteral | ListLiteral;
}
/** SHOW TAG VALUES. */
export interface ShowTagValuesStatement extends ShowClauses {
  readonly kind: 'showTagValues';
  readonly withKey: WithKey;
}
/** What a CARDINALITY form counts. */
export type CardinalityOf = 'series' | 'measurement' | 'tagKey' | 'tagValues' | 'fieldKey';
/** SHOW … [EXACT] CARDINALITY. */
export interface ShowCardinalityStatement extends ShowClauses {
  readonly kind: 'showCardinality';
  readonly of: CardinalityOf;
  readonly isExact: boolean;
  /** Of tag values only. */
  readonly withKey: WithKey | null;
}
/** SHOW statements without clauses. */
export interface ShowPlainStatement {
  readonly kind:
    | 'showContinuousQueries'
    | 'showDatabases'
    | 'showQueries'
    | 'showShardGroups'
    | 'showShards'
    | 'showSubscriptions'
    | 'showUsers';
}
/** SHOW RETENTION POLICIES. */
export interface ShowRetentionPoliciesStatement {
  readonly kind: 'showRetentionPolicies';
  readonly database: string;
}
/** SHOW GRANTS FOR. */
export interface ShowGrantsStatement {
  readonly kind: 'showGrants';
  readonly user: string;
}
/** SHOW STATS and SHOW DIAGNOSTICS. */
export interface ShowModuleStatement {
  readonly kind: 'showStats' | 'showDiagnostics';
  /** '' for all. */
  readonly module: string;
}

/** Options of a retention policy; null where not given. */
export interface RetentionPolicyOptions {
  readonly durationNs: bigint | null;
  readonly replication: number | null;
  readonly shardDurationNs: bigint | null;
}
/** CREATE DATABASE; `policy` null without WITH. */
export interface CreateDatabaseStatement {
  readonly kind: 'createDatabase';
  readonly name: string;
  readonly policy: (RetentionPolicyOptions & { readonly name: string }) | null;
}
/** CREATE RETENTION POLICY. */
export interface CreateRetentionPolicyStatement {
  readonly kind: 'createRetentionPolicy';
  readonly name: string;
  readonly database: string;
  readonly durationNs: bigint;
  readonly replication: number;
  readonly shardDurationNs: bigint | null;
  readonly isDefault: boolean;
}
/** ALTER RETENTION POLICY. */
export interface AlterRetentionPolicyStatement extends RetentionPolicyOptions {
  readonly kind: 'alterRetentionPolicy';
  readonly name: string;
  readonly database: string;
  readonly isDefault: boolean;
}
/** CREATE CONTINUOUS QUERY. */
export interface CreateContinuousQueryStatement {
  readonly kind: 'createContinuousQuery';
  readonly name: string;
  readonly database: string;
  readonly source: SelectStatement;
  /** 0 without RESAMPLE EVERY. */
  readonly resampleEveryNs: bigint;
  /** 0 without RESAMPLE FOR. */
  readonly resampleForNs: bigint;
}
/** CREATE SUBSCRIPTION. */
export interface CreateSubscriptionStatement {
  readonly kind: 'createSubscription';
  readonly name: string;
  readonly database: string;
  readonly retentionPolicy: string;
  readonly mode: 'ALL' | 'ANY';
  readonly destinations: readonly string[];
  /** Which points are meant, by tags and (as `_name`) measurement; null for all. Tidegate's own. */
  readonly condition: Expr | null;
}
/** CREATE USER. */
export interface CreateUserStatement {
  readonly kind: 'createUser';
  readonly name: string;
  readonly password: string;
  readonly isAdmin: boolean;
}
/** SET PASSWORD. */
export interface SetPasswordStatement {
  readonly kind: 'setPassword';
  readonly name: string;
  readonly password: string;
}
/** DROP of something that is only a name. */
export interface DropNamedStatement {
  readonly kind: 'dropDatabase' | 'dropMeasurement' | 'dropUser';
  readonly name: string;
}
/** DROP of something in a database. */
export interface DropInDatabaseStatement {
  readonly kind: 'dropContinuousQuery' | 'dropRetentionPolicy';
  readonly name: string;
  readonly database: string;
}
/** DROP SUBSCRIPTION. */
export interface DropSubscriptionStatement {
  readonly kind: 'dropSubscription';
  readonly name: string;
  readonly database: string;
  readonly retentionPolicy: string;
}
/** DROP SHARD. */
export interface DropShardStatement {
  readonly kind: 'dropShard';
  readonly id: bigint;
}
/** What a user may do with a database. */
export type Privilege = 'READ' | 'WRITE' | 'ALL PRIVILEGES';
/** GRANT … ON and REVOKE … ON. */
export interface DatabaseGrantStatement {
  readonly kind: 'grant' | 'revoke';
  readonly privilege: Privilege;
  readonly database: string;
  readonly user: string;
}
/** GRANT ALL and REVOKE ALL without a database: the administrator's right. */
export interface AdminGrantStatement {
  readonly kind: 'grantAdmin' | 'revokeAdmin';
  readonly user: string;
}
/** KILL QUERY. */
export interface KillQueryStatement {
  readonly kind: 'killQuery';
  readonly queryId: bigint;
  /** '' without ON. */
  readonly host: string;
}
/** A statement of Tidegate's own, recognised by a registered extension. */
export interface ExtensionStatement {
  readonly kind: 'extension';
  /** Name of the extension that made it. */
  readonly name: string;
  /** The statement's normalised text. */
  readonly text: string;
  readonly options: Readonly<Record<string, string | number | boolean>>;
  readonly privileges: 'admin' | 'read';
}

/** Any statement. */
export type Statement =
  | SelectStatement
  | ExplainStatement
  | DeleteStatement
  | DropSeriesStatement
  | ShowMeasurementsStatement
  | ShowSeriesStatement
  | ShowTagKeysStatement
  | ShowFieldKeysStatement
  | ShowTagValuesStatement
  | ShowCardinalityStatement
  | ShowPlainStatement
  | ShowRetentionPoliciesStatement
  | ShowGrantsStatement
  | ShowModuleStatement
  | CreateDatabaseStatement
  | CreateRetentionPolicyStatement
  | AlterRetentionPolicyStatement
  | CreateContinuousQueryStatement
  | CreateSubscriptionStatement
  | CreateUserStatement
  | SetPasswordStatement
  | DropNamedStatement
  | DropInDatabaseStatement
  | DropSubscriptionStatement
  | DropShardStatement
  | DatabaseGrantStatement
  | AdminGrantStatement
  | KillQueryStatement
  | ExtensionStatement;
