/**
 * Reads the records of one segment's file, and finds the next whole one where bytes are damaged. Talks to the file alone.
 */
import { crc32 } from '#encoding';
import type { OpenFile } from '#kernel';
import { type Mark, type QueueRecord, RECORD_HEADER_BYTES } from './record.js';
import {
  decodeRecordHeader,
  RECORD_MAGIC,
  type RecordHeader,
  SEGMENT_HEADER_BYTES,
} from './segment-format.js';

/** Bytes read at one time while looking for a record. */
const WINDOW_BYTES = 256 * 1024;

/** A file of records that begins at `start`, of which `dataBytes` behind its header are written. */
export interface SegmentContent {
  readonly file: OpenFile;
  readonly start: Mark;
  readonly dataBytes: number;
}

/** A record, or only the place behind one whose payload is damaged. */
export interface ReadStep {
  readonly record: QueueRecord | null;
  readonly end: Mark;
}

/**
 * Reads the record at an offset or, where there is no whole one, the next behind it; null where there is none up to the end.
 * Never throws: what the disk cannot read is damaged.
 */
export function readRecord(content: SegmentContent, offset: number): ReadStep | null {
  const header = headerAt(content, offset) ?? findHeader(content, offset + 1);
  if (header === null) return null;
  const at = header.start.offset - content.start.offset + RECORD_HEADER_BYTES;
  const payload = Buffer.allocUnsafeSlow(header.payloadBytes);
  if (!read(content, payload, at) || crc32(payload) !== header.payloadCrc) {
    return { record: null, end: header.end };
  }
  const { start, end, timeNs, items, kind } = header;
  return { record: { start, end, timeNs, items, kind, payload }, end };
}

/** The header at an offset or the next behind it; payloads are not looked at. */
export function readHeader(content: SegmentContent, offset: number): RecordHeader | null {
  return headerAt(content, offset) ?? findHeader(content, offset + 1);
}

function headerAt(content: SegmentContent, offset: number): RecordHeader | null {
  const at = offset - content.start.offset;
  const bytes = new Uint8Array(RECORD_HEADER_BYTES);
  if (!read(content, bytes, at)) return null;
  return within(content, decodeRecordHeader(bytes, 0, offset));
}

/** A header whose record does not reach beyond the end of what is written, or null. */
function within(content: SegmentContent, header: RecordHeader | null): RecordHeader | null {
  if (header === null) return null;
  return header.end.offset <= content.start.offset + content.dataBytes ? header : null;
}

/** Looks for a record from an offset on. */
function findHeader(content: SegmentContent, offset: number): RecordHeader | null {
  const { start, dataBytes } = content;
  const first = RECORD_MAGIC & 0xff;
  let at = Math.max(0, offset - start.offset);
  const window = new Uint8Array(Math.min(WINDOW_BYTES, Math.max(0, dataBytes - at)));
  while (at + RECORD_HEADER_BYTES <= dataBytes) {
    const bytes = window.subarray(0, Math.min(window.length, dataBytes - at));
    if (!read(content, bytes, at)) {
      // A part that cannot be read: sector by sector beyond it.
      at += 512;
      continue;
    }
    let i = bytes.indexOf(first);
    for (; i >= 0 && i + RECORD_HEADER_BYTES <= bytes.length; i = bytes.indexOf(first, i + 1)) {
      const header = within(content, decodeRecordHeader(bytes, i, start.offset + at + i));
      if (header !== null) return header;
    }
    at += bytes.length - RECORD_HEADER_BYTES + 1;
  }
  return null;
}

/** Fills `into` from the data at `at`; false where not all of it is there. */
function read(content: SegmentContent, into: Uint8Array, at: number): boolean {
  if (at < 0 || at + into.length > content.dataBytes) return false;
  try {
    return content.file.readSync(into, SEGMENT_HEADER_BYTES + at) === into.length;
  } catch {
    return false;
  }
}
