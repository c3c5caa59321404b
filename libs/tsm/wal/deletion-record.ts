/**
 * The payload of a log record that deletes. It names series by their keys, so that it can be read alone.
 * @see docs/formats/wal.md
 */
import { TsmError } from '../errors.js';
import { putVarint } from './wal-encoder.js';
import { RECORD_HAS_POSITION, RecordType } from './wal-format.js';

/** A deletion as the log has it. */
export interface DeletionRecord {
  /** TSM files of this generation and above are newer than the deletion. */
  readonly generation: number;
  /** First and last time deleted, inclusive. */
  readonly minNs: bigint;
  readonly maxNs: bigint;
  /** The measurement whose fields are forgotten; '' for none. */
  readonly measurement: string;
  /** Canonical keys of the series deleted from. */
  readonly seriesKeys: readonly Uint8Array[];
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
/** Type, flags, and the longest of the varints and times. */
const FIXED_BYTES = 2 + 8 + 16 + 8 + 8;

/** The payload of a record. */
export function encodeDeletion(record: DeletionRecord): Uint8Array {
  const name = encoder.encode(record.measurement);
  const keysBytes = record.seriesKeys.reduce((sum, key) => sum + 3 + key.length, 0);
  const out = new Uint8Array(FIXED_BYTES + name.length + keysBytes);
  out[0] = RecordType.DELETE;
  out[1] = 0;
  let p = putVarint(out, 2, record.generation);
  const view = new DataView(out.buffer);
  view.setBigInt64(p, record.minNs, true);
  view.setBigInt64(p + 8, record.maxNs, true);
  p = putBytes(out, p + 16, name);
  p = putVarint(out, p, record.seriesKeys.length);
  for (const key of record.seriesKeys) p = putBytes(out, p, key);
  return out.subarray(0, p);
}

/**
 * Reads a payload whose checksum was right. Keys are views of it.
 * @throws TsmError `tsm.wal-corrupt`
 */
export function decodeDeletion(payload: Uint8Array): DeletionRecord {
  const cursor = { at: 2 };
  if ((payload[1] & RECORD_HAS_POSITION) !== 0) cursor.at += 8;
  const generation = takeVarint(payload, cursor);
  if (cursor.at + 16 > payload.length) throw cutShort();
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  const minNs = view.getBigInt64(cursor.at, true);
  const maxNs = view.getBigInt64(cursor.at + 8, true);
  cursor.at += 16;
  const measurement = decoder.decode(takeBytes(payload, cursor));
  const count = takeVarint(payload, cursor);
  if (count > payload.length) throw cutShort();
  const seriesKeys = Array.from({ length: count }, () => takeBytes(payload, cursor));
  return { generation, minNs, maxNs, measurement, seriesKeys };
}

function putBytes(out: Uint8Array, p: number, bytes: Uint8Array): number {
  const at = putVarint(out, p, bytes.length);
  out.set(bytes, at);
  return at + bytes.length;
}

function takeVarint(bytes: Uint8Array, cursor: { at: number }): number {
  let value = 0;
  for (let factor = 1; factor < 2 ** 53; factor *= 128) {
    if (cursor.at >= bytes.length) throw cutShort();
    const b = bytes[cursor.at++];
    value += (b & 127) * factor;
    if (b < 128) return value;
  }
  throw cutShort();
}

function takeBytes(bytes: Uint8Array, cursor: { at: number }): Uint8Array {
  const length = takeVarint(bytes, cursor);
  if (cursor.at + length > bytes.length) throw cutShort();
  cursor.at += length;
  return bytes.subarray(cursor.at - length, cursor.at);
}

const cutShort = (): TsmError =>
  new TsmError('tsm.wal-corrupt', 'WAL record of a deletion ends early');
