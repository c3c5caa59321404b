export { type DataConfig, dataSection } from './data.config.js';
export { Store, type StoreOptions } from './store.js';
export {
  Shard,
  type ShardIdentity,
  type ShardStatistics,
  type ShardWriteOutcome,
} from './shard.js';
export { TsdbError } from './errors.js';
export { storeStatistics, type StorageStatistics } from './store-statistics.js';
