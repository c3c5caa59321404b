/**
 * A stored measurement as a table: a thin layer over the storage port.
 */
import type { ColumnBatch } from '#models';
import type {
  SeriesCursor,
  SeriesList,
  SeriesSweep,
  ShardView,
  StorageView,
  SweepWant,
  SweptBatch,
  TagRequirement,
  TimeRange,
} from '../ports.js';
import { preferredType, valueTypesOf, type ValueType } from '../value-type.js';
import {
  cutRange,
  type FieldReader,
  type FieldSweep,
  type SourceTable,
  type Stretch,
  type TableSeries,
} from './source-table.js';
import { fieldTypeName } from '#models';

/** Series with the ids that storage knows them by. */
interface StoredSeries extends TableSeries {
  readonly ids: Int32Array;
}

/** One measurement of a view. The view stays its opener's to close. */
export class StoredTable implements SourceTable {
  readonly name: string;
  readonly place: number;
  readonly fieldNames: readonly string[];
  readonly #view: StorageView;
  readonly #types: ReadonlyMap<string, ValueType>;
  #tagKeys: readonly string[] | null = null;

  constructor(view: StorageView, name: string, place = 0) {
    this.name = name;
    this.place = place;
    this.#view = view;
    const types = new Map<string, ValueType>();
    for (const [field, stored] of view.fields(name)) {
      const type = preferredType(valueTypesOf(stored));
      if (type) types.set(field, type);
    }
    this.#types = types;
    this.fieldNames = [...types.keys()];
  }

  get tagKeys(): readonly string[] {
    this.#tagKeys ??= this.#view.tagKeys(this.name);
    return this.#tagKeys;
  }

  fieldType(name: string): ValueType | null {
    return this.#types.get(name) ?? null;
  }

  series(required: readonly TagRequirement[]): StoredSeries {
    return this.#view.series(this.name, required) satisfies SeriesList;
  }

  /** True where any of its shards has series of it. */
  get hasSeries(): boolean {
    return this.#view.measurementNames().includes(this.name);
  }

  /** The id of a series of {@link series}, for storage. */
  seriesId(series: TableSeries, i: number): number {
    return (series as StoredSeries).ids[i] ?? -1;
  }

  /** Shards that overlap a range. */
  shards(range: TimeRange): readonly ShardView[] {
    return this.#view.shards.filter(
      ({ startNs, endNs }) => startNs <= range.maxNs && endNs > range.minNs,
    );
  }

  stretches(range: TimeRange): readonly Stretch[] {
    return this.#view.shards.flatMap((shard) => {
      const minNs = shard.startNs > range.minNs ? shard.startNs : range.minNs;
      const maxNs = shard.endNs - 1n < range.maxNs ? shard.endNs - 1n : range.maxNs;
      return minNs > maxNs ? [] : cutRange(shard.startNs, { minNs, maxNs });
    });
  }

  open(request: {
    readonly series: TableSeries;
    readonly i: number;
    readonly fields: readonly string[];
    readonly stretch: Stretch;
    readonly isAscending: boolean;
  }): FieldReader | null {
    const { stretch, fields, isAscending } = request;
    const shard = this.#shardOf(stretch);
    const seriesId = (request.series as StoredSeries).ids[request.i] ?? -1;
    if (!shard || !shard.hasSeries(seriesId)) return null;
    const types = fields.map((field) => {
      const type = shard.fieldType(this.name, field);
      return type === null ? null : fieldTypeName(type);
    });
    if (types.every((type) => type === null)) return null;
    const cursor = shard.cursor({
      seriesId,
      measurement: this.name,
      fields,
      range: { minNs: stretch.startNs, maxNs: stretch.endNs },
      ascending: isAscending,
    });
    return new StoredReader(cursor, types, stretch.baseNs);
  }

  sweep(request: {
    readonly series: TableSeries;
    readonly positions: Int32Array | null;
    readonly field: string;
    readonly stretch: Stretch;
    readonly want: SweepWant;
  }): FieldSweep | null | 'no' {
    const { stretch, field, want, positions } = request;
    const { baseNs, startNs: minNs, endNs: maxNs } = stretch;
    const shard = this.#shardOf(stretch);
    const type = shard?.fieldType(this.name, field) ?? null;
    if (!shard || type === null) return null;
    const { ids } = request.series as StoredSeries;
    const sweep = shard.sweep?.({
      seriesIds: positions === null ? ids : picked(ids, positions),
      measurement: this.name,
      field,
      range: { minNs, maxNs },
      baseNs,
      want,
    });
    return sweep ? new StoredSweep(sweep, fieldTypeName(type), baseNs) : 'no';
  }

  #shardOf(stretch: Stretch): ShardView | null {
    return (
      this.#view.shards.find(
        (shard) => shard.startNs <= stretch.startNs && stretch.endNs < shard.endNs,
      ) ?? null
    );
  }
}

function picked(ids: Int32Array, positions: Int32Array): Int32Array {
  const found = new Int32Array(positions.length);
  for (let i = 0; i < found.length; i++) found[i] = ids[positions[i] as number] as number;
  return found;
}

class StoredSweep implements FieldSweep {
  readonly type: ValueType;
  readonly #sweep: SeriesSweep;
  readonly #baseNs: bigint;

  constructor(sweep: SeriesSweep, type: ValueType, baseNs: bigint) {
    this.#sweep = sweep;
    this.type = type;
    this.#baseNs = baseNs;
  }

  next(): SweptBatch | null {
    const swept = this.#sweep.next();
    if (!swept || swept.batch.baseNs === this.#baseNs) return swept;
    return { ...swept, batch: rebased(swept.batch, this.#baseNs) };
  }
}

class StoredReader implements FieldReader {
  readonly #cursor: SeriesCursor;
  readonly #types: readonly (ValueType | null)[];
  readonly #baseNs: bigint;

  constructor(cursor: SeriesCursor, types: readonly (ValueType | null)[], baseNs: bigint) {
    this.#cursor = cursor;
    this.#types = types;
    this.#baseNs = baseNs;
  }

  typeOf(field: number): ValueType | null {
    return this.#types[field] ?? null;
  }

  skip(field: number, offset: number): void {
    this.#cursor.skip(field, this.#baseNs + BigInt(offset));
  }

  close(): void {
    this.#cursor.close();
  }

  next(field: number): ColumnBatch | null {
    if (this.#types[field] === null) return null;
    const batch = this.#cursor.next(field);
    if (!batch || batch.baseNs === this.#baseNs) return batch;
    return rebased(batch, this.#baseNs);
  }
}

function rebased(batch: ColumnBatch, baseNs: bigint): ColumnBatch {
  return { ...batch, baseNs, offsets: shifted(batch, Number(batch.baseNs - baseNs)) };
}

function shifted({ offsets, count }: ColumnBatch, delta: number): Float64Array {
  const moved = new Float64Array(count);
  for (let i = 0; i < count; i++) moved[i] = (offsets[i] as number) + delta;
  return moved;
}
