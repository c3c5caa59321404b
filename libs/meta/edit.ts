/** Replacing one database or retention policy in a state, all else shared. */
import { MetaError } from './errors.js';
import type { Database, MetaData, RetentionPolicy } from './meta-data.js';

/** Names a retention policy. */
export interface PolicyPlace {
  readonly database: string;
  readonly retentionPolicy: string;
}

/** @throws MetaError `database not found: …` */
export function existingDatabase(data: MetaData, name: string): Database {
  const found = data.databases.find((database) => database.name === name);
  if (found === undefined) throw MetaError.databaseNotFound(name);
  return found;
}

/** @throws MetaError `database not found: …`, `retention policy not found: …` */
export function existingPolicy(data: MetaData, database: string, name: string): RetentionPolicy {
  const found = existingDatabase(data, database).retentionPolicies.find(
    (policy) => policy.name === name,
  );
  if (found === undefined) throw MetaError.retentionPolicyNotFound(name);
  return found;
}

/** The state with one database replaced; the same state when `edit` gives the database back. */
export function editDatabase(
  data: MetaData,
  name: string,
  edit: (database: Database) => Database,
): MetaData {
  const databases = mapChanged(data.databases, (database) =>
    database.name === name ? edit(database) : database,
  );
  return databases === data.databases ? data : { ...data, databases };
}

/** The state with one policy replaced; the same state when `edit` gives the policy back. */
export function editPolicy(
  data: MetaData,
  place: PolicyPlace,
  edit: (policy: RetentionPolicy) => RetentionPolicy,
): MetaData {
  return editPolicies(data, (policy, database) =>
    database.name === place.database && policy.name === place.retentionPolicy
      ? edit(policy)
      : policy,
  );
}

/** The state with every policy replaced by what `edit` makes of it. */
export function editPolicies(
  data: MetaData,
  edit: (policy: RetentionPolicy, database: Database) => RetentionPolicy,
): MetaData {
  const databases = mapChanged(data.databases, (database) => {
    const retentionPolicies = mapChanged(database.retentionPolicies, (policy) =>
      edit(policy, database),
    );
    return retentionPolicies === database.retentionPolicies
      ? database
      : { ...database, retentionPolicies };
  });
  return databases === data.databases ? data : { ...data, databases };
}

/** `map`, but the same array when no element changed. */
export function mapChanged<Item>(
  items: readonly Item[],
  change: (item: Item) => Item,
): readonly Item[] {
  const changed = items.map(change);
  return changed.every((item, i) => item === items[i]) ? items : changed;
}
