/**
 * Stored values in the type that a query asks for. A field can have another type in another shard; numbers are converted,
 * anything else counts as absent. Same as InfluxDB 1.x.
 */
import type { ColumnBatch, StringColumn } from '#models';
import type { Column } from '../column.js';
import { ColumnBuilder, numberColumn, stringColumn } from '../column.js';
import { isNumeric, type ValueType } from '../value-type.js';

/** True where values of `stored` can be read as `wanted`. */
export function isConvertible(stored: ValueType, wanted: ValueType): boolean {
  return stored === wanted || (isNumeric(stored) && isNumeric(wanted));
}

/** The numbers of a batch as `wanted`, sharing memory where nothing changes; wide integers in `wide`. */
export function typedColumn(batch: ColumnBatch, stored: ValueType, wanted: ValueType): Column {
  if (wanted === 'string') return stringColumn(decodeStrings(batch.strings, batch.count));
  if (stored === wanted) return numberColumn(wanted, batch.numbers, null, batch.wide);
  if (wanted === 'float') return numberColumn('float', widened(batch, stored));
  return asWhole(batch, stored, wanted);
}

/** Floats are cut to whole numbers; integers and unsigned keep their 64 bits. */
function asWhole(batch: ColumnBatch, stored: ValueType, wanted: ValueType): Column {
  const builder = new ColumnBuilder(wanted, batch.count);
  for (let i = 0; i < batch.count; i++) {
    const number = batch.numbers[i] as number;
    const isFinite = Number.isFinite(number);
    const exact =
      stored === 'float'
        ? isFinite
          ? BigInt(Math.trunc(number))
          : 0n
        : (batch.wide?.[i] ?? BigInt(number));
    builder.pushInteger(
      wanted === 'unsigned' ? BigInt.asUintN(64, exact) : BigInt.asIntN(64, exact),
    );
  }
  return builder.build();
}

function widened({ numbers, wide, count }: ColumnBatch, stored: ValueType): Float64Array {
  if (!wide) return numbers;
  const floats = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const word = wide[i] ?? 0n;
    floats[i] = Number(stored === 'unsigned' ? BigInt.asUintN(64, word) : word);
  }
  return floats;
}

/** Texts of a string column. */
export function decodeStrings(column: StringColumn | null, count: number): string[] {
  const texts = new Array<string>(count);
  if (!column) return texts.fill('');
  const { bytes, offsets } = column;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let i = 0; i < count; i++) texts[i] = buffer.toString('utf8', offsets[i], offsets[i + 1]);
  return texts;
}
