/** Keys of TSM files: series key, separator, field name. */
import type { FieldType } from '#models';
import { FIELD_SEPARATOR } from './tsm-format.js';

/** A field to read. */
export interface SeriesField {
  readonly name: string;
  readonly type: FieldType;
}

/** The bytes between series key and field name. */
export const SEPARATOR_BYTES: Uint8Array = new TextEncoder().encode(FIELD_SEPARATOR);

/** Where the separator of series key and field begins, or -1. */
export function findSeparator(key: Uint8Array): number {
  const [first, second, third, fourth] = SEPARATOR_BYTES;
  for (let i = key.indexOf(first); i >= 0; i = key.indexOf(first, i + 1)) {
    if (key[i + 1] === second && key[i + 2] === third && key[i + 3] === fourth) return i;
  }
  return -1;
}
