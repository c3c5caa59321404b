/**
 * Values on their way into new blocks: batches of a cursor go in, blocks of up to a fixed number of values come out.
 */
import { type ColumnBatch, FieldType, type StringColumn } from '#models';
import { EXACT_LIMIT } from '#encoding';
import { BlockBuilder } from '../block.js';

/** A block to write. Its bytes are valid until the next is asked for. */
export interface PendingBlock {
  readonly minNs: bigint;
  readonly maxNs: bigint;
  readonly bytes: Uint8Array;
}

/** Values of one key. */
export class PendingColumn {
  count = 0;
  private type: FieldType = FieldType.FLOAT;
  private baseNs = 0n;
  private readonly offsets: Float64Array;
  /** True when the times are absolute, in `times`, because they span 2^53 ns or more. */
  private isWideTime = false;
  private readonly times: BigInt64Array;
  private readonly numbers: Float64Array;
  private isWide = false;
  private readonly words: BigInt64Array;
  private strings: StringColumn;
  private readonly builder = new BlockBuilder();

  /** @param capacity values of a full block */
  constructor(private readonly capacity: number) {
    this.offsets = new Float64Array(capacity);
    this.times = new BigInt64Array(capacity);
    this.numbers = new Float64Array(capacity);
    this.words = new BigInt64Array(capacity);
    this.strings = { bytes: new Uint8Array(4096), offsets: new Int32Array(capacity + 1) };
  }

  /** Takes up a key; nothing may be pending. */
  start(type: FieldType): void {
    this.type = type;
    this.clear();
  }

  /** True when a block is full: take it before adding more. */
  get isFull(): boolean {
    return this.count === this.capacity;
  }

  /** Adds values from position `from` of a batch on, as many as there is room for; returns the first position left over. */
  add(batch: ColumnBatch, from: number): number {
    const to = Math.min(batch.count, from + this.capacity - this.count);
    this.addTimes(batch, from, to);
    if (batch.strings !== null) this.addStrings(batch.strings, from, to);
    else this.addNumbers(batch, from, to);
    this.count += to - from;
    return to;
  }

  /** Encodes what is pending, at least one value, and starts anew. */
  take(): PendingBlock {
    const { count, builder, type } = this;
    if (this.isWideTime) builder.setWideTimes(this.times, count);
    else builder.setTimes(this.offsets, count, this.baseNs);
    const wide = this.isWide ? this.words : null;
    const strings = type === FieldType.STRING ? this.strings : null;
    const bytes = builder.build(type, { numbers: this.numbers, wide, strings }, count);
    const block = { minNs: this.timeAt(0), maxNs: this.timeAt(count - 1), bytes };
    this.clear();
    return block;
  }

  private clear(): void {
    this.count = 0;
    this.isWideTime = false;
    this.isWide = false;
  }

  private timeAt(i: number): bigint {
    return this.isWideTime ? this.times[i]! : this.baseNs + BigInt(this.offsets[i]!);
  }

  private addTimes(batch: ColumnBatch, from: number, to: number): void {
    if (this.count === 0) this.baseNs = batch.baseNs;
    const distance = Number(batch.baseNs - this.baseNs);
    const last = distance + batch.offsets[to - 1]!;
    const isNear = Math.abs(distance) < EXACT_LIMIT && Math.abs(last) < EXACT_LIMIT;
    if (!this.isWideTime && !isNear) {
      for (let i = 0; i < this.count; i++) this.times[i] = this.timeAt(i);
      this.isWideTime = true;
    }
    let at = this.count;
    if (this.isWideTime) {
      for (let i = from; i < to; i++) this.times[at++] = batch.baseNs + BigInt(batch.offsets[i]!);
    } else for (let i = from; i < to; i++) this.offsets[at++] = batch.offsets[i]! + distance;
  }

  private addNumbers(batch: ColumnBatch, from: number, to: number): void {
    const { wide } = batch;
    let at = this.count;
    if (wide !== null && !this.isWide) {
      for (let i = 0; i < at; i++) this.words[i] = BigInt(this.numbers[i]!);
      this.isWide = true;
    }
    if (!this.isWide) for (let i = from; i < to; i++) this.numbers[at++] = batch.numbers[i]!;
    else if (wide !== null) for (let i = from; i < to; i++) this.words[at++] = wide[i]!;
    else for (let i = from; i < to; i++) this.words[at++] = BigInt(batch.numbers[i]!);
  }

  private addStrings(added: StringColumn, from: number, to: number): void {
    const { offsets } = this.strings;
    if (this.count === 0) offsets[0] = 0;
    const start = offsets[this.count]!;
    const first = added.offsets[from]!;
    const end = start + added.offsets[to]! - first;
    if (end > this.strings.bytes.length) {
      const bytes = new Uint8Array(end * 2);
      bytes.set(this.strings.bytes.subarray(0, start));
      this.strings = { bytes, offsets };
    }
    this.strings.bytes.set(added.bytes.subarray(first, added.offsets[to]), start);
    for (let i = from; i < to; i++)
      offsets[this.count + i - from + 1] = start + added.offsets[i + 1]! - first;
  }
}
