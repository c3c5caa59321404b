export { type DataConfig, dataSection } from './data.config.js';
export { Store, type StoreOptions, type StoreProgress } from './store.js';
export {
  Shard,
  type ShardIdentity,
  type ShardStatistics,
  type ShardWriteOutcome,
} from './shard.js';
export { type MadeSeries, type SeriesCandidate, type SeriesGate } from './series-gate.js';
export { TsdbError } from './errors.js';
export { storeStatistics, type StorageStatistics } from './store-statistics.js';
export {
  findShardFolders,
  type ShardFolder,
  type ShardSelection,
} from './inspect/shard-folders.js';
export {
  type InspectedShard,
  InspectedStore,
  type InspectedStoreOptions,
} from './inspect/inspected-store.js';
export { type ExportedChunk, type ExportRange, exportShard } from './inspect/export-points.js';
export {
  type DatabaseReport,
  type MeasurementReport,
  reportDatabase,
  type TagReport,
} from './inspect/report-database.js';
