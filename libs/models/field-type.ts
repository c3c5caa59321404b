/**
 * The five types a field can have. Numbers are those of InfluxDB 1.x's TSM blocks, so that they can go to disk as they are.
 */

/** Block type numbers of TSM files. @see docs/formats/tsm.md */
export const FieldType = { FLOAT: 0, INTEGER: 1, BOOLEAN: 2, STRING: 3, UNSIGNED: 4 } as const;
/** One of {@link FieldType}. */
export type FieldType = (typeof FieldType)[keyof typeof FieldType];

const NAMES = ['float', 'integer', 'boolean', 'string', 'unsigned'] as const;

/** Name of a field type as InfluxDB's answers and error texts have it. */
export type FieldTypeName = (typeof NAMES)[number];

/** The name of a type: `float`, `integer`, `boolean`, `string` or `unsigned`. */
export function fieldTypeName(type: FieldType): FieldTypeName {
  return NAMES[type];
}
