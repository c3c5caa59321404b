/**
 * The series of one measurement: for each tag key a dictionary of values and a column with the value of every series. A
 * predicate on a tag is a scan over a column of small integers, grouping is an array lookup.
 */
import { compareUtf8, hashKey, KeyTable } from '#models';
import { Postings, type PostingsMemory } from './postings.js';
import { SeriesOrder } from './series-order.js';

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** Says whether the counts of used values hold, and makes them hold. */
interface UseCounts {
  readonly areStale: boolean;
  settle(): void;
}

/** Columns shorter than this are looked through. */
const POSTINGS_SERIES_MIN = 4096;
/** Postings are made anew when one part in so many of the series is not in them. */
const UNCOVERED_PART = 16;

/** A column as it is stored: value ids by position, and the dictionary's keys. */
export interface TagColumnContent {
  readonly key: string;
  readonly ids: Int32Array;
  readonly values: KeyTable;
}

/** Values of one tag key over the series of a measurement. */
export class TagColumn {
  readonly keyBytes: Uint8Array;
  /** By position of the series in its measurement: id of the value, 0 where the series does not have the tag. */
  private ids: Int32Array = new Int32Array(16);
  private dictionary = new KeyTable(16);
  /** By value id: how many series have it now. */
  private uses = new Int32Array(16);
  private usedValues = 0;
  private readonly texts: (string | undefined)[] = [];
  private postings: Postings | null = null;
  /** True when a value has been looked for: the next time postings are worth making. */
  private hasBeenAsked = false;

  constructor(
    readonly key: string,
    private readonly counts: UseCounts,
    private readonly memory: PostingsMemory,
  ) {
    this.keyBytes = encoder.encode(key);
  }

  /** A column that was stored; its counts are stale. */
  static restore(
    { key, ids, values }: TagColumnContent,
    counts: UseCounts,
    memory: PostingsMemory,
  ): TagColumn {
    const column = new TagColumn(key, counts, memory);
    column.ids = ids;
    column.dictionary = values;
    column.uses = new Int32Array(values.count + 16);
    return column;
  }

  /** The dictionary, to be stored. */
  get values(): KeyTable {
    return this.dictionary;
  }

  /** Value ids of the first positions, zeros where the column is shorter. Stays as it is when series are added. */
  idsOf(count: number): Int32Array {
    if (this.ids.length >= count) return this.ids.subarray(0, count);
    const ids = new Int32Array(count);
    ids.set(this.ids.subarray(0, count));
    return ids;
  }

  /** Number of distinct values that series ever had; their ids are 1 to this. */
  get valueCount(): number {
    return this.dictionary.count;
  }

  /** Number of distinct values that series have now; what `max-values-per-tag` limits. */
  get liveValueCount(): number {
    this.counts.settle();
    return this.usedValues;
  }

  /** The id of a value, or 0 when no series ever had it. */
  findValue(bytes: Uint8Array, start: number, length: number): number {
    return this.dictionary.find(bytes, start, length, hashKey(bytes, start, length)) + 1;
  }

  /** True when a series has the value now. */
  isUsed(valueId: number): boolean {
    this.counts.settle();
    return valueId > 0 && this.uses[valueId] > 0;
  }

  /**
   * Postings of the first positions of `count`; null where looking through the column is as quick. The first to ask for a
   * long column looks through it too.
   */
  postingsOf(count: number): Postings | null {
    if (count < POSTINGS_SERIES_MIN) return null;
    const covered = this.postings?.coveredCount ?? 0;
    if (this.postings !== null && (count - covered) * UNCOVERED_PART <= count) {
      this.memory.keep(this, this.postings.sizeBytes);
      return this.postings;
    }
    if (!this.hasBeenAsked) {
      this.hasBeenAsked = true;
      return null;
    }
    const made = new Postings(this.idsOf(count), this.valueCount);
    this.postings = this.memory.keep(this, made.sizeBytes) ? made : null;
    return made;
  }

  /** Gives postings up; they are made anew when they are asked for. */
  dropPostings(): void {
    this.postings = null;
  }

  /**
   * The column of the series that are kept, with the values that they have; its counts are stale.
   * @param moved by position: where the series is now, or -1
   * @returns null where none has a value
   */
  moved(moved: Int32Array, count: number): TagColumn | null {
    this.memory.forget(this);
    const ids = new Int32Array(Math.max(16, count));
    const values = new KeyTable(16);
    const newIds = new Int32Array(this.valueCount + 1);
    const end = Math.min(moved.length, this.ids.length);
    for (let position = 0; position < end; position++) {
      const valueId = this.ids[position];
      if (moved[position] < 0 || valueId === 0) continue;
      if (newIds[valueId] === 0) {
        const bytes = this.dictionary.bytesOf(valueId - 1);
        const hash = hashKey(bytes, 0, bytes.length);
        newIds[valueId] = values.add(bytes, 0, bytes.length, hash) + 1;
      }
      ids[moved[position]] = newIds[valueId];
    }
    if (values.count === 0) return null;
    return TagColumn.restore({ key: this.key, ids, values }, this.counts, this.memory);
  }

  /** Takes note that the series at `position` is gone, or is there again. */
  setUsed(position: number, isUsed: boolean): void {
    const valueId = this.valueId(position);
    if (valueId === 0) return;
    const before = this.uses[valueId];
    this.uses[valueId] = isUsed ? before + 1 : before - 1;
    if (isUsed && before === 0) this.usedValues++;
    else if (!isUsed && before === 1) this.usedValues--;
  }

  /** Counts anew which values are used, by series that are there. */
  recount(isLive: (position: number) => boolean, count: number): void {
    this.uses.fill(0);
    this.usedValues = 0;
    const end = Math.min(count, this.ids.length);
    for (let position = 0; position < end; position++) {
      const valueId = this.ids[position];
      if (valueId === 0 || !isLive(position)) continue;
      if (this.uses[valueId]++ === 0) this.usedValues++;
    }
  }

  /** Gives the series at `position`, a new one, a value; not empty. */
  set(position: number, bytes: Uint8Array, start: number, length: number): void {
    if (position >= this.ids.length) {
      const wider = new Int32Array(Math.max(position + 1, this.ids.length * 2));
      wider.set(this.ids);
      this.ids = wider;
    }
    const hash = hashKey(bytes, start, length);
    let n = this.dictionary.find(bytes, start, length, hash);
    if (n < 0) n = this.dictionary.add(bytes, start, length, hash);
    this.ids[position] = n + 1;
    if (n + 1 >= this.uses.length) {
      const wider = new Int32Array(this.uses.length * 2);
      wider.set(this.uses);
      this.uses = wider;
    }
    if (!this.counts.areStale) this.setUsed(position, true);
  }

  /** Id of the value of the series at `position`; 0 = none. */
  valueId(position: number): number {
    return position < this.ids.length ? this.ids[position] : 0;
  }

  /** The text of a value id; '' for 0. */
  text(valueId: number): string {
    if (valueId === 0) return '';
    return (this.texts[valueId] ??= decoder.decode(this.dictionary.bytesOf(valueId - 1).slice()));
  }

  /** Bytes this column takes, roughly. */
  get sizeBytes(): number {
    return this.dictionary.sizeBytes + (this.ids.length + this.uses.length) * 4;
  }
}

/** A measurement as it is stored. */
export interface MeasurementContent {
  readonly name: string;
  /** Series ids by position. */
  readonly ids: Int32Array;
  /** Positions in order of the series' keys; null where they were not sorted yet. */
  readonly order: Int32Array | null;
  readonly columns: readonly TagColumnContent[];
}

/** One measurement of a database: its series by position (0, 1, … in order of creation). */
export class Measurement {
  private ids: Int32Array = new Int32Array(16);
  private size = 0;
  private readonly columns = new Map<string, TagColumn>();
  /** Columns in the order of the last series created; most series of a measurement have the same tag keys. */
  private lastColumns: TagColumn[] = [];
  private sortedKeys: readonly string[] | null = null;
  /** Positions in order of keys; shorter than the number of series until asked for. */
  readonly order = new SeriesOrder();
  /** True when the counts of used values do not hold until they are counted anew. */
  areStale = false;

  constructor(
    /** Position in the index's list of measurements. */
    readonly id: number,
    readonly name: string,
    /** True when a shard has the series. */
    private readonly isLive: (seriesId: number) => boolean,
    private readonly memory: PostingsMemory,
  ) {}

  /** Takes what was stored; for a measurement that has no series yet. */
  restore({ ids, order, columns }: MeasurementContent): void {
    this.ids = ids;
    this.size = ids.length;
    if (order !== null) this.order.restore(order);
    for (const content of columns)
      this.columns.set(content.key, TagColumn.restore(content, this, this.memory));
    this.sortedKeys = null;
    this.areStale = true;
  }

  /** Columns in order of appearance. */
  get tagColumns(): Iterable<TagColumn> {
    return this.columns.values();
  }

  /** Counts used values anew where many series came or went at once. */
  settle(): void {
    if (!this.areStale) return;
    this.areStale = false;
    const isLive = (position: number): boolean => this.isLive(this.ids[position]);
    for (const column of this.columns.values()) column.recount(isLive, this.size);
  }

  /** Number of series, those that are gone included: they keep their positions. */
  get seriesCount(): number {
    return this.size;
  }

  /** Series ids by position; the first `seriesCount` count. */
  get seriesIds(): Int32Array {
    return this.ids;
  }

  /** Tag keys in byte order. */
  get tagKeys(): readonly string[] {
    return (this.sortedKeys ??= [...this.columns.keys()].sort(compareUtf8));
  }

  /** The column of a tag key, if any series has it. */
  column(key: string): TagColumn | undefined {
    return this.columns.get(key);
  }

  /** Takes note that the series at `position` is gone, or is there again. */
  setUsed(position: number, isUsed: boolean): void {
    if (this.areStale) return;
    for (const column of this.columns.values()) column.setUsed(position, isUsed);
  }

  /**
   * Leaves series out: the others move together, and values that none of them has are forgotten.
   * @param onMoved told the new position of each that is kept
   */
  leaveOut(
    isLeftOut: (seriesId: number) => boolean,
    onMoved: (seriesId: number, position: number) => void,
  ): void {
    const moved = new Int32Array(this.size).fill(-1);
    const ids = new Int32Array(Math.max(16, this.size));
    let count = 0;
    for (let position = 0; position < this.size; position++) {
      const seriesId = this.ids[position];
      if (isLeftOut(seriesId)) continue;
      ids[count] = seriesId;
      moved[position] = count;
      onMoved(seriesId, count++);
    }
    if (count === this.size) return;
    this.order.move(moved);
    this.ids = ids.slice(0, Math.max(16, count));
    this.size = count;
    for (const [key, column] of this.columns) {
      const left = column.moved(moved, count);
      if (left === null) this.columns.delete(key);
      else this.columns.set(key, left);
    }
    this.lastColumns = [];
    this.sortedKeys = null;
    this.areStale = true;
  }

  /** Adds a series; its position. */
  addSeries(seriesId: number): number {
    if (this.size === this.ids.length) {
      const wider = new Int32Array(Math.max(16, this.ids.length * 2));
      wider.set(this.ids);
      this.ids = wider;
    }
    this.ids[this.size] = seriesId;
    return this.size++;
  }

  /** The column of the tag key `bytes[start..end)`, guessed to be the `nth` of the last series; made when new. */
  columnAt(nth: number, bytes: Uint8Array, start: number, end: number): TagColumn {
    const guess = this.lastColumns[nth];
    if (guess !== undefined && isEqual(guess.keyBytes, bytes, start, end)) return guess;
    const key = decoder.decode(bytes.slice(start, end));
    let column = this.columns.get(key);
    if (column === undefined) {
      column = new TagColumn(key, this, this.memory);
      this.columns.set(key, column);
      this.sortedKeys = null;
    }
    this.lastColumns[nth] = column;
    return column;
  }
}

function isEqual(whole: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start !== whole.length) return false;
  for (let i = 0; i < whole.length; i++) if (whole[i] !== bytes[start + i]) return false;
  return true;
}
