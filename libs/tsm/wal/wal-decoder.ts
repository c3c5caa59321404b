/**
 * Reads a WAL segment back into batches. Whatever is damaged costs its own record where the next one can be found, else the
 * rest of the segment; the caller is told. @see docs/formats/wal.md
 */
import { crc32 } from 'node:zlib';
import {
  FieldType,
  hashKey,
  type KnownSeries,
  lowWord,
  highWord,
  PointsBatch,
  type Shape,
  type ShapeTable,
  stringInBody,
} from '#models';
import { TsmError } from '../errors.js';
import { decodeDeletion, type DeletionRecord } from './deletion-record.js';
import {
  ColumnMode,
  DECIMAL_SCALE_MAX,
  RECORD_BYTES_MAX,
  RECORD_HAS_POSITION,
  RECORD_HEADER_BYTES,
  RecordType,
  TimeMode,
  WAL_MAGIC,
} from './wal-format.js';

/** What reading a segment found. */
export interface SegmentOutcome {
  readonly records: number;
  /** Places where records are damaged and were left out; a write cut short by a crash is none. */
  readonly damagedRecords: number;
  /** Bytes that were left out because a crash cut a write short, and all behind the last record that could be read. */
  readonly unreadBytes: number;
}

/** What a disk writes in one piece, at least. */
const SECTOR_BYTES = 512;
/** Checksums computed in search of a sound record, in bytes, before the segment counts as damaged. */
const DAMAGE_CHECK_BYTES_MAX = 2 ** 28;

/** Receives what a segment holds, in order. The batch is reused: valid during the call. */
export type ReplayPoints = (batch: PointsBatch) => void;
/** Receives deletions, in order with the points. Keys are views of the segment. */
export type ReplayDeletion = (deletion: DeletionRecord) => void;

/** A record's payload read from front to back; every read checks the end. */
class PayloadReader {
  constructor(
    readonly bytes: Uint8Array,
    public at: number,
  ) {}

  byte(): number {
    if (this.at >= this.bytes.length) this.fail('ends early');
    return this.bytes[this.at++];
  }

  varint(): number {
    let value = 0;
    for (let factor = 1; factor < 2 ** 56; factor *= 128) {
      const b = this.byte();
      value += (b & 127) * factor;
      if (b < 128) return value;
    }
    return this.fail('has a varint of more than 8 bytes');
  }

  count(atMost: number): number {
    const value = this.varint();
    return value > atMost ? this.fail(`has a count of ${value}`) : value;
  }

  take(length: number): Uint8Array {
    if (this.at + length > this.bytes.length) this.fail('ends early');
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  fail(what: string): never {
    throw new TsmError('tsm.wal-corrupt', `WAL record ${what} at byte ${this.at} of its payload`);
  }
}

const decoder = new TextDecoder();

/** Reads one segment; definitions do not outlive it. */
export class WalSegmentReader {
  private readonly seriesKeys = new Map<number, Uint8Array>();
  private readonly shapesById = new Map<number, Shape>();
  private readonly batch = new PointsBatch();

  constructor(
    private readonly known: KnownSeries,
    private readonly shapes: ShapeTable,
  ) {}

  /** Replays the records of a whole segment file. */
  read(file: Uint8Array, replay: ReplayPoints, replayDeletion: ReplayDeletion): SegmentOutcome {
    let records = 0;
    let damagedRecords = 0;
    if (!WAL_MAGIC.every((byte, i) => file[i] === byte)) {
      return { records, damagedRecords: findDamage(file, 0) ? 1 : 0, unreadBytes: file.length };
    }
    const view = new DataView(file.buffer, file.byteOffset, file.length);
    let at = WAL_MAGIC.length;
    let tornBytes = 0;
    for (;;) {
      const end = recordEnd(view, at);
      if (end === null) break;
      const payload = file.subarray(at + RECORD_HEADER_BYTES, end);
      const isSound = crc32(payload) === view.getUint32(at + 4, true);
      // Where a length is what is damaged, the next record is not found.
      if (!isSound && !isSoundRecord(file, view, end)) break;
      if (isSound && this.replayRecord(payload, replay, replayDeletion)) records++;
      // What a torn record was to define is missing in those of its group behind it.
      else if (tornBytes > 0 || hasZeroSector(file, at, end)) tornBytes += end - at;
      else damagedRecords++;
      at = end;
    }
    if (findDamage(file, at)) damagedRecords++;
    return { records, damagedRecords, unreadBytes: file.length - at + tornBytes };
  }

  private replayRecord(
    payload: Uint8Array,
    replay: ReplayPoints,
    replayDeletion: ReplayDeletion,
  ): boolean {
    this.batch.clear();
    this.batch.body = payload;
    const reader = new PayloadReader(payload, 0);
    let deletion: DeletionRecord | null = null;
    try {
      if (payload[0] === RecordType.DELETE) deletion = decodeDeletion(payload);
      else this.readPoints(reader, payload);
    } catch (error) {
      if (error instanceof TsmError) return false;
      throw error;
    }
    if (deletion !== null) replayDeletion(deletion);
    else if (this.batch.pointCount > 0) replay(this.batch);
    return true;
  }

  private readPoints(reader: PayloadReader, payload: Uint8Array): void {
    if (reader.byte() !== RecordType.POINTS) reader.fail('is of an unknown type');
    if ((reader.byte() & RECORD_HAS_POSITION) !== 0) reader.take(8);
    this.readDefinitions(reader);
    const sections = reader.count(payload.length);
    for (let s = 0; s < sections; s++) this.readSection(reader);
  }

  private readDefinitions(reader: PayloadReader): void {
    const seriesCount = reader.count(reader.bytes.length);
    for (let i = 0; i < seriesCount; i++) {
      const id = reader.varint();
      this.seriesKeys.set(id, reader.take(reader.varint()).slice());
    }
    const shapeCount = reader.count(reader.bytes.length);
    for (let i = 0; i < shapeCount; i++) {
      const id = reader.varint();
      const fieldCount = reader.count(reader.bytes.length);
      const fields = Array.from({ length: fieldCount }, () => {
        const type = reader.byte();
        if (type > FieldType.UNSIGNED) reader.fail(`has a field of type ${type}`);
        return { type: type as FieldType, name: decoder.decode(reader.take(reader.varint())) };
      });
      const shape = this.shapes.intern(fields);
      if (shape === null) reader.fail('needs more shapes than a process may have');
      else this.shapesById.set(id, shape);
    }
  }

  private readSection(reader: PayloadReader): void {
    const { batch } = this;
    const shape = this.shapesById.get(reader.varint()) ?? reader.fail('has an undefined shape');
    const rows = reader.count(reader.bytes.length);
    const group = batch.group(shape);
    // Sections of one shape stand one behind the other in its group, in order of writing.
    while (group.capacity < group.rows + rows) group.grow();
    const from = group.rows;
    let id = 0;
    for (let row = from; row < from + rows; row++) {
      id += unzigzag(reader.varint());
      const key = this.seriesKeys.get(id) ?? reader.fail('has an undefined series');
      const known = this.known.find(key, 0, key.length, hashKey(key, 0, key.length));
      group.seriesIds[row] = known;
      if (known < 0) {
        group.keyStart[row] = batch.addExtra(key);
        group.keyLength[row] = key.length;
      }
      group.pointNumbers[row] = batch.pointCount++;
    }
    readTimes(reader, group.times, from, rows);
    for (let f = 0; f < shape.fieldCount; f++) {
      const cells = { from: f * group.capacity + from, rows, type: shape.types[f] };
      this.readColumn(reader, group, cells);
    }
    group.rows += rows;
    batch.valueCount += rows * shape.fieldCount;
    batch.hasMixedShapes = batch.groups.length > 1;
  }

  private readColumn(
    reader: PayloadReader,
    group: ReturnType<PointsBatch['group']>,
    cells: { from: number; rows: number; type: number },
  ): void {
    const { values } = group;
    const { from, rows, type } = cells;
    const mode = reader.byte();
    if (mode === ColumnMode.WORDS) {
      const bytes = reader.take(8 * rows);
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      for (let i = 0; i < rows; i++) {
        if (type === FieldType.FLOAT) values[from + i] = view.getFloat64(8 * i, true);
        else this.batch.setInteger(group, from + i, view.getBigInt64(8 * i, true));
      }
    } else if (mode === ColumnMode.BITS) {
      const bits = reader.take((rows + 7) >>> 3);
      for (let i = 0; i < rows; i++) values[from + i] = (bits[i >>> 3] >>> (i & 7)) & 1;
    } else if (mode === ColumnMode.STRINGS) {
      for (let i = 0; i < rows; i++) {
        const length = reader.varint();
        values[from + i] = stringInBody(reader.at, length);
        reader.take(length);
      }
    } else if (mode <= DECIMAL_SCALE_MAX) {
      const factor = 10 ** mode;
      for (let i = 0; i < rows; i++) values[from + i] = unzigzag(reader.varint()) / factor;
    } else {
      reader.fail(`has a column of mode ${mode}`);
    }
  }
}

/** Where the record at `at` ends, or null when its length cannot be true. */
function recordEnd(view: DataView, at: number): number | null {
  if (at + RECORD_HEADER_BYTES > view.byteLength) return null;
  const length = view.getUint32(at, true);
  if (length === 0 || length > RECORD_BYTES_MAX) return null;
  const end = at + RECORD_HEADER_BYTES + length;
  return end > view.byteLength ? null : end;
}

/** True when a whole record with the right checksum begins at `at`. */
function isSoundRecord(file: Uint8Array, view: DataView, at: number): boolean {
  const end = recordEnd(view, at);
  if (end === null) return false;
  return crc32(file.subarray(at + RECORD_HEADER_BYTES, end)) === view.getUint32(at + 4, true);
}

/**
 * Tells damage from a write that a crash cut short, for the end of a segment that does not read. A torn write lacks its end or
 * whole sectors, which are zeros; where a sound record follows without any, or only bytes within the last record are wrong,
 * something else happened. What follows is not replayed: bytes of a string value may look like a record.
 */
function findDamage(file: Uint8Array, from: number): boolean {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const payloadAt = from + RECORD_HEADER_BYTES;
  // A segment whose first bytes were never written has nothing that was acknowledged.
  if (payloadAt >= file.length || file.subarray(from, payloadAt).every((byte) => byte === 0))
    return false;
  // The length alone is wrong.
  if (crc32(file.subarray(payloadAt)) === view.getUint32(from + 4, true)) return true;
  if (recordEnd(view, from) === file.length) return !hasZeroSector(file, payloadAt, file.length);
  let checkedBytes = 0;
  for (let at = from + 1; at + RECORD_HEADER_BYTES < file.length; at++) {
    const type = file[at + RECORD_HEADER_BYTES];
    if (type !== RecordType.POINTS && type !== RecordType.DELETE) continue;
    const end = recordEnd(view, at);
    if (end === null) continue;
    checkedBytes += end - at;
    if (checkedBytes > DAMAGE_CHECK_BYTES_MAX) return true;
    if (isSoundRecord(file, view, at)) return !hasZeroSector(file, from, at);
  }
  return false;
}

/** True when what `file[from .. to)` has of a sector is all zeros, as where it was never written. */
function hasZeroSector(file: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to;) {
    const end = Math.min(to, (Math.floor(at / SECTOR_BYTES) + 1) * SECTOR_BYTES);
    if (file.subarray(at, end).every((byte) => byte === 0)) return true;
    at = end;
  }
  return false;
}

const unzigzag = (z: number): number => (z % 2 === 0 ? z / 2 : -(z + 1) / 2);

function readTimes(reader: PayloadReader, times: Int32Array, from: number, rows: number): void {
  const mode = reader.byte();
  if (mode !== TimeMode.DELTAS && mode !== TimeMode.WORDS) reader.fail(`has times of mode ${mode}`);
  if (rows === 0) return;
  const inFull = mode === TimeMode.WORDS ? rows : 1;
  const bytes = reader.take(8 * inFull);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let i = 0; i < 2 * inFull; i++) times[2 * from + i] = view.getInt32(4 * i, true);
  if (mode === TimeMode.WORDS) return;
  let time = view.getBigInt64(0, true);
  for (let row = from + 1; row < from + rows; row++) {
    time += BigInt(unzigzag(reader.varint()));
    times[2 * row] = lowWord(time);
    times[2 * row + 1] = highWord(time);
  }
}
