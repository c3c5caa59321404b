/**
 * Stored data as the query engine's port wants it: the shards of a retention policy within a time range, and the series of
 * their database. Binds #meta and #tsdb to #query.
 */
import type { MetaClient } from '#meta';
import { compareUtf8, type FieldType, SharedKeyReader, type SharedKeys } from '#models';
import {
  requirementTest,
  type SeriesCursor,
  type SeriesList,
  type SeriesSweep,
  type ShardView,
  type StorageReader,
  type StorageView,
  type TagRequirement,
  type TimeRange,
} from '#query';
import type { Measurement, SeriesIndex, TagColumn } from '#series-index';
import type { Shard, Store } from '#tsdb';
import type { EngineView } from '#tsm';
import { CoordinatorError } from './errors.js';

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

  /** True when a series of these shards has the tag. */
  private isStoredTag({ seriesIds, seriesCount }: Measurement, column: TagColumn): boolean {
    const valueIds = column.idsOf(seriesCount);
    for (let position = 0; position < seriesCount; position++) {
      if (valueIds[position] !== 0 && this.isStored(seriesIds[position])) return true;
    }
    return false;
  }

  /** Positions in the measurement of the series that are in these shards and match. */
  private positions(measurement: Measurement, required: readonly TagRequirement[]): Int32Array {
    const { seriesIds, seriesCount } = measurement;
    let found: Int32Array | null = null;
    for (const requirement of required) {
      const column = measurement.column(requirement.key);
      const isAllowed = valueTest(requirement, column);
      if (column !== undefined) found = matching(column.idsOf(seriesCount), isAllowed, found);
      // Every series lacks a tag that nobody has.
      else if (!isAllowed(0)) return new Int32Array(0);
    }
    const count = found === null ? seriesCount : found.length;
    const stored = new Int32Array(count);
    let n = 0;
    for (let i = 0; i < count; i++) {
      const position = found === null ? i : found[i];
      if (this.isStored(seriesIds[position])) stored[n++] = position;
    }
    return stored.subarray(0, n);
  }

  private isStored(seriesId: number): boolean {
    for (const { shard } of this.shards) if (shard.series.has(seriesId)) return true;
    return false;
  }
}

/** Whether a value id is one that is asked for; a regular expression is tried once a value. */
function valueTest(
  requirement: TagRequirement,
  column: TagColumn | undefined,
): (valueId: number) => boolean {
  if ('value' in requirement) {
    const { value } = requirement;
    const bytes = encoder.encode(value);
    const wanted = value === '' ? 0 : (column?.findValue(bytes, 0, bytes.length) ?? 0) || -1;
    return (valueId) => valueId === wanted;
  }
  const isMet = requirementTest(requirement);
  const known = new Uint8Array((column?.valueCount ?? 0) + 1);
  return (valueId) => {
    if (known[valueId] === 0) known[valueId] = isMet(column?.text(valueId) ?? '') ? 2 : 1;
    return known[valueId] === 2;
  };
}

/** Positions that have a value which is asked for: of all, or of those given. */
function matching(
  valueIds: Int32Array,
  isAllowed: (valueId: number) => boolean,
  among: Int32Array | null,
): Int32Array {
  if (among !== null) return among.filter((position) => isAllowed(valueIds[position]));
  let found = new Int32Array(256);
  let n = 0;
  for (let position = 0; position < valueIds.length; position++) {
    if (!isAllowed(valueIds[position])) continue;
    if (n === found.length) {
      const wider = new Int32Array(2 * n);
      wider.set(found);
      found = wider;
    }
    found[n++] = position;
  }
  return found.subarray(0, n);
}

const encoder = new TextEncoder();
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

  cursor(request: {
    readonly seriesId: number;
    readonly measurement: string;
    readonly fields: readonly string[];
    readonly range: TimeRange;
    readonly ascending: boolean;
  }): SeriesCursor {
    const { seriesId, measurement, fields, range, ascending } = request;
    return this.engine().cursor({
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
    });
  }

  sweep(request: {
    readonly seriesIds: Int32Array;
    readonly measurement: string;
    readonly field: string;
    readonly range: TimeRange;
    readonly baseNs: bigint;
    readonly isCount: boolean;
  }): SeriesSweep | null {
    const { seriesIds, measurement, field, range, baseNs, isCount } = request;
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
      isCount,
    });
  }

  close(): void {
    this.view?.release();
    this.view = null;
  }
}
