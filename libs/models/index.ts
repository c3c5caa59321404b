export { FieldType, type FieldTypeName, fieldTypeName } from './field-type.js';
export type { ColumnBatch, StringColumn } from './column.js';
export { type Precision, precisionOf, precisionNs } from './precision.js';
export { type Shape, type ShapeField, ShapeTable, SHAPES_MAX, escapeFieldName } from './shape.js';
export {
  int64ToNumber,
  int64ToBigInt,
  int64Difference,
  int64Compare,
  lowWord,
  highWord,
} from './int64.js';
export { parseLongDecimal, parseDecimalText, POWERS_OF_TEN } from './decimal.js';
export {
  type Tag,
  type ParsedSeriesKey,
  KEY_LENGTH_MAX,
  KEY_HASH_SEED,
  finishKeyHash,
  hashKey,
  compareBytes,
  compareUtf8,
  unescapeName,
  formatSeriesKey,
  encodeSeriesKey,
  parseSeriesKey,
} from './series-key.js';
export {
  PointsBatch,
  PointsGroup,
  type PointRefusal,
  type PointSource,
  REFUSALS_KEPT,
  STRING_LENGTH_MAX,
  stringInBody,
  stringInExtra,
  markBigInteger,
  bigIntegerPosition,
} from './points-batch.js';
export {
  LineParser,
  type RejectedLine,
  type ParseOutcome,
  type ParseRequest,
  BODY_PADDING,
  REJECTED_LINES_KEPT,
  padBody,
} from './line-parser.js';
export { TIME_MIN_NS, TIME_MAX_NS } from './line-slow-path.js';
export {
  KEY_SLAB_BYTES,
  KeyTable,
  type KeyTableContent,
  type SharedKeys,
  SharedKeyReader,
} from './key-table.js';
export { type RowRun, allRuns, orderRuns } from './row-runs.js';
export type { KnownSeries } from './line-context.js';
export { findLineEnd } from './line-scanner.js';
export { type EncodedLines, LineEncoder } from './line-encoder.js';
export { LineCopier } from './line-copier.js';
export { PointsBuilder } from './points-builder.js';
export { type NamedSeries, SERIES_CACHED_MAX } from './series-cache.js';
