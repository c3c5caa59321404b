/**
 * The rows of a frozen cache by series, found in two passes over its chunks. A snapshot reads every series, and following the
 * links of each from row to row waits for memory at every step: a series' rows lie as far apart as there are series.
 */
import type { Shape } from '#models';
import { CHUNK_ROWS } from './cache.js';

/** Of the shape of a series' rows: it has none, or several. */
const NONE = -1;
const SEVERAL = -2;

/** What is read of a chunk. */
interface SeriesChunk {
  readonly shape: Pick<Shape, 'id'>;
  readonly rows: number;
  readonly seriesIds: Int32Array;
}

/** References of rows by series. */
export class SeriesRows {
  /** By series: where its references end; they start where those of the series before end. */
  private readonly ends: Int32Array;
  private readonly refs: Int32Array;
  private readonly shapes: Int32Array;

  private constructor(chunks: readonly SeriesChunk[], seriesMax: number, rowCount: number) {
    this.shapes = new Int32Array(seriesMax + 1).fill(NONE);
    this.refs = new Int32Array(rowCount);
    this.ends = new Int32Array(seriesMax + 2);
    const { shapes, refs, ends } = this;
    // Rows of each series, one place further; from that where its first reference goes; and each moves on as they are placed.
    for (const chunk of chunks) countRows(chunk, shapes, ends);
    for (let i = 1; i < ends.length; i++) ends[i] += ends[i - 1];
    for (let n = 0; n < chunks.length; n++) placeRows(chunks[n], n * CHUNK_ROWS, ends, refs);
  }

  /**
   * The rows of a cache.
   * @param rowCount rows that are linked
   * @returns null where that is not all of them: which have been deleted, the links alone say
   */
  static of(
    chunks: readonly SeriesChunk[],
    seriesIds: Int32Array,
    rowCount: number,
  ): SeriesRows | null {
    let rows = 0;
    for (const chunk of chunks) rows += chunk.rows;
    if (rows !== rowCount) return null;
    let seriesMax = 0;
    for (let i = 0; i < seriesIds.length; i++) {
      if (seriesIds[i] > seriesMax) seriesMax = seriesIds[i];
    }
    return new SeriesRows(chunks, seriesMax, rows);
  }

  /**
   * References of a series' rows in order of writing: a view. Null where the links have to be followed, for rows of several
   * shapes lie in chunks whose order is not that of writing.
   */
  refsOf(seriesId: number): Int32Array | null {
    const { ends } = this;
    if (this.shapes[seriesId] === SEVERAL) return null;
    return this.refs.subarray(seriesId === 0 ? 0 : ends[seriesId - 1], ends[seriesId]);
  }
}

function countRows(
  { shape, rows, seriesIds }: SeriesChunk,
  shapes: Int32Array,
  counts: Int32Array,
): void {
  const shapeId = shape.id;
  for (let row = 0; row < rows; row++) {
    const seriesId = seriesIds[row];
    counts[seriesId + 1]++;
    if (shapes[seriesId] === shapeId) continue;
    shapes[seriesId] = shapes[seriesId] === NONE ? shapeId : SEVERAL;
  }
}

function placeRows(
  { rows, seriesIds }: SeriesChunk,
  base: number,
  places: Int32Array,
  refs: Int32Array,
): void {
  for (let row = 0; row < rows; row++) refs[places[seriesIds[row]]++] = base + row;
}
