/**
 * Series as one sender names them. A Graphite path, an OpenTSDB line's metric and tags, a Prometheus label set: none of them
 * is a series key, and making the key costs strings. So it is made once and remembered by the raw bytes. Feeds the
 * PointsBuilder; knows no protocol and no storage.
 */
import { KeyTable } from './key-table.js';
import type { KnownSeries } from './line-context.js';
import type { PointsBatch } from './points-batch.js';
import { hashKey, KEY_LENGTH_MAX } from './series-key.js';
import type { ShapeField, ShapeTable } from './shape.js';

/** Raw names that one cache remembers before it starts anew; about 300 bytes each. */
export const SERIES_CACHED_MAX = 1_000_000;

/** What a raw name stands for. */
export interface NamedSeries {
  /** The canonical key, see encodeSeriesKey. */
  readonly key: Uint8Array;
  /** Its fields, at least one. */
  readonly fields: readonly ShapeField[];
}

/** Raw names of series, their canonical keys, and what their database calls them. One thread, one database. */
export class SeriesCache {
  /** True when points of one series may come in several shapes of several fields: then their order has to be kept. */
  hasMixedShapes = false;
  private names = new KeyTable(64);
  private keys = new KeyTable(64);
  /** By name: number of its key, and shape. */
  private keyNumbers = new Int32Array(64);
  private shapes = new Int32Array(64);
  /** By name: the one that came behind it, or -1; and the last one. */
  private followers = new Int32Array(64).fill(-1);
  private last = 0;
  /** By key: id in `source` or -1, first shape, and where the batch `placedIn` has it. */
  private ids = new Int32Array(64);
  private firstShapes = new Int32Array(64);
  private places = new Int32Array(64);
  private placeMarks = new Float64Array(64);
  private placeMark = 0;
  private source: KnownSeries | null = null;
  private epoch = 0;

  constructor(private readonly shapeTable: ShapeTable) {}

  /** Number of raw names. */
  get count(): number {
    return this.names.count;
  }

  /** The number of the name `bytes[start..start+length)` with this hash, or -1. Numbers hold until {@link clear}. */
  find(bytes: Uint8Array, start: number, length: number, hash: number): number {
    return this.names.find(bytes, start, length, hash);
  }

  /**
   * The number of the name `view[start..start+length)` where it is the one that came behind the last one the time before, else
   * -1: senders send their series in the same order again and again, and then a name need not be hashed.
   * @param view readable for 3 bytes more
   */
  findFollowing(view: DataView, start: number, length: number): number {
    const guess = this.followers[this.last];
    if (guess < 0) return -1;
    if (this.names.lengthOf(guess) !== length) return -1;
    if (!this.names.continues(guess, 0, view, start, length)) return -1;
    this.last = guess;
    return guess;
  }

  /** Takes note that a name came behind the last one that was noted or found by {@link findFollowing}. */
  noteFollowing(n: number): void {
    this.followers[this.last] = n;
    this.last = n;
  }

  /** Length of a name, or -1 where there is no such number. */
  lengthOf(n: number): number {
    return this.names.lengthOf(n);
  }

  /** Whether a name goes on with some bytes; see KeyTable.continues. */
  continues(n: number, from: number, view: DataView, start: number, length: number): boolean {
    return this.names.continues(n, from, view, start, length);
  }

  /**
   * Remembers a name that is not there yet.
   * @param name up to 65535 bytes; copied
   * @returns its number, or why points of it cannot be stored
   */
  add(name: Uint8Array, hash: number, { key, fields }: NamedSeries): number | string {
    for (const field of fields) {
      const size = key.length + 4 + Buffer.byteLength(field.name);
      if (size > KEY_LENGTH_MAX || name.length > KEY_LENGTH_MAX) {
        return `max key length exceeded: ${Math.max(size, name.length)} > ${KEY_LENGTH_MAX}`;
      }
    }
    const shape = this.shapeTable.intern(fields);
    if (shape === null) return 'too many distinct sets of fields';
    const n = this.names.add(name, 0, name.length, hash);
    if (n >= this.keyNumbers.length) {
      this.keyNumbers = wider(this.keyNumbers);
      this.shapes = wider(this.shapes);
      this.followers = wider(this.followers).fill(-1, this.followers.length);
    }
    this.keyNumbers[n] = this.keyNumber(key, shape.id, fields.length);
    this.shapes[n] = shape.id;
    return n;
  }

  /** The shape of a name's points. */
  shapeOf(n: number): number {
    return this.shapes[n];
  }

  /** The number of a name's key, for {@link resolve}. */
  keyNumberOf(n: number): number {
    return this.keyNumbers[n];
  }

  /**
   * Puts series ids in the place of key numbers in all rows of a batch; where the database does not know a series yet, its key
   * goes into the batch.
   * @param known the series of the database, or null where there is no such database yet
   */
  resolve(batch: PointsBatch, known: KnownSeries | null): void {
    const epoch = known?.epoch ?? 0;
    if (known !== this.source || epoch !== this.epoch) {
      this.ids.fill(-1);
      this.source = known;
      this.epoch = epoch;
    }
    this.placeMark++;
    batch.seriesSource = known;
    if (this.hasMixedShapes) batch.hasMixedShapes = true;
    for (const group of batch.groups) {
      const { seriesIds, keyStart, keyLength, rows } = group;
      for (let row = 0; row < rows; row++) {
        const key = seriesIds[row];
        let id = this.ids[key];
        if (id < 0) {
          id = this.lookUp(key);
          if (id < 0) {
            keyStart[row] = this.place(batch, key);
            keyLength[row] = this.keys.bytesOf(key).length;
          }
        }
        seriesIds[row] = id;
      }
    }
  }

  /** Forgets everything. Batches that are not resolved lose their series. */
  clear(): void {
    this.names = new KeyTable(64);
    this.keys = new KeyTable(64);
    this.hasMixedShapes = false;
    this.followers.fill(-1);
    this.last = 0;
    this.placeMarks.fill(0);
    this.placeMark = 0;
  }

  private keyNumber(key: Uint8Array, shapeId: number, fieldCount: number): number {
    const hash = hashKey(key, 0, key.length);
    const known = this.keys.find(key, 0, key.length, hash);
    if (known >= 0) {
      // Of one-field shapes no two have a field in common.
      if (this.firstShapes[known] !== shapeId) {
        const first = this.shapeTable.get(this.firstShapes[known]);
        if (fieldCount > 1 || first.fieldCount > 1) this.hasMixedShapes = true;
      }
      return known;
    }
    const n = this.keys.add(key, 0, key.length, hash);
    if (n >= this.ids.length) {
      this.ids = wider(this.ids);
      this.firstShapes = wider(this.firstShapes);
      this.places = wider(this.places);
      const marks = new Float64Array(this.ids.length);
      marks.set(this.placeMarks);
      this.placeMarks = marks;
    }
    this.ids[n] = -1;
    this.firstShapes[n] = shapeId;
    return n;
  }

  private lookUp(key: number): number {
    if (this.source === null) return -1;
    const bytes = this.keys.bytesOf(key);
    const id = this.source.find(bytes, 0, bytes.length, hashKey(bytes, 0, bytes.length));
    this.ids[key] = id;
    return id;
  }

  /** Where a batch has a key; each once. */
  private place(batch: PointsBatch, key: number): number {
    if (this.placeMarks[key] !== this.placeMark) {
      this.placeMarks[key] = this.placeMark;
      this.places[key] = batch.addExtra(this.keys.bytesOf(key));
    }
    return this.places[key];
  }
}

function wider(from: Int32Array): Int32Array<ArrayBuffer> {
  const to = new Int32Array(from.length * 2);
  to.set(from);
  return to;
}
