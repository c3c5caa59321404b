export { type CoordinatorConfig, coordinatorSection } from './coordinator.config.js';
export {
  type AcceptedRows,
  PointsWriter,
  type PointsWriterParts,
  type WriteListener,
  type WriteOutcome,
  type WriteRequest,
  type WriteStatistics,
} from './points-writer.js';
export { type LineBooks, type WriteBooks } from './write-books.js';
export { CoordinatorError } from './errors.js';
export { type WindowAction, type WriteWindowConfig, WriteWindows } from './write-window.js';
export {
  lineWriteErrorText,
  LineWriter,
  type LineWriteOutcome,
  type LineWriterParts,
  type LineWriteRequest,
} from './line-writer.js';
export { StoreReader } from './storage-view.js';
export { QueryWorkers } from './query-worker/query-workers.js';
export {
  type QueryStatistics,
  StatementExecutor,
  type StatementExecutorParts,
} from './statement-executor.js';
export { type RunningQuery, RunningQueries, type RunningQueriesLimits } from './running-queries.js';
export {
  type ExtensionHandler,
  type MonitorView,
  type SeriesGrain,
  type SeriesSelection,
  type StatementContext,
  type StatementDiagnostics,
  type StatementEngine,
  type StatementEvent,
  type StatementRequest,
  type StatementStatistics,
  type StorageCommands,
} from './statement-ports.js';
export { table } from './statement-executor-show.js';
export { IntoWriter } from './into-writer.js';
export { SubscriptionFilter } from './subscription-filter.js';
export { SeriesDeletion } from './series-deletion.js';
