/**
 * A storage port over points in memory, for tests. Shards are as long as it is told; batches are as short, so that borders of
 * batches and shards fall everywhere.
 */
import { FieldType, type ColumnBatch } from '#models';
import type {
  SeriesCursor,
  SeriesList,
  SeriesSweep,
  ShardView,
  StorageReader,
  StorageView,
  TagRequirement,
  TimeRange,
} from '../ports.js';
import { requirementTest } from '../tag-requirement.js';

/** A value with its type: numbers are floats, bigints integers. */
export type MemoryValue = number | bigint | boolean | string;

/** One point. */
export interface MemoryPoint {
  readonly measurement: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly timeNs: bigint;
  readonly fields: Readonly<Record<string, MemoryValue>>;
}

/** How the points are laid out. */
export interface MemoryLayout {
  readonly shardNs: bigint;
  readonly batchRows: number;
}

interface MemorySeries {
  readonly key: string;
  readonly measurement: string;
  readonly tags: Readonly<Record<string, string>>;
  /** Values by time, of each field. */
  readonly fields: Map<string, Map<bigint, MemoryValue>>;
}

/** Reads points held in memory; later points at the same time overwrite. */
export class MemoryReader implements StorageReader {
  readonly #series: MemorySeries[] = [];
  readonly #layout: MemoryLayout;

  constructor(
    points: readonly MemoryPoint[],
    layout: MemoryLayout = { shardNs: 1000n, batchRows: 3 },
  ) {
    this.#layout = layout;
    const byKey = new Map<string, MemorySeries>();
    for (const { measurement, tags, timeNs, fields } of points) {
      const labels = Object.entries(tags).sort(([a], [b]) => (a < b ? -1 : 1));
      const key = [measurement, ...labels.map(([name, value]) => `${name}=${value}`)].join(',');
      const series = byKey.get(key) ?? {
        key,
        measurement,
        tags,
        fields: new Map<string, Map<bigint, MemoryValue>>(),
      };
      byKey.set(key, series);
      for (const [field, value] of Object.entries(fields)) {
        const values = series.fields.get(field) ?? new Map<bigint, MemoryValue>();
        series.fields.set(field, values.set(timeNs, value));
      }
    }
    this.#series = [...byKey.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  view({ range }: { readonly range: TimeRange }): StorageView {
    return new MemoryView(this.#series, this.#layout, range);
  }
}

class MemoryView implements StorageView {
  readonly shards: readonly ShardView[];
  readonly #series: readonly MemorySeries[];

  constructor(series: readonly MemorySeries[], layout: MemoryLayout, range: TimeRange) {
    this.#series = series;
    const starts = new Set<bigint>();
    for (const { fields } of series) {
      for (const values of fields.values()) {
        for (const timeNs of values.keys())
          starts.add(timeNs - (((timeNs % layout.shardNs) + layout.shardNs) % layout.shardNs));
      }
    }
    this.shards = [...starts]
      .sort((a, b) => (a < b ? -1 : 1))
      .filter((startNs) => startNs <= range.maxNs && startNs + layout.shardNs > range.minNs)
      .map((startNs) => new MemoryShard(series, startNs, layout));
  }

  measurementNames(): readonly string[] {
    return [...new Set(this.#series.map(({ measurement }) => measurement))].sort();
  }

  fields(measurement: string): ReadonlyMap<string, readonly FieldType[]> {
    const types = new Map<string, FieldType[]>();
    for (const { fields } of this.#of(measurement)) {
      for (const [name, values] of fields) {
        const type = typeOf([...values.values()][0]);
        const known = types.get(name) ?? [];
        if (!known.includes(type)) known.push(type);
        types.set(name, known);
      }
    }
    return new Map([...types].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  tagKeys(measurement: string): readonly string[] {
    return [...new Set(this.#of(measurement).flatMap(({ tags }) => Object.keys(tags)))].sort();
  }

  series(measurement: string, required: readonly TagRequirement[]): SeriesList {
    const found = this.#of(measurement).filter(({ tags }) =>
      required.every((one) => requirementTest(one)(tags[one.key] ?? '')),
    );
    return new MemorySeriesList(
      found,
      Int32Array.from(found, (one) => this.#series.indexOf(one)),
    );
  }

  close(): void {
    // Nothing is held.
  }

  #of(measurement: string): readonly MemorySeries[] {
    return this.#series.filter((one) => one.measurement === measurement);
  }
}

class MemorySeriesList implements SeriesList {
  readonly count: number;
  readonly ids: Int32Array;
  readonly #series: readonly MemorySeries[];

  constructor(series: readonly MemorySeries[], ids: Int32Array) {
    this.#series = series;
    this.ids = ids;
    this.count = series.length;
  }

  tagValue(i: number, key: string): string {
    return this.#series[i]?.tags[key] ?? '';
  }

  tagValueIds(key: string): Int32Array {
    const values = this.#values(key);
    return Int32Array.from(this.#series, ({ tags }) => values.indexOf(tags[key] ?? ''));
  }

  tagValueOf(key: string, valueId: number): string {
    return this.#values(key)[valueId] ?? '';
  }

  key(i: number): string {
    return this.#series[i]?.key ?? '';
  }

  #values(key: string): readonly string[] {
    return [
      '',
      ...new Set(this.#series.map(({ tags }) => tags[key] ?? '').filter((value) => value !== '')),
    ];
  }
}

class MemoryShard implements ShardView {
  readonly id: number;
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly #series: readonly MemorySeries[];
  readonly #batchRows: number;

  constructor(series: readonly MemorySeries[], startNs: bigint, layout: MemoryLayout) {
    this.id = Number(startNs / layout.shardNs);
    this.startNs = startNs;
    this.endNs = startNs + layout.shardNs;
    this.#series = series;
    this.#batchRows = layout.batchRows;
  }

  fieldType(measurement: string, field: string): FieldType | null {
    for (const one of this.#series) {
      const values = one.measurement === measurement ? one.fields.get(field) : undefined;
      for (const [timeNs, value] of values ?? []) if (this.#holds(timeNs)) return typeOf(value);
    }
    return null;
  }

  hasSeries(): boolean {
    return true;
  }

  cursor(request: {
    readonly seriesId: number;
    readonly fields: readonly string[];
    readonly range: TimeRange;
    readonly ascending: boolean;
  }): SeriesCursor {
    const series = this.#series[request.seriesId];
    const columns = request.fields.map((field) => {
      const { minNs, maxNs } = request.range;
      const rows = [...(series?.fields.get(field) ?? [])]
        .filter(([timeNs]) => this.#holds(timeNs) && timeNs >= minNs && timeNs <= maxNs)
        .sort(([a], [b]) => (a < b === request.ascending ? -1 : 1));
      return rows;
    });
    const at = columns.map(() => 0);
    return {
      next: (field) => {
        const from = at[field] ?? 0;
        const rows = columns[field]?.slice(from, from + this.#batchRows) ?? [];
        at[field] = from + rows.length;
        return rows.length === 0 ? null : this.#batch(rows);
      },
      skip: (field, pastNs) => {
        const rows = columns[field] ?? [];
        const isPast = ([timeNs]: readonly [bigint, MemoryValue]): boolean =>
          request.ascending ? timeNs <= pastNs : timeNs >= pastNs;
        // Values that were given out may lie behind it, when they were not all used.
        const kept = rows.findIndex((row) => !isPast(row));
        at[field] = kept < 0 ? rows.length : kept;
      },
      close: () => {
        columns.length = 0;
      },
    };
  }

  /** Series one after another, two of them in a batch. */
  sweep(request: {
    readonly seriesIds: Int32Array;
    readonly field: string;
    readonly range: TimeRange;
  }): SeriesSweep {
    const { field, range } = request;
    const waiting: (readonly [bigint, MemoryValue])[][] = [];
    for (const seriesId of request.seriesIds) {
      const rows = [...(this.#series[seriesId]?.fields.get(field) ?? [])]
        .filter(([timeNs]) => this.#holds(timeNs) && timeNs >= range.minNs && timeNs <= range.maxNs)
        .sort(([a], [b]) => (a < b ? -1 : 1));
      if (rows.length > 0) waiting.push(rows);
    }
    return {
      next: () => {
        const parts = waiting.splice(0, 2);
        if (parts.length === 0) return null;
        const [first = [], second = []] = parts;
        const ends = Int32Array.of(first.length, first.length + second.length);
        return {
          batch: this.#batch(parts.flat()),
          ends,
          segments: parts.length,
          isContinued: false,
        };
      },
    };
  }

  #holds(timeNs: bigint): boolean {
    return timeNs >= this.startNs && timeNs < this.endNs;
  }

  #batch(rows: readonly (readonly [bigint, MemoryValue])[]): ColumnBatch {
    const texts = rows.map(([, value]) => Buffer.from(typeof value === 'string' ? value : ''));
    const offsets = new Int32Array(rows.length + 1);
    texts.forEach((text, i) => (offsets[i + 1] = (offsets[i] ?? 0) + text.length));
    const isWide = rows.some(
      ([, value]) => typeof value === 'bigint' && Math.abs(Number(value)) > Number.MAX_SAFE_INTEGER,
    );
    return {
      count: rows.length,
      baseNs: this.startNs,
      offsets: Float64Array.from(rows, ([timeNs]) => Number(timeNs - this.startNs)),
      numbers: Float64Array.from(rows, ([, value]) =>
        typeof value === 'string' ? 0 : Number(value),
      ),
      wide: isWide ? BigInt64Array.from(rows, ([, value]) => BigInt(value as bigint)) : null,
      strings: typeof rows[0]?.[1] === 'string' ? { bytes: Buffer.concat(texts), offsets } : null,
    };
  }
}

function typeOf(value: MemoryValue | undefined): FieldType {
  switch (typeof value) {
    case 'bigint':
      return FieldType.INTEGER;
    case 'boolean':
      return FieldType.BOOLEAN;
    case 'string':
      return FieldType.STRING;
    default:
      return FieldType.FLOAT;
  }
}
