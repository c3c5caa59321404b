/**
 * Series by bits: loops over the columns of a measurement and the sets of series that shards have. Arrays in, arrays out; kept
 * apart from the views that call them so that they stay small and hot.
 */
import { requirementTest, type TagRequirement } from '#query';
import type { TagColumn } from '#series-index';

const encoder = new TextEncoder();

/** The value id that is asked for, or whether one is; a regular expression is tried once a value. */
export function wantedValues(
  requirement: TagRequirement,
  column: TagColumn,
): number | ((valueId: number) => boolean) {
  if ('value' in requirement) {
    const { value } = requirement;
    const bytes = encoder.encode(value);
    return value === '' ? 0 : column.findValue(bytes, 0, bytes.length) || -1;
  }
  const isMet = requirementTest(requirement);
  const known = new Uint8Array(column.valueCount + 1);
  return (valueId) => {
    if (known[valueId] === 0) known[valueId] = isMet(column.text(valueId)) ? 2 : 1;
    return known[valueId] === 2;
  };
}

/** Adds the bits of one set to another that is long enough. */
export function unite(into: Uint32Array, words: Uint32Array): void {
  for (let w = 0; w < words.length; w++) into[w] |= words[w];
}

/** Positions of a measurement, of so many, whose series are stored. */
export function storedPositions(
  seriesIds: Int32Array,
  count: number,
  words: Uint32Array,
): Int32Array {
  const stored = new Int32Array(count);
  let n = 0;
  for (let position = 0; position < count; position++) {
    const id = seriesIds[position];
    if ((words[id >>> 5] >>> (id & 31)) & 1) stored[n++] = position;
  }
  return stored.subarray(0, n);
}

/** Those of some positions whose series are stored. */
export function storedAmong(
  positions: Int32Array,
  seriesIds: Int32Array,
  words: Uint32Array,
): Int32Array {
  const stored = new Int32Array(positions.length);
  let n = 0;
  for (let i = 0; i < positions.length; i++) {
    const id = seriesIds[positions[i]];
    if ((words[id >>> 5] >>> (id & 31)) & 1) stored[n++] = positions[i];
  }
  return stored.subarray(0, n);
}

/** Marks the values of stored series, until all are marked. */
export function markStoredValues(
  valueIds: Int32Array,
  seriesIds: Int32Array,
  words: Uint32Array,
  isMarked: Uint8Array,
): void {
  let left = isMarked.length - 1;
  for (let position = 0; position < valueIds.length && left > 0; position++) {
    const valueId = valueIds[position];
    if (valueId === 0 || isMarked[valueId] === 1) continue;
    const id = seriesIds[position];
    if (((words[id >>> 5] >>> (id & 31)) & 1) === 0) continue;
    isMarked[valueId] = 1;
    left--;
  }
}

/** True when a stored series has any value. */
export function hasStoredValue(
  valueIds: Int32Array,
  seriesIds: Int32Array,
  words: Uint32Array,
): boolean {
  for (let position = 0; position < valueIds.length; position++) {
    const id = seriesIds[position];
    if (valueIds[position] !== 0 && (words[id >>> 5] >>> (id & 31)) & 1) return true;
  }
  return false;
}
