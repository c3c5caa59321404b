/**
 * What the author of an input imports, as `tidegate/inputs`: the contract, what inputs are made of, and what the contract's types
 * need of other libraries. `tidegate/inputs/testing` is the other entry. See docs/plugins.md.
 */
export {
  booleanKey,
  type ConfigKey,
  defineListSection,
  durationKey,
  integerKey,
  type KeyValues,
  type Section,
  type SectionKeys,
  type SectionValues,
  sizeKey,
  stringKey,
  stringListKey,
  stringTableKey,
} from '#config';
export {
  type Clock,
  type FileSystem,
  type LogFields,
  type Logger,
  messageOf,
  TidegateError,
} from '#kernel';
export {
  encodeSeriesKey,
  FieldType,
  hashKey,
  type KnownSeries,
  type NamedSeries,
  PointsBatch,
  PointsBuilder,
  type ShapeTable,
  type Tag,
} from '#models';
export { ArrivalClock } from './shared/arrival-clock.js';
export { Batcher, type BatcherConfig, type BatcherParts } from './shared/batcher.js';
export {
  type BatchStatistics,
  BatchWriter,
  type BatchWriterConfig,
  type BatchWriterParts,
} from './shared/batch-writer.js';
export { InputError } from './shared/errors.js';
export {
  FORM,
  IngestLedger,
  type LedgerCount,
  type LedgerSnapshot,
  type Offender,
  type RejectedInput,
  type Rejection,
  UNREPLAYABLE,
} from './shared/ingest-ledger.js';
export {
  defineInput,
  type Input,
  type InputContext,
  type InputDefinition,
  type InputStatistics,
  type RejectSink,
} from './shared/input.js';
export { LimitedLog } from './shared/limited-log.js';
export { LineAssembler, LineScratch, type LinesHandler } from './shared/line-assembler.js';
export {
  type NameKind,
  type PointSink,
  type SinkOutcome,
  type SinkWrite,
} from './shared/point-sink.js';
export {
  type ConnectionHandler,
  type ConnectionInfo,
  type TcpConnection,
  TcpListener,
  type TcpListenerOptions,
} from './shared/tcp-listener.js';
export { UdpListener, type UdpListenerOptions } from './shared/udp-listener.js';
