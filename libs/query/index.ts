export {
  type ResultColumn,
  type ResultSeries,
  type ResultValue,
  type ResultWriter,
  type ReadCost,
  type SeriesCursor,
  type SeriesList,
  type SeriesSweep,
  type ShardView,
  type StorageReader,
  type StorageView,
  type SweepWant,
  type TagPair,
  type TagRequirement,
  type TimeRange,
} from './ports.js';
export { QueryError, QueryInterruptedError, QueryLimitError } from './errors.js';
export { requirementTest } from './tag-requirement.js';
export { type CancelSignal, type QueryLimits, QueryMemory, noLimits } from './limits.js';
export type { MetadataReader } from './metadata/database-views.js';
export {
  inTurns,
  type QueryContext,
  QueryEngine,
  type QueryEngineParts,
  type SelectOffload,
  type SelectTask,
} from './query-engine.js';
export type { QueryPart } from './run/query-part.js';
export { type SelectOptions, runSelect } from './run/select.js';
export { turns } from './turn-queue.js';
