export { SeriesIndex, SeriesLimitError, type SeriesLimits, ALIASES_MAX } from './series-index.js';
export { Measurement, TagColumn } from './measurement.js';
export { findPositions, type TagChoice } from './find-positions.js';
export { SeriesSet } from './series-set.js';
export { SeriesIndexError } from './errors.js';
export {
  IndexStorage,
  type IndexStorageParts,
  type LoadedShards,
} from './storage/index-storage.js';
export type { ShardChange } from './storage/changes.js';
export type { StoredFields, StoredFile, StoredShard } from './storage/shard-state.js';
