/**
 * What may stand before the making of series: is told of each that is made, and asked first where it limits how many there
 * may be. Never called for series that exist.
 */
import type { PointSource } from '#models';
import type { SeriesIndex } from '#series-index';

/** A series that a point is for and that does not exist. */
export interface SeriesCandidate {
  readonly database: string;
  readonly index: SeriesIndex;
  /** Canonical; lent for the call. */
  readonly key: Uint8Array;
  readonly source: PointSource;
}

/** A series that was made. */
export interface MadeSeries {
  readonly database: string;
  /** Of the shard that it was made for. */
  readonly retentionPolicy: string;
  readonly index: SeriesIndex;
  readonly seriesId: number;
  readonly source: PointSource;
}

/** Decides about new series. Must not throw. */
export interface SeriesGate {
  /** Whether {@link admit} is asked at all. */
  readonly isLimiting: boolean;
  /** The key of the series that the point goes to, the candidate's own as a rule; or why the point is refused. */
  admit(candidate: SeriesCandidate): Uint8Array | string;
  made(series: MadeSeries): void;
}
