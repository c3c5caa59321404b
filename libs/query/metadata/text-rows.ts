/**
 * Rows of text as SHOW statements answer them: handed over in pieces, so that a million of them are never held at once, and
 * sorted in turns with other work. Knows no storage.
 */
import { compareNames } from '../compile/expand.js';
import type { QueryBudget } from '../limits.js';
import type { ResultSeries } from '../ports.js';

/** Rows of a piece. */
const PIECE_ROWS = 10_000;
/** Rows between looks at the clock. */
export const ROWS_PER_LOOK = 1024;
/** Texts sorted between looks at the clock: a few milliseconds. */
const SORTED_AT_ONCE = 4096;

/** A result of text columns; nothing for no rows. */
export function* textSeries(
  name: string,
  columns: readonly string[],
  rows: readonly (readonly string[])[],
): Generator<ResultSeries> {
  if (rows.length > 0) yield pieceOf(name, columns, rows, false);
}

/**
 * Rows as they come, in pieces that are marked as partial but for the last; null where others may have their turn.
 * @param rows null where others may have their turn
 * @param options the first rows are left out, and all after so many, 0 for all
 */
export function* textPieces(
  { name, columns }: { readonly name: string; readonly columns: readonly string[] },
  rows: Iterable<readonly string[] | null>,
  options: { readonly limit: number; readonly offset: number; readonly budget: QueryBudget },
): Generator<ResultSeries | null> {
  const { limit, offset, budget } = options;
  let piece: (readonly string[])[] = [];
  let count = 0;
  for (const row of rows) {
    if (row === null || (++count % ROWS_PER_LOOK === 0 && budget.isTurnOver())) yield null;
    if (row === null || count <= offset) continue;
    if (piece.length === PIECE_ROWS) {
      yield pieceOf(name, columns, piece, true);
      piece = [];
    }
    piece.push(row);
    if (limit > 0 && count === offset + limit) break;
  }
  if (piece.length > 0) yield pieceOf(name, columns, piece, false);
}

function pieceOf(
  name: string,
  columns: readonly string[],
  rows: readonly (readonly string[])[],
  partial: boolean,
): ResultSeries {
  return {
    name,
    tags: null,
    columns,
    rowCount: rows.length,
    data: columns.map((_, c) => ({ kind: 'string', values: rows.map((row) => row[c] ?? '') })),
    partial,
  };
}

/** Texts in byte order, each once; null where others may have their turn. */
export function* sortedTexts(
  texts: Iterable<string>,
  budget: QueryBudget,
): Generator<null, readonly string[]> {
  const all = [...texts];
  let runs: string[][] = [];
  for (let from = 0; from < all.length; from += SORTED_AT_ONCE) {
    if (budget.isTurnOver()) yield null;
    runs.push(all.slice(from, from + SORTED_AT_ONCE).sort(compareNames));
  }
  while (runs.length > 1) {
    const merged: string[][] = [];
    for (let r = 0; r < runs.length; r += 2)
      merged.push(yield* mergedRuns(runs[r] as string[], runs[r + 1] ?? [], budget));
    runs = merged;
  }
  return (runs[0] ?? []).filter((text, i, sorted) => i === 0 || text !== sorted[i - 1]);
}

function* mergedRuns(
  a: readonly string[],
  b: readonly string[],
  budget: QueryBudget,
): Generator<null, string[]> {
  const merged: string[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (merged.length % ROWS_PER_LOOK === 0 && budget.isTurnOver()) yield null;
    const isFirst =
      j >= b.length || (i < a.length && compareNames(a[i] as string, b[j] as string) <= 0);
    merged.push((isFirst ? a[i++] : b[j++]) as string);
  }
  return merged;
}
