/**
 * Fills batches point by point, for decoders whose input is not line protocol: find the series by its raw name, add it the
 * first time it is seen, add points. No object per point. Series are turned into ids of the database only when the batch is
 * handed on, so that what happens to the database meanwhile does not matter.
 */
import { invariant } from '#kernel';
import type { KnownSeries } from './line-context.js';
import { PointsBatch, type PointsGroup, type PointSource, stringInExtra } from './points-batch.js';
import { type NamedSeries, SERIES_CACHED_MAX, SeriesCache } from './series-cache.js';
import { hashKey } from './series-key.js';
import type { ShapeTable } from './shape.js';
import { TimeWords } from './time-words.js';

/** Emptied batches kept for reuse. */
const BATCHES_KEPT = 4;

/** Fills batches, one at a time. One thread, one database. */
export class PointsBuilder {
  private readonly cache: SeriesCache;
  private readonly spare: PointsBatch[] = [];
  private readonly time = new TimeWords();
  private batch = new PointsBatch();
  private source: PointSource | null = null;
  private shapeId = -1;
  private group: PointsGroup | null = null;
  private row = 0;

  constructor(
    private readonly shapes: ShapeTable,
    private readonly seriesCachedMax = SERIES_CACHED_MAX,
  ) {
    this.cache = new SeriesCache(shapes);
  }

  /** Points in the batch being filled. */
  get pointCount(): number {
    return this.batch.pointCount;
  }

  /** Raw names remembered. */
  get seriesCount(): number {
    return this.cache.count;
  }

  /**
   * The number of the series whose raw name is `bytes[start..start+length)`, or -1 where it was not added yet. Numbers hold
   * until the batch is taken.
   * @param hash of those bytes: hashKey's, or the same computed while scanning
   */
  find(bytes: Uint8Array, start: number, length: number, hash: number): number {
    return this.cache.find(bytes, start, length, hash);
  }

  /** The series of a raw name where it is the one that came behind the last one the time before, or -1. See SeriesCache. */
  findFollowing(view: DataView, start: number, length: number): number {
    return this.cache.findFollowing(view, start, length);
  }

  /** Takes note of the series that came next, where {@link findFollowing} did not find it. */
  noteFollowing(series: number): void {
    this.cache.noteFollowing(series);
  }

  /** Says where the points that follow come from, in this batch and the next ones. */
  markSource(source: PointSource): void {
    this.source = source;
    this.batch.markSource(source);
  }

  /** Length of the raw name of a series that was found before, or -1 where there is no such number any more. */
  nameLength(series: number): number {
    return this.cache.lengthOf(series);
  }

  /**
   * Whether a raw name goes on with `view[start..start+length)` from its byte `from` on: a decoder that guesses which series
   * comes next sees by it that it was right.
   * @param from a multiple of 4; `from + length` is at most {@link nameLength}
   * @param view readable for 3 bytes more
   */
  nameContinues(
    series: number,
    from: number,
    view: DataView,
    start: number,
    length: number,
  ): boolean {
    return this.cache.continues(series, from, view, start, length);
  }

  /**
   * Adds a series that {@link find} did not find.
   * @param name its raw name, up to 65535 bytes; copied. Different names may stand for one series.
   * @returns its number, or the reason for which points of it cannot be stored
   */
  addSeries(name: Uint8Array, series: NamedSeries): number | string {
    return this.cache.add(name, hashKey(name, 0, name.length), series);
  }

  /**
   * Adds a point of a series that has one field, a float.
   * @param value finite
   * @param seconds whole, between -9223372036 and 9223372035
   * @param nanos whole, 0 to 999999999
   */
  addFloat(series: number, value: number, seconds: number, nanos: number): void {
    this.startPoint(series, seconds, nanos);
    const { group } = this;
    if (group !== null) group.values[this.row] = value;
  }

  /** Starts a point; all fields of its series must be set before the next call. Times as in {@link addFloat}. */
  startPoint(series: number, seconds: number, nanos: number): void {
    const shapeId = this.cache.shapeOf(series);
    let { group } = this;
    if (group === null || shapeId !== this.shapeId) {
      group = this.batch.group(this.shapes.get(shapeId));
      this.group = group;
      this.shapeId = shapeId;
    }
    if (group.rows === group.capacity) group.grow();
    const row = group.rows++;
    this.row = row;
    const { batch, time } = this;
    time.set(seconds, nanos);
    group.times[2 * row] = time.lo;
    group.times[2 * row + 1] = time.hi;
    group.seriesIds[row] = this.cache.keyNumberOf(series);
    group.pointNumbers[row] = batch.pointCount++;
    batch.valueCount += group.shape.fieldCount;
  }

  /** Sets a float (finite), an integer of at most 2^53, or a boolean (0 or 1) of the point started last. */
  setNumber(field: number, value: number): void {
    const group = this.startedGroup();
    group.values[field * group.capacity + this.row] = value;
  }

  /** Sets a 64-bit integer of the point started last. */
  setInteger(field: number, value: bigint): void {
    const group = this.startedGroup();
    this.batch.setInteger(group, field * group.capacity + this.row, value);
  }

  /** Sets a string of the point started last: UTF-8, at most STRING_LENGTH_MAX bytes; copied. */
  setString(field: number, bytes: Uint8Array): void {
    const group = this.startedGroup();
    const start = this.batch.addExtra(bytes);
    group.values[field * group.capacity + this.row] = stringInExtra(start, bytes.length);
  }

  /**
   * Takes the batch that was filled, ready for the writer, and starts another. Give it back with {@link recycle}.
   * @param known the series of the database, or null where it does not exist
   */
  take(known: KnownSeries | null): PointsBatch {
    const { batch } = this;
    this.cache.resolve(batch, known);
    this.batch = this.spare.pop() ?? new PointsBatch();
    if (this.source !== null) this.batch.markSource(this.source);
    this.group = null;
    this.shapeId = -1;
    if (this.cache.count >= this.seriesCachedMax) this.cache.clear();
    return batch;
  }

  /** Takes back a batch that nobody uses any more. */
  recycle(batch: PointsBatch): void {
    batch.clear();
    if (this.spare.length < BATCHES_KEPT) this.spare.push(batch);
  }

  private startedGroup(): PointsGroup {
    invariant(this.group !== null, 'a point has to be started before its fields are set');
    return this.group;
  }
}
