/**
 * The image of an index: everything it holds, as columns that are read back straight into memory. Keys are hashed and slots
 * filled anew, for the hash differs from process to process.
 *
 * @see docs/formats/series-index.md
 */
import { KEY_SLAB_BYTES, KeyTable } from '#models';
import type { MeasurementContent, TagColumnContent } from '../measurement.js';
import type { SeriesIndex } from '../series-index.js';
import { FrameKind, type FrameReader, type FrameWriter } from './frames.js';
import { PayloadReader, PayloadWriter } from './payload.js';
import { putFields, putFiles, type StoredShard, takeFields, takeFiles } from './shard-state.js';

/** Frames ready to be written: kinds and bytes, views of memory that stays as it is. */
export type ImageFrames = readonly { readonly kind: number; readonly bytes: Uint8Array }[];

/**
 * Takes a picture of an index and its shards, at once; series added afterwards are not in it.
 * @param shards their series by the index' ids
 */
export function imageOf(index: SeriesIndex, shards: ReadonlyMap<number, StoredShard>): ImageFrames {
  const frames: { kind: number; bytes: Uint8Array }[] = [];
  const add = (kind: number, bytes: Uint8Array): void => void frames.push({ kind, bytes });
  const addTable = (table: KeyTable): void => {
    const { lengths, slabs } = table.content;
    add(FrameKind.KEY_LENGTHS, bytesOf(lengths));
    for (const slab of slabs) add(FrameKind.KEYS, slab);
  };
  const counts = new PayloadWriter().varint(index.idCount);
  counts.varint(index.keyTable.content.slabs.length);
  counts.varint(index.measurements.length).varint(shards.size);
  add(FrameKind.COUNTS, counts.bytes);
  addTable(index.keyTable);
  for (const measurement of index.measurements) {
    const { seriesCount, name, order } = measurement;
    const isOrdered = order.sortedCount >= seriesCount && seriesCount > 0;
    const columns = [...measurement.tagColumns];
    const header = new PayloadWriter()
      .text(name)
      .varint(seriesCount)
      .varint(isOrdered ? 1 : 0);
    header.varint(columns.length);
    for (const { key, values } of columns)
      header.text(key).varint(values.count).varint(values.content.slabs.length);
    add(FrameKind.MEASUREMENT, header.bytes);
    add(FrameKind.NUMBERS, bytesOf(measurement.seriesIds.subarray(0, seriesCount)));
    if (isOrdered) add(FrameKind.NUMBERS, bytesOf(index.orderOf(measurement)));
    for (const column of columns) {
      add(FrameKind.NUMBERS, bytesOf(column.idsOf(seriesCount)));
      addTable(column.values);
    }
  }
  for (const [id, { files, series, fields }] of shards) {
    const state = new PayloadWriter().varint(id);
    putFiles(state, files);
    putFields(state, fields);
    add(FrameKind.SHARD, state.set(series).bytes);
  }
  add(FrameKind.END, new Uint8Array(0));
  return frames;
}

/** Writes an image; durable when it resolves. */
export async function writeImage(writer: FrameWriter, frames: ImageFrames): Promise<void> {
  writer.begin();
  for (const { kind, bytes } of frames) await writer.add(kind, [bytes]);
  await writer.sync();
}

/**
 * Reads an image into an empty index. A generator of turns: it yields between pieces, of 1 MiB of keys, or one column.
 * @returns the shards, their series by the index' ids
 * @throws SeriesIndexError, CorruptionError when it is not sound; the index is still empty then
 */
export function* readImage(
  reader: FrameReader,
  index: SeriesIndex,
): Generator<void, Map<number, StoredShard>> {
  reader.begin();
  reader.expect(FrameKind.COUNTS);
  const counts = new PayloadReader(reader.read());
  const [idCount, slabCount] = [counts.varint(), counts.varint()];
  const [measurementCount, shardCount] = [counts.varint(), counts.varint()];
  const keys = yield* readTable(reader, idCount, slabCount);
  const measurements: MeasurementContent[] = [];
  for (let n = 0; n < measurementCount; n++)
    measurements.push(yield* readMeasurement(reader, idCount));
  const shards = new Map<number, StoredShard>();
  for (let n = 0; n < shardCount; n++) {
    reader.expect(FrameKind.SHARD);
    const state = new PayloadReader(reader.read());
    const id = state.varint();
    const files = takeFiles(state);
    const fields = takeFields(state);
    shards.set(id, { files, fields, series: state.set() });
    yield;
  }
  reader.expect(FrameKind.END);
  reader.read();
  const total = measurements.reduce((sum, { ids }) => sum + ids.length, 0);
  if (total !== idCount) throw reader.corrupt(`${total} series of ${idCount}`);
  yield;
  index.adopt({ keys, measurements });
  yield;
  return shards;
}

function* readMeasurement(
  reader: FrameReader,
  idCount: number,
): Generator<void, MeasurementContent> {
  reader.expect(FrameKind.MEASUREMENT);
  const header = new PayloadReader(reader.read());
  const name = header.text();
  const seriesCount = header.varint();
  const isOrdered = header.varint() === 1;
  const facts = Array.from({ length: header.varint() }, () => ({
    key: header.text(),
    valueCount: header.varint(),
    slabCount: header.varint(),
  }));
  const ids = readNumbers(reader, seriesCount, idCount);
  yield;
  const order = isOrdered ? readNumbers(reader, seriesCount, seriesCount) : null;
  const columns: TagColumnContent[] = [];
  for (const { key, valueCount, slabCount } of facts) {
    yield;
    const columnIds = readNumbers(reader, seriesCount, valueCount + 1);
    columns.push({ key, ids: columnIds, values: yield* readTable(reader, valueCount, slabCount) });
  }
  return { name, ids, order, columns };
}

/** @param below all numbers are below it */
function readNumbers(reader: FrameReader, count: number, below: number): Int32Array {
  reader.expect(FrameKind.NUMBERS);
  if (reader.length !== count * 4) throw reader.corrupt(`frame of ${reader.length} bytes`);
  const numbers = new Int32Array(count);
  reader.readInto([bytesOf(numbers)]);
  let bits = 0;
  for (let i = 0; i < count; i++) bits |= numbers[i] | (below - 1 - numbers[i]);
  if (bits < 0) throw reader.corrupt('number out of range');
  return numbers;
}

function* readTable(
  reader: FrameReader,
  count: number,
  slabCount: number,
): Generator<void, KeyTable> {
  reader.expect(FrameKind.KEY_LENGTHS);
  if (reader.length !== count * 2) throw reader.corrupt(`frame of ${reader.length} bytes`);
  const lengths = new Uint16Array(count);
  reader.readInto([bytesOf(lengths)]);
  const slabs: Uint8Array[] = [];
  for (let n = 0; n < slabCount; n++) {
    reader.expect(FrameKind.KEYS);
    if (reader.length > KEY_SLAB_BYTES) throw reader.corrupt(`frame of ${reader.length} bytes`);
    const slab = KeyTable.newSlab();
    reader.readInto([slab.subarray(0, reader.length)]);
    slabs.push(slab);
    yield;
  }
  const table = KeyTable.restore(lengths, slabs);
  if (table === null) throw reader.corrupt('keys do not fit their lengths');
  return table;
}

/** The bytes of an array, not copied. Files are little-endian, as every machine is that Node.js runs on today. */
function bytesOf(array: Int32Array | Uint16Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
