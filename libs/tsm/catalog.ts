/**
 * What the engine asks of the series of its database. The series index provides it; the engine knows series by id only.
 */
import type { KnownSeries, SharedKeys } from '#models';

/** Series by id and by key. */
export interface SeriesCatalog extends KnownSeries {
  /** The canonical key of a series: a view, not to be changed. */
  keyOf(seriesId: number): Uint8Array;
  /** The series of a canonical key found on disk, made when new. Limits on growth do not apply to what is stored already. */
  restore(bytes: Uint8Array, start: number, length: number): number;
  /** Keys for a worker thread. */
  shareKeys(): SharedKeys;
  /** Makes keys ready to be found, in turns with other work; without it the first look-up waits for all of them. */
  prepare?(): Promise<void>;
}
