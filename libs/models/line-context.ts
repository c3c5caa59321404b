/**
 * What the fast and the slow path of the line parser share: the state of reading one body, and the port to the series that
 * are known already.
 */
import type { PointsBatch } from './points-batch.js';
import type { ShapeTable } from './shape.js';

/** What the parser asks of the series that are stored already. Owned by the series index of the database written to. */
export interface KnownSeries {
  /** Id of the series whose canonical key or remembered spelling is `bytes[start..start+length)`, else -1. */
  find(bytes: Uint8Array, start: number, length: number, hash: number): number;
  /** Remembers another spelling of a known series' key. Keeps `bytes`. May decline: then the line is slower next time. */
  addAlias(bytes: Uint8Array, hash: number, seriesId: number): void;
  /** How many times {@link find} has answered for another spelling than the canonical key; absent where there is none. */
  readonly aliasHits?: number;
  /** Changes when ids of series that are gone for long are forgotten: whoever keeps ids has to look them up again. */
  readonly epoch?: number;
  /** By series id: the shape its last point had, or -1. Written by the parser. */
  readonly shapeHints: Int32Array;
}

/** The state of reading one body. */
export interface LineContext {
  readonly body: Uint8Array;
  readonly view: DataView;
  readonly batch: PointsBatch;
  readonly known: KnownSeries;
  readonly shapes: ShapeTable;
  readonly unitNs: number;
  /** The time of points without one. */
  readonly defaultTimeNs: bigint;
  /** Rows whose series was not known. */
  unknownRows: number;
  /** Takes note that a line is not spelt as InfluxDB prints its point. */
  noteOtherSpelling(): void;
  /** Remembers the shape of the point just added; series -1 is one not known. */
  noteShape(seriesId: number, shapeId: number): void;
  /** Remembers a key that is not known, so that its further lines in this body need not be taken apart. */
  noteNewKey(key: NewKey): void;
}

/** A key that the index does not have yet, as one body spells it. */
export interface NewKey {
  /** Where the body spells it. */
  readonly start: number;
  readonly length: number;
  readonly hash: number;
  /** Where the batch's extra bytes have its canonical form. */
  readonly keyStart: number;
  readonly keyLength: number;
  readonly shapeId: number;
}
