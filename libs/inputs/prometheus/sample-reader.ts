/**
 * The samples of one series over its shards, in order of time: the field `value` as floats whatever its type, and what lossless
 * mode keeps in `value_bits` laid between. Used again for every series; no object per sample.
 */
import { type ColumnBatch, FieldType } from '#models';
import type { ReadRange, ShardCursor, ShardReader } from './ports.js';
import { BITS_FIELD, VALUE_FIELD } from './write-decoder.js';

const EXPONENT = 0x7ff00000;
const NS_PER_MS = 1_000_000;
/** Samples of a merged batch. */
const MERGED_MAX = 1000;

/** Which fields of a measurement a shard has. */
export interface ShardFields {
  readonly shard: ShardReader;
  readonly hasValue: boolean;
  readonly hasBits: boolean;
}

/** The shards that have something of a measurement to read; `onString` is told of each whose values are strings. */
export function shardFieldsOf(
  shards: readonly ShardReader[],
  measurement: string,
  onString: () => void,
): ShardFields[] {
  const found: ShardFields[] = [];
  for (const shard of shards) {
    const type = shard.fieldType(measurement, VALUE_FIELD);
    if (type === FieldType.STRING) onString();
    const hasValue = type !== null && type !== FieldType.STRING;
    const hasBits = shard.fieldType(measurement, BITS_FIELD) === FieldType.INTEGER;
    if (hasValue || hasBits) found.push({ shard, hasValue, hasBits });
  }
  return found;
}

/** Reads series one after the other. */
export class SampleReader {
  /** Samples of the present batch. */
  count = 0;
  /** Milliseconds since 1970, cut as InfluxDB does. */
  timesMs = new Float64Array(MERGED_MAX);
  /** The values as words, low before high: of NaN every bit counts. */
  words = new Int32Array(2 * MERGED_MAX);
  private values = new Float64Array(this.words.buffer);
  private shards: readonly ShardFields[] = [];
  private shardAt = 0;
  private cursor: ShardCursor | null = null;
  private readonly valueLane = new Lane();
  private readonly bitsLane = new Lane();
  private seriesId = 0;
  private measurement = '';

  constructor(private readonly range: ReadRange) {}

  /** Begins with a series. */
  start(measurement: string, shards: readonly ShardFields[], seriesId: number): void {
    this.close();
    this.measurement = measurement;
    this.shards = shards;
    this.shardAt = 0;
    this.seriesId = seriesId;
  }

  /** Reads the next batch; false at the end. */
  next(): boolean {
    for (;;) {
      if (this.cursor === null && !this.openNext()) return false;
      if (this.bitsLane.isOpen) this.merge();
      else this.take();
      if (this.count > 0) return true;
      this.close();
    }
  }

  /** Stops reading. May be called again. */
  close(): void {
    this.cursor?.close();
    this.cursor = null;
  }

  /** Opens the next shard that has the series. */
  private openNext(): boolean {
    const { seriesId, measurement, range } = this;
    while (this.shardAt < this.shards.length) {
      const { shard, hasValue, hasBits } = this.shards[this.shardAt++]!;
      if (!shard.hasSeries(seriesId)) continue;
      const fields = [...(hasValue ? [VALUE_FIELD] : []), ...(hasBits ? [BITS_FIELD] : [])];
      const cursor = shard.cursor({ seriesId, measurement, fields, range, ascending: true });
      this.cursor = cursor;
      this.valueLane.open(hasValue ? cursor : null, 0);
      this.bitsLane.open(hasBits ? cursor : null, fields.length - 1);
      return true;
    }
    return false;
  }

  /** A batch of values alone. */
  private take(): void {
    const { valueLane } = this;
    const batch = valueLane.current();
    if (batch === null) {
      this.count = 0;
      return;
    }
    this.reserve(batch.count);
    const from = valueLane.at;
    this.count = batch.count - from;
    const { timesMs, values } = this;
    fillTimes(batch, from, timesMs);
    for (let i = from; i < batch.count; i++) values[i - from] = batch.numbers[i]!;
    valueLane.at = batch.count;
  }

  /** A batch of values and bits in order of time; where both are, the value counts. */
  private merge(): void {
    const { valueLane, bitsLane, timesMs, values, words } = this;
    let count = 0;
    while (count < MERGED_MAX) {
      const value = valueLane.current();
      const bits = bitsLane.current();
      if (value === null && bits === null) break;
      const order = value === null ? 1 : bits === null ? -1 : valueLane.compare(bitsLane);
      if (order <= 0) {
        timesMs[count] = msOf(value!, valueLane.at);
        values[count++] = value!.numbers[valueLane.at++]!;
        if (order === 0) bitsLane.at++;
        continue;
      }
      const word = bits!.wide?.[bitsLane.at] ?? BigInt(bits!.numbers[bitsLane.at]!);
      const high = Number(word >> 32n);
      // What is a finite number was not put there by us.
      if ((high & EXPONENT) === EXPONENT) {
        timesMs[count] = msOf(bits!, bitsLane.at);
        words[2 * count] = Number(BigInt.asIntN(32, word));
        words[2 * count + 1] = high;
        count++;
      }
      bitsLane.at++;
    }
    this.count = count;
  }

  private reserve(count: number): void {
    if (count <= this.timesMs.length) return;
    this.timesMs = new Float64Array(count);
    this.words = new Int32Array(2 * count);
    this.values = new Float64Array(this.words.buffer);
  }
}

/** One field of a cursor, and where in its present batch the reader is. */
class Lane {
  at = 0;
  private cursor: ShardCursor | null = null;
  private field = 0;
  private batch: ColumnBatch | null = null;

  get isOpen(): boolean {
    return this.cursor !== null;
  }

  open(cursor: ShardCursor | null, field: number): void {
    this.cursor = cursor;
    this.field = field;
    this.batch = null;
    this.at = 0;
  }

  /** The batch with the next value, or null at the end. */
  current(): ColumnBatch | null {
    while (this.batch === null || this.at >= this.batch.count) {
      this.batch = this.cursor?.next(this.field) ?? null;
      this.at = 0;
      if (this.batch === null) return null;
    }
    return this.batch;
  }

  /** Order of the next values' times; both are there. */
  compare(other: Lane): number {
    const a = this.batch!;
    const b = other.batch!;
    if (a.baseNs === b.baseNs) return a.offsets[this.at]! - b.offsets[other.at]!;
    const difference =
      a.baseNs + BigInt(a.offsets[this.at]!) - b.baseNs - BigInt(b.offsets[other.at]!);
    return difference < 0n ? -1 : difference > 0n ? 1 : 0;
  }
}

function fillTimes(batch: ColumnBatch, from: number, timesMs: Float64Array): void {
  const { baseNs, offsets, count } = batch;
  const baseMs = Number(baseNs / 1_000_000n);
  const baseRest = Number(baseNs % 1_000_000n);
  for (let i = from; i < count; i++) timesMs[i - from] = cutToMs(baseMs, baseRest + offsets[i]!);
}

function msOf({ baseNs, offsets }: ColumnBatch, i: number): number {
  return cutToMs(Number(baseNs / 1_000_000n), Number(baseNs % 1_000_000n) + offsets[i]!);
}

/** `baseMs` and so many nanoseconds, cut towards 1970, as Go divides. */
function cutToMs(baseMs: number, ns: number): number {
  let quotient = Math.floor(ns / NS_PER_MS);
  let rest = ns - quotient * NS_PER_MS;
  // The quotient of large numbers may have been rounded up.
  if (rest < 0) {
    quotient--;
    rest += NS_PER_MS;
  }
  const ms = baseMs + quotient;
  return ms < 0 && rest !== 0 ? ms + 1 : ms;
}
