/**
 * Constants of Tidegate's write-ahead log. @see docs/formats/wal.md
 */

/** First bytes of a segment: `TGWL`, then the version. */
export const WAL_MAGIC: Uint8Array = Uint8Array.of(0x54, 0x47, 0x57, 0x4c, 1, 0, 0, 0);
/** Length and checksum in front of each record's payload. */
export const RECORD_HEADER_BYTES = 8;
/** Largest payload; a longer length is corruption. */
export const RECORD_BYTES_MAX = 2 ** 30;

/** First byte of a payload. */
export const RecordType = { POINTS: 1, DELETE: 2 } as const;
/** Second byte of a payload: which optional parts follow. */
export const RECORD_HAS_POSITION = 1;

/** How the times of a section are written. */
export const TimeMode = { DELTAS: 0, WORDS: 1 } as const;
/** How a column is written: 0-6 = zigzag varints of the value times 10^mode, or one of these. */
export const ColumnMode = { BITS: 253, STRINGS: 254, WORDS: 255 } as const;
/** Largest decimal scale tried for floats. */
export const DECIMAL_SCALE_MAX = 6;

const SEGMENT_NAME = /^(\d{9})\.tgwal$/;

/** File name of a segment. */
export function segmentName(number: number): string {
  return `${String(number).padStart(9, '0')}.tgwal`;
}

/** Number of the segment with this file name, or null when it is none of ours. */
export function segmentNumber(name: string): number | null {
  const found = SEGMENT_NAME.exec(name);
  return found === null ? null : Number(found[1]);
}
