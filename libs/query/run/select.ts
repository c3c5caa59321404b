/**
 * Runs a SELECT: subqueries first, then its own groups one by one. Results come series by series, so that answers can be
 * sent while the rest is computed.
 */
import { walkExpr, type SelectStatement } from '#influxql';
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
import type { SourceTable } from '../scan/source-table.js';
import { writeTimes } from '../time-column.js';
import { compareNames } from '../compile/expand.js';
import { AggregateSelect } from './aggregate-select.js';
import { groupSeries, type Group } from './groups.js';
import {
  innerColumns,
  prepareSelect,
  type PreparedSelect,
  type SelectEnvironment,
} from './prepared-select.js';
import { innerRows } from './inner-rows.js';
import { CarriedColumns, isCarried, rawPlan, rawStretches } from './raw-plan.js';
import { rawRows } from './raw-select.js';
import type { RowChunk } from './row-plan.js';
import { withWrittenTags } from './into.js';
import { limitRuns } from './limit-runs.js';
import { type QueryPart, shareOf, stretchesOf, type TimeDivision } from './query-part.js';
import { timeDivision } from './time-division.js';
import { ResultTable, type InnerSeries } from './result-table.js';
import { hasOwnTimes, inSequence, isOutOfOrder } from './sequence-order.js';

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
    const absent = prepared.columns.map((column) => (statement.into ? null : column.absent));
    const run = { budget, random: options.random ?? Math.random, part: options.part ?? null };
    for (const part of runPrepared(prepared, null, run)) {
      if (!part) {
        yield null;
        continue;
      }
      const series: ResultSeries = {
        name: part.group.name,
        tags: part.tags.length > 0 ? part.tags : null,
        columns,
        rowCount: part.timesNs.length,
        data: [
          { kind: 'time', ns: part.timesNs },
          ...part.columns.map((column, c) => toResultColumn(column, absent[c] ?? null)),
        ],
        partial: part.isPartial,
      };
      const isTag = [false, ...prepared.columns.map(({ isWrittenTag }) => isWrittenTag)];
      if (isTag.includes(true)) yield* withWrittenTags(series, isTag, statement);
      else yield series;
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
  const { compiled, calls } = prepared;
  const isInner = inheritedTags !== null;
  const outerTags = inheritedTags ?? [];
  const tags = allTags(prepared, outerTags);
  if (!hasRows(prepared)) return;
  // A subquery's LIMIT counts rows as they come out of all its series together; see limitRuns.
  // So does what SELECT INTO writes with tags of top(); see withWrittenTags.
  const hasWrittenTags = prepared.columns.some(({ isWrittenTag }) => isWrittenTag);
  const isLimitedLater = hasWrittenTags || (isInner && tags.length > outerTags.length);
  const limited = isInner ? outerTags.length : tags.length;
  const groups = yield* groupsOf(prepared, { tags, grouped: tags, limited }, context);
  // What a function does not take is only noticed where there is a series.
  if (groups.length === 0 && prepared.children.length === 0) return;
  const aggregate =
    calls.length > 0
      ? new AggregateSelect(prepared, { ...context, isLimitedLater, isInner })
      : null;
  const { limit, offset } = aggregate ? { limit: 0, offset: 0 } : compiled.statement;
  const isTimeDivisible = aggregate === null && limit === 0 && offset === 0 && !isCarried(prepared);
  // Groups over a subquery may end each other, so that one part has all.
  const isDivisible = prepared.children.length === 0;
  if (!isInner && !isDivisible && (context.part?.index ?? 0) > 0) return;
  const part = isInner || !isDivisible ? null : context.part;
  const sourceOrder: number[] = [];
  const divisionOf = (group: Group): TimeDivision =>
    isTimeDivisible ? timeDivision(group, prepared) : 'no';
  const share = shareOf(groups, part, divisionOf);
  for (const group of share.groups) {
    const labels = tags
      .map((key, i): TagPair => ({ key, value: group.tagValues[i] ?? '' }))
      .sort((a, b) => compareNames(a.key, b.key));
    const blocks = aggregate
      ? aggregateParts(aggregate, group)
      : rawParts(prepared, group, share.timePart, { budget: context.budget, sourceOrder });
    const parts = limitedParts(blocks, { group, tags: labels, limit, offset });
    if (isCarried(prepared)) yield* carriedParts(prepared, parts);
    else yield* parts;
  }
}

/** Tags to group by: those of the query around first. */
function allTags({ tags }: PreparedSelect, outerTags: readonly string[]): readonly string[] {
  return [...new Set([...outerTags, ...tags])];
}

/** False where nothing can come of the names in the query. A subquery's tags make rows, a measurement's do not. */
function hasRows({ refs, calls, children, typeOf }: PreparedSelect): boolean {
  if (calls.length > 0) return true;
  return refs.some((ref) => {
    const type = typeOf(ref);
    if (children.length > 0 && ref.cast !== null && ref.cast !== 'field') return true;
    return type !== 'unknown' && type !== 'time' && (type !== 'tag' || children.length > 0);
  });
}

/** Runs subqueries and sorts series into groups. */
function* groupsOf(
  prepared: PreparedSelect,
  by: {
    /** Those that subqueries are asked for. */
    readonly tags: readonly string[];
    readonly grouped: readonly string[];
    /** How many of these, from the front, SLIMIT counts by. */
    readonly limited: number;
  },
  context: RunContext,
): Generator<null, readonly Group[]> {
  const { compiled } = prepared;
  const tables: SourceTable[] = [];
  let children = 0;
  for (const [place, source] of compiled.sources.entries()) {
    if ('kind' in source) {
      tables.push(...prepared.tables.filter((table) => table.place === place));
      continue;
    }
    const child = prepared.children[children++];
    if (child && isRead(child, prepared))
      tables.push(...(yield* runChild(child, by.tags, { ...context, place })));
  }
  return yield* groupSeries(tables, {
    condition: prepared.condition,
    tags: by.grouped,
    isAscending: compiled.isAscending,
    slimit: compiled.slimit,
    soffset: compiled.soffset,
    limitedTags: by.limited,
    budget: context.budget,
  });
}

/** False for a subquery that has none of what the functions around it take. */
function isRead(child: PreparedSelect, { calls }: PreparedSelect): boolean {
  if (calls.length === 0) return true;
  const names = new Set([...child.tags, ...child.columns.map(({ name }) => name)]);
  let isFound = false;
  for (const call of calls)
    walkExpr(call, (node) => {
      if (node.kind === 'varRef' && names.has(node.name)) isFound = true;
    });
  return isFound;
}

function* carriedParts(
  prepared: PreparedSelect,
  parts: Iterable<SeriesPart | null>,
): Generator<SeriesPart | null> {
  const carried = new CarriedColumns(prepared);
  for (const part of parts)
    yield part && { ...part, columns: carried.next(part.columns, part.timesNs.length) };
}

/** Runs a subquery to its end and makes tables of its series, one a name. */
function* runChild(
  child: PreparedSelect,
  tags: readonly string[],
  context: RunContext & { readonly place: number },
): Generator<null, readonly SourceTable[]> {
  const { offsetFault } = child.compiled.grouping;
  if (offsetFault) throw offsetFault;
  const own = allTags(child, tags);
  const isSequence = child.calls.length === 0 && own.length > tags.length;
  const series = isSequence
    ? yield* runSequence(child, tags, context)
    : yield* runSeries(child, tags, context);
  const byName = new Map<string, InnerSeries[]>();
  for (const one of series) {
    const list = byName.get(one.name) ?? [];
    byName.set(one.name, list);
    list.push(one);
  }
  const columns = innerColumns(child);
  return [...byName].map(
    ([name, list]) =>
      new ResultTable(
        name,
        columns,
        { tagKeys: own, ownTags: child.tags, place: context.place },
        list,
      ),
  );
}

function* runSequence(
  child: PreparedSelect,
  outerTags: readonly string[],
  context: RunContext,
): Generator<null, readonly InnerSeries[]> {
  if (!hasRows(child)) return [];
  const tags = allTags(child, outerTags);
  const groups = yield* groupsOf(
    child,
    { tags, grouped: outerTags, limited: outerTags.length },
    context,
  );
  return yield* innerRows(child, groups, { tags, budget: context.budget });
}

function* runSeries(
  child: PreparedSelect,
  tags: readonly string[],
  context: RunContext,
): Generator<null, readonly InnerSeries[]> {
  const groups = new Map<Group, SeriesPart[]>();
  for (const part of runPrepared(child, tags, context)) {
    if (!part) {
      yield null;
      continue;
    }
    const parts = groups.get(part.group) ?? [];
    context.budget.charge(part.timesNs.length * (part.columns.length + 1) * CELL_BYTES);
    parts.push(part);
    groups.set(part.group, parts);
  }
  const grouped = [...groups.values()].map((parts) => joinParts(parts));
  const isSequence = hasOwnTimes(child) || isOutOfOrder(child, grouped);
  const joined = isSequence ? inSequence(grouped, tags, child.compiled) : grouped;
  const { limit, offset } = child.compiled.statement;
  const isLimited = (limit > 0 || offset > 0) && child.tags.some((tag) => !tags.includes(tag));
  const isAscending = child.compiled.isAscending;
  return isLimited ? limitRuns(joined, { tags, limit, offset, isAscending }) : joined;
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
  return { name: first.group.name, tags: first.tags, timesNs, columns, places: null };
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
  timePart: QueryPart | null,
  { budget, sourceOrder }: { readonly budget: QueryBudget; readonly sourceOrder: number[] },
): Generator<RowBlock | null> {
  const all = rawStretches(prepared, group);
  const { isAscending } = prepared.compiled;
  const division = timePart ? timeDivision(group, prepared) : 'no';
  const stretches = timePart ? stretchesOf(all, timePart, { isAscending, division }) : all;
  const isUneven = prepared.hasRepeatedTags;
  const plan = { ...rawPlan(prepared, group, { isUneven, budget }), sourceOrder };
  for (const chunk of rawRows(group, stretches, plan)) yield chunk && toBlock(chunk);
}

function toBlock({ baseNs, count, offsets, columns }: RowChunk): RowBlock {
  const timesNs = new BigInt64Array(count);
  writeTimes(timesNs, 0, baseNs, offsets, count);
  return { timesNs, columns };
}

/** Applies LIMIT and OFFSET to the rows of one series and marks all parts but the last as partial. */
function* limitedParts(
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
