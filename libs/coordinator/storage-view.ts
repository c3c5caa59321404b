/**
 * Stored data as the query engine's port wants it: the shards of a retention policy within a time range, and the series of
 * their database. Binds #meta and #tsdb to #query.
 */
import type { MetaClient } from '#meta';
import { compareUtf8, type FieldType, SharedKeyReader, type SharedKeys } from '#models';
import {
  requirementTest,
  type ReadCost,
  type SeriesCursor,
  type SeriesList,
  type SeriesSweep,
  type ShardView,
  type StorageReader,
  type StorageView,
  type TagRequirement,
  type TimeRange,
} from '#query';
import {
  findPositions,
  type Measurement,
  type SeriesIndex,
  type TagChoice,
  type TagColumn,
} from '#series-index';
import type { Shard, Store } from '#tsdb';
import type { EngineView } from '#tsm';
import { CoordinatorError } from './errors.js';
import {
  hasStoredValue,
  markStoredValues,
  storedAmong,
  storedPositions,
  unite,
  wantedValues,
} from './stored-series.js';

/** Opens views over the store, and knows which shards they hold. */
export class StoreReader implements StorageReader {
  /** Views by shard. */
  private readonly uses = new Map<number, number>();

  constructor(
    private readonly meta: MetaClient,
    private readonly store: Store,
  ) {}

  view(source: {
    readonly database: string;
    readonly retentionPolicy: string;
    readonly range: TimeRange;
  }): StoreView {
    const { database, retentionPolicy, range } = source;
    const policy = this.meta.retentionPolicy(database, retentionPolicy);
    if (policy === undefined) {
      if (this.meta.database(database) === undefined) {
        throw new CoordinatorError(
          'coordinator.database-not-found',
          `database not found: ${database}`,
        );
      }
      throw new CoordinatorError(
        'coordinator.retention-policy-not-found',
        `retention policy not found: ${retentionPolicy}`,
      );
    }
    const shards: Shard[] = [];
    for (const group of policy.groups.overlapping(range.minNs, range.maxNs)) {
      for (const { id } of group.shards) {
        const shard = this.store.shard(id);
        if (shard !== undefined) shards.push(shard);
      }
    }
    for (const { identity } of shards)
      this.uses.set(identity.id, (this.uses.get(identity.id) ?? 0) + 1);
    return new StoreView(this.store.index(database), shards, () => {
      for (const { identity } of shards) this.release(identity.id);
    });
  }

  /** Whether a query that has not ended reads a shard. */
  isShardInUse(id: number): boolean {
    return this.uses.has(id);
  }

  private release(id: number): void {
    const left = (this.uses.get(id) ?? 0) - 1;
    if (left > 0) this.uses.set(id, left);
    else this.uses.delete(id);
  }
}

/** Shards of one retention policy, opened for one query. */
export class StoreView implements StorageView {
  readonly shards: readonly OpenShardView[];
  private isClosed = false;

  constructor(
    private readonly index: SeriesIndex,
    shards: readonly Shard[],
    private readonly onClosed: () => void,
  ) {
    this.shards = shards
      .map((shard) => new OpenShardView(shard, index))
      .sort((a, b) => (a.startNs < b.startNs ? -1 : a.startNs > b.startNs ? 1 : 0));
  }

  measurementNames(): readonly string[] {
    return this.index.measurements
      .filter(({ id }) => this.shards.some(({ shard }) => shard.seriesCountOf(id) > 0))
      .map(({ name }) => name)
      .sort(compareUtf8);
  }

  fields(measurement: string): ReadonlyMap<string, readonly FieldType[]> {
    const found = this.index.measurement(measurement);
    const types = new Map<string, FieldType[]>();
    if (found === undefined) return types;
    for (const { shard } of this.shards) {
      for (const [name, type] of shard.fields.fields(found.id)) {
        const known = types.get(name);
        if (known === undefined) types.set(name, [type]);
        else if (!known.includes(type)) known.push(type);
      }
    }
    return new Map([...types].sort(([a], [b]) => compareUtf8(a, b)));
  }

  tagKeys(measurement: string): readonly string[] {
    const found = this.index.measurement(measurement);
    if (found === undefined) return [];
    return found.tagKeys.filter((key) => {
      const column = found.column(key);
      return column !== undefined && this.isStoredTag(found, column);
    });
  }

  series(measurement: string, required: readonly TagRequirement[]): FoundSeries {
    const found = this.index.measurement(measurement);
    if (found === undefined) return new FoundSeries(this.index, null, new Int32Array(0));
    const ids = this.index.idsInKeyOrder(found, this.positions(found, required));
    return new FoundSeries(this.index, found, ids);
  }

  /** Keys of all series, for another thread. */
  shareKeys(): SharedKeys {
    return this.index.shareKeys();
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    for (const shard of this.shards) shard.close();
    this.onClosed();
  }

  /**
   * The values that a tag has among the series of these shards, each once, in no particular order.
   * @param key of a tag
   */
  tagValues(measurement: string, key: string): readonly string[] {
    const found = this.index.measurement(measurement);
    const column = found?.column(key);
    if (found === undefined || column === undefined) return [];
    const texts: string[] = [];
    const isMarked = this.markedValues(found, column);
    for (let valueId = 1; valueId < isMarked.length; valueId++)
      if (isMarked[valueId] === 1) texts.push(column.text(valueId));
    return texts;
  }

  /** Number of series of a measurement in these shards, one that several have once for each. */
  seriesInShards(measurement: string): number {
    const found = this.index.measurement(measurement);
    if (found === undefined) return 0;
    return this.shards.reduce((sum, { shard }) => sum + shard.seriesCountOf(found.id), 0);
  }

  /** A byte for each value id of a column, 1 for those that a series of these shards has. */
  private markedValues(measurement: Measurement, column: TagColumn): Uint8Array {
    const isMarked = new Uint8Array(column.valueCount + 1);
    const { seriesCount } = measurement;
    markStoredValues(
      column.idsOf(seriesCount),
      measurement.seriesIds,
      this.storedWords(),
      isMarked,
    );
    return isMarked;
  }

  /** True when a series of these shards has the tag. */
  private isStoredTag({ seriesIds, seriesCount }: Measurement, column: TagColumn): boolean {
    return hasStoredValue(column.idsOf(seriesCount), seriesIds, this.storedWords());
  }

  /** Positions in the measurement of the series that are in these shards and match. */
  private positions(measurement: Measurement, required: readonly TagRequirement[]): Int32Array {
    const { seriesIds, seriesCount } = measurement;
    const words = this.storedWords();
    const choices: TagChoice[] = [];
    for (const requirement of required) {
      const column = measurement.column(requirement.key);
      if (column !== undefined) choices.push({ column, wanted: wantedValues(requirement, column) });
      // Every series lacks a tag that nobody has.
      else if (!requirementTest(requirement)('')) return new Int32Array(0);
    }
    if (choices.length === 0) return storedPositions(seriesIds, seriesCount, words);
    return storedAmong(findPositions(measurement, choices), seriesIds, words);
  }

  /** A bit for each series that any of the shards has, as they are now. Not to be changed or kept. */
  private storedWords(): Uint32Array {
    const [first, ...others] = this.shards;
    if (first === undefined) return new Uint32Array(0);
    const { words } = first.shard.series;
    if (others.length === 0) return words;
    const length = Math.max(...this.shards.map(({ shard }) => shard.series.words.length));
    const union = new Uint32Array(length);
    for (const { shard } of this.shards) unite(union, shard.series.words);
    return union;
  }
}

const decoder = new TextDecoder();

/** Series of one measurement, in order of their keys. */
export class FoundSeries implements SeriesList {
  readonly count: number;

  constructor(
    private readonly index: SeriesIndex,
    private readonly measurement: Measurement | null,
    readonly ids: Int32Array,
  ) {
    this.count = ids.length;
  }

  tagValue(i: number, key: string): string {
    const column = this.measurement?.column(key);
    return column === undefined
      ? ''
      : column.text(column.valueId(this.index.positionOf(this.ids[i])));
  }

  tagValueIds(key: string): Int32Array {
    const valueIds = new Int32Array(this.count);
    const column = this.measurement?.column(key);
    if (column === undefined) return valueIds;
    for (let i = 0; i < this.count; i++)
      valueIds[i] = column.valueId(this.index.positionOf(this.ids[i]));
    return valueIds;
  }

  tagValueOf(key: string, valueId: number): string {
    return this.measurement?.column(key)?.text(valueId) ?? '';
  }

  /** Value ids of a tag by position, and the texts of those that occur. */
  tagValues(key: string): { valueIds: Int32Array; texts: ReadonlyMap<number, string> } {
    const valueIds = this.tagValueIds(key);
    const texts = new Map<number, string>();
    for (const valueId of valueIds)
      if (!texts.has(valueId)) texts.set(valueId, this.tagValueOf(key, valueId));
    return { valueIds, texts };
  }

  key(i: number): string {
    return decoder.decode(this.index.keyOf(this.ids[i]).slice());
  }
}

/** A shard held open for one query. */
class OpenShardView implements ShardView {
  readonly id: number;
  readonly startNs: bigint;
  readonly endNs: bigint;
  private view: EngineView | null = null;

  constructor(
    readonly shard: Shard,
    private readonly index: SeriesIndex,
  ) {
    this.id = shard.identity.id;
    this.startNs = shard.identity.startNs;
    this.endNs = shard.identity.endNs;
  }

  fieldType(measurement: string, field: string): FieldType | null {
    const found = this.index.measurement(measurement);
    return found === undefined ? null : this.shard.fields.type(found.id, field);
  }

  hasSeries(seriesId: number): boolean {
    return this.shard.series.has(seriesId);
  }

  /** Types of a measurement's fields in this shard. */
  fields(measurement: string): ReadonlyMap<string, FieldType> {
    const found = this.index.measurement(measurement);
    return found === undefined ? new Map() : this.shard.fields.fields(found.id);
  }

  /** A bit for each series id that the shard has: a copy. */
  seriesBits(): Uint32Array {
    return this.shard.series.bits();
  }

  /** Files and caches as they were when first asked for. */
  engine(): EngineView {
    this.view ??= this.shard.engine.view();
    return this.view;
  }

  cursor(request: Parameters<ShardView['cursor']>[0]): SeriesCursor {
    return this.engine().cursor(this.engineRequest(request));
  }

  cost(request: Omit<Parameters<ShardView['cursor']>[0], 'ascending'>): ReadCost {
    return this.engine().cost(this.engineRequest({ ...request, ascending: true }));
  }

  private engineRequest({
    seriesId,
    measurement,
    fields,
    range,
    ascending,
    decoded,
  }: Parameters<ShardView['cursor']>[0]): Parameters<EngineView['cursor']>[0] {
    return {
      seriesId,
      seriesKey: this.index.keyOf(seriesId),
      fields: fields.map((name) => {
        const type = this.fieldType(measurement, name);
        return type === null ? null : { name, type };
      }),
      minNs: range.minNs > this.startNs ? range.minNs : this.startNs,
      maxNs: range.maxNs < this.endNs ? range.maxNs : this.endNs - 1n,
      ascending,
      baseNs: this.startNs,
      decoded: decoded ?? null,
    };
  }

  sweep(request: Parameters<Required<ShardView>['sweep']>[0]): SeriesSweep | null {
    const { seriesIds, measurement, field, range, baseNs, want, decoded } = request;
    const type = this.fieldType(measurement, field);
    if (type === null) return null;
    return this.engine().sweep({
      seriesIds,
      keys: new SharedKeyReader(this.index.shareKeys()),
      present: this.shard.series.words,
      field: { name: field, type },
      minNs: range.minNs,
      maxNs: range.maxNs,
      baseNs,
      want,
      decoded: decoded ?? null,
    });
  }

  close(): void {
    this.view?.release();
    this.view = null;
  }
}
