export { MetaError } from './errors.js';
export { type MetaConfig, metaSection } from './meta.config.js';
export {
  type ContinuousQuery,
  type Database,
  type MetaData,
  type RetentionPolicy,
  type Shard,
  type ShardGroup,
  type Subscription,
  type User,
  Privilege,
  privilegeName,
} from './meta-data.js';
export { type MetaCommand, type RetentionPolicySpec } from './command.js';
export { applyCommand } from './apply-command.js';
export { decodeMetaData, encodeMetaData } from './meta-codec.js';
export { type ShardPlace, MetaSnapshot, RetentionPolicyView } from './meta-snapshot.js';
export { ShardGroupIndex } from './shard-group-index.js';
export {
  type MetaCompare,
  type MetaEntry,
  type MetaEvent,
  type MetaLease,
  type MetaOperation,
  type MetaStore,
} from './meta-store.js';
export { LocalMetaStore } from './local-meta-store.js';
export { type MetaClientParts, type MetaListener, MetaClient } from './meta-client.js';
export {
  AUTOGEN_NAME,
  RETENTION_DURATION_MIN_NS,
  defaultShardGroupDurationNs,
} from './retention-policy-rules.js';
export { checkName, NAME_LENGTH_MAX } from './names.js';
