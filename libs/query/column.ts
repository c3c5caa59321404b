/**
 * Columns as they travel inside the engine: one typed array and a mask. Numbers and booleans are float64 (booleans 0 and 1);
 * integers beyond 2^53 have their exact values in `wide` beside it.
 */
import type { ResultColumn } from './ports.js';
import { isNumeric, type ValueType } from './value-type.js';

/** Values of one type. Immutable once handed on, but for those that their maker says are reused. */
export interface Column {
  readonly type: ValueType;
  /** Unused (empty) for strings. */
  readonly numbers: Float64Array;
  /** Exact values of integers and unsigned where any is beyond 2^53 in size, else null. */
  readonly wide: BigInt64Array | null;
  /** For strings, else empty. */
  readonly strings: readonly (string | null)[];
  /** Byte i is 1 where row i has a value; null where every row has. */
  readonly present: Uint8Array | null;
}

const NO_NUMBERS = new Float64Array(0);
const NO_STRINGS: readonly string[] = [];
const SAFE = Number.MAX_SAFE_INTEGER;

/** A column of numbers or booleans. */
export function numberColumn(
  type: ValueType,
  numbers: Float64Array,
  present: Uint8Array | null = null,
  wide: BigInt64Array | null = null,
): Column {
  return { type, numbers, wide, strings: NO_STRINGS, present };
}

/** A column of strings; null where a row has none. */
export function stringColumn(strings: readonly (string | null)[]): Column {
  let present: Uint8Array | null = null;
  for (let i = 0; i < strings.length; i++) {
    if (strings[i] !== null) continue;
    present ??= new Uint8Array(strings.length).fill(1);
    present[i] = 0;
  }
  return { type: 'string', numbers: NO_NUMBERS, wide: null, strings, present };
}

/** A column with no value in any row. */
export function emptyColumn(type: ValueType, count: number): Column {
  if (type === 'string') return stringColumn(new Array<string | null>(count).fill(null));
  return numberColumn(type, new Float64Array(count), new Uint8Array(count));
}

/** The same value in every row. */
export function constantColumn(
  value: number | string | boolean | bigint,
  type: ValueType,
  count: number,
): Column {
  if (typeof value === 'string') return stringColumn(new Array<string>(count).fill(value));
  const number = Number(value);
  const isWide = typeof value === 'bigint' && Math.abs(number) > SAFE;
  const wide = isWide ? new BigInt64Array(count).fill(BigInt.asIntN(64, value)) : null;
  return numberColumn(type, new Float64Array(count).fill(number), null, wide);
}

/** True where row `i` has a value. */
export function hasValue(column: Column, i: number): boolean {
  return column.present === null || column.present[i] === 1;
}

/** An integer of row `i`, exact. */
export function exactInteger(column: Column, i: number): bigint {
  const wide = column.wide?.[i];
  if (wide === undefined) return BigInt(column.numbers[i] ?? 0);
  return column.type === 'unsigned' ? BigInt.asUintN(64, wide) : wide;
}

/** Gathers values of one type one by one; grows as needed. For results, not for scans. */
export class ColumnBuilder {
  readonly type: ValueType;
  #count = 0;
  #numbers: Float64Array;
  #present: Uint8Array | null = null;
  #wide: BigInt64Array | null = null;
  readonly #strings: (string | null)[] = [];

  constructor(type: ValueType, capacity = 16) {
    this.type = type;
    this.#numbers = type === 'string' ? NO_NUMBERS : new Float64Array(capacity);
  }

  get count(): number {
    return this.#count;
  }

  pushNull(): void {
    if (this.type === 'string') {
      this.#strings.push(null);
      this.#count++;
      return;
    }
    this.#grow();
    if (!this.#present)
      this.#present = new Uint8Array(this.#numbers.length).fill(1, 0, this.#count);
    this.#count++;
  }

  pushNumber(value: number): void {
    this.#grow();
    this.#numbers[this.#count] = value;
    if (this.#present) this.#present[this.#count] = 1;
    if (this.#wide) this.#wide[this.#count] = BigInt(value);
    this.#count++;
  }

  pushString(value: string): void {
    this.#strings.push(value);
    this.#count++;
  }

  pushInteger(value: bigint): void {
    const number = Number(value);
    if (!this.#wide && Math.abs(number) <= SAFE) {
      this.pushNumber(number);
      return;
    }
    if (!this.#wide) {
      this.#wide = new BigInt64Array(this.#numbers.length);
      for (let i = 0; i < this.#count; i++) this.#wide[i] = BigInt(this.#numbers[i] ?? 0);
    }
    this.#grow();
    this.#numbers[this.#count] = number;
    this.#wide[this.#count] = BigInt.asIntN(64, value);
    if (this.#present) this.#present[this.#count] = 1;
    this.#count++;
  }

  /** Copies row `i` of a column of the same type. */
  pushFrom(column: Column, i: number): void {
    if (!hasValue(column, i)) this.pushNull();
    else if (this.type === 'string') this.pushString(column.strings[i] ?? '');
    else if (column.wide) this.pushInteger(exactInteger(column, i));
    else this.pushNumber(column.numbers[i] ?? 0);
  }

  /** The column; the builder must not be used afterwards. */
  build(): Column {
    if (this.type === 'string') return stringColumn(this.#strings);
    const count = this.#count;
    return numberColumn(
      this.type,
      this.#numbers.subarray(0, count),
      this.#present?.subarray(0, count) ?? null,
      this.#wide?.subarray(0, count) ?? null,
    );
  }

  #grow(): void {
    if (this.#count < this.#numbers.length) return;
    const capacity = Math.max(16, this.#numbers.length * 2);
    const numbers = new Float64Array(capacity);
    numbers.set(this.#numbers);
    this.#numbers = numbers;
    if (this.#present) {
      const present = new Uint8Array(capacity);
      present.set(this.#present);
      this.#present = present;
    }
    if (this.#wide) {
      const wide = new BigInt64Array(capacity);
      wide.set(this.#wide);
      this.#wide = wide;
    }
  }
}

/** Numbers by position; every entry of `order` is one. */
export function gatherNumbers(numbers: Float64Array, order: Int32Array): Float64Array {
  const gathered = new Float64Array(order.length);
  for (let i = 0; i < order.length; i++) gathered[i] = numbers[order[i] as number] as number;
  return gathered;
}

/** Rows `order[from .. to)` of a column, in that order; a negative entry is a row without a value. */
export function gatherRows(column: Column, order: Int32Array, from = 0, to = order.length): Column {
  const count = to - from;
  const { present, wide } = column;
  if (column.type === 'string') {
    const strings = new Array<string | null>(count);
    for (let i = 0; i < count; i++) strings[i] = column.strings[order[from + i] ?? -1] ?? null;
    return stringColumn(strings);
  }
  const numbers = new Float64Array(count);
  let mask: Uint8Array | null = null;
  const exact = wide ? new BigInt64Array(count) : null;
  for (let i = 0; i < count; i++) {
    const row = order[from + i] ?? -1;
    if (row < 0 || (present && present[row] === 0)) {
      mask ??= new Uint8Array(count).fill(1);
      mask[i] = 0;
      continue;
    }
    numbers[i] = column.numbers[row] ?? 0;
    if (exact && wide) exact[i] = wide[row] ?? 0n;
  }
  return numberColumn(column.type, numbers, mask, exact);
}

/** The column in another type of number, floats cut to whole numbers; other columns as they are. */
export function castColumn(column: Column, type: ValueType): Column {
  if (column.type === type || !isNumeric(column.type) || !isNumeric(type)) return column;
  const { numbers, present } = column;
  if (type === 'float') return numberColumn(type, numbers, present);
  const builder = new ColumnBuilder(type, numbers.length);
  for (let i = 0; i < numbers.length; i++) {
    const number = numbers[i] as number;
    if (!hasValue(column, i)) builder.pushNull();
    else if (column.type !== 'float')
      builder.pushInteger(BigInt.asIntN(64, exactInteger(column, i)));
    else builder.pushInteger(Number.isFinite(number) ? BigInt(Math.trunc(number)) : 0n);
  }
  return builder.build();
}

/** Rows `from .. to` of a column, sharing its memory. */
export function sliceColumn(column: Column, from: number, to: number): Column {
  if (column.type === 'string') return stringColumn(column.strings.slice(from, to));
  return numberColumn(
    column.type,
    column.numbers.subarray(from, to),
    column.present?.subarray(from, to) ?? null,
    column.wide?.subarray(from, to) ?? null,
  );
}

/** True where every row has a number below 2^53. */
function isPlain(column: Column, type: ValueType): boolean {
  return column.type === type && column.present === null && column.wide === null;
}

function joinedNumbers(columns: readonly Column[], counts: readonly number[]): Float64Array {
  const joined = new Float64Array(counts.reduce((sum, count) => sum + count, 0));
  let at = 0;
  columns.forEach(({ numbers }, c) => {
    const count = counts[c] ?? 0;
    joined.set(numbers.subarray(0, count), at);
    at += count;
  });
  return joined;
}

/** One column of the rows of several, one after the other; all of one type. */
export function concatColumns(
  type: ValueType,
  columns: readonly Column[],
  counts: readonly number[],
): Column {
  const [first] = columns;
  if (columns.length === 1 && first && first.type === type) return first;
  if (type !== 'string' && columns.every((one) => isPlain(one, type)))
    return numberColumn(type, joinedNumbers(columns, counts));
  const builder = new ColumnBuilder(
    type,
    counts.reduce((sum, count) => sum + count, 0),
  );
  columns.forEach((column, c) => {
    const count = counts[c] ?? 0;
    for (let i = 0; i < count; i++) {
      if (column.type === type) builder.pushFrom(column, i);
      else builder.pushNull();
    }
  });
  return builder.build();
}

/** The column in the form that response writers take. */
/** @param absent the number shown where a text or a boolean has no value; null for nothing */
export function toResultColumn(
  column: Column,
  absent: number | bigint | null = null,
): ResultColumn {
  const { numbers, present, wide } = column;
  if (absent !== null && present && (column.type === 'string' || column.type === 'boolean')) {
    const text = (i: number): string | null => column.strings[i] ?? null;
    const values = Array.from(present, (has, i) => {
      if (has === 0) return absent;
      return column.type === 'string' ? text(i) : numbers[i] !== 0;
    });
    return { kind: 'any', values };
  }
  switch (column.type) {
    case 'float':
      return { kind: 'float', values: numbers, present };
    case 'integer':
    case 'unsigned':
      return { kind: column.type, values: numbers, wide, present };
    case 'boolean':
      return { kind: 'boolean', values: Uint8Array.from(numbers), present };
    case 'string':
      return { kind: 'string', values: column.strings };
  }
}
