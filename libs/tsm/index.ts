export { Engine, type EngineOptions, type EngineStatistics } from './engine.js';
export type { SeriesCatalog } from './catalog.js';
export type { Deletion } from './deletion.js';
export type { ShardContents } from './engine-load.js';
export type { FileMark } from './file-store.js';
export type { SeriesField } from './field-key.js';
export { TsmError } from './errors.js';
export { type WalStatistics } from './wal/wal.js';
export type { Snapshotter, SnapshotJob } from './snapshot.js';
export { inPlaceSnapshotter, WorkerSnapshotter } from './snapshotters.js';
export {
  EngineView,
  FieldsCursor,
  type SeriesCursorRequest,
  type SharedEngineView,
} from './series-cursor.js';
export { SharedViewOpener } from './shared-view.js';
export {
  BlockBuilder,
  type BlockParts,
  type BlockValues,
  countBlockValues,
  decodeBlockValues,
  openBlock,
} from './block.js';
export { IndexEntries } from './index-entries.js';
export {
  compareTsmFileIds,
  FIELD_SEPARATOR,
  parseTsmFileName,
  type TsmFileId,
  tsmFileName,
} from './tsm-format.js';
export { publishTsmFiles, type TsmFileSummary, TsmWriter } from './tsm-writer.js';
export { BlockBuffer, type SharedTsmFile, TsmReader } from './tsm-reader.js';
export {
  addTombstones,
  type DeletedRanges,
  readTombstones,
  type Tombstone,
  tombstonePath,
  TombstoneSet,
} from './tombstone.js';
export { Quarantine } from './quarantine.js';
export {
  type InfluxWalColumn,
  type InfluxWalEntry,
  type InfluxWalSummary,
  parseInfluxWalName,
  readInfluxWal,
} from './influx-wal.js';
export { BlockCursor, type CursorRequest } from './cursor/block-cursor.js';
export type { TimedColumn } from './cursor/column-run.js';
export type { FileSource } from './cursor/lane.js';
export { TimeMemo } from './cursor/time-memo.js';
export {
  type CompactionKind,
  type CompactionPlan,
  planCompactions,
  type PlannedFile,
  type PlanningOptions,
} from './compaction/planner.js';
export {
  type CompactionBudget,
  type CompactionRun,
  type CompactionWork,
  type Compactor,
  inPlaceCompactor,
  WorkerCompactor,
} from './compaction/compactors.js';
export type { CompactionStatistics } from './compaction/compaction-statistics.js';
export {
  compactFiles,
  type CompactionJob,
  type CompactionResult,
  removeCompacted,
} from './compaction/compact-files.js';
export {
  type FileVerdict,
  type InspectedKind,
  inspectedKind,
  verifyFile,
} from './inspect/verify-file.js';
export { type InspectedBlock, walkBlocks } from './inspect/walk-blocks.js';
