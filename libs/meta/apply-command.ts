/**
 * The one function that changes metadata: (state, command) to state, pure and deterministic. A command that changes nothing
 * gives the very same object back, which is how the client knows that there is nothing to commit.
 */
import type { MetaCommand, RetentionPolicySpec } from './command.js';
import { MetaError } from './errors.js';
import type { Database, MetaData, RetentionPolicy } from './meta-data.js';
import { checkName, checkNameLength } from './names.js';
import {
  checkCompatible,
  checkDuration,
  matches,
  normaliseShardGroupDurationNs,
  policyOf,
} from './retention-policy-rules.js';
import {
  createShardGroup,
  deleteExpiredShardGroups,
  deleteShardGroup,
  dropShard,
  precreateShardGroups,
  pruneShardGroups,
  truncateShardGroups,
} from './shard-group-commands.js';
import { createSubscription, dropSubscription } from './subscription-commands.js';
import { editDatabase, editPolicy, existingDatabase, existingPolicy } from './edit.js';
import { applyUserCommand } from './user-commands.js';

/**
 * The state after a command.
 * @returns `data` itself when the command changes nothing
 * @throws MetaError with InfluxDB 1.x's text
 */
export function applyCommand(data: MetaData, command: MetaCommand): MetaData {
  switch (command.kind) {
    case 'create-database':
      return createDatabase(data, command.name, command.withAutogen);
    case 'create-database-with-policy':
      return createDatabaseWithPolicy(data, command.name, command.spec);
    case 'drop-database':
      return dropDatabase(data, command.name);
    case 'create-retention-policy':
      return createRetentionPolicy(data, command.database, command.spec, command.isDefault);
    case 'alter-retention-policy':
      return alterRetentionPolicy(data, command);
    case 'drop-retention-policy':
      return dropRetentionPolicy(data, command.database, command.name);
    case 'create-shard-group':
      return createShardGroup(data, command);
    case 'delete-shard-group':
      return deleteShardGroup(data, command);
    case 'delete-expired-shard-groups':
      return deleteExpiredShardGroups(data, command.nowNs);
    case 'drop-shard':
      return dropShard(data, command);
    case 'prune-shard-groups':
      return pruneShardGroups(data, command.deletedBeforeNs);
    case 'precreate-shard-groups':
      return precreateShardGroups(data, command);
    case 'truncate-shard-groups':
      return truncateShardGroups(data, command.timeNs);
    case 'create-continuous-query':
      return createContinuousQuery(data, command);
    case 'drop-continuous-query':
      return dropContinuousQuery(data, command.database, command.name);
    case 'create-subscription':
      return createSubscription(data, command);
    case 'drop-subscription':
      return dropSubscription(data, command);
    case 'set-data':
      return command.data;
    default:
      return applyUserCommand(data, command);
  }
}

function createDatabase(data: MetaData, name: string, withAutogen: boolean): MetaData {
  if (data.databases.some((database) => database.name === name)) return data;
  const created = addDatabase(data, name);
  return withAutogen ? createRetentionPolicy(created, name, {}, true) : created;
}

function addDatabase(data: MetaData, name: string): MetaData {
  checkName(name);
  checkNameLength(name);
  const database: Database = {
    name,
    defaultRetentionPolicy: '',
    retentionPolicies: [],
    continuousQueries: [],
  };
  return { ...data, databases: [...data.databases, database] };
}

function createDatabaseWithPolicy(
  data: MetaData,
  name: string,
  spec: RetentionPolicySpec,
): MetaData {
  checkName(name);
  if (spec.name !== undefined) checkName(spec.name);
  checkDuration(spec.durationNs);
  const existing = data.databases.find((database) => database.name === name);
  if (existing === undefined || existing.retentionPolicies.length === 0) {
    const withDatabase = existing === undefined ? addDatabase(data, name) : data;
    return createRetentionPolicy(withDatabase, name, spec, true);
  }
  const wanted = policyOf(spec).name;
  const policy = existing.retentionPolicies.find((candidate) => candidate.name === wanted);
  // CREATE DATABASE makes default policies only, so one that is there but is not the default conflicts too.
  if (
    policy === undefined ||
    !matches(spec, policy) ||
    existing.defaultRetentionPolicy !== wanted
  ) {
    throw MetaError.of('retention-policy-conflict');
  }
  return data;
}

function dropDatabase(data: MetaData, name: string): MetaData {
  if (!data.databases.some((database) => database.name === name)) return data;
  return {
    ...data,
    databases: data.databases.filter((database) => database.name !== name),
    users: data.users.map((user) =>
      user.privileges.has(name)
        ? {
            ...user,
            privileges: new Map([...user.privileges].filter(([database]) => database !== name)),
          }
        : user,
    ),
  };
}

function createRetentionPolicy(
  data: MetaData,
  databaseName: string,
  spec: RetentionPolicySpec,
  isDefault: boolean,
): MetaData {
  const policy = policyOf(spec);
  checkName(policy.name);
  checkDuration(spec.durationNs);
  checkNameLength(policy.name);
  if (policy.replicaN < 1) throw MetaError.of('replication-factor-too-low');
  checkCompatible(policy.durationNs, policy.shardGroupDurationNs);
  const database = existingDatabase(data, databaseName);
  const same = database.retentionPolicies.find((candidate) => candidate.name === policy.name);
  if (same !== undefined) {
    if (!isSamePolicy(same, policy)) throw MetaError.of('retention-policy-exists');
    if (isDefault && database.defaultRetentionPolicy !== policy.name) {
      throw MetaError.of('retention-policy-conflict');
    }
    return data;
  }
  return editDatabase(data, databaseName, (found) => ({
    ...found,
    retentionPolicies: [...found.retentionPolicies, policy],
    defaultRetentionPolicy: isDefault ? policy.name : found.defaultRetentionPolicy,
  }));
}

function isSamePolicy(a: RetentionPolicy, b: RetentionPolicy): boolean {
  return (
    a.replicaN === b.replicaN &&
    a.durationNs === b.durationNs &&
    a.shardGroupDurationNs === b.shardGroupDurationNs
  );
}

function alterRetentionPolicy(
  data: MetaData,
  command: Extract<MetaCommand, { kind: 'alter-retention-policy' }>,
): MetaData {
  const { database: databaseName, name, change, isDefault } = command;
  const database = existingDatabase(data, databaseName);
  const policy = existingPolicy(data, databaseName, name);
  const newName = change.name ?? name;
  if (newName !== name && database.retentionPolicies.some((other) => other.name === newName)) {
    throw MetaError.of('retention-policy-name-exists');
  }
  checkDuration(change.durationNs);
  const durationNs = change.durationNs ?? policy.durationNs;
  checkCompatible(durationNs, change.shardGroupDurationNs ?? policy.shardGroupDurationNs);
  const altered: RetentionPolicy = {
    ...policy,
    name: newName,
    durationNs,
    replicaN: change.replicaN ?? policy.replicaN,
    shardGroupDurationNs:
      change.shardGroupDurationNs === undefined
        ? policy.shardGroupDurationNs
        : normaliseShardGroupDurationNs(change.shardGroupDurationNs, durationNs),
  };
  const edited = editPolicy(data, { database: databaseName, retentionPolicy: name }, () => altered);
  const becomesDefault =
    isDefault || (newName !== name && database.defaultRetentionPolicy === name);
  if (!becomesDefault) return edited;
  return editDatabase(edited, databaseName, (found) => ({
    ...found,
    defaultRetentionPolicy: newName,
  }));
}

function dropRetentionPolicy(data: MetaData, databaseName: string, name: string): MetaData {
  const database = data.databases.find((candidate) => candidate.name === databaseName);
  if (!database?.retentionPolicies.some((policy) => policy.name === name)) return data;
  // The default keeps its name: writes that rely on it fail, as in InfluxDB 1.x, rather than go elsewhere.
  return editDatabase(data, databaseName, (found) => ({
    ...found,
    retentionPolicies: found.retentionPolicies.filter((policy) => policy.name !== name),
  }));
}

function createContinuousQuery(
  data: MetaData,
  { database, name, query }: Extract<MetaCommand, { kind: 'create-continuous-query' }>,
): MetaData {
  const same = existingDatabase(data, database).continuousQueries.find(
    (candidate) => candidate.name === name,
  );
  if (same !== undefined) {
    if (same.query.toLowerCase() === query.toLowerCase()) return data;
    throw MetaError.of('continuous-query-exists');
  }
  return editDatabase(data, database, (found) => ({
    ...found,
    continuousQueries: [...found.continuousQueries, { name, query }],
  }));
}

function dropContinuousQuery(data: MetaData, databaseName: string, name: string): MetaData {
  const database = data.databases.find((candidate) => candidate.name === databaseName);
  if (!database?.continuousQueries.some((query) => query.name === name)) return data;
  return editDatabase(data, databaseName, (found) => ({
    ...found,
    continuousQueries: found.continuousQueries.filter((query) => query.name !== name),
  }));
}
