/**
 * What metadata is: databases, retention policies, shard groups, shards, users, continuous queries and subscriptions, as
 * immutable values. Changes are commands (`apply-command.ts`); the file form is `meta-codec.ts`. Nothing here knows a
 * clock or a file.
 */

/** Fields of a stored message that this version does not know, kept as their bytes so that a rewrite loses nothing. */
export interface Extensible {
  readonly unknownFields?: Uint8Array;
}

/** All metadata of a server. */
export interface MetaData extends Extensible {
  /** Always 0 outside a cluster of InfluxDB 0.11. */
  readonly term: number;
  /** Grows by one with every commit. */
  readonly index: number;
  readonly clusterId: bigint;
  /** In order of creation, as SHOW DATABASES lists them. */
  readonly databases: readonly Database[];
  readonly users: readonly User[];
  readonly nodeIdMax: number;
  readonly shardGroupIdMax: number;
  readonly shardIdMax: number;
}

/** A database. */
export interface Database extends Extensible {
  readonly name: string;
  /** May name a policy that has been dropped; '' for none. */
  readonly defaultRetentionPolicy: string;
  readonly retentionPolicies: readonly RetentionPolicy[];
  readonly continuousQueries: readonly ContinuousQuery[];
}

/** A retention policy with its shard groups. */
export interface RetentionPolicy extends Extensible {
  readonly name: string;
  /** How long points are kept; 0 for ever. */
  readonly durationNs: bigint;
  readonly shardGroupDurationNs: bigint;
  readonly replicaN: number;
  /** In order of time, deleted ones included until they are pruned. */
  readonly shardGroups: readonly ShardGroup[];
  readonly subscriptions: readonly Subscription[];
}

/** Shards of a span of time. */
export interface ShardGroup extends Extensible {
  readonly id: number;
  /** First nanosecond. */
  readonly startNs: bigint;
  /** One past the last nanosecond. */
  readonly endNs: bigint;
  /** When it was deleted; 0 while it lives. */
  readonly deletedAtNs: bigint;
  /** From here on it takes no points; 0 when not truncated. */
  readonly truncatedAtNs: bigint;
  readonly shards: readonly Shard[];
}

/** A shard and the nodes that hold it (none on a single node). */
export interface Shard extends Extensible {
  readonly id: number;
  readonly ownerIds: readonly number[];
}

/** A stored query that runs on a schedule. */
export interface ContinuousQuery extends Extensible {
  readonly name: string;
  /** The whole CREATE CONTINUOUS QUERY statement as printed by the parser. */
  readonly query: string;
}

/** Destinations that get a copy of every write to a retention policy. */
export interface Subscription extends Extensible {
  readonly name: string;
  /** `ALL` or `ANY`. */
  readonly mode: string;
  readonly destinations: readonly string[];
  /** Condition in InfluxQL on the points that are meant; empty for all. Tidegate's own: InfluxDB skips it. */
  readonly condition: string;
}

/** What a user may do in a database. Numbers are those of meta.db. */
export const Privilege = { NONE: 0, READ: 1, WRITE: 2, ALL: 3 } as const;
/** One of {@link Privilege}. */
export type Privilege = (typeof Privilege)[keyof typeof Privilege];

/** A privilege as SHOW GRANTS prints it. */
export function privilegeName(privilege: Privilege): string {
  return ['NO PRIVILEGES', 'READ', 'WRITE', 'ALL PRIVILEGES'][privilege] ?? '';
}

/** A user. */
export interface User extends Extensible {
  readonly name: string;
  /** bcrypt hash of the password. */
  readonly hash: string;
  readonly isAdmin: boolean;
  /** By database. */
  readonly privileges: ReadonlyMap<string, Privilege>;
}

/** Metadata of a new server. */
export function emptyMetaData(clusterId: bigint): MetaData {
  return {
    term: 0,
    index: 1,
    clusterId,
    databases: [],
    users: [],
    nodeIdMax: 0,
    shardGroupIdMax: 0,
    shardIdMax: 0,
  };
}

/** True when a group has been deleted. */
export const isDeleted = (group: ShardGroup): boolean => group.deletedAtNs !== 0n;

/** The end up to which a group takes points: its end, or where it was truncated. */
export const effectiveEndNs = (group: ShardGroup): bigint =>
  group.truncatedAtNs === 0n ? group.endNs : group.truncatedAtNs;
