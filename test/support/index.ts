export { NaiveStore, type NaivePoint, type NaiveValue, naiveLine } from './naive-store.js';
export { temporaryFolder } from './temporary-folder.js';
export { ManualClock } from './manual-clock.js';
export {
  freePort,
  query,
  type ServerOptions,
  type ServerProcess,
  startServer,
} from './server-process.js';
export { killRounds, type KillReport } from './kill-rounds.js';
export { fuzzWrites, type FuzzOptions, type FuzzReport } from './fuzz-writes.js';
export { hostileQueries, type HostileOptions, type HostileReport } from './hostile-queries.js';
export { SeededRandom } from './seeded-random.js';
export {
  type Fault,
  type Operation,
  type OperationKind,
  SimulatedFileSystem,
} from './simulated-file-system.js';
export {
  type BenchDeletion,
  benchFieldTypes,
  StoreBench,
  type StoreBenchOptions,
} from './store-bench.js';
export { PossibleStore, type ReadField } from './possible-store.js';
export { type CrashHistory, crashHistory, type CrashStep, liveThrough } from './crash-model.js';
export { RecordedLog, type RecordedLine } from './recorded-log.js';
export { type BenchRow, type BenchRun, JobsBench, type JobsBenchOptions } from './jobs-bench.js';
export {
  bitsOf,
  decodePrometheus,
  decodeXorChunk,
  encodePrometheus,
  prometheusBody,
  type PrometheusMessage,
  type ReadSeries,
  seriesOfSamples,
  seriesOfStream,
  snappy,
  STALE_STAND_IN,
} from './prometheus-messages.js';
export { type SinkAnswer, type SunkRequest, WriteSink } from './write-sink.js';
export {
  type SubscriberProcess,
  type SubscriptionReport,
  type SubscriptionRounds,
  subscriptionRounds,
} from './subscription-rounds.js';
