/**
 * One shard: the points of a span of time of a retention policy. Checks what is written (series limits, field types), keeps
 * the shard's fields and series, and leaves storing to the engine.
 */
import { TidegateError } from '#kernel';
import {
  type FieldType,
  hashKey,
  orderRuns,
  parseSeriesKey,
  type PointsBatch,
  type PointsGroup,
  type PointSource,
  type RowRun,
} from '#models';
import { type SeriesIndex, SeriesLimitError, SeriesSet, type StoredShard } from '#series-index';
import type { Deletion, Engine } from '#tsm';
import { TsdbError } from './errors.js';
import { FiledSeries } from './filed-series.js';
import type { SeriesGate } from './series-gate.js';
import { conflictText, ShardFields } from './shard-fields.js';

/** Where a shard belongs. */
export interface ShardIdentity {
  readonly id: number;
  readonly database: string;
  readonly retentionPolicy: string;
  /** First nanosecond. */
  readonly startNs: bigint;
  /** One past the last nanosecond. */
  readonly endNs: bigint;
}

/** What a write to a shard did; all dropped points share the first reason. Same as InfluxDB 1.x. */
export interface ShardWriteOutcome {
  points: number;
  values: number;
  dropped: number;
  /** InfluxDB's text for the first point dropped, or ''. */
  reason: string;
  /** The rows that are stored, in the order in which they are. */
  accepted: readonly RowRun[];
}

/** Counters with InfluxDB's names. */
export interface ShardStatistics {
  writeReq: number;
  writeReqOk: number;
  writeReqErr: number;
  seriesCreate: number;
  fieldsCreate: number;
  writePointsErr: number;
  writePointsDropped: number;
  writePointsOk: number;
  writeValuesOk: number;
}

/** A span of time of a retention policy. */
export class Shard {
  readonly fields = new ShardFields();
  readonly series = new SeriesSet();
  /** Those of the series that have values in files. */
  readonly filed: FiledSeries;
  readonly statistics: ShardStatistics = {
    writeReq: 0,
    writeReqOk: 0,
    writeReqErr: 0,
    seriesCreate: 0,
    fieldsCreate: 0,
    writePointsErr: 0,
    writePointsDropped: 0,
    writePointsOk: 0,
    writeValuesOk: 0,
  };
  /** By measurement id: series of it here. */
  private seriesCounts = new Int32Array(16);
  /** True until the first write: a conflict inside that batch refuses all of it. Same as InfluxDB 1.x. */
  private isNew = true;
  private hasConflictOfNew = false;
  /** Stored before somebody changed the files; its fields' types hold where no value says otherwise. */
  private remembered: StoredShard | null = null;

  constructor(
    readonly identity: ShardIdentity,
    readonly engine: Engine,
    private readonly index: SeriesIndex,
    /** Told when a write brings a series or field that the shard did not have. */
    private readonly onSchemaChange: () => void,
    private readonly gate: SeriesGate | null = null,
  ) {
    this.filed = new FiledSeries(identity.id, this.fields, index);
  }

  /** Says that the shard was there before: it has taken writes. */
  markUsed(): void {
    this.isNew = false;
  }

  /**
   * Checks and stores rows of a batch. Resolves when they are on disk. Rows that are refused are counted in the outcome;
   * the batch's series ids are filled in.
   * @throws TsmError when nothing was stored: cache full, disk error. TsdbError `tsdb.field-type-conflict`.
   */
  write(batch: PointsBatch, runs: readonly RowRun[]): Promise<ShardWriteOutcome> {
    const { statistics } = this;
    statistics.writeReq++;
    const outcome: ShardWriteOutcome = {
      points: 0,
      values: 0,
      dropped: 0,
      reason: '',
      accepted: [],
    };
    let accepted: RowRun[];
    try {
      if (batch.seriesSource !== null && batch.seriesSource !== this.index) {
        // The database was dropped and made anew since the batch was parsed.
        throw new TsdbError(
          'tsdb.database-replaced',
          `database not found: ${this.identity.database}`,
        );
      }
      accepted = this.check(batch, runs, outcome);
      outcome.accepted = accepted;
      this.isNew = false;
      if (this.hasConflictOfNew) {
        this.hasConflictOfNew = false;
        throw new TsdbError('tsdb.field-type-conflict', 'field type conflict');
      }
      if (accepted.length > 0) this.store(batch, accepted);
    } catch (error) {
      statistics.writeReqErr++;
      return Promise.reject(error as Error);
    }
    statistics.writePointsDropped += outcome.dropped;
    if (accepted.length === 0) return Promise.resolve(outcome);
    return new Promise((resolve, reject) => {
      this.engine.commit((error) => {
        if (error === null) {
          statistics.writeReqOk++;
          statistics.writePointsOk += outcome.points;
          statistics.writeValuesOk += outcome.values;
          resolve(outcome);
        } else {
          statistics.writeReqErr++;
          statistics.writePointsErr += outcome.points;
          reject(this.writeError(error));
        }
      });
    });
  }

  private writeError(error: Error): Error {
    if (error instanceof TidegateError) return error;
    const { id, database, retentionPolicy } = this.identity;
    const where = `the log of shard ${id} of ${database}.${retentionPolicy}`;
    return new TsdbError('tsdb.write-failed', `cannot write to ${where}: ${error.message}`, {
      cause: error,
    });
  }

  /** Deletes from series that the shard has; see {@link Engine.delete}. */
  delete(deletion: Deletion): Promise<void> {
    return this.engine.delete(deletion);
  }

  /** Number of series of a measurement that the shard holds. */
  seriesCountOf(measurementId: number): number {
    return this.seriesCounts[measurementId] ?? 0;
  }

  /** Takes note that series have no value here any more. */
  removeSeries(seriesIds: Iterable<number>): void {
    const gone: number[] = [];
    for (const seriesId of seriesIds) {
      if (!this.series.has(seriesId)) continue;
      this.series.delete(seriesId);
      this.seriesCounts[this.index.measurementIdOf[seriesId]]--;
      gone.push(seriesId);
    }
    this.index.releaseAll(gone);
  }

  /** Gives up all series: the shard is being removed. */
  removeAllSeries(): void {
    this.index.releaseAll(this.series.toArray());
    this.series.clear();
    this.seriesCounts.fill(0);
  }

  /**
   * Takes what the index has stored of the shard, before anything else is restored.
   * @param areFilesKnown true when the files are as they were then
   * @param areTypesKept true when fields without values keep their types though files have changed
   */
  adopt(stored: StoredShard, areFilesKnown: boolean, areTypesKept: boolean): void {
    if (!areFilesKnown && areTypesKept) this.remembered = stored;
    if (!areFilesKnown) return;
    this.isNew = false;
    this.adoptFields(stored);
    this.filed.markFieldsStored();
    this.filed.adopt(stored.series, stored.files);
    this.series.addAll(stored.series);
    this.index.retainAll(stored.series);
    const { measurementIdOf } = this.index;
    for (const seriesId of stored.series.toArray()) this.countSeries(measurementIdOf[seriesId]);
  }

  /** Gives fields that have no values now the types that they had, once all is restored. */
  recallFields(): void {
    if (this.remembered !== null) this.adoptFields(this.remembered);
    this.remembered = null;
  }

  private adoptFields({ fields }: Pick<StoredShard, 'fields'>): void {
    for (const [measurement, types] of fields) {
      const { id } = this.index.measurementNamed(measurement);
      for (const [name, type] of types) this.fields.addField(id, name, type);
    }
  }

  /** Forgets the field types of a measurement that was dropped, unless there are series of it again. */
  forgetFields(measurement: string, isReplay: boolean): void {
    if (this.remembered !== null) {
      const fields = new Map(this.remembered.fields);
      fields.delete(measurement);
      this.remembered = { ...this.remembered, fields };
    }
    const found = this.index.measurement(measurement);
    if (found === undefined) return;
    if (isReplay || this.seriesCountOf(found.id) === 0) this.fields.forget(found.id);
  }

  /** Takes rows of the log that were accepted before. */
  restore(batch: PointsBatch): void {
    this.isNew = false;
    const { fieldCount } = this.fields;
    const { count } = this.series;
    for (const group of batch.groups) {
      for (let row = 0; row < group.rows; row++) {
        const seriesId = group.seriesIds[row];
        const measurementId = this.index.measurementIdOf[seriesId];
        if (!this.fields.fits(measurementId, group.shape.id))
          this.fields.add(measurementId, group.shape);
        this.addSeries(seriesId);
      }
    }
    if (this.fields.fieldCount !== fieldCount || this.series.count !== count) this.onSchemaChange();
  }

  /** Takes a series and field found in a file. */
  restoreField(seriesId: number, field: string, type: FieldType, isInFile: boolean): void {
    this.isNew = false;
    if (isInFile) this.filed.add(seriesId);
    this.fields.addField(this.index.measurementIdOf[seriesId], field, type);
    this.addSeries(seriesId);
  }

  private store(batch: PointsBatch, runs: RowRun[]): void {
    const ordered: RowRun[] = [];
    if (batch.hasMixedShapes && runs.length > 1) orderRuns(runs, ordered);
    else ordered.push(...runs);
    this.engine.append(batch, ordered);
  }

  private addSeries(seriesId: number): void {
    if (this.series.has(seriesId)) return;
    this.series.add(seriesId);
    this.index.retain(seriesId);
    this.countSeries(this.index.measurementIdOf[seriesId]);
  }

  private countSeries(measurementId: number): void {
    if (measurementId >= this.seriesCounts.length) {
      const wider = new Int32Array(Math.max(measurementId + 1, this.seriesCounts.length * 2));
      wider.set(this.seriesCounts);
      this.seriesCounts = wider;
    }
    this.seriesCounts[measurementId]++;
  }

  /** The rows that may be stored, with their series ids filled in. */
  private check(batch: PointsBatch, runs: readonly RowRun[], outcome: ShardWriteOutcome): RowRun[] {
    const accepted: RowRun[] = [];
    const refuse = (reason: string): void => {
      if (outcome.reason === '') outcome.reason = reason;
      outcome.dropped++;
    };
    const fieldsBefore = this.fields.fieldCount;
    const countBefore = this.series.count;
    const seriesBefore = this.index.seriesCount;
    for (const { group, from, to } of runs) {
      let start = from;
      for (let row = from; row < to; row++) {
        const reason = this.checkRow(batch, group, row);
        if (reason === '') continue;
        refuse(reason);
        batch.refuse(group, row, reason);
        if (start < row) accepted.push({ group, from: start, to: row });
        start = row + 1;
      }
      if (start < to) accepted.push({ group, from: start, to });
      const rows = to - from;
      outcome.points += rows;
      outcome.values += rows * group.shape.fieldCount;
    }
    outcome.points -= outcome.dropped;
    if (outcome.dropped > 0) {
      outcome.values = accepted.reduce(
        (sum, run) => sum + (run.to - run.from) * run.group.shape.fieldCount,
        0,
      );
    }
    this.statistics.fieldsCreate += this.fields.fieldCount - fieldsBefore;
    this.statistics.seriesCreate += this.index.seriesCount - seriesBefore;
    if (this.fields.fieldCount !== fieldsBefore || this.series.count !== countBefore)
      this.onSchemaChange();
    return accepted;
  }

  /** Why a row is refused, or ''. The usual row costs three array look-ups. A series is created even where its row is refused. */
  private checkRow(batch: PointsBatch, group: PointsGroup, row: number): string {
    let seriesId = group.seriesIds[row];
    if (seriesId < 0) {
      const created = this.createSeries(batch, group, row);
      if (typeof created === 'string') return created;
      seriesId = created;
      group.seriesIds[row] = seriesId;
      this.index.shapeHints[seriesId] = group.shape.id;
      this.addSeries(seriesId);
    } else if (!this.series.has(seriesId)) {
      // It may have been deleted since the batch was parsed.
      const revived = this.index.revive(seriesId);
      if (revived instanceof SeriesLimitError) return revived.reason;
      this.addSeries(seriesId);
    }
    const measurementId = this.index.measurementIdOf[seriesId];
    const { shape } = group;
    if (this.fields.fits(measurementId, shape.id)) return '';
    const { name } = this.index.measurements[measurementId];
    if (shape.fieldCount === 1 && shape.names[0] === 'time') {
      return `invalid field name: input field "time" on measurement "${name}" is invalid`;
    }
    const conflict = this.fields.conflict(measurementId, shape);
    if (conflict === null) {
      this.fields.add(measurementId, shape);
      return '';
    }
    this.hasConflictOfNew ||= this.isNew;
    return conflictText(name, conflict);
  }

  private createSeries(batch: PointsBatch, group: PointsGroup, row: number): number | string {
    const start = group.keyStart[row];
    const length = group.keyLength[row];
    const key = batch.extra.subarray(start, start + length);
    if (hasTimeTag(key)) {
      const { measurement } = parseSeriesKey(key);
      return `invalid tag key: input tag "time" on measurement "${measurement}" is invalid`;
    }
    if (this.gate !== null) {
      const source = batch.sourceOf(group.pointNumbers[row]);
      return this.createBehindGate(this.gate, key, source);
    }
    const found = this.index.findOrCreate(batch.extra, start, length);
    return found instanceof SeriesLimitError ? found.reason : found;
  }

  private createBehindGate(
    gate: SeriesGate,
    key: Uint8Array,
    source: PointSource,
  ): number | string {
    const { index } = this;
    const { database, retentionPolicy } = this.identity;
    let wanted = key;
    if (gate.isLimiting && index.find(key, 0, key.length, hashKey(key, 0, key.length)) < 0) {
      const decision = gate.admit({ database, index, key, source });
      if (typeof decision === 'string') return decision;
      wanted = decision;
    }
    const countBefore = index.seriesCount;
    const found = index.findOrCreate(wanted, 0, wanted.length);
    if (found instanceof SeriesLimitError) return found.reason;
    if (index.seriesCount !== countBefore)
      gate.made({ database, retentionPolicy, index, seriesId: found, source });
    return found;
  }
}

/** True when a canonical key has a tag named `time`: `,time=` can be nothing else there, as commas of values are escaped. */
function hasTimeTag(key: Uint8Array): boolean {
  for (let i = key.length - 7; i > 0; i--) {
    if (
      key[i] === 44 &&
      key[i + 1] === 116 &&
      key[i + 2] === 105 &&
      key[i + 3] === 109 &&
      key[i + 4] === 101 &&
      key[i + 5] === 61 &&
      key[i - 1] !== 92
    ) {
      return true;
    }
  }
  return false;
}
