/**
 * Looks for series of a measurement by the values of their tags: by postings where few are wanted, else through the columns.
 */
import type { Measurement, TagColumn } from './measurement.js';

/** A tag and the value ids that it may have; 0 stands for series without the tag. */
export interface TagChoice {
  readonly column: TagColumn;
  /** The one id wanted, or whether an id is. */
  readonly wanted: number | ((valueId: number) => boolean);
}

/** Where postings give more than one part in so many of all series, the columns are looked through. */
const MANY_PART = 4;

/** Positions of the series that meet every choice, in no particular order; all where there is none. */
export function findPositions(
  { seriesCount }: Measurement,
  choices: readonly TagChoice[],
): Int32Array {
  const [first, ...rest] = [...choices].sort((a, b) => rankOf(a) - rankOf(b));
  if (first === undefined)
    return Int32Array.from({ length: seriesCount }, (_, position) => position);
  let found = candidates(first, seriesCount);
  for (const choice of rest) found = kept(found, choice, seriesCount);
  return found;
}

/** What is looked for first: the value that the fewest have, as far as that is known. */
function rankOf({ column, wanted }: TagChoice): number {
  if (typeof wanted !== 'number' || wanted === 0) return Number.POSITIVE_INFINITY;
  return 1 / (column.valueCount + 1);
}

function candidates({ column, wanted }: TagChoice, count: number): Int32Array {
  const ids = column.idsOf(count);
  if (typeof wanted === 'number') {
    const postings = wanted === 0 ? null : column.postingsOf(count);
    if (postings === null) return scanFor(ids, 0, wanted);
    return joined([postings.of(wanted), scanFor(ids, postings.coveredCount, wanted)]);
  }
  const isWanted = new Uint8Array(column.valueCount + 1);
  for (let v = 0; v < isWanted.length; v++) if (wanted(v)) isWanted[v] = 1;
  const postings = isWanted[0] === 1 ? null : column.postingsOf(count);
  if (postings === null) return scan(ids, 0, isWanted);
  let total = 0;
  for (let v = 1; v < isWanted.length; v++) if (isWanted[v] === 1) total += postings.countOf(v);
  if (total * MANY_PART > count) return scan(ids, 0, isWanted);
  const parts: Int32Array[] = [];
  for (let v = 1; v < isWanted.length; v++) if (isWanted[v] === 1) parts.push(postings.of(v));
  parts.push(scan(ids, postings.coveredCount, isWanted));
  return joined(parts);
}

function kept(positions: Int32Array, { column, wanted }: TagChoice, count: number): Int32Array {
  const ids = column.idsOf(count);
  let n = 0;
  const found = new Int32Array(positions.length);
  if (typeof wanted === 'number') {
    for (let i = 0; i < positions.length; i++)
      if (ids[positions[i]] === wanted) found[n++] = positions[i];
  } else {
    for (let i = 0; i < positions.length; i++)
      if (wanted(ids[positions[i]])) found[n++] = positions[i];
  }
  return found.subarray(0, n);
}

function scanFor(ids: Int32Array, from: number, wanted: number): Int32Array {
  let n = 0;
  for (let p = from; p < ids.length; p++) if (ids[p] === wanted) n++;
  const found = new Int32Array(n);
  n = 0;
  for (let p = from; n < found.length; p++) if (ids[p] === wanted) found[n++] = p;
  return found;
}

function scan(ids: Int32Array, from: number, wanted: Uint8Array): Int32Array {
  let n = 0;
  for (let p = from; p < ids.length; p++) n += wanted[ids[p]];
  const found = new Int32Array(n);
  n = 0;
  for (let p = from; n < found.length; p++) if (wanted[ids[p]] === 1) found[n++] = p;
  return found;
}

function joined(parts: readonly Int32Array[]): Int32Array {
  const filled = parts.filter(({ length }) => length > 0);
  if (filled.length === 1) return filled[0];
  const all = new Int32Array(filled.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of filled) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
