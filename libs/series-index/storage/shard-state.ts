/** What the index stores of a shard: the files it knows, which series those hold, and the shard's fields. */
import type { FieldType } from '#models';
import type { SeriesSet } from '../series-set.js';
import type { PayloadReader, PayloadWriter } from './payload.js';

/** A TSM file as it was when its series were noted. Another size or time means that somebody has changed it. */
export interface StoredFile {
  /** Without its folder. */
  readonly name: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  /** Of its tombstones; 0 for none. */
  readonly tombstoneBytes: number;
  readonly tombstoneModifiedMs: number;
  readonly keyCount: number;
  readonly blockCount: number;
  /** First and last time of its blocks, inclusive. */
  readonly minNs: bigint;
  readonly maxNs: bigint;
}

/** Types of fields by measurement and name. */
export type StoredFields = ReadonlyMap<string, ReadonlyMap<string, FieldType>>;

/** What is stored of a shard. */
export interface StoredShard {
  readonly files: readonly StoredFile[];
  /** Series that have a value in one of the files. */
  readonly series: SeriesSet;
  readonly fields: StoredFields;
}

/** Writes files. */
export function putFiles(into: PayloadWriter, files: readonly StoredFile[]): void {
  into.varint(files.length);
  for (const file of files) {
    into.text(file.name).varint(file.sizeBytes).float(file.modifiedMs);
    into.varint(file.tombstoneBytes).float(file.tombstoneModifiedMs);
    into.varint(file.keyCount).varint(file.blockCount).int64(file.minNs).int64(file.maxNs);
  }
}

/** Reads what {@link putFiles} wrote. */
export function takeFiles(from: PayloadReader): StoredFile[] {
  return Array.from({ length: from.varint() }, () => ({
    name: from.text(),
    sizeBytes: from.varint(),
    modifiedMs: from.float(),
    tombstoneBytes: from.varint(),
    tombstoneModifiedMs: from.float(),
    keyCount: from.varint(),
    blockCount: from.varint(),
    minNs: from.int64(),
    maxNs: from.int64(),
  }));
}

/** Writes fields. */
export function putFields(into: PayloadWriter, fields: StoredFields): void {
  into.varint(fields.size);
  for (const [measurement, types] of fields) {
    into.text(measurement).varint(types.size);
    for (const [name, type] of types) into.text(name).varint(type);
  }
}

/** Reads what {@link putFields} wrote. */
export function takeFields(from: PayloadReader): Map<string, Map<string, FieldType>> {
  const fields = new Map<string, Map<string, FieldType>>();
  for (let n = from.varint(); n > 0; n--) {
    const types = new Map<string, FieldType>();
    fields.set(from.text(), types);
    for (let k = from.varint(); k > 0; k--) types.set(from.text(), from.varint() as FieldType);
  }
  return fields;
}
