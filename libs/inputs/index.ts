export { type CollectdConfig, collectdSection } from './collectd/collectd.config.js';
export { type GraphiteConfig, graphiteSection } from './graphite/graphite.config.js';
export { explainGraphitePath } from './graphite/explain-path.js';
export { type OpentsdbConfig, opentsdbSection } from './opentsdb/opentsdb.config.js';
export { type UdpConfig, udpSection } from './udp/udp.config.js';
export { type PrometheusConfig, prometheusSection } from './prometheus/prometheus.config.js';
export { PrometheusService } from './prometheus/prometheus-service.js';
export { READ_BODY_MAX_BYTES } from './prometheus/read.handler.js';
export { type DeadLettersConfig, deadLettersSection } from './dead-letters/dead-letters.config.js';
export { type DeadLetter, DeadLetters, type LetterFilter } from './dead-letters/dead-letters.js';
export { deadLetterRoutes, type LettersRoute } from './dead-letters/dead-letter-routes.js';
export { inputTaker, LetterClock } from './dead-letters/input-taker.js';
export {
  type LetterTaker,
  type ReplayReport,
  type TakerSource,
} from './dead-letters/replay-letters.js';
export { builtInInputs } from './built-in.js';
export { type PluginConfig, pluginSection } from './plugin/plugin.config.js';
export { type PluginReport, Plugins } from './plugin/plugins.js';
export { useHostModules } from './plugin/use-host-modules.js';
export { InputError } from './shared/errors.js';
export {
  defineInput,
  type Input,
  type InputContext,
  type InputDefinition,
  type InputStatistics,
  type RejectSink,
} from './shared/input.js';
export {
  type NameKind,
  type PointSink,
  type SinkOutcome,
  type SinkWrite,
} from './shared/point-sink.js';
export {
  FORM,
  IngestLedger,
  LINE_FORM,
  type LedgerCount,
  type LedgerSnapshot,
  type Offender,
  type RejectedInput,
  type Rejection,
} from './shared/ingest-ledger.js';
export { BalanceSheet, sheetLine, type SheetLine, sheetTotal } from './shared/balance-sheet.js';
export { Batcher, type BatcherConfig, type BatcherParts } from './shared/batcher.js';
export {
  type BatchStatistics,
  BatchWriter,
  type BatchWriterConfig,
  type BatchWriterParts,
} from './shared/batch-writer.js';
export {
  type ConnectionHandler,
  type ConnectionInfo,
  type TcpConnection,
  TcpListener,
  type TcpListenerOptions,
} from './shared/tcp-listener.js';
export { UdpListener, type UdpListenerOptions } from './shared/udp-listener.js';
export { LineAssembler, LineScratch, type LinesHandler } from './shared/line-assembler.js';
