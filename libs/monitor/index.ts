export { type MonitorConfig, monitorSection } from './monitor.config.js';
export {
  type Diagnostics,
  type DiagnosticsValue,
  singleRow,
  type Statistics,
  StatisticsRegistry,
} from './statistics.js';
export { RuntimeStatistics } from './runtime-statistics.js';
export { type BuildFacts, serverDiagnostics } from './server-diagnostics.js';
export { debugVarsText, type ServerTimes } from './debug-vars.js';
export { StatisticsRecorder, type StatisticsRecorderParts } from './statistics-recorder.js';
export { type RequestKind, ServerMetrics } from './metrics/server-metrics.js';
export { withTimedSyncs } from './metrics/observed-files.js';
export { withTimedCompactions, withTimedSnapshots } from './metrics/observed-work.js';
export { TopTalkers } from './top/top-talkers.js';
export { showTopExtension, showTopHandler } from './top/show-top.js';
export { IngressCounters } from './ingress/ingress-counters.js';
export { type CardinalityConfig, cardinalitySection } from './cardinality/cardinality.config.js';
export { CardinalityFirewall } from './cardinality/cardinality-firewall.js';
