/**
 * The rows that caches hold of one series, put in order of time and read field by field as columns. Used by queries (over the
 * live cache and the one being snapshotted) and by the snapshot itself. Reuses its arrays; one series at a time.
 */
import {
  bigIntegerPosition,
  FieldType,
  highWord,
  int64Difference,
  int64ToBigInt,
  lowWord,
} from '#models';
import { type CacheChunk, type CacheRows, CHUNK_ROWS } from './cache.js';
import { RunSorter } from './run-sorter.js';
import type { SeriesRows } from './series-rows.js';

/** Times and values of one field, ascending and distinct in time; arrays are the reader's, valid until its next call. */
export interface CachedColumn {
  count: number;
  /** True when every row of the series is in it: then its times are those of every other whole column. */
  isWhole: boolean;
  /** Base of `offsets`. */
  baseNs: bigint;
  /** Nanoseconds relative to `baseNs`; exact unless `wideTimes` is set. */
  offsets: Float64Array;
  /** Absolute times, where they are 2^53 ns or more from `baseNs`; else null. */
  wideTimes: BigInt64Array | null;
  /** As in ColumnBatch. */
  numbers: Float64Array;
  wide: BigInt64Array | null;
  strings: { bytes: Uint8Array; offsets: Int32Array } | null;
}

/** A field that a series has rows of. */
export interface CachedField {
  readonly name: string;
  readonly type: FieldType;
}

/** Rows [from, to) of the reader, all of one chunk. */
interface Stretch {
  readonly chunk: CacheChunk;
  readonly from: number;
  readonly to: number;
}

const EXACT_NS = 2 ** 53;

/** Reads one series after another from caches given oldest first. */
export class CachedSeriesReader {
  private rows = 0;
  /** Row references in order of time, then of writing. */
  private refs = new Int32Array(256);
  private sources = new Uint8Array(256);
  private offsets = new Float64Array(256);
  private wideTimes: BigInt64Array | null = null;
  private hasRepeats = false;
  /** Rows that the last column came from: positions in `refs`. */
  private pickedRows = new Int32Array(0);
  private picked = new Int32Array(256);
  /** 0, 1, 2, … */
  private everyRow = Int32Array.from({ length: 256 }, (_, i) => i);
  /** Number of each row in its chunk. */
  private rowNumbers = new Int32Array(256);
  private stretches: Stretch[] = [];
  private baseNs = 0n;
  private readonly sorter = new RunSorter();
  private readonly out: CachedColumn = {
    count: 0,
    isWhole: true,
    baseNs: 0n,
    offsets: new Float64Array(0),
    wideTimes: null,
    numbers: new Float64Array(256),
    wide: null,
    strings: null,
  };

  /**
   * @param caches at most 255, oldest first
   * @param rowsBySeries of the only one, where they have been found beforehand
   */
  constructor(
    private readonly caches: readonly CacheRows[],
    private readonly rowsBySeries: SeriesRows | null = null,
  ) {}

  /**
   * Takes up a series; the number of its rows.
   * @param baseNs what offsets are relative to; null = the first time found
   */
  load(seriesId: number, baseNs: bigint | null): number {
    const known = this.rowsBySeries?.refsOf(seriesId) ?? null;
    this.rows = known === null ? this.followLinks(seriesId) : this.takeRefs(known);
    if (this.rows === 0) return 0;
    this.findStretches();
    this.computeOffsets(baseNs);
    if (this.order()) this.findStretches();
    return this.rows;
  }

  /** Fields of the rows taken up: every name with each type it has, in no particular order. */
  fields(): readonly CachedField[] {
    const found: CachedField[] = [];
    const seen = new Set<number>();
    for (const { chunk } of this.stretches) {
      const { shape } = chunk;
      if (seen.has(shape.id)) continue;
      seen.add(shape.id);
      shape.names.forEach((name, f) => {
        const type = shape.types[f] as FieldType;
        if (!found.some((field) => field.name === name && field.type === type))
          found.push({ name, type });
      });
    }
    return found;
  }

  /** The values of a field with this type. Rows of equal time give the last one written. */
  column(name: string, type: FieldType): CachedColumn {
    const { out } = this;
    if (out.numbers.length < this.rows) out.numbers = new Float64Array(this.rows * 2);
    out.baseNs = this.baseNs;
    out.wide = null;
    out.strings = null;
    out.wideTimes = null;
    out.count = 0;
    out.isWhole = this.gather(name, type);
    const isBig = type === FieldType.INTEGER || type === FieldType.UNSIGNED;
    if (type === FieldType.STRING) this.gatherStrings();
    else if (isBig) this.gatherBig(name, type);
    if (out.isWhole) {
      out.offsets = this.offsets;
      out.wideTimes = this.wideTimes;
    } else {
      this.gatherTimes();
    }
    return out;
  }

  private takeRefs(known: Int32Array): number {
    this.reserve(known.length);
    const { refs } = this;
    for (let i = 0; i < known.length; i++) refs[i] = known[i];
    return known.length;
  }

  /** Collects the references of a series' rows, which are linked from the last to the first; how many there are. */
  private followLinks(seriesId: number): number {
    let count = 0;
    for (const cache of this.caches) {
      for (let ref = cache.lastRow(seriesId); ref >= 0; ref = previousOf(cache, ref)) count++;
    }
    this.reserve(count);
    let at = count;
    for (let source = this.caches.length - 1; source >= 0; source--) {
      const cache = this.caches[source];
      for (let ref = cache.lastRow(seriesId); ref >= 0; ref = previousOf(cache, ref)) {
        at--;
        this.refs[at] = ref;
        this.sources[at] = source;
      }
    }
    return count;
  }

  private reserve(rows: number): void {
    if (rows <= this.refs.length) return;
    this.refs = new Int32Array(rows * 2);
    this.sources = new Uint8Array(rows * 2);
    this.offsets = new Float64Array(rows * 2);
  }

  /** Copies the cells of a field to `out.numbers`; true when every row has it, at distinct times. */
  private gather(name: string, type: FieldType): boolean {
    const { out, rows, rowNumbers, stretches } = this;
    const { numbers } = out;
    if (!this.hasRepeats && stretches.every(({ chunk }) => findField(chunk, name, type) >= 0)) {
      for (const { chunk, from, to } of stretches) {
        const base = findField(chunk, name, type) * chunk.capacity;
        copyCells(chunk.values, base, rowNumbers, { from, to }, numbers);
      }
      out.count = rows;
      this.pickedRows = this.everyRow;
      return true;
    }
    const { picked } = this;
    this.pickedRows = picked;
    let count = 0;
    for (const { chunk, from, to } of stretches) {
      const field = findField(chunk, name, type);
      if (field < 0) continue;
      for (let i = from; i < to; i++) {
        if (this.hasRepeats && count > 0 && this.isSameTime(picked[count - 1], i)) count--;
        numbers[count] = chunk.values[field * chunk.capacity + rowNumbers[i]];
        picked[count++] = i;
      }
    }
    out.count = count;
    return count === rows;
  }

  /** Cuts the rows into stretches of one chunk each. */
  private findStretches(): void {
    const { rows, refs, sources } = this;
    if (this.rowNumbers.length < rows) {
      this.rowNumbers = new Int32Array(rows * 2);
      this.picked = new Int32Array(rows * 2);
      this.everyRow = Int32Array.from(this.picked, (_, i) => i);
    }
    this.stretches = [];
    let from = 0;
    for (let i = 0; i < rows; i++) {
      this.rowNumbers[i] = refs[i] & (CHUNK_ROWS - 1);
      const isLast =
        i + 1 === rows || refs[i + 1] >>> 13 !== refs[i] >>> 13 || sources[i + 1] !== sources[i];
      if (!isLast) continue;
      this.stretches.push({ chunk: this.chunk(i), from, to: i + 1 });
      from = i + 1;
    }
  }

  private gatherTimes(): void {
    const { out, pickedRows: picked } = this;
    const offsets = new Float64Array(out.count);
    const wide = this.wideTimes === null ? null : new BigInt64Array(out.count);
    for (let i = 0; i < out.count; i++) {
      if (wide !== null && this.wideTimes !== null) wide[i] = this.wideTimes[picked[i]];
      else offsets[i] = this.offsets[picked[i]];
    }
    out.offsets = offsets;
    out.wideTimes = wide;
  }

  private gatherStrings(): void {
    const { out } = this;
    const offsets = new Int32Array(out.count + 1);
    const parts: Uint8Array[] = [];
    for (let i = 0; i < out.count; i++) {
      const bytes = this.caches[this.sources[this.pickedRows[i]]].stringAt(out.numbers[i]);
      parts.push(bytes);
      offsets[i + 1] = offsets[i] + bytes.length;
    }
    const bytes = new Uint8Array(offsets[out.count]);
    parts.forEach((part, i) => bytes.set(part, offsets[i]));
    out.strings = { bytes, offsets };
  }

  /** Where an integer beyond 2^53 is among the values: all of them as words. */
  private gatherBig(name: string, type: FieldType): void {
    const { out, refs, sources, pickedRows: picked } = this;
    let hasBig = false;
    for (let i = 0; i < out.count && !hasBig; i++) hasBig = out.numbers[i] !== out.numbers[i];
    if (!hasBig) return;
    const wide = new BigInt64Array(out.count);
    for (let i = 0; i < out.count; i++) {
      const value = out.numbers[i];
      if (value === value) {
        wide[i] = BigInt(value);
        continue;
      }
      const cache = this.caches[sources[picked[i]]];
      const ref = refs[picked[i]];
      // From the chunk itself: a NaN copied as a number may lose its low word.
      const chunk = cache.chunks[ref >>> 13];
      const cell = findField(chunk, name, type) * chunk.capacity + (ref & (CHUNK_ROWS - 1));
      wide[i] = cache.bigIntegerAt(bigIntegerPosition(chunk.values, cell));
      out.numbers[i] = Number(type === FieldType.UNSIGNED ? BigInt.asUintN(64, wide[i]) : wide[i]);
    }
    out.wide = wide;
  }

  private chunk(i: number): CacheChunk {
    return this.caches[this.sources[i]].chunks[this.refs[i] >>> 13];
  }

  /** Brings rows into order of time, keeping the order of writing among equal times, and notes whether there are any; true where it moved some. */
  private order(): boolean {
    const { rows, refs, sources, offsets } = this;
    this.hasRepeats = false;
    if (isStrictlyAscending(offsets, rows) && this.wideTimes === null) return false;
    const order =
      this.wideTimes === null ? this.sorter.sort(offsets, rows) : sortWide(this.wideTimes, rows);
    const oldRefs = refs.slice(0, rows);
    const oldSources = sources.slice(0, rows);
    const oldOffsets = offsets.slice(0, rows);
    const oldTimes = this.wideTimes?.slice(0, rows);
    for (let i = 0; i < rows; i++) {
      refs[i] = oldRefs[order[i]];
      sources[i] = oldSources[order[i]];
      offsets[i] = oldOffsets[order[i]];
      if (oldTimes !== undefined && this.wideTimes !== null) this.wideTimes[i] = oldTimes[order[i]];
    }
    for (let i = 1; i < rows && !this.hasRepeats; i++) this.hasRepeats = this.isSameTime(i - 1, i);
    return true;
  }

  private isSameTime(a: number, b: number): boolean {
    return this.wideTimes === null
      ? this.offsets[a] === this.offsets[b]
      : this.wideTimes[a] === this.wideTimes[b];
  }

  /** Times of the rows as they are: offsets from the base, or all in full where one is too far from it. */
  private computeOffsets(baseNs: bigint | null): void {
    this.baseNs = baseNs ?? this.timeOf(0);
    this.wideTimes = null;
    const baseLo = lowWord(this.baseNs);
    const baseHi = highWord(this.baseNs);
    let isExact = true;
    for (const { chunk, from, to } of this.stretches) {
      const { times } = chunk;
      for (let i = from; i < to; i++) {
        const at = 2 * this.rowNumbers[i];
        const offset = int64Difference(times[at], times[at + 1], baseLo, baseHi);
        if (offset >= EXACT_NS || offset <= -EXACT_NS) isExact = false;
        this.offsets[i] = offset;
      }
    }
    if (isExact) return;
    this.wideTimes = new BigInt64Array(this.rows);
    for (let i = 0; i < this.rows; i++) this.wideTimes[i] = this.timeOf(i);
  }

  private timeOf(i: number): bigint {
    const { times } = this.chunk(i);
    const at = 2 * (this.refs[i] & (CHUNK_ROWS - 1));
    return int64ToBigInt(times[at], times[at + 1]);
  }
}

function isStrictlyAscending(offsets: Float64Array, count: number): boolean {
  for (let i = 1; i < count; i++) if (!(offsets[i] > offsets[i - 1])) return false;
  return true;
}

function sortWide(times: BigInt64Array, count: number): Int32Array {
  const order = Int32Array.from({ length: count }, (_, i) => i);
  return order.sort((a, b) => (times[a] < times[b] ? -1 : times[a] > times[b] ? 1 : a - b));
}

function previousOf(cache: CacheRows, ref: number): number {
  return cache.chunks[ref >>> 13].previous[ref & (CHUNK_ROWS - 1)];
}

/** The inner loop of reading a column: cells of one chunk, in the order of the rows. */
function copyCells(
  values: Float64Array,
  base: number,
  rowNumbers: Int32Array,
  { from, to }: { from: number; to: number },
  out: Float64Array,
): void {
  for (let i = from; i < to; i++) out[i] = values[base + rowNumbers[i]];
}

function findField(chunk: CacheChunk, name: string, type: FieldType): number {
  const f = chunk.shape.names.indexOf(name);
  return f >= 0 && chunk.shape.types[f] === type ? f : -1;
}
