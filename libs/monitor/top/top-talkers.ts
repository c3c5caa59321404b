/**
 * Who writes the most, and who makes the most series, over the last hour in minutes. A row costs one step of a counter that is
 * found by its measurement's number; names are looked at once a minute, when the first of a minute are picked out.
 */
import type { WriteListener, WriteRequest } from '#coordinator';
import type { Clock } from '#kernel';
import type { PointSource } from '#models';
import type { SeriesIndex } from '#series-index';
import type { MadeSeries, Store } from '#tsdb';
import { pickTop, Tally, type TopCount } from './tally.js';

/** Names kept of a minute that has ended. */
export const KEPT_PER_MINUTE = 200;
/** Minutes that are remembered. */
export const MINUTES_KEPT = 60;
const MINUTE_MS = 60_000;

/** What is asked. */
export type TopSubject = 'measurements' | 'sources';
export type TopOrder = 'points' | 'newSeries';

/** Counts of one minute, picked out. */
interface Minute {
  readonly number: number;
  readonly tops: Readonly<Record<`${TopSubject}.${TopOrder}`, TopCounts>>;
}

/** The first of a minute, and how many the next one can have had. */
interface TopCounts {
  readonly counts: readonly TopCount[];
  readonly floor: number;
}

/** Counters of one database's measurements, by their numbers. */
interface MeasurementCounters {
  readonly database: string;
  points: Float64Array;
  newSeries: Float64Array;
}

/** Separates the two parts of a name. */
export const NAME_SEPARATOR = '\0';

/** Counts as writes are passed on. */
export class TopTalkers implements WriteListener {
  private minute = -1;
  private counters = new Map<SeriesIndex, MeasurementCounters>();
  private sourcePoints = new Tally();
  private sourceSeries = new Tally();
  /** Who made the last series, and how many that are not in `sourceSeries` yet. */
  private maker: PointSource | null = null;
  private makerSeries = 0;
  /** The last ones first. */
  private ended: Minute[] = [];

  constructor(
    private readonly store: Pick<Store, 'index'>,
    private readonly clock: Pick<Clock, 'monotonicMs'>,
  ) {}

  /** Counts the points of a batch; those that were refused are among them. */
  stored({ database, batch }: WriteRequest): void {
    this.turn();
    const index = this.store.index(database);
    const { points } = this.countersOf(database, index);
    const { measurementIdOf } = index;
    for (const { seriesIds, rows } of batch.groups)
      countRows(points, seriesIds, rows, measurementIdOf);
    const { sources, sourceStarts, pointCount } = batch;
    for (let i = 0; i < sources.length; i++) {
      const from = i === 0 ? 0 : sourceStarts[i];
      const to = i + 1 < sources.length ? sourceStarts[i + 1] : pointCount;
      if (to > from) this.sourcePoints.add(nameOf(sources[i]), to - from);
    }
  }

  /** Counts a new series. */
  made({ database, index, seriesId, source }: MadeSeries): void {
    this.turn();
    this.countersOf(database, index).newSeries[index.measurementIdOf[seriesId]]++;
    // A batch's new series come one after another.
    if (source !== this.maker) this.bookMaker();
    this.maker = source;
    this.makerSeries++;
  }

  /**
   * The names with the largest counts over some minutes up to now, the largest first.
   * @param minutes at least 1; more than are remembered mean all
   */
  top(subject: TopSubject, order: TopOrder, minutes: number, limit: number): readonly TopCount[] {
    this.turn();
    const key = `${subject}.${order}` as const;
    const spans = [this.minuteNow(), ...this.ended]
      .filter(({ number }) => number > this.minute - minutes)
      .map(({ tops }) => tops[key]);
    const floors = spans.reduce((sum, { floor }) => sum + floor, 0);
    const sums = new Map<string, { count: number; errorMax: number }>();
    for (const { counts, floor } of spans) {
      for (const { name, count, errorMax } of counts) {
        const sum = sums.get(name) ?? { count: 0, errorMax: floors };
        sums.set(name, sum);
        sum.count += count;
        // In minutes where it is not among the first it may have had as many as the last of them.
        sum.errorMax += errorMax - floor;
      }
    }
    const all = [...sums].map(([name, sum]) => ({ name, ...sum }));
    return pickTop(all, limit);
  }

  private bookMaker(): void {
    if (this.maker !== null && this.makerSeries > 0)
      this.sourceSeries.add(nameOf(this.maker), this.makerSeries);
    this.makerSeries = 0;
  }

  private minuteNow(): Minute {
    this.bookMaker();
    return {
      number: this.minute,
      tops: {
        'measurements.points': topOf(this.measurementCounts('points')),
        'measurements.newSeries': topOf(this.measurementCounts('newSeries')),
        'sources.points': topOf(this.sourcePoints.counts()),
        'sources.newSeries': topOf(this.sourceSeries.counts()),
      },
    };
  }

  private measurementCounts(order: TopOrder): TopCount[] {
    return [...this.counters].flatMap(([index, counters]) => {
      const found: TopCount[] = [];
      counters[order].forEach((count, id) => {
        if (count === 0) return;
        const name = `${counters.database}${NAME_SEPARATOR}${index.measurements[id].name}`;
        found.push({ name, count, errorMax: 0 });
      });
      return found;
    });
  }

  private countersOf(database: string, index: SeriesIndex): MeasurementCounters {
    let found = this.counters.get(index);
    const { length } = index.measurements;
    if (found === undefined) {
      found = { database, points: new Float64Array(16), newSeries: new Float64Array(16) };
      this.counters.set(index, found);
    }
    if (found.points.length < length) {
      found.points = widened(found.points, length);
      found.newSeries = widened(found.newSeries, length);
    }
    return found;
  }

  /** Ends the minute where it is over. */
  private turn(): void {
    const minute = Math.floor(this.clock.monotonicMs() / MINUTE_MS);
    if (minute === this.minute) return;
    if (this.minute >= 0) {
      this.ended.unshift(this.minuteNow());
      this.ended = this.ended.filter(({ number }) => number > minute - MINUTES_KEPT);
    }
    this.minute = minute;
    this.counters = new Map();
    this.sourcePoints = new Tally();
    this.sourceSeries = new Tally();
  }
}

/** A step for the measurement of each row whose series is known. */
function countRows(
  points: Float64Array,
  seriesIds: Int32Array,
  rows: number,
  measurementIdOf: Int32Array,
): void {
  for (let row = 0; row < rows; row++) {
    const seriesId = seriesIds[row];
    if (seriesId >= 0) points[measurementIdOf[seriesId]]++;
  }
}

function topOf(counts: TopCount[]): TopCounts {
  if (counts.length <= KEPT_PER_MINUTE) return { counts, floor: 0 };
  const kept = pickTop(counts, KEPT_PER_MINUTE);
  return { counts: kept, floor: kept[kept.length - 1].count };
}

function widened(from: Float64Array, length: number): Float64Array {
  const to = new Float64Array(Math.max(length, from.length * 2));
  to.set(from);
  return to;
}

const nameOf = ({ listener, peer }: PointSource): string =>
  `${listener || 'unknown'}${NAME_SEPARATOR}${peer}`;
