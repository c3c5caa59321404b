/**
 * meta.db: metadata as InfluxDB 1.x's protobuf, field for field.
 * @see docs/formats/meta.md
 */
import type {
  ContinuousQuery,
  Database,
  Extensible,
  MetaData,
  Privilege,
  RetentionPolicy,
  Shard,
  ShardGroup,
  Subscription,
  User,
} from './meta-data.js';
import { emptyMetaData } from './meta-data.js';
import { TIME_MIN_NS } from './shard-groups.js';
import {
  bool,
  count,
  int64,
  optional,
  repeated,
  required,
  text,
  uint64,
  wireMessage,
  type WireMessage,
  type WireType,
} from './wire.js';

interface Owner extends Extensible {
  readonly nodeId: number;
}
interface Grant extends Extensible {
  readonly database: string;
  readonly privilege: number;
}
/** A user as stored: privileges are a list there. */
interface StoredUser extends Omit<User, 'privileges'> {
  readonly grants: readonly Grant[];
}
interface StoredShard extends Omit<Shard, 'ownerIds'> {
  readonly owners: readonly Owner[];
}

const ownerMessage = wireMessage<Owner>(() => ({ nodeId: 0 }), [required(1, 'nodeId', count)]);

const shardMessage = mapped(
  wireMessage<StoredShard>(
    () => ({ id: 0, owners: [] }),
    [required(1, 'id', count), repeated(3, 'owners', ownerMessage)],
  ),
  ({ owners, ...shard }): Shard => ({ ...shard, ownerIds: owners.map((owner) => owner.nodeId) }),
  ({ ownerIds, ...shard }): StoredShard => ({
    ...shard,
    owners: ownerIds.map((nodeId) => ({ nodeId })),
  }),
);

const shardGroupMessage = wireMessage<ShardGroup>(
  () => ({ id: 0, startNs: 0n, endNs: 0n, deletedAtNs: 0n, truncatedAtNs: 0n, shards: [] }),
  [
    required(1, 'id', count),
    required(2, 'startNs', int64),
    required(3, 'endNs', int64),
    required(4, 'deletedAtNs', int64),
    repeated(5, 'shards', shardMessage),
    optional(6, 'truncatedAtNs', int64),
  ],
);

const subscriptionMessage = wireMessage<Subscription>(
  () => ({ name: '', mode: '', destinations: [], condition: '' }),
  [
    required(1, 'name', text),
    required(2, 'mode', text),
    repeated(3, 'destinations', text),
    // Tidegate's own number, far from those that InfluxDB may still take.
    optional(1001, 'condition', text),
  ],
);

const retentionPolicyMessage = wireMessage<RetentionPolicy>(
  () => ({
    name: '',
    durationNs: 0n,
    shardGroupDurationNs: 0n,
    replicaN: 0,
    shardGroups: [],
    subscriptions: [],
  }),
  [
    required(1, 'name', text),
    required(2, 'durationNs', int64),
    required(3, 'shardGroupDurationNs', int64),
    required(4, 'replicaN', count),
    repeated(5, 'shardGroups', shardGroupMessage),
    repeated(6, 'subscriptions', subscriptionMessage),
  ],
);

const continuousQueryMessage = wireMessage<ContinuousQuery>(
  () => ({ name: '', query: '' }),
  [required(1, 'name', text), required(2, 'query', text)],
);

const databaseMessage = wireMessage<Database>(
  () => ({ name: '', defaultRetentionPolicy: '', retentionPolicies: [], continuousQueries: [] }),
  [
    required(1, 'name', text),
    required(2, 'defaultRetentionPolicy', text),
    repeated(3, 'retentionPolicies', retentionPolicyMessage),
    repeated(4, 'continuousQueries', continuousQueryMessage),
  ],
);

const grantMessage = wireMessage<Grant>(
  () => ({ database: '', privilege: 0 }),
  [required(1, 'database', text), required(2, 'privilege', count)],
);

const userMessage = mapped(
  wireMessage<StoredUser>(
    () => ({ name: '', hash: '', isAdmin: false, grants: [] }),
    [
      required(1, 'name', text),
      required(2, 'hash', text),
      required(3, 'isAdmin', bool),
      repeated(4, 'grants', grantMessage),
    ],
  ),
  ({ grants, ...user }): User => ({
    ...user,
    privileges: new Map(grants.map((grant) => [grant.database, grant.privilege as Privilege])),
  }),
  ({ privileges, ...user }): StoredUser => ({
    ...user,
    grants: [...privileges].map(([database, privilege]) => ({ database, privilege })),
  }),
);

const metaDataMessage = wireMessage<MetaData>(
  () => emptyMetaData(0n),
  [
    required(1, 'term', count),
    required(2, 'index', count),
    required(3, 'clusterId', uint64),
    repeated(5, 'databases', databaseMessage),
    repeated(6, 'users', userMessage),
    required(7, 'nodeIdMax', count),
    required(8, 'shardGroupIdMax', count),
    required(9, 'shardIdMax', count),
  ],
);

/** Metadata as the bytes of meta.db. */
export function encodeMetaData(data: MetaData): Uint8Array {
  return metaDataMessage.encode(data);
}

/**
 * The metadata in the bytes of a meta.db.
 * @throws MetaError `meta.corrupt`
 */
export function decodeMetaData(bytes: Uint8Array): MetaData {
  return withStartsUnwrapped(metaDataMessage.decode(bytes));
}

/** As `decodeMetaData`; null for what is not metadata, or has been cut between two fields: every file has all scalars of the outer message. */
export function decodeWholeMetaData(bytes: Uint8Array): MetaData | null {
  try {
    const stored = metaDataMessage.decode(bytes);
    return metaDataMessage.encode(stored).length > bytes.length
      ? null
      : withStartsUnwrapped(stored);
  } catch {
    return null;
  }
}

/**
 * InfluxDB lets the first shard group of all begin before what 64 bits can say, and stores a start that wrapped around:
 * one after the group's end. It means the earliest time.
 */
function withStartsUnwrapped(data: MetaData): MetaData {
  const isWrapped = ({ startNs, endNs }: ShardGroup): boolean => startNs > endNs;
  const unwrapped = (policy: RetentionPolicy): RetentionPolicy =>
    !policy.shardGroups.some(isWrapped)
      ? policy
      : {
          ...policy,
          shardGroups: policy.shardGroups.map((group) =>
            isWrapped(group) ? { ...group, startNs: TIME_MIN_NS } : group,
          ),
        };
  const databases = data.databases.map((database) => ({
    ...database,
    retentionPolicies: database.retentionPolicies.map(unwrapped),
  }));
  return { ...data, databases };
}

/** Ids left unused after a salvage: those of groups and shards that were lost must not be given out again. */
const SALVAGE_ID_GAP = 1000;

/** What can be read of a damaged meta.db; `lost` counts the places where bytes had to be skipped. */
export function salvageMetaData(bytes: Uint8Array): {
  readonly data: MetaData;
  readonly lost: number;
} {
  const { message: stored, lost } = metaDataMessage.salvage(bytes);
  const message = withStartsUnwrapped(stored);
  const databases = message.databases
    .filter((database) => database.name !== '')
    .map((database) => ({
      ...database,
      retentionPolicies: database.retentionPolicies.filter(
        (policy) => policy.name !== '' && policy.shardGroupDurationNs > 0n,
      ),
    }));
  const groups = databases.flatMap((database) =>
    database.retentionPolicies.flatMap((policy) => policy.shardGroups),
  );
  const idMax = (ids: readonly number[], stored: number): number =>
    ids.reduce((max, id) => Math.max(max, id), stored) + SALVAGE_ID_GAP;
  const data: MetaData = {
    ...message,
    databases,
    users: message.users.filter((user) => user.name !== ''),
    shardGroupIdMax: idMax(
      groups.map((group) => group.id),
      message.shardGroupIdMax,
    ),
    shardIdMax: idMax(
      groups.flatMap((group) => group.shards.map((shard) => shard.id)),
      message.shardIdMax,
    ),
  };
  return { data, lost };
}

/** A message whose object form differs from its stored form. */
function mapped<Stored, Value>(
  message: WireMessage<Stored>,
  fromStored: (stored: Stored) => Value,
  toStored: (value: Value) => Stored,
): WireType<Value> {
  return {
    wireType: 2,
    read: (reader, salvage) => fromStored(message.read(reader, salvage)),
    write: (writer, value) => message.write(writer, toStored(value)),
  };
}
