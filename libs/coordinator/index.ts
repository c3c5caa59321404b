export { type CoordinatorConfig, coordinatorSection } from './coordinator.config.js';
export {
  PointsWriter,
  type PointsWriterParts,
  type WriteListener,
  type WriteOutcome,
  type WriteRequest,
  type WriteStatistics,
} from './points-writer.js';
export { CoordinatorError } from './errors.js';
export {
  lineWriteErrorText,
  LineWriter,
  type LineWriteOutcome,
  type LineWriterParts,
  type LineWriteRequest,
} from './line-writer.js';
export { StoreReader } from './storage-view.js';
