/**
 * SELECT ... INTO: rows of a result back into points. Goes through the PointsWriter like every other write.
 */
import {
  encodeSeriesKey,
  FieldType,
  PointsBatch,
  type PointsGroup,
  type Shape,
  type ShapeField,
  type ShapeTable,
  stringInExtra,
} from '#models';
import type { ResultColumn, ResultSeries, ResultWriter } from '#query';
import { CoordinatorError } from './errors.js';
import type { PointsWriter } from './points-writer.js';
import type { WriteBooks } from './write-books.js';

/** A result's rows on their way to a measurement. */
type IntoTarget = Parameters<ResultWriter['write']>[0];

/** A column that becomes a field. */
interface FieldColumn {
  readonly name: string;
  readonly type: FieldType;
  readonly column: ResultColumn;
}

/** Where the points come from, for those who count. */
const INTO = { listener: 'into', peer: '' };
/** Rows written together. Same as InfluxDB 1.x. */
const BATCH_ROWS = 10_000;

/** Writes results as points. Concurrent calls are fine. */
export class IntoWriter implements ResultWriter {
  /** @param books told what becomes of the points */
  constructor(
    private readonly writer: PointsWriter,
    private readonly shapes: ShapeTable,
    private readonly books?: WriteBooks,
  ) {}

  /**
   * Resolves with the number of points that were to be written.
   * @throws CoordinatorError when storage refuses points; what was written before stays
   */
  async write({ database, retentionPolicy, series }: IntoTarget): Promise<number> {
    let written = 0;
    let batch = this.newBatch();
    for (const one of series) {
      for (let from = 0; from < one.series.rowCount; from += BATCH_ROWS) {
        const to = Math.min(one.series.rowCount, from + BATCH_ROWS);
        if (batch.pointCount + to - from > BATCH_ROWS && batch.pointCount > 0) {
          written += await this.writeBatch(database, retentionPolicy, batch);
          batch = this.newBatch();
        }
        this.addRows(batch, one, { from, to });
      }
    }
    if (batch.pointCount > 0) written += await this.writeBatch(database, retentionPolicy, batch);
    return written;
  }

  private newBatch(): PointsBatch {
    const batch = new PointsBatch();
    batch.markSource(INTO);
    return batch;
  }

  private addRows(
    batch: PointsBatch,
    { measurement, series }: IntoTarget['series'][number],
    { from, to }: { readonly from: number; readonly to: number },
  ): void {
    const key = encodeSeriesKey(measurement, series.tags ?? []);
    const fill = new RowFiller(batch, this.shapes, batch.addExtra(key), key.length);
    const fields = fieldColumns(series);
    const times = series.data[series.columns.indexOf('time')];
    for (let row = from; row < to; row++) {
      fill.add(times?.kind === 'time' ? times.ns[row] : 0n, fields, row);
    }
  }

  private async writeBatch(
    database: string,
    retentionPolicy: string,
    batch: PointsBatch,
  ): Promise<number> {
    const { pointCount } = batch;
    const { books } = this;
    books?.receive(pointCount);
    const outcome = await this.writer.write({
      database,
      retentionPolicy,
      batch,
      ...(books !== undefined && { books }),
    });
    if (outcome.dropped > 0) {
      throw new CoordinatorError(
        'coordinator.partial-write',
        `partial write: ${outcome.reason} dropped=${outcome.dropped}`,
      );
    }
    return pointCount;
  }
}

/** Adds rows of one series to a batch. */
class RowFiller {
  private readonly encoder = new TextEncoder();

  constructor(
    private readonly batch: PointsBatch,
    private readonly shapes: ShapeTable,
    private readonly keyStart: number,
    private readonly keyLength: number,
  ) {
    // Rows of one series differ in which of their fields are null, hence in shape.
    batch.hasMixedShapes = true;
  }

  add(timeNs: bigint, fields: readonly FieldColumn[], row: number): void {
    const present = fields.filter(({ column }) => isStorable(column, row));
    if (present.length === 0) return;
    const shape = this.shapes.intern(present);
    if (shape !== null) this.addRow(shape, timeNs, present, row);
    else for (const field of present) this.addRow(this.shapeOfOne(field), timeNs, [field], row);
  }

  private shapeOfOne(field: ShapeField): Shape {
    const shape = this.shapes.intern([field]);
    if (shape === null)
      throw new CoordinatorError('coordinator.too-many-shapes', 'too many distinct sets of fields');
    return shape;
  }

  private addRow(shape: Shape, timeNs: bigint, fields: readonly FieldColumn[], row: number): void {
    const { batch } = this;
    const group = batch.group(shape);
    if (group.rows === group.capacity) group.grow();
    const place = group.rows++;
    group.seriesIds[place] = -1;
    group.keyStart[place] = this.keyStart;
    group.keyLength[place] = this.keyLength;
    group.pointNumbers[place] = batch.pointCount++;
    batch.setTime(group, place, timeNs);
    fields.forEach(({ column }, f) => this.setCell(group, f * group.capacity + place, column, row));
    batch.valueCount += fields.length;
  }

  private setCell(group: PointsGroup, cell: number, column: ResultColumn, row: number): void {
    const { batch } = this;
    if (column.kind === 'string') {
      const bytes = this.encoder.encode(column.values[row] ?? '');
      group.values[cell] = stringInExtra(batch.addExtra(bytes), bytes.length);
    } else if ((column.kind === 'integer' || column.kind === 'unsigned') && column.wide !== null) {
      batch.setInteger(group, cell, column.wide[row]);
    } else if (column.kind !== 'time' && column.kind !== 'any')
      group.values[cell] = column.values[row];
  }
}

const TYPES: Readonly<Partial<Record<ResultColumn['kind'], FieldType>>> = {
  float: FieldType.FLOAT,
  integer: FieldType.INTEGER,
  unsigned: FieldType.UNSIGNED,
  boolean: FieldType.BOOLEAN,
  string: FieldType.STRING,
};

function fieldColumns({ columns, data }: ResultSeries): readonly FieldColumn[] {
  const fields = new Map<string, FieldColumn>();
  columns.forEach((name, i) => {
    const type = TYPES[data[i].kind];
    if (name !== 'time' && type !== undefined) fields.set(name, { name, type, column: data[i] });
  });
  return [...fields.values()];
}

/** Null is no value; floats that are not finite cannot be stored. */
function isStorable(column: ResultColumn, row: number): boolean {
  if (column.kind === 'string') return column.values[row] !== null;
  if (column.kind === 'time' || column.kind === 'any') return false;
  if (column.present !== null && column.present[row] === 0) return false;
  return column.kind !== 'float' || Number.isFinite(column.values[row]);
}
