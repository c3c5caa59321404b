/**
 * One state of the metadata, ready for look-ups: by name, and by time. Immutable; what did not change between two states
 * is shared, so that a commit rebuilds only what it touched.
 */
import type { Database, MetaData, RetentionPolicy, ShardGroup, User } from './meta-data.js';
import { ShardGroupIndex } from './shard-group-index.js';

/** A retention policy with its groups sorted for look-ups. */
export class RetentionPolicyView {
  /** Groups of the policy that live. */
  readonly groups: ShardGroupIndex;

  constructor(readonly policy: RetentionPolicy) {
    this.groups = new ShardGroupIndex(policy.shardGroups);
  }
}

/** A shard with where it belongs. */
export interface ShardPlace {
  readonly database: string;
  readonly retentionPolicy: string;
  readonly group: ShardGroup;
}

const policyViews = new WeakMap<RetentionPolicy, RetentionPolicyView>();
const policyMaps = new WeakMap<Database, ReadonlyMap<string, RetentionPolicyView>>();

/** Look-ups over one state. */
export class MetaSnapshot {
  private readonly databasesByName: ReadonlyMap<string, Database>;
  private readonly usersByName: ReadonlyMap<string, User>;
  private places: ReadonlyMap<number, ShardPlace> | null = null;

  constructor(readonly data: MetaData) {
    this.databasesByName = new Map(data.databases.map((database) => [database.name, database]));
    this.usersByName = new Map(data.users.map((user) => [user.name, user]));
  }

  database(name: string): Database | undefined {
    return this.databasesByName.get(name);
  }

  user(name: string): User | undefined {
    return this.usersByName.get(name);
  }

  /** True when any user is an administrator. */
  hasAdmin(): boolean {
    return this.data.users.some((user) => user.isAdmin);
  }

  /**
   * A policy of a database; `retentionPolicy` '' stands for the default one. Undefined when either is absent. Allocates
   * nothing.
   */
  retentionPolicy(databaseName: string, retentionPolicy: string): RetentionPolicyView | undefined {
    const database = this.databasesByName.get(databaseName);
    if (database === undefined) return undefined;
    const policies = policyMaps.get(database) ?? mapPolicies(database);
    return policies.get(retentionPolicy === '' ? database.defaultRetentionPolicy : retentionPolicy);
  }

  /** Where a shard belongs, deleted groups included. */
  shard(id: number): ShardPlace | undefined {
    this.places ??= mapShards(this.data);
    return this.places.get(id);
  }
}

function mapPolicies(database: Database): ReadonlyMap<string, RetentionPolicyView> {
  const views = database.retentionPolicies.map((policy): [string, RetentionPolicyView] => {
    const known = policyViews.get(policy);
    if (known !== undefined) return [policy.name, known];
    const view = new RetentionPolicyView(policy);
    policyViews.set(policy, view);
    return [policy.name, view];
  });
  const map = new Map(views);
  policyMaps.set(database, map);
  return map;
}

function mapShards(data: MetaData): ReadonlyMap<number, ShardPlace> {
  const places = new Map<number, ShardPlace>();
  for (const database of data.databases) {
    for (const policy of database.retentionPolicies) {
      for (const group of policy.shardGroups) {
        for (const shard of group.shards) {
          places.set(shard.id, { database: database.name, retentionPolicy: policy.name, group });
        }
      }
    }
  }
  return places;
}
