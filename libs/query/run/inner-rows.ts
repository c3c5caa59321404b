/**
 * Rows of a subquery without functions that groups by more tags than the query around it. InfluxDB 1.x merges all series by
 * time and hands them on as one sequence. LIMIT and OFFSET count rows of the sequence, and start anew whenever the group
 * changes from one row to the next; storage has applied them once before, to the sequence of each shard.
 */
import { compareNames } from '../compile/expand.js';
import { concatColumns, gatherRows, type Column } from '../column.js';
import type { QueryBudget } from '../limits.js';
import type { TagPair } from '../ports.js';
import { writeTimes } from '../time-column.js';
import type { Group } from './groups.js';
import type { PreparedSelect } from './prepared-select.js';
import { CarriedColumns, isCarried, rawPlan, rawStretches } from './raw-plan.js';
import { rowsOfStretch } from './raw-select.js';
import type { InnerSeries } from './result-table.js';
import type { RowChunk, RowPlan } from './row-plan.js';

/** Bytes of a cell of the rows. */
const CELL_BYTES = 8;

/** What the rows are grouped by. */
export interface InnerGrouping {
  /** All tags; those of the query around come first. */
  readonly tags: readonly string[];
  readonly budget: QueryBudget;
}

/** A group of all tags, and its rows. */
interface InnerGroup {
  readonly tagValues: readonly string[];
  readonly parts: {
    readonly timesNs: BigInt64Array;
    readonly columns: readonly Column[];
    readonly places: Int32Array;
  }[];
}

/**
 * The series of the subquery, each row with its place in the sequence; null where others may have their turn.
 * @param groups by the tags of the query around alone
 */
export function* innerRows(
  prepared: PreparedSelect,
  groups: readonly Group[],
  { tags, budget }: InnerGrouping,
): Generator<null, readonly InnerSeries[]> {
  const series: InnerSeries[] = [];
  const sourceOrder: number[] = [];
  for (const group of groups) {
    const plan = {
      ...rawPlan(prepared, group, { isUneven: true, budget }),
      hasOrdinals: true,
      sourceOrder,
    };
    const sequence = new Sequence(group, tags, prepared);
    yield* read(prepared, group, { plan, sequence });
    for (const inner of sequence.groups)
      series.push(seriesOf(prepared, inner, { name: group.name, tags, plan }));
  }
  return series;
}

function* read(
  prepared: PreparedSelect,
  group: Group,
  { plan, sequence }: { readonly plan: RowPlan; readonly sequence: Sequence },
): Generator<null, void> {
  const { budget, isAscending } = plan.request;
  const { shardLimit } = plan;
  // The rest of that limit counts runs, here.
  const cut = { ...plan, shardLimit: shardLimit && { ...shardLimit, offset: 0, limit: 0 } };
  const stretches = rawStretches(prepared, group);
  for (const stretch of isAscending ? stretches : [...stretches].reverse()) {
    sequence.beginShard();
    for (const chunk of rowsOfStretch(group, stretch, cut)) {
      if (!chunk) {
        yield null;
        continue;
      }
      budget.charge(chunk.count * (plan.columns.length + 1) * CELL_BYTES);
      sequence.add(chunk);
    }
  }
}

/** Counts rows of each run of one group. */
class RunLimit {
  readonly #limit: number;
  readonly #offset: number;
  #previous = -1;
  #count = 0;

  constructor({ limit, offset }: { readonly limit: number; readonly offset: number }) {
    this.#limit = limit;
    this.#offset = offset;
  }

  /** Whether the next row, of this group, is within the limit. */
  has(group: number): boolean {
    this.#count = group === this.#previous ? this.#count + 1 : 1;
    this.#previous = group;
    if (this.#count <= this.#offset) return false;
    return this.#limit === 0 || this.#count <= this.#offset + this.#limit;
  }
}

/** Sorts the rows of a sequence into groups. */
class Sequence {
  readonly groups: readonly InnerGroup[];
  /** Group of each series. */
  readonly #groupOf: readonly number[];
  readonly #prepared: PreparedSelect;
  readonly #limit: RunLimit;
  #shardLimit: RunLimit;
  #place = 0;

  constructor({ entries }: Group, tags: readonly string[], prepared: PreparedSelect) {
    const known = new Map<string, number>();
    const groups: InnerGroup[] = [];
    this.#groupOf = entries.map(({ series, i }) => {
      const tagValues = tags.map((tag) => series.tagValue(i, tag));
      const key = tagValues.join('\0');
      const at = known.get(key) ?? groups.push({ tagValues, parts: [] }) - 1;
      known.set(key, at);
      return at;
    });
    this.groups = groups;
    this.#prepared = prepared;
    this.#limit = new RunLimit(prepared.compiled.statement);
    this.#shardLimit = new RunLimit(prepared.compiled.statement);
  }

  /** What is added from now on is of another shard. */
  beginShard(): void {
    this.#shardLimit = new RunLimit(this.#prepared.compiled.statement);
  }

  add({ baseNs, offsets, columns, ordinals, count }: RowChunk): void {
    const kept = this.groups.map(() => ({ rows: [] as number[], places: [] as number[] }));
    for (let row = 0; row < count; row++) {
      const group = this.#groupOf[ordinals?.[row] ?? 0] ?? 0;
      const isWanted = this.#shardLimit.has(group) && this.#limit.has(group);
      if (isWanted) {
        kept[group]?.rows.push(row);
        kept[group]?.places.push(this.#place);
      }
      this.#place++;
    }
    kept.forEach(({ rows, places }, g) => {
      if (rows.length === 0) return;
      const order = Int32Array.from(rows);
      const kept = Float64Array.from(order, (row) => offsets[row] as number);
      const timesNs = new BigInt64Array(order.length);
      writeTimes(timesNs, 0, baseNs, kept, order.length);
      this.groups[g]?.parts.push({
        timesNs,
        columns: columns.map((column) => gatherRows(column, order)),
        places: Int32Array.from(places),
      });
    });
  }
}

function seriesOf(
  prepared: PreparedSelect,
  { tagValues, parts }: InnerGroup,
  {
    name,
    tags,
    plan,
  }: { readonly name: string; readonly tags: readonly string[]; readonly plan: RowPlan },
): InnerSeries {
  const counts = parts.map(({ timesNs }) => timesNs.length);
  const count = counts.reduce((sum, one) => sum + one, 0);
  const timesNs = new BigInt64Array(count);
  const places = new Int32Array(count);
  let at = 0;
  for (const part of parts) {
    timesNs.set(part.timesNs, at);
    places.set(part.places, at);
    at += part.timesNs.length;
  }
  const columns = plan.columns.map(({ type }, c) =>
    concatColumns(
      type,
      parts.map((part) => part.columns[c] as Column),
      counts,
    ),
  );
  return {
    name,
    tags: tags
      .map((key, i): TagPair => ({ key, value: tagValues[i] ?? '' }))
      .sort((a, b) => compareNames(a.key, b.key)),
    timesNs,
    places,
    columns: isCarried(prepared) ? new CarriedColumns(prepared).next(columns, count) : columns,
  };
}
