/**
 * Types of values in a query: the five field types, and what else an expression can be.
 */
import type { FieldType } from '#models';
import { fieldTypeName, type FieldTypeName } from '#models';

/** Type of a column of values. */
export type ValueType = FieldTypeName;

/** Type of a reference or expression: a value type, a tag, or nothing known. */
export type ExprType = ValueType | 'tag' | 'time' | 'unknown';

/** Which type wins where a field has several: the first of these. Same as InfluxDB 1.x. */
const PREFERENCE: readonly ValueType[] = ['float', 'integer', 'unsigned', 'string', 'boolean'];

/** The type that stands for a field of several types. */
export function preferredType(types: Iterable<ValueType>): ValueType | null {
  const present = new Set(types);
  return PREFERENCE.find((type) => present.has(type)) ?? null;
}

/** Value types of field types. */
export function valueTypesOf(types: readonly FieldType[]): readonly ValueType[] {
  return types.map(fieldTypeName);
}

/** True for float, integer and unsigned. */
export function isNumeric(type: ExprType): boolean {
  return type === 'float' || type === 'integer' || type === 'unsigned';
}
