/**
 * The series of one database: ids by key, measurements, tags. Shared by all shards of the database. Ids are small integers
 * in order of creation and mean nothing outside the process. An id stands for its key for ever: a series that no shard has
 * any more is gone, is not found and does not count, and gets the same id should it come again. So nothing that still holds
 * the id (a batch parsed before, a record of the log) can mean another series.
 */
import { invariant } from '#kernel';
import { hashKey, KeyTable, type KnownSeries, parseSeriesKey, type SharedKeys } from '#models';
import { Measurement, type MeasurementContent } from './measurement.js';
import { PostingsMemory } from './postings.js';
import { SeriesSet } from './series-set.js';

/** Other spellings of keys (unsorted, escaped more than needed) that are remembered; past it they take the slow path. */
export const ALIASES_MAX = 65536;

/** In place of a number of shards. */
const GONE = -1;
const COMMA = 44;
const EQUALS = 61;
const BACKSLASH = 92;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Limits on growth; 0 = none. */
export interface SeriesLimits {
  /** `max-series-per-database` */
  readonly seriesMax: number;
  /** `max-values-per-tag` */
  readonly valuesPerTagMax: number;
}

/** Why a series was not created; the text is InfluxDB's. */
export class SeriesLimitError {
  constructor(readonly reason: string) {}
}

/** What of an index is stored: keys by series id, and measurements. */
export interface SeriesIndexContent {
  readonly keys: KeyTable;
  readonly measurements: readonly MeasurementContent[];
}

/** Why a point is refused that was parsed when its series was there, long before the series was forgotten. */
const FORGOTTEN_TEXT = 'series was deleted while its point was on the way; write it again';
/** So many series of a measurement are put in order within a few milliseconds when they are asked for. */
const UNSORTED_MIN = 10_000;
/** From so many series on, counts of used values are not kept up but made anew when they are asked for. */
const BULK_SERIES = 1000;
/** Keys hashed before others get their turn: a millisecond or two. */
const HASHED_AT_ONCE = 20_000;
/** Where fewer positions than one in so many are wanted, they are sorted; else taken from the order of all. */
const SORTED_PART = 16;

/** Series ids and the inverted index of tags. Lookups and creation are synchronous; one thread only. */
export class SeriesIndex implements KnownSeries {
  private keys = new KeyTable(1024);
  private readonly aliases = new KeyTable(16);
  private aliasIds = new Int32Array(16);
  private hits = 0;
  private hints = new Int32Array(1024).fill(-1);
  private measurementIds = new Int32Array(1024);
  private positions = new Int32Array(1024);
  /** By series id: shards that have it, and GONE. */
  private uses = new Int32Array(1024);
  private goneCount = 0;
  /** Gone series whose keys and tags have been forgotten: their ids mean nothing any more. */
  private readonly forgotten = new SeriesSet();
  /** Gone series that are to be forgotten, but for those that have come again since; null where nothing is. */
  private doomed: SeriesSet | null = null;
  /** How many times something has been forgotten; see KnownSeries. */
  epoch = 0;
  /** What its columns keep of their postings. */
  readonly postings = new PostingsMemory();
  private readonly measurementList: Measurement[] = [];
  private readonly byName = new Map<string, Measurement>();
  private lastMeasurement: Measurement | null = null;
  private lastNameBytes = new Uint8Array(0);

  constructor(private readonly limits: SeriesLimits = { seriesMax: 0, valuesPerTagMax: 0 }) {}

  /**
   * Takes what was stored. The index has to be empty; afterwards all series are gone until a shard is found to have them.
   * @param content its arrays are kept
   */
  adopt({ keys, measurements }: SeriesIndexContent): void {
    invariant(this.keys.count === 0, 'only an empty index adopts what was stored');
    const count = keys.count;
    const capacity = Math.max(1024, count + (count >>> 2));
    this.keys = keys;
    this.hints = new Int32Array(capacity).fill(-1);
    this.uses = new Int32Array(capacity).fill(GONE, 0, count);
    this.measurementIds = new Int32Array(capacity);
    this.positions = new Int32Array(capacity);
    this.goneCount = count;
    for (const content of measurements) {
      const measurement = this.measurementNamed(content.name);
      const { ids } = content;
      measurement.restore(content);
      for (let position = 0; position < ids.length; position++) {
        this.measurementIds[ids[position]] = measurement.id;
        this.positions[ids[position]] = position;
      }
    }
  }

  /** Makes what was adopted ready for look-ups by key, in turns with other work. Look-ups before that wait for all of it. */
  async prepare(): Promise<void> {
    while (this.prepareSome()) await new Promise((done) => setImmediate(done));
  }

  /** A turn of {@link prepare}; false when all is ready. */
  prepareSome(): boolean {
    return this.keys.hashSome(HASHED_AT_ONCE);
  }

  /** Number of ids given so far, those of series that are gone included. */
  get idCount(): number {
    return this.keys.count;
  }

  /** Number of ids whose series are gone. */
  get goneSeriesCount(): number {
    return this.goneCount;
  }

  /** The keys by series id, to be stored. */
  get keyTable(): KeyTable {
    return this.keys;
  }

  /** Takes note that one more shard has each series of a set. */
  retainAll(seriesIds: SeriesSet): void {
    const { uses } = this;
    let revived = 0;
    for (const seriesId of seriesIds.toArray()) {
      if (uses[seriesId] === GONE) {
        uses[seriesId] = 1;
        this.doomed?.delete(seriesId);
        revived++;
      } else uses[seriesId]++;
    }
    this.goneCount -= revived;
    if (revived > 0) for (const measurement of this.measurementList) measurement.areStale = true;
  }

  /** Takes note that a shard does not have the series any more; with the last each is gone. */
  releaseAll(seriesIds: ArrayLike<number> & Iterable<number>): void {
    const { uses } = this;
    if (seriesIds.length < BULK_SERIES) {
      for (const seriesId of seriesIds) this.release(seriesId);
      return;
    }
    for (const seriesId of seriesIds) {
      if (--uses[seriesId] !== 0) continue;
      uses[seriesId] = GONE;
      this.goneCount++;
      this.measurementOf(seriesId).areStale = true;
    }
  }

  /** Number of gone series whose keys and tags are still there. */
  get keptGoneCount(): number {
    return this.goneCount - this.forgotten.count;
  }

  /** Takes note of the series that are gone now: those that still are when it comes to it are to be forgotten. */
  doomGone(): void {
    const doomed = new SeriesSet();
    for (let id = 0; id < this.keys.count; id++)
      if (this.uses[id] === GONE && !this.forgotten.has(id)) doomed.add(id);
    this.doomed = doomed;
  }

  /** Number of series that are to be forgotten. */
  get doomedCount(): number {
    return this.doomed?.count ?? 0;
  }

  /** The keys without those of doomed series, for {@link forget}. A generator of turns. */
  *keysWithoutDoomed(): Generator<void, KeyTable> {
    return yield* this.keys.without((id) => this.doomed?.has(id) === true);
  }

  /**
   * Forgets doomed series: frees the memory of their keys and tags. Ids stay as they are, positions and value ids of
   * measurements do not: nobody may hold any. A measurement moves together in one piece.
   * @param keys of {@link keysWithoutDoomed}, begun after so many were doomed
   * @returns false when a series came, or came again, meanwhile
   */
  forget(keys: KeyTable, doomedCount: number): boolean {
    const { doomed } = this;
    if (doomed === null || doomed.count !== doomedCount || keys.count !== this.keys.count)
      return false;
    const touched = new Set<Measurement>();
    for (const id of doomed.toArray()) touched.add(this.measurementOf(id));
    this.keys = keys;
    this.forgotten.addAll(doomed);
    for (const measurement of touched) {
      measurement.leaveOut(
        (id) => doomed.has(id),
        (id, position) => (this.positions[id] = position),
      );
    }
    this.doomed = null;
    this.epoch++;
    return true;
  }

  /** Ids of a measurement's series at some positions, in order of their keys. */
  idsInKeyOrder(measurement: Measurement, positions: Int32Array): Int32Array {
    const { seriesIds, seriesCount } = measurement;
    const found = new Int32Array(positions.length);
    if (positions.length * SORTED_PART < seriesCount) {
      for (let i = 0; i < found.length; i++) found[i] = seriesIds[positions[i]];
      return this.sortByKey(found);
    }
    const order = this.orderOf(measurement);
    if (positions.length === seriesCount) {
      for (let i = 0; i < seriesCount; i++) found[i] = seriesIds[order[i]];
      return found;
    }
    const isWanted = new Uint8Array(seriesCount);
    for (const position of positions) isWanted[position] = 1;
    let n = 0;
    for (const position of order) if (isWanted[position] === 1) found[n++] = seriesIds[position];
    return found;
  }

  /** Positions of all series of a measurement in order of their keys; sorted when first asked for. Not to be changed. */
  orderOf(measurement: Measurement): Int32Array {
    const ids = measurement.seriesIds;
    return measurement.order.get(measurement.seriesCount, (a, b) =>
      this.keys.compare(ids[a], ids[b]),
    );
  }

  /** Puts series in order that nobody has asked for in order yet, in turns: then whoever asks need not wait for all of them. */
  *sortInTurns(): Generator<void, void> {
    for (const measurement of this.measurementList) {
      const { order, seriesCount } = measurement;
      if (seriesCount - order.sortedCount < UNSORTED_MIN) continue;
      yield* order.sortInTurns(seriesCount, (a, b) => {
        const { seriesIds } = measurement;
        return this.keys.compare(seriesIds[a], seriesIds[b]);
      });
    }
  }

  /** Number of series. */
  get seriesCount(): number {
    return this.keys.count - this.goneCount;
  }

  /** True when the series has left its last shard. */
  isGone(seriesId: number): boolean {
    return this.uses[seriesId] === GONE;
  }

  /** Takes note that one more shard has the series. */
  retain(seriesId: number): void {
    if (this.uses[seriesId] === GONE) this.setGone(seriesId, false);
    this.uses[seriesId]++;
  }

  /** Takes note that a shard does not have the series any more; with the last it is gone. */
  release(seriesId: number): void {
    if (--this.uses[seriesId] === 0) this.setGone(seriesId, true);
  }

  /** All measurements; their position is their id. */
  get measurements(): readonly Measurement[] {
    return this.measurementList;
  }

  get shapeHints(): Int32Array {
    return this.hints;
  }

  get aliasHits(): number {
    return this.hits;
  }

  find(bytes: Uint8Array, start: number, length: number, hash: number): number {
    const id = this.keys.find(bytes, start, length, hash);
    if (id >= 0) return this.goneCount > 0 && this.isGone(id) ? -1 : id;
    if (this.aliases.count === 0) return -1;
    const alias = this.aliases.find(bytes, start, length, hash);
    if (alias < 0) return -1;
    this.hits++;
    return this.isGone(this.aliasIds[alias]) ? -1 : this.aliasIds[alias];
  }

  addAlias(bytes: Uint8Array, hash: number, seriesId: number): void {
    // An alias whose series was gone for a while is there already, and its series may have another id now.
    const known = this.aliases.find(bytes, 0, bytes.length, hash);
    if (known >= 0) this.aliasIds[known] = seriesId;
    if (known >= 0 || this.aliases.count >= ALIASES_MAX) return;
    const n = this.aliases.add(bytes, 0, bytes.length, hash);
    if (n >= this.aliasIds.length) {
      const wider = new Int32Array(this.aliasIds.length * 2);
      wider.set(this.aliasIds);
      this.aliasIds = wider;
    }
    this.aliasIds[n] = seriesId;
  }

  /** The series of a canonical key, created when new; or why it must not be. */
  findOrCreate(bytes: Uint8Array, start: number, length: number): number | SeriesLimitError {
    const hash = hashKey(bytes, start, length);
    const known = this.keys.find(bytes, start, length, hash);
    if (known < 0) return this.create(bytes, start, length, hash);
    return this.isGone(known) ? this.revive(known) : known;
  }

  /** Makes a series that is gone exist again; or why it must not. Others stay as they are. */
  revive(seriesId: number): number | SeriesLimitError {
    if (!this.isGone(seriesId)) return seriesId;
    if (this.forgotten.has(seriesId)) return new SeriesLimitError(FORGOTTEN_TEXT);
    const refused = this.checkLimits(this.keyOf(seriesId));
    if (refused !== null) return refused;
    this.setGone(seriesId, false);
    return seriesId;
  }

  /** Like {@link findOrCreate} for keys found on disk, which no limit refuses. */
  restore(bytes: Uint8Array, start: number, length: number): number {
    const hash = hashKey(bytes, start, length);
    const known = this.keys.find(bytes, start, length, hash);
    if (known < 0) return this.add(bytes, start, length, hash);
    if (this.isGone(known)) this.setGone(known, false);
    return known;
  }

  /** Takes a key that was stored: its series is gone until a shard is found to have it. */
  restoreGone(key: Uint8Array): number {
    const seriesId = this.restore(key, 0, key.length);
    if (this.uses[seriesId] === 0) this.setGone(seriesId, true);
    return seriesId;
  }

  /** The measurement of this name, if it has ever had a series. */
  measurement(name: string): Measurement | undefined {
    return this.byName.get(name);
  }

  /** The measurement a series belongs to. */
  measurementOf(seriesId: number): Measurement {
    return this.measurementList[this.measurementIds[seriesId]];
  }

  /** By series id: id of its measurement. Longer than the number of series; replaced when it grows. */
  get measurementIdOf(): Int32Array {
    return this.measurementIds;
  }

  /** The position of a series in its measurement. */
  positionOf(seriesId: number): number {
    return this.positions[seriesId];
  }

  /** The canonical key of a series: a view of shared memory. */
  keyOf(seriesId: number): Uint8Array {
    return this.keys.bytesOf(seriesId);
  }

  /** For reading keys in a worker thread. */
  shareKeys(): SharedKeys {
    return this.keys.share();
  }

  /** Sorts series ids by the bytes of their keys, in place. */
  sortByKey(seriesIds: Int32Array): Int32Array {
    return seriesIds.sort((a, b) => this.keys.compare(a, b));
  }

  private create(
    bytes: Uint8Array,
    start: number,
    length: number,
    hash: number,
  ): number | SeriesLimitError {
    const { seriesMax, valuesPerTagMax } = this.limits;
    if (seriesMax > 0 || valuesPerTagMax > 0) {
      const refused = this.checkLimits(bytes.subarray(start, start + length));
      if (refused !== null) return refused;
    }
    return this.add(bytes, start, length, hash);
  }

  private setGone(seriesId: number, isGone: boolean): void {
    this.uses[seriesId] = isGone ? GONE : 0;
    if (!isGone) this.doomed?.delete(seriesId);
    this.goneCount += isGone ? 1 : -1;
    this.measurementOf(seriesId).setUsed(this.positions[seriesId], !isGone);
  }

  private checkLimits(key: Uint8Array): SeriesLimitError | null {
    const { seriesMax, valuesPerTagMax } = this.limits;
    if (seriesMax > 0 && this.seriesCount >= seriesMax) {
      return new SeriesLimitError(`max-series-per-database limit exceeded: (${seriesMax})`);
    }
    return valuesPerTagMax > 0 ? this.checkValues(key) : null;
  }

  private add(bytes: Uint8Array, start: number, length: number, hash: number): number {
    const end = start + length;
    const id = this.keys.add(bytes, start, length, hash);
    if (id >= this.hints.length) this.grow();
    this.hints[id] = -1;
    this.uses[id] = 0;
    if (bytes.subarray(start, end).includes(BACKSLASH))
      this.indexEscaped(id, bytes.subarray(start, end));
    else this.indexPlain(id, bytes, start, end);
    return id;
  }

  /** Takes a key without escapes apart in place. */
  private indexPlain(id: number, bytes: Uint8Array, start: number, end: number): void {
    let i = start;
    while (i < end && bytes[i] !== COMMA) i++;
    const measurement = this.measurementAt(bytes, start, i);
    const position = measurement.addSeries(id);
    this.measurementIds[id] = measurement.id;
    this.positions[id] = position;
    for (let nth = 0; i < end; nth++) {
      const keyStart = ++i;
      while (i < end && bytes[i] !== EQUALS) i++;
      const column = measurement.columnAt(nth, bytes, keyStart, i);
      const valueStart = ++i;
      while (i < end && bytes[i] !== COMMA) i++;
      column.set(position, bytes, valueStart, i - valueStart);
    }
  }

  private indexEscaped(id: number, key: Uint8Array): void {
    const parsed = parseSeriesKey(key.slice());
    const name = encoder.encode(parsed.measurement);
    const measurement = this.measurementAt(name, 0, name.length);
    const position = measurement.addSeries(id);
    this.measurementIds[id] = measurement.id;
    this.positions[id] = position;
    parsed.tags.forEach((tag, nth) => {
      const tagKey = encoder.encode(tag.key);
      const value = encoder.encode(tag.value);
      measurement.columnAt(nth, tagKey, 0, tagKey.length).set(position, value, 0, value.length);
    });
  }

  private measurementAt(bytes: Uint8Array, start: number, end: number): Measurement {
    const name = this.lastNameBytes;
    if (this.lastMeasurement !== null && end - start === name.length) {
      let i = 0;
      while (i < name.length && name[i] === bytes[start + i]) i++;
      if (i === name.length) return this.lastMeasurement;
    }
    this.lastNameBytes = bytes.slice(start, end);
    this.lastMeasurement = this.measurementNamed(decoder.decode(this.lastNameBytes));
    return this.lastMeasurement;
  }

  /** The measurement of this name, made when there is none. */
  measurementNamed(name: string): Measurement {
    let measurement = this.byName.get(name);
    if (measurement === undefined) {
      const isLive = (seriesId: number): boolean => this.uses[seriesId] !== GONE;
      measurement = new Measurement(this.measurementList.length, name, isLive, this.postings);
      this.measurementList.push(measurement);
      this.byName.set(name, measurement);
    }
    return measurement;
  }

  private checkValues(key: Uint8Array): SeriesLimitError | null {
    const { measurement: name, tags } = parseSeriesKey(key.slice());
    const measurement = this.byName.get(name);
    const max = this.limits.valuesPerTagMax;
    for (const tag of tags) {
      const column = measurement?.column(tag.key);
      if (column === undefined || column.liveValueCount < max) continue;
      const value = encoder.encode(tag.value);
      if (column.isUsed(column.findValue(value, 0, value.length))) continue;
      return new SeriesLimitError(
        `max-values-per-tag limit exceeded (${column.liveValueCount}/${max}): ` +
          `measurement="${name}" tag="${tag.key}" value="${tag.value}"`,
      );
    }
    return null;
  }

  private grow(): void {
    const capacity = this.hints.length * 2;
    const wider = (from: Int32Array): Int32Array<ArrayBuffer> => {
      const to = new Int32Array(capacity);
      to.set(from);
      return to;
    };
    this.hints = wider(this.hints);
    this.measurementIds = wider(this.measurementIds);
    this.positions = wider(this.positions);
    this.uses = wider(this.uses);
  }
}
