export {
  type ContinuousQueriesConfig,
  type PrecreationConfig,
  type RetentionConfig,
  continuousQueriesSection,
  precreationSection,
  retentionSection,
} from './jobs.config.js';
export { type Job, type JobParts } from './job.js';
export { LeaseTaskRunner, type TaskContext, type TaskRunner } from './task-runner.js';
export { type ShardRemoval, StoreShards } from './store-shards.js';
export { Retention, type RetentionParts, type RetentionStatistics } from './retention.js';
export { Precreation, type PrecreationParts, type PrecreationStatistics } from './precreation.js';
export {
  ContinuousQueries,
  type ContinuousQueriesParts,
  type CqRun,
  type CqRunRecorder,
  type CqStatistics,
  type SelectIntoExecutor,
} from './continuous/continuous-queries.js';
export { cqGapsExtension, cqGapsHandler } from './continuous/cq-gaps.js';
export { LatePoints, type MeasurementNames } from './continuous/late-points.js';
export { CqStates } from './continuous/states.js';
export { selectIntoOver, type StatementSource } from './continuous/statement-runner.js';
