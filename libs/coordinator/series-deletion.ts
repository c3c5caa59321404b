/**
 * Deletes stored points: finds out which series of which shards a statement means and has each shard delete them.
 * @see InfluxDB tsdb.Store.DeleteSeries, DeleteMeasurement
 */
import { compileRegex, type Expr, type MeasurementSource, splitCondition } from '#influxql';
import { type Clock, messageOf } from '#kernel';
import type { Measurement, SeriesIndex } from '#series-index';
import type { Shard, Store } from '#tsdb';
import { DeletionFilter } from './deletion-filter.js';
import { CoordinatorError } from './errors.js';
import type { SeriesSelection } from './statement-ports.js';

const MIN_NS = -(2n ** 63n);
const MAX_NS = 2n ** 63n - 1n;
/** Shards that delete at one time. */
const SHARDS_AT_ONCE = 4;

/** Carries deletions out over all shards of a database. */
export class SeriesDeletion {
  constructor(
    private readonly store: Store,
    private readonly clock: Clock,
  ) {}

  /** Deletes the points that a DELETE names, in its range of time. */
  async deletePoints(selection: SeriesSelection): Promise<void> {
    const { condition, range } = splitCondition(selection.condition, { nowNs: this.clock.nowNs() });
    const minNs = range.minNs ?? MIN_NS;
    const maxNs = range.maxNs ?? MAX_NS;
    const index = this.store.index(selection.database);
    await this.eachShard(selection.database, async (shard) => {
      const seriesIds = this.select(shard, index, { sources: selection.sources, condition });
      const { startNs, endNs } = shard.identity;
      if (seriesIds.size === 0 || minNs > maxNs || maxNs < startNs || minNs >= endNs) return;
      await shard.delete({ seriesIds, minNs, maxNs, measurement: '' });
    });
  }

  /** Deletes all points of the series that a DROP SERIES names; its condition compares no time. */
  dropSeries(selection: SeriesSelection): Promise<void> {
    return this.deletePoints(selection);
  }

  /** Deletes all series of a measurement; its fields may get other types afterwards. */
  async dropMeasurement(database: string, name: string): Promise<void> {
    const index = this.store.index(database);
    const found = index.measurement(name);
    if (found === undefined) return;
    await this.eachShard(database, async (shard) => {
      const isEmpty =
        shard.seriesCountOf(found.id) === 0 && shard.fields.fields(found.id).size === 0;
      if (isEmpty) return;
      const seriesIds = new Set<number>();
      collect(shard, found, null, seriesIds);
      await shard.delete({ seriesIds, minNs: MIN_NS, maxNs: MAX_NS, measurement: name });
    });
  }

  /** Series of a shard that are meant. */
  private select(
    shard: Shard,
    index: SeriesIndex,
    {
      sources,
      condition,
    }: { readonly sources: readonly MeasurementSource[]; readonly condition: Expr | null },
  ): ReadonlySet<number> {
    const seriesIds = new Set<number>();
    for (const measurement of measurementsOf(index, sources)) {
      const isField = (name: string): boolean => shard.fields.type(measurement.id, name) !== null;
      collect(shard, measurement, new DeletionFilter(measurement, condition, isField), seriesIds);
    }
    return seriesIds;
  }

  private async eachShard(database: string, work: (shard: Shard) => Promise<void>): Promise<void> {
    const rest = [...this.store.allShards()].filter(
      ({ identity }) => identity.database === database,
    );
    const next = async (): Promise<void> => {
      for (let shard = rest.shift(); shard !== undefined; shard = rest.shift()) {
        try {
          await work(shard);
        } catch (error) {
          throw new CoordinatorError(
            'coordinator.delete-failed',
            `shard ${shard.identity.id}: ${messageOf(error)}`,
            {
              cause: error,
            },
          );
        }
      }
    };
    await Promise.all(Array.from({ length: SHARDS_AT_ONCE }, next));
  }
}

/** The measurements that sources name; all where there are none. */
function measurementsOf(
  index: SeriesIndex,
  sources: readonly MeasurementSource[],
): readonly Measurement[] {
  if (sources.length === 0) return index.measurements;
  const found = new Set<Measurement>();
  for (const { name, regex } of sources) {
    if (regex === null) {
      const measurement = index.measurement(name);
      if (measurement !== undefined) found.add(measurement);
    } else {
      const matches = compileRegex(regex);
      for (const measurement of index.measurements)
        if (matches(measurement.name)) found.add(measurement);
    }
  }
  return [...found];
}

/** Adds the series of a measurement that a shard has and a filter lets through. */
function collect(
  shard: Shard,
  measurement: Measurement,
  filter: DeletionFilter | null,
  into: Set<number>,
): void {
  if (shard.seriesCountOf(measurement.id) === 0) return;
  const { seriesIds, seriesCount } = measurement;
  for (let position = 0; position < seriesCount; position++) {
    const seriesId = seriesIds[position];
    if (shard.series.has(seriesId) && (filter === null || filter.matches(position)))
      into.add(seriesId);
  }
}
