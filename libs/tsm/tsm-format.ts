/**
 * The fixed facts of TSM files: names, header, index entry and footer sizes, limits. Shared by writer and reader.
 *
 * @see docs/formats/tsm.md
 */

/** First four bytes of a TSM file. */
export const TSM_MAGIC = 0x16d116d1;
/** The version that InfluxDB 1.x writes and reads. */
export const TSM_VERSION = 1;
/** Magic and version. */
export const HEADER_BYTES = 5;
/** The index offset at the end. */
export const FOOTER_BYTES = 8;
/** First time, last time, offset, size. */
export const ENTRY_BYTES = 28;
/** Type and number of entries behind a key. */
export const KEY_HEADER_BYTES = 3;
/** Key lengths and block counts are 16 bits. */
export const KEY_MAX_BYTES = 65535;
/** Same. */
export const KEY_BLOCKS_MAX = 65535;
/** InfluxDB 1.x starts another file above this. */
export const FILE_MAX_BYTES = 2 ** 31;
/** Values that snapshots and compactions put in a block. */
export const BLOCK_VALUES = 1000;
/** Between series key and field name in the keys of the index. */
export const FIELD_SEPARATOR = '#!~#';
/** What files carry while they are written. */
export const TEMPORARY_SUFFIX = '.tmp';
/** What files that do not read are renamed to. */
export const BAD_SUFFIX = '.bad';
/** Beside a file that we wrote: the checksum of its index. */
export const CHECKSUM_SUFFIX = '.crc';

/** Where a file stands among its shard's: later generations win, and a compaction counts the sequence up. */
export interface TsmFileId {
  readonly generation: number;
  readonly sequence: number;
}

/** The name of a TSM file, without its directory. */
export function tsmFileName(id: TsmFileId): string {
  return `${pad(id.generation)}-${pad(id.sequence)}.tsm`;
}

/** What the name of a TSM file says (no directory), or null for any other name. */
export function parseTsmFileName(name: string): TsmFileId | null {
  const found = /^(\d{1,15})-(\d{1,15})\.tsm$/.exec(name);
  return found === null ? null : { generation: Number(found[1]), sequence: Number(found[2]) };
}

/** Orders by generation, then sequence: the order in which files overwrite each other. */
export function compareTsmFileIds(a: TsmFileId, b: TsmFileId): number {
  return a.generation - b.generation || a.sequence - b.sequence;
}

function pad(value: number): string {
  return String(value).padStart(9, '0');
}
