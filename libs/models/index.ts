export { FieldType, type FieldTypeName, fieldTypeName } from './field-type.js';
export type { ColumnBatch, StringColumn } from './column.js';
