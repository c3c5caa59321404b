/** Statements that change metadata or remove stored points. */
import {
  printExpr,
  printStatement,
  type SelectStatement,
  type Statement,
  walkSources,
} from '#influxql';
import { type MetaClient, MetaError, Privilege, type RetentionPolicySpec } from '#meta';
import { hasTimeComparison } from './deletion-filter.js';
import { CoordinatorError } from './errors.js';
import type { RunningQueries } from './running-queries.js';
import type { StorageCommands } from './statement-ports.js';
import { checkSubscriptionCondition } from './subscription-filter.js';

/** What these statements change. */
export interface ChangeTargets {
  readonly meta: MetaClient;
  readonly storage: StorageCommands;
  readonly queries: RunningQueries;
  /** Database of the request. */
  readonly database: string;
}

type StatementOf<Kind extends Statement['kind']> = Extract<Statement, { readonly kind: Kind }>;

/**
 * Carries a changing statement out; false when the statement is another.
 * @throws MetaError, CoordinatorError with InfluxDB 1.x's text
 */
export async function executeChange(
  statement: Statement,
  targets: ChangeTargets,
): Promise<boolean> {
  switch (statement.kind) {
    case 'createDatabase':
    case 'dropDatabase':
    case 'createRetentionPolicy':
    case 'alterRetentionPolicy':
    case 'dropRetentionPolicy':
    case 'createContinuousQuery':
    case 'dropContinuousQuery':
    case 'createSubscription':
    case 'dropSubscription':
      await changeSchema(statement, targets);
      return true;
    case 'createUser':
    case 'dropUser':
    case 'setPassword':
    case 'grant':
    case 'revoke':
    case 'grantAdmin':
    case 'revokeAdmin':
      await changeAccess(statement, targets.meta);
      return true;
    case 'delete':
    case 'dropSeries':
    case 'dropMeasurement':
    case 'dropShard':
      await removePoints(statement, targets);
      return true;
    case 'killQuery':
      targets.queries.kill(statement.queryId);
      return true;
    default:
      return false;
  }
}

async function changeSchema(statement: Statement, { meta, storage }: ChangeTargets): Promise<void> {
  switch (statement.kind) {
    case 'createDatabase':
      return createDatabase(statement, meta);
    case 'dropDatabase':
      // Metadata first: from here on writes are refused, so that nothing is stored behind the removal.
      await meta.execute({ kind: 'drop-database', name: statement.name });
      return storage.deleteDatabase(statement.name);
    case 'createRetentionPolicy':
      await meta.execute({
        kind: 'create-retention-policy',
        database: statement.database,
        spec: {
          name: statement.name,
          durationNs: statement.durationNs,
          replicaN: statement.replication,
          ...(statement.shardDurationNs === null
            ? {}
            : { shardGroupDurationNs: statement.shardDurationNs }),
        },
        isDefault: statement.isDefault,
      });
      return;
    case 'alterRetentionPolicy':
      await meta.execute({
        kind: 'alter-retention-policy',
        database: statement.database,
        name: statement.name,
        change: specOf(statement),
        isDefault: statement.isDefault,
      });
      return;
    case 'dropRetentionPolicy':
      await meta.execute({
        kind: 'drop-retention-policy',
        database: statement.database,
        name: statement.name,
      });
      return storage.deleteRetentionPolicy(statement.database, statement.name);
    case 'createContinuousQuery':
      return createContinuousQuery(statement, meta);
    case 'dropContinuousQuery':
      await meta.execute({
        kind: 'drop-continuous-query',
        database: statement.database,
        name: statement.name,
      });
      return;
    case 'createSubscription':
      await createSubscription(statement, meta);
      return;
    case 'dropSubscription':
      await meta.execute({ ...statement, kind: 'drop-subscription' });
  }
}

async function createSubscription(
  statement: StatementOf<'createSubscription'>,
  meta: MetaClient,
): Promise<void> {
  const { condition: expr, database, retentionPolicy, name, mode, destinations } = statement;
  if (expr !== null) checkSubscriptionCondition(expr);
  const condition = expr === null ? '' : printExpr(expr);
  await meta.execute({
    kind: 'create-subscription',
    database,
    retentionPolicy,
    name,
    mode,
    destinations,
    condition,
  });
}

function specOf(options: {
  readonly durationNs: bigint | null;
  readonly replication: number | null;
  readonly shardDurationNs: bigint | null;
}): RetentionPolicySpec {
  return {
    ...(options.durationNs === null ? {} : { durationNs: options.durationNs }),
    ...(options.replication === null ? {} : { replicaN: options.replication }),
    ...(options.shardDurationNs === null ? {} : { shardGroupDurationNs: options.shardDurationNs }),
  };
}

async function createDatabase(
  { name, policy }: StatementOf<'createDatabase'>,
  meta: MetaClient,
): Promise<void> {
  if (policy === null) await meta.createDatabase(name);
  else {
    const named = policy.name === '' ? {} : { name: policy.name };
    await meta.createDatabaseWithRetentionPolicy(name, { ...named, ...specOf(policy) });
  }
}

async function createContinuousQuery(
  statement: StatementOf<'createContinuousQuery'>,
  meta: MetaClient,
): Promise<void> {
  const { name, database, source } = statement;
  checkPolicies(source, meta);
  await meta.execute({
    kind: 'create-continuous-query',
    database,
    name,
    query: printStatement(statement),
  });
}

/** @throws MetaError when a query names a policy that is not there; it would fail at every run */
function checkPolicies({ sources, into }: SelectStatement, meta: MetaClient): void {
  const check = (place: { readonly database: string; readonly retentionPolicy: string }): void => {
    if (meta.retentionPolicy(place.database, place.retentionPolicy) === undefined) {
      throw MetaError.retentionPolicyNotFound(`${place.database}.${place.retentionPolicy}`);
    }
  };
  if (into !== null) check(into);
  walkSources(sources, (source) => {
    if (source.kind === 'measurement') check(source);
  });
}

async function changeAccess(statement: Statement, meta: MetaClient): Promise<void> {
  switch (statement.kind) {
    case 'createUser':
      return meta.createUser(statement.name, statement.password, statement.isAdmin);
    case 'setPassword':
      return meta.setPassword(statement.name, statement.password);
    case 'grantAdmin':
    case 'revokeAdmin':
      await meta.execute({
        kind: 'set-admin',
        user: statement.user,
        isAdmin: statement.kind === 'grantAdmin',
      });
      return;
    case 'grant':
      return meta.setPrivilege(statement.user, statement.database, PRIVILEGES[statement.privilege]);
    case 'revoke':
      return revoke(statement, meta);
    case 'dropUser':
      await meta.execute({ kind: 'drop-user', name: statement.name });
  }
}

const PRIVILEGES = {
  READ: Privilege.READ,
  WRITE: Privilege.WRITE,
  'ALL PRIVILEGES': Privilege.ALL,
} as const;

/** ALL leaves nothing; READ of ALL leaves WRITE and the other way round; what is not held is not taken. */
async function revoke(
  statement: {
    readonly user: string;
    readonly database: string;
    readonly privilege: keyof typeof PRIVILEGES;
  },
  meta: MetaClient,
): Promise<void> {
  const { user: name, database, privilege } = statement;
  const user = meta.snapshot.user(name);
  if (user === undefined) throw MetaError.of('user-not-found');
  const held = user.privileges.get(database) ?? Privilege.NONE;
  const taken = PRIVILEGES[privilege];
  let left: Privilege = held;
  if (taken === Privilege.ALL || taken === held) left = Privilege.NONE;
  else if (held === Privilege.ALL)
    left = taken === Privilege.READ ? Privilege.WRITE : Privilege.READ;
  await meta.setPrivilege(name, database, left);
}

async function removePoints(
  statement: Statement,
  { meta, storage, database }: ChangeTargets,
): Promise<void> {
  if (statement.kind === 'dropShard') {
    const id = Number(statement.id);
    // Storage first: what it forgets can then not be asked for through metadata that still names it.
    await storage.deleteShard(id);
    return meta.dropShard(id);
  }
  if (meta.database(database) === undefined) throw MetaError.databaseNotFound(database);
  if (statement.kind === 'dropMeasurement')
    return storage.dropMeasurement(database, statement.name);
  if (statement.kind !== 'delete' && statement.kind !== 'dropSeries') return;
  if (statement.kind === 'dropSeries' && hasTimeComparison(statement.condition)) {
    throw new CoordinatorError(
      'coordinator.drop-series-by-time',
      "DROP SERIES doesn't support time in WHERE clause",
    );
  }
  const selection = { database, sources: statement.sources, condition: statement.condition };
  await (statement.kind === 'delete'
    ? storage.deletePoints(selection)
    : storage.dropSeries(selection));
}
