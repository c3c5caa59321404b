/**
 * The series of one measurement: for each tag key a dictionary of values and a column with the value of every series. A
 * predicate on a tag is a scan over a column of small integers, grouping is an array lookup.
 */
import { compareUtf8, hashKey, KeyTable } from '#models';

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** Values of one tag key over the series of a measurement. */
export class TagColumn {
  readonly keyBytes: Uint8Array;
  /** By position of the series in its measurement: id of the value, 0 where the series does not have the tag. */
  private ids = new Int32Array(16);
  private readonly dictionary = new KeyTable(16);
  /** By value id: how many series have it now. */
  private uses = new Int32Array(16);
  private usedValues = 0;
  private readonly texts: (string | undefined)[] = [];

  constructor(readonly key: string) {
    this.keyBytes = encoder.encode(key);
  }

  /** Number of distinct values that series ever had; their ids are 1 to this. */
  get valueCount(): number {
    return this.dictionary.count;
  }

  /** Number of distinct values that series have now; what `max-values-per-tag` limits. */
  get liveValueCount(): number {
    return this.usedValues;
  }

  /** The id of a value, or 0 when no series ever had it. */
  findValue(bytes: Uint8Array, start: number, length: number): number {
    return this.dictionary.find(bytes, start, length, hashKey(bytes, start, length)) + 1;
  }

  /** True when a series has the value now. */
  isUsed(valueId: number): boolean {
    return valueId > 0 && this.uses[valueId] > 0;
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
    this.setUsed(position, true);
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

/** One measurement of a database: its series by position (0, 1, … in order of creation). */
export class Measurement {
  private ids = new Int32Array(16);
  private size = 0;
  private readonly columns = new Map<string, TagColumn>();
  /** Columns in the order of the last series created; most series of a measurement have the same tag keys. */
  private lastColumns: TagColumn[] = [];
  private sortedKeys: readonly string[] | null = null;

  constructor(
    /** Position in the index's list of measurements. */
    readonly id: number,
    readonly name: string,
  ) {}

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
    for (const column of this.columns.values()) column.setUsed(position, isUsed);
  }

  /** Adds a series; its position. */
  addSeries(seriesId: number): number {
    if (this.size === this.ids.length) {
      const wider = new Int32Array(this.ids.length * 2);
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
      column = new TagColumn(key);
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
