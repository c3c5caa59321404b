/**
 * Reads the write-ahead log segments that InfluxDB 1.x left behind (`_%05d.wal`), so that a data directory opens in place.
 * Reading only: ours has another format.
 *
 * @see docs/formats/influxdb-wal.md
 */
import { messageOf } from '#kernel';
import { FieldType, type StringColumn } from '#models';
import { decompressSnappy, EXACT_LIMIT, readI64, readU16, readU32 } from '#encoding';
import { TsmError } from './errors.js';

const WRITE = 1;
const DELETE = 2;
const DELETE_RANGE = 3;
/** Type and length in front of an entry. */
const ENTRY_HEADER_BYTES = 5;
/** The most bytes an entry may unpack to; InfluxDB puts one write request in an entry, 25 MB by default. */
export const INFLUX_WAL_ENTRY_MAX_BYTES = 2 ** 29;

/** Values of one field of one series in a write, in the order they were written: not sorted, repeats possible. */
export interface InfluxWalColumn {
  /** Series key, separator and field. */
  readonly key: Uint8Array;
  readonly type: FieldType;
  readonly count: number;
  readonly timesNs: BigInt64Array;
  /** As in ColumnBatch. */
  readonly numbers: Float64Array;
  readonly wide: BigInt64Array | null;
  readonly strings: StringColumn | null;
}

/** An entry of a segment. Its arrays belong to the receiver. */
export type InfluxWalEntry =
  | { readonly kind: 'write'; readonly columns: readonly InfluxWalColumn[] }
  /** Deletes all values of these keys, or those from `minNs` to `maxNs`, inclusive. */
  | {
      readonly kind: 'delete';
      readonly keys: readonly Uint8Array[];
      readonly minNs: bigint;
      readonly maxNs: bigint;
    };

/** How far a segment could be read. */
export interface InfluxWalSummary {
  readonly entryCount: number;
  /** Bytes of whole entries; less than the segment where its tail is torn or corrupt. */
  readonly validBytes: number;
  /** What is wrong behind them, or null. */
  readonly fault: TsmError | null;
}

/** The number in the name of a segment (no directory), or null for any other name. */
export function parseInfluxWalName(name: string): number | null {
  const found = /^_(\d{5,})\.wal$/.exec(name);
  return found === null ? null : Number(found[1]);
}

/**
 * Reads a segment entry by entry, up to the first that is torn or does not make sense.
 * @param content the whole segment
 * @param visit called for each entry in order; what it throws goes through
 */
export function readInfluxWal(
  content: Uint8Array,
  visit: (entry: InfluxWalEntry) => void,
): InfluxWalSummary {
  let at = 0;
  let entryCount = 0;
  while (at < content.length) {
    let entry: InfluxWalEntry;
    try {
      entry = readEntry(content, at);
    } catch (error) {
      const message = `cannot read WAL entry at offset ${at}: ${messageOf(error)}`;
      return {
        entryCount,
        validBytes: at,
        fault: new TsmError('tsm.corrupt-wal', message, { cause: error }),
      };
    }
    visit(entry);
    at += ENTRY_HEADER_BYTES + readU32(content, at + 1);
    entryCount++;
  }
  return { entryCount, validBytes: at, fault: null };
}

function readEntry(content: Uint8Array, at: number): InfluxWalEntry {
  if (at + ENTRY_HEADER_BYTES > content.length) throw broken('torn');
  const kind = content[at]!;
  const end = at + ENTRY_HEADER_BYTES + readU32(content, at + 1);
  if (end > content.length) throw broken('torn');
  const packed = content.subarray(at + ENTRY_HEADER_BYTES, end);
  const bytes = decompressSnappy(packed, INFLUX_WAL_ENTRY_MAX_BYTES);
  if (kind === WRITE) return readWrite(bytes);
  if (kind === DELETE) return readDelete(bytes);
  if (kind === DELETE_RANGE) return readDeleteRange(bytes);
  throw broken(`unknown type ${kind}`);
}

function readWrite(bytes: Uint8Array): InfluxWalEntry {
  const columns: InfluxWalColumn[] = [];
  for (let at = 0; at < bytes.length;) {
    if (at + 3 > bytes.length) throw broken('key is cut off');
    const type = bytes[at]! - 1;
    const keyEnd = at + 3 + readU16(bytes, at + 1);
    if (keyEnd + 4 > bytes.length) throw broken('key is cut off');
    const key = bytes.subarray(at + 3, keyEnd);
    const count = readU32(bytes, keyEnd);
    at = keyEnd + 4;
    const column =
      type === FieldType.STRING
        ? readStrings(bytes, at, key, count)
        : readNumbers(bytes, at, { key, type: fixedType(type), count });
    columns.push(column.column);
    at = column.end;
  }
  return { kind: 'write', columns };
}

interface ColumnHead {
  readonly key: Uint8Array;
  readonly type: FieldType;
  readonly count: number;
}

function readNumbers(
  bytes: Uint8Array,
  at: number,
  head: ColumnHead,
): { column: InfluxWalColumn; end: number } {
  const { type, count } = head;
  const width = 8 + (type === FieldType.BOOLEAN ? 1 : 8);
  const end = at + count * width;
  if (end > bytes.length) throw broken('values are cut off');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const timesNs = new BigInt64Array(count);
  const numbers = new Float64Array(count);
  let wide: BigInt64Array | null = null;
  for (let i = 0; i < count; i++, at += width) {
    timesNs[i] = view.getBigInt64(at);
    if (type === FieldType.FLOAT) numbers[i] = view.getFloat64(at + 8);
    else if (type === FieldType.BOOLEAN) numbers[i] = bytes[at + 8] === 0 ? 0 : 1;
    else {
      const word = view.getBigInt64(at + 8);
      const value = Number(type === FieldType.UNSIGNED ? BigInt.asUintN(64, word) : word);
      numbers[i] = value;
      if (wide === null && Math.abs(value) >= EXACT_LIMIT)
        wide = BigInt64Array.from(numbers.subarray(0, count), BigInt);
      if (wide !== null) wide[i] = word;
    }
  }
  return { column: { ...head, timesNs, numbers, wide, strings: null }, end };
}

function readStrings(
  bytes: Uint8Array,
  at: number,
  key: Uint8Array,
  count: number,
): { column: InfluxWalColumn; end: number } {
  if (at + count * 12 > bytes.length) throw broken('values are cut off');
  const timesNs = new BigInt64Array(count);
  const offsets = new Int32Array(count + 1);
  const parts: Uint8Array[] = [];
  for (let i = 0; i < count; i++) {
    if (at + 12 > bytes.length) throw broken('values are cut off');
    timesNs[i] = readI64(bytes, at);
    const end = at + 12 + readU32(bytes, at + 8);
    if (end > bytes.length) throw broken('a string is cut off');
    parts.push(bytes.subarray(at + 12, end));
    offsets[i + 1] = offsets[i]! + end - at - 12;
    at = end;
  }
  const joined = new Uint8Array(offsets[count]!);
  for (let i = 0; i < count; i++) joined.set(parts[i]!, offsets[i]);
  const strings = { bytes: joined, offsets };
  const column = {
    key,
    type: FieldType.STRING,
    count,
    timesNs,
    numbers: new Float64Array(0),
    wide: null,
    strings,
  };
  return { column, end: at };
}

/** Keys with a line feed between them. */
function readDelete(bytes: Uint8Array): InfluxWalEntry {
  const keys: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const found = bytes.indexOf(0x0a, at);
    const end = found < 0 ? bytes.length : found;
    if (end > at) keys.push(bytes.subarray(at, end));
    at = end + 1;
  }
  return { kind: 'delete', keys, minNs: -(2n ** 63n), maxNs: 2n ** 63n - 1n };
}

function readDeleteRange(bytes: Uint8Array): InfluxWalEntry {
  if (bytes.length < 16) throw broken('times are cut off');
  const keys: Uint8Array[] = [];
  for (let at = 16; at < bytes.length;) {
    const end = at + 4 <= bytes.length ? at + 4 + readU32(bytes, at) : Infinity;
    if (end > bytes.length) throw broken('key is cut off');
    keys.push(bytes.subarray(at + 4, end));
    at = end;
  }
  return { kind: 'delete', keys, minNs: readI64(bytes, 0), maxNs: readI64(bytes, 8) };
}

function fixedType(type: number): FieldType {
  if (
    type === FieldType.FLOAT ||
    type === FieldType.INTEGER ||
    type === FieldType.BOOLEAN ||
    type === FieldType.UNSIGNED
  ) {
    return type;
  }
  throw broken(`unknown value type ${type + 1}`);
}

function broken(reason: string): TsmError {
  return new TsmError('tsm.corrupt-wal', reason);
}
