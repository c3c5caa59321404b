/**
 * The bytes of a segment: a header, then records. Little-endian. Every byte is under a checksum, and a record says where in
 * the queue it belongs, so that one inside another's payload is never taken for one. docs/formats/queue.md has the table.
 */
import { crc32 } from '#encoding';
import { type Mark, markBehind, type QueueEntry, RECORD_HEADER_BYTES } from './record.js';

/** Bytes of a segment's header. */
export const SEGMENT_HEADER_BYTES = 40;
const SEGMENT_MAGIC = 0x53514754; // "TGQS"
/** First bytes of a record: "TGQR". */
export const RECORD_MAGIC = 0x52514754;
const VERSION = 1;
/** No payload is longer: a length beyond is no length. */
export const PAYLOAD_BYTES_MAX = 2 ** 31 - 1;

/** A record's header, read. */
export interface RecordHeader {
  readonly start: Mark;
  readonly end: Mark;
  readonly payloadBytes: number;
  readonly payloadCrc: number;
  readonly timeNs: bigint;
  readonly items: number;
  readonly kind: number;
}

/** Name of the segment's file. */
export function segmentName(offset: number): string {
  return `${String(offset).padStart(20, '0')}.tgq`;
}

/** The offset in a file's name, or -1 where it is no segment. */
export function offsetOfName(name: string): number {
  const offset = /^\d{20}\.tgq$/.test(name) ? Number(name.slice(0, 20)) : -1;
  return Number.isSafeInteger(offset) ? offset : -1;
}

/** The header of the segment whose first record will stand at `start`. */
export function encodeSegmentHeader(start: Mark): Uint8Array {
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, SEGMENT_MAGIC, true);
  view.setUint32(4, VERSION, true);
  writeMark(view, 8, start);
  view.setUint32(32, crc32(bytes.subarray(0, 32)), true);
  return bytes;
}

/** The place of a segment's first record, or null where the header is damaged. */
export function decodeSegmentHeader(bytes: Uint8Array): Mark | null {
  if (bytes.length < SEGMENT_HEADER_BYTES) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const isWhole =
    view.getUint32(0, true) === SEGMENT_MAGIC &&
    view.getUint32(4, true) === VERSION &&
    view.getUint32(32, true) === crc32(bytes.subarray(0, 32)) &&
    view.getUint32(36, true) === 0;
  return isWhole ? readMark(view, 8) : null;
}

/** The header of a record that stands at `start`. */
export function encodeRecordHeader(start: Mark, entry: QueueEntry): Uint8Array {
  const bytes = new Uint8Array(RECORD_HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  let sizeBytes = 0;
  let crc = 0;
  for (const piece of entry.payload) {
    // Nothing changes the sum of nothing; zlib would begin anew.
    if (piece.length > 0) crc = crc32(piece, crc);
    sizeBytes += piece.length;
  }
  view.setUint32(0, RECORD_MAGIC, true);
  view.setUint32(8, sizeBytes, true);
  view.setUint32(12, crc, true);
  writeMark(view, 16, start);
  view.setBigInt64(40, entry.timeNs, true);
  view.setUint32(48, entry.items, true);
  view.setUint32(52, entry.kind, true);
  view.setUint32(4, crc32(bytes.subarray(8)), true);
  return bytes;
}

/**
 * Reads the header at `at`, or null where there is no whole one.
 * @param offset where in the queue it must belong
 */
export function decodeRecordHeader(
  bytes: Uint8Array,
  at: number,
  offset: number,
): RecordHeader | null {
  if (at + RECORD_HEADER_BYTES > bytes.length) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, RECORD_HEADER_BYTES);
  if (view.getUint32(0, true) !== RECORD_MAGIC) return null;
  if (view.getUint32(4, true) !== crc32(bytes.subarray(at + 8, at + RECORD_HEADER_BYTES))) {
    return null;
  }
  const start = readMark(view, 16);
  const payloadBytes = view.getUint32(8, true);
  if (start.offset !== offset || payloadBytes > PAYLOAD_BYTES_MAX) return null;
  const items = view.getUint32(48, true);
  return {
    start,
    end: markBehind(start, payloadBytes, items),
    payloadBytes,
    payloadCrc: view.getUint32(12, true),
    timeNs: view.getBigInt64(40, true),
    items,
    kind: view.getUint32(52, true),
  };
}

function writeMark(view: DataView, at: number, { offset, records, items }: Mark): void {
  view.setBigUint64(at, BigInt(offset), true);
  view.setBigUint64(at + 8, BigInt(records), true);
  view.setBigUint64(at + 16, BigInt(items), true);
}

function readMark(view: DataView, at: number): Mark {
  return {
    offset: Number(view.getBigUint64(at, true)),
    records: Number(view.getBigUint64(at + 8, true)),
    items: Number(view.getBigUint64(at + 16, true)),
  };
}
