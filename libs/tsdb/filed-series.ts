/**
 * What a shard's files hold, as the stored index is told: which series have values in them, and what has changed since it was
 * told last. The shard's own set has the series of the cache as well.
 */
import { type SeriesIndex, SeriesSet, type ShardChange, type StoredFields } from '#series-index';
import type { FileMark } from '#tsm';
import type { ShardFields } from './shard-fields.js';

/** Series in the files of one shard. */
export class FiledSeries {
  readonly series = new SeriesSet();
  /** The files as they were when the index was told last. */
  files: readonly FileMark[] = [];
  /**
   * True when the set may have series of which the files hold nothing any more: until the next start nothing is said of the
   * files, so that they are read then.
   */
  private isUncertain = false;
  private added = new SeriesSet();
  private removed = new SeriesSet();
  private isWhole = true;
  private fieldsVersion = -1;

  constructor(
    private readonly shardId: number,
    private readonly fields: ShardFields,
    private readonly index: SeriesIndex,
  ) {}

  /** Takes what the index has stored, which holds. */
  adopt(series: SeriesSet, files: readonly FileMark[]): void {
    this.series.addAll(series);
    this.files = files;
    this.isWhole = false;
  }

  /** Says that the fields are those that are stored. */
  markFieldsStored(): void {
    this.fieldsVersion = this.fields.version;
  }

  add(seriesId: number): void {
    if (this.series.has(seriesId)) return;
    this.series.add(seriesId);
    this.added.add(seriesId);
    this.removed.delete(seriesId);
  }

  remove(seriesId: number): void {
    if (!this.series.has(seriesId)) return;
    this.series.delete(seriesId);
    this.removed.add(seriesId);
    this.added.delete(seriesId);
  }

  /** Files may hold less than is known. */
  markUncertain(): void {
    this.isUncertain = true;
  }

  /** What to tell the index; null when nothing has changed. */
  takeChange(files: readonly FileMark[]): ShardChange | null {
    const hasFields = this.fields.version !== this.fieldsVersion;
    const isSame = this.added.count === 0 && this.removed.count === 0 && !this.isWhole;
    if (isSame && !hasFields && !this.isUncertain && areSame(files, this.files)) return null;
    const { isUncertain } = this;
    const isWhole = this.isWhole || isUncertain;
    this.files = isUncertain ? [] : files;
    const change: ShardChange = {
      shardId: this.shardId,
      files: this.files,
      isWhole,
      added: isUncertain ? new SeriesSet() : isWhole ? SeriesSet.of(this.series) : this.added,
      removed: isWhole ? new SeriesSet() : this.removed,
      fields: hasFields || isWhole ? this.storedFields() : null,
    };
    this.added = new SeriesSet();
    this.removed = new SeriesSet();
    this.isWhole = false;
    this.fieldsVersion = this.fields.version;
    return change;
  }

  /** All fields by the name of their measurement. */
  storedFields(): StoredFields {
    const { measurements } = this.index;
    return new Map([...this.fields].map(([id, types]) => [measurements[id].name, new Map(types)]));
  }

  /** What an image of the index says of the shard. */
  get stored(): { files: readonly FileMark[]; series: SeriesSet; fields: StoredFields } {
    const files = this.isUncertain ? [] : this.files;
    // While the files are being read at opening, nothing is known of them yet.
    const series = files.length === 0 ? new SeriesSet() : this.series;
    return { files, series, fields: this.storedFields() };
  }
}

function areSame(a: readonly FileMark[], b: readonly FileMark[]): boolean {
  return (
    a.length === b.length &&
    a.every((mark, i) => {
      const other = b[i];
      return (
        mark.name === other.name &&
        mark.sizeBytes === other.sizeBytes &&
        mark.modifiedMs === other.modifiedMs &&
        mark.tombstoneBytes === other.tombstoneBytes &&
        mark.tombstoneModifiedMs === other.tombstoneModifiedMs
      );
    })
  );
}
