/**
 * Runs a SELECT: subqueries first, then its own groups one by one. Results come series by series, so that answers can be
 * sent while the rest is computed.
 */
import { MIN_TIME_NS, type SelectStatement } from '#influxql';
import { compileSelect } from '../compile/compile-select.js';
import { concatColumns, sliceColumn, toResultColumn, type Column } from '../column.js';
import {
  type CancelSignal,
  noLimits,
  QueryBudget,
  type QueryLimits,
  type QueryMemory,
} from '../limits.js';
import type { ResultSeries, TagPair } from '../ports.js';
import { mergeStretches, type SourceTable } from '../scan/source-table.js';
import { writeTimes } from '../time-column.js';
import { compareNames } from '../compile/expand.js';
import { AggregateSelect } from './aggregate-select.js';
import { valueType } from './entry-rows.js';
import { groupSeries, type Group } from './groups.js';
import {
  innerColumns,
  prepareSelect,
  type PreparedSelect,
  type SelectEnvironment,
} from './prepared-select.js';
import { rawRows } from './raw-select.js';
import { splitRefs, tieRefs, type RowChunk } from './row-plan.js';
import { limitRuns } from './limit-runs.js';
import { type QueryPart, shareOf, stretchesOf } from './query-part.js';
import { ResultTable, type InnerSeries } from './result-table.js';

/** What a SELECT runs with. */
export interface SelectOptions extends SelectEnvironment {
  /** Value of now(). */
  readonly nowNs: bigint;
  readonly limits?: QueryLimits;
  readonly signal?: CancelSignal | null;
  /** What all queries hold together; absent for a query alone. */
  readonly memory?: QueryMemory;
  /** Source of chance for sample(); 0 inclusive to 1 exclusive. */
  readonly random?: () => number;
  /** The part of the result to compute; absent for all of it. */
  readonly part?: QueryPart;
}

/** What a cell of a subquery's rows costs. */
const CELL_BYTES = 8;

/** Rows of one series, or a part of them. */
interface SeriesPart {
  readonly group: Group;
  readonly tags: readonly TagPair[];
  readonly timesNs: BigInt64Array;
  readonly columns: readonly Column[];
  readonly isPartial: boolean;
}

/**
 * The series of a SELECT's result, in order. Null means that nothing is ready yet and others may have their turn.
 * @throws QueryError, ExpressionError, QueryLimitError, QueryInterruptedError, and what the storage port throws
 */
export function* runSelect(
  statement: SelectStatement,
  options: SelectOptions,
): Generator<ResultSeries | null> {
  const compiled = compileSelect(statement, options.nowNs);
  const { limits = noLimits, signal = null, memory } = options;
  const budget = new QueryBudget(limits, signal, memory);
  const prepared = prepareSelect(compiled, options);
  try {
    const columns = [compiled.timeColumn, ...prepared.columns.map(({ name }) => name)];
    const run = { budget, random: options.random ?? Math.random, part: options.part ?? null };
    for (const part of runPrepared(prepared, null, run)) {
      if (!part) {
        yield null;
        continue;
      }
      yield {
        name: part.group.name,
        tags: part.tags.length > 0 ? part.tags : null,
        columns,
        rowCount: part.timesNs.length,
        data: [{ kind: 'time', ns: part.timesNs }, ...part.columns.map(toResultColumn)],
        partial: part.isPartial,
      };
    }
  } finally {
    prepared.close();
    budget.close();
  }
}

interface RunContext {
  readonly budget: QueryBudget;
  readonly random: () => number;
  /** Of the outermost SELECT; null for all of it. */
  readonly part: QueryPart | null;
}

/** @param inheritedTags tags that the query around this one groups by, null where there is none */
function* runPrepared(
  prepared: PreparedSelect,
  inheritedTags: readonly string[] | null,
  context: RunContext,
): Generator<SeriesPart | null> {
  const { compiled } = prepared;
  const isInner = inheritedTags !== null;
  const outerTags = inheritedTags ?? [];
  const tags = [...new Set([...outerTags, ...prepared.tags])];
  if (!prepared.refs.some((ref) => isData(prepared, ref)) && prepared.calls.length === 0) return;
  const aggregate =
    prepared.calls.length > 0 ? new AggregateSelect(prepared, { ...context, isInner }) : null;
  const tables: SourceTable[] = [...prepared.tables];
  for (const child of prepared.children) tables.push(...(yield* runChild(child, tags, context)));
  const groups = yield* groupSeries(tables, {
    condition: compiled.condition,
    tags,
    isAscending: compiled.isAscending,
    slimit: compiled.slimit,
    soffset: compiled.soffset,
    limitedTags: isInner ? outerTags.length : tags.length,
    budget: context.budget,
  });
  const isTimeDivisible =
    aggregate === null && compiled.statement.limit === 0 && compiled.statement.offset === 0;
  const share = shareOf(groups, isInner ? null : context.part, isTimeDivisible);
  for (const group of share.groups) {
    const labels = tags
      .map((key, i): TagPair => ({ key, value: group.tagValues[i] ?? '' }))
      .sort((a, b) => compareNames(a.key, b.key));
    // A subquery's LIMIT counts rows as they come out of all its series together; see limitRuns.
    const isLimitedLater = isInner && tags.length > outerTags.length;
    const parts = aggregate
      ? aggregateParts(aggregate, group)
      : rawParts(prepared, group, { ...context, isLimitedLater, timePart: share.timePart });
    const { limit, offset } = isLimitedLater ? { limit: 0, offset: 0 } : compiled.statement;
    yield* limited(parts, { group, tags: labels, limit, offset });
  }
}

function isData(prepared: PreparedSelect, ref: Parameters<PreparedSelect['typeOf']>[0]): boolean {
  const type = prepared.typeOf(ref);
  return type !== 'tag' && type !== 'unknown' && type !== 'time';
}

/** Runs a subquery to its end and makes tables of its series, one a name. */
function* runChild(
  child: PreparedSelect,
  tags: readonly string[],
  context: RunContext,
): Generator<null, readonly SourceTable[]> {
  const byName = new Map<string, Map<Group, SeriesPart[]>>();
  for (const part of runPrepared(child, tags, context)) {
    if (!part) {
      yield null;
      continue;
    }
    const groups = byName.get(part.group.name) ?? new Map<Group, SeriesPart[]>();
    byName.set(part.group.name, groups);
    const parts = groups.get(part.group) ?? [];
    context.budget.charge(part.timesNs.length * (part.columns.length + 1) * CELL_BYTES);
    parts.push(part);
    groups.set(part.group, parts);
  }
  const columns = innerColumns(child);
  const { limit, offset } = child.compiled.statement;
  const isLimited = (limit > 0 || offset > 0) && child.tags.some((tag) => !tags.includes(tag));
  const keys = [...new Set([...child.tags, ...tags])];
  return [...byName].map(([name, groups]) => {
    const joined = [...groups.values()].map((parts) => joinParts(parts));
    const isAscending = child.compiled.isAscending;
    const series = isLimited ? limitRuns(joined, { tags, limit, offset, isAscending }) : joined;
    return new ResultTable(name, columns, keys, series);
  });
}

function joinParts(parts: readonly SeriesPart[]): InnerSeries {
  const [first] = parts as readonly [SeriesPart, ...SeriesPart[]];
  const counts = parts.map(({ timesNs }) => timesNs.length);
  const timesNs = new BigInt64Array(counts.reduce((sum, count) => sum + count, 0));
  let at = 0;
  for (const part of parts) {
    timesNs.set(part.timesNs, at);
    at += part.timesNs.length;
  }
  const columns = first.columns.map(({ type }, c) =>
    concatColumns(
      type,
      parts.map((part) => part.columns[c] as Column),
      counts,
    ),
  );
  return { name: first.group.name, tags: first.tags, timesNs, columns };
}

/** Times and columns of rows. */
interface RowBlock {
  readonly timesNs: BigInt64Array;
  readonly columns: readonly Column[];
}

function* aggregateParts(aggregate: AggregateSelect, group: Group): Generator<RowBlock | null> {
  const rows = yield* aggregate.rows(group);
  yield { timesNs: BigInt64Array.from(rows.timesNs), columns: rows.columns };
}

function* rawParts(
  prepared: PreparedSelect,
  group: Group,
  {
    budget,
    isLimitedLater,
    timePart,
  }: RunContext & { readonly isLimitedLater: boolean; readonly timePart: QueryPart | null },
): Generator<RowBlock | null> {
  const { compiled, typeOf, refs, columns } = prepared;
  const range = { minNs: compiled.minNs ?? MIN_TIME_NS, maxNs: compiled.maxNs };
  const tables = new Set(group.entries.map(({ table }) => table));
  const all = mergeStretches([...tables].map((table) => table.stretches(range)));
  const stretches = timePart ? stretchesOf(all, timePart, compiled.isAscending) : all;
  const { fill } = compiled;
  // InfluxDB 1.x lets each series give one row more than the limit before it counts.
  const { limit, offset } = compiled.statement;
  const isCut = isLimitedLater && (limit > 0 || offset > 0);
  const rowsLeft = new Map(group.entries.map((entry) => [entry, offset + limit + 1]));
  const plan = {
    request: {
      leading: splitRefs(refs, typeOf),
      beside: [],
      typeOf,
      isAscending: compiled.isAscending,
      budget,
      ...(isCut && limit > 0 ? { rowsLeft } : {}),
    },
    columns: columns.map(({ expr, type }) => ({
      expr,
      type: valueType(type) ?? ('float' as const),
      fill: fill.option === 'number' ? fill.value.value : null,
    })),
    ties: tieRefs(refs, typeOf),
    rowsMax: limit > 0 && !isLimitedLater ? offset + limit : 0,
  };
  for (const chunk of rawRows(group, stretches, plan)) yield chunk && toBlock(chunk);
}

function toBlock({ baseNs, count, offsets, columns }: RowChunk): RowBlock {
  const timesNs = new BigInt64Array(count);
  writeTimes(timesNs, 0, baseNs, offsets, count);
  return { timesNs, columns };
}

/** Applies LIMIT and OFFSET to the rows of one series and marks all parts but the last as partial. */
function* limited(
  blocks: Iterable<RowBlock | null>,
  options: {
    readonly group: Group;
    readonly tags: readonly TagPair[];
    readonly limit: number;
    readonly offset: number;
  },
): Generator<SeriesPart | null> {
  const { group, tags, limit, offset } = options;
  let skip = offset;
  let rest = limit > 0 ? limit : Infinity;
  let pending: RowBlock | null = null;
  for (const block of blocks) {
    if (!block) {
      yield null;
      continue;
    }
    const count = block.timesNs.length;
    const from = Math.min(skip, count);
    skip -= from;
    const to = Math.min(count, from + rest);
    if (to <= from) continue;
    rest -= to - from;
    if (pending) yield { group, tags, ...pending, isPartial: true };
    pending = {
      timesNs: block.timesNs.subarray(from, to),
      columns: block.columns.map((column) =>
        from === 0 && to === count ? column : sliceColumn(column, from, to),
      ),
    };
    if (rest === 0) break;
  }
  if (pending) yield { group, tags, ...pending, isPartial: false };
}
