/**
 * SELECT with functions over windows: the streams of all calls for one group, joined into rows by time.
 */
import { MIN_TIME_NS, printExpr, type VarRef } from '#influxql';
import { declaredType } from '../compile/expr-types.js';
import { ColumnBuilder, emptyColumn, gatherRows, sliceColumn, type Column } from '../column.js';
import { QueryLimitError } from '../errors.js';
import { evaluate, type RowScope } from '../evaluate.js';
import { isSelector, planCall, type CallPlan, type LeafPlan } from '../functions/call-plan.js';
import { fillStream } from '../functions/fill.js';
import type { Stream } from '../functions/stream.js';
import type { QueryBudget } from '../limits.js';
import { mergeStretches, type Stretch } from '../scan/source-table.js';
import { isNumeric, type ExprType, type ValueType } from '../value-type.js';
import {
  EvenWindows,
  OneWindow,
  SparseWindows,
  ZonedWindows,
  windowOf,
  type Windows,
} from '../windows.js';
import type { Group } from './groups.js';
import type { PreparedSelect } from './prepared-select.js';
import { rankingLimit } from './raw-plan.js';
import { rawRows } from './raw-select.js';
import { filledScope, inType, withFill } from './row-plan.js';
import { scanWindows } from './window-scan.js';

/** Rows of one group. */
export interface GroupRows {
  readonly timesNs: readonly bigint[];
  readonly columns: readonly Column[];
}

/** Times of joined streams, and the row of each stream at each of them, or -1. */
interface JoinedTimes {
  readonly timesNs: readonly bigint[];
  readonly rows: readonly Int32Array[];
}

/** What a row costs with its time as a bigint, and again while it becomes a row of the result. */
const FILLED_ROW_BYTES = 96;
/** Rows joined between looks at the clock. */
const ROWS_PER_LOOK = 1024;
/** More windows than this have no slot each, but only those that hold values. */
const DENSE_WINDOWS_MAX = 1 << 21;

/** What a SELECT is computed with. */
export interface AggregateContext {
  readonly budget: QueryBudget;
  readonly random: () => number;
  /** True for a subquery whose LIMIT is counted elsewhere. */
  readonly isLimitedLater: boolean;
  /** True for a subquery, whose windows nobody counts. */
  readonly isInner: boolean;
}

/** Computes the groups of one SELECT. */
export class AggregateSelect {
  readonly #select: PreparedSelect;
  readonly #budget: QueryBudget;
  readonly #plans: readonly { readonly key: string; readonly plan: CallPlan }[];
  readonly #beside: readonly VarRef[];
  readonly #isLimitedLater: boolean;
  #heldBytes = 0;
  /** True behind a row of a subquery before the range, where InfluxDB 1.x's reducers stop for good. */
  #isEnded = false;

  /** Where reading begins for want of a lower bound: as many windows back as the limit allows. */
  readonly #floorNs: bigint;

  constructor(
    select: PreparedSelect,
    { budget, random, isLimitedLater, isInner }: AggregateContext,
  ) {
    this.#select = select;
    this.#budget = budget;
    this.#isLimitedLater = isLimitedLater;
    const { windows } = select.compiled;
    const [only] = select.calls;
    const keepsTime = select.calls.length === 1 && isSelector(only?.name ?? '') && windows === null;
    const context = {
      keepsTime,
      showsBeside: select.refs.length > 0,
      intervalNs: windows?.intervalNs ?? 0n,
      windows,
      isAscending: select.compiled.isAscending,
      typeOf: (ref: VarRef) => functionType(select, ref),
      random,
    };
    this.#plans = select.calls.map((call) => ({
      key: printExpr(call),
      plan: planCall(call, context),
    }));
    this.#beside = select.refs;
    this.#floorNs = isInner ? MIN_TIME_NS : this.#checkBuckets();
  }

  /** Rows of a group; empty where no call has a result. Yields null where others may have their turn. */
  *rows(group: Group): Generator<null, GroupRows> {
    const leaves = yield* this.#scanLeaves(group);
    const streams: Stream[] = [];
    for (const { plan } of this.#plans)
      streams.push(this.#limited(yield* this.#streamOf(plan, group, leaves)));
    const merged = yield* mergeTimes(streams, this.#select.compiled.isAscending, this.#budget);
    const rows = this.#join(streams, merged);
    this.#budget.release(this.#heldBytes);
    this.#heldBytes = 0;
    return rows;
  }

  /** LIMIT and OFFSET count points of each call, not rows of the result. */
  #limited(stream: Stream): Stream {
    const { limit, offset } = this.#select.compiled.statement;
    if (this.#isLimitedLater || (limit === 0 && offset === 0)) return stream;
    const { length } = stream.timesNs;
    const from = Math.min(offset, length);
    const to = limit > 0 ? Math.min(length, from + limit) : length;
    return {
      timesNs: stream.timesNs.slice(from, to),
      values: sliceColumn(stream.values, from, to),
      aux: stream.aux.map((column) => sliceColumn(column, from, to)),
    };
  }

  /** Counts what the group at hand holds. */
  #hold(bytes: number): void {
    this.#heldBytes += bytes;
    this.#budget.charge(bytes);
  }

  /**
   * The least time to read. @throws QueryLimitError where the range has more windows than allowed.
   * @see InfluxDB query.compiledStatement.Prepare
   */
  #checkBuckets(): bigint {
    const { windows, minNs, maxNs } = this.#select.compiled;
    const max = this.#budget.limits.selectBucketsMax;
    if (!windows || max === 0) return MIN_TIME_NS;
    const last = windowOf(windows, maxNs - 1n).startNs;
    if (minNs === null) {
      const floorNs = last - windows.intervalNs * BigInt(max - 1);
      return floorNs > MIN_TIME_NS ? floorNs : MIN_TIME_NS;
    }
    const first = windowOf(windows, minNs).startNs;
    const buckets = (last - first) / windows.intervalNs + 1n;
    if (buckets > BigInt(max))
      throw new QueryLimitError(`max-select-buckets limit exceeded: (${buckets}/${max})`);
    return MIN_TIME_NS;
  }

  /** Scans all functions over stored values, those with the same range together. */
  *#scanLeaves(group: Group): Generator<null, ReadonlyMap<LeafPlan, Stream>> {
    const isEarly = this.#hasEarlyRows(group);
    const isDone = this.#isEnded || (isEarly && this.#select.compiled.isAscending);
    if (isEarly) this.#isEnded = true;
    const byExtra = new Map<number, LeafPlan[]>();
    for (const { plan } of this.#plans) {
      const leaf = leafOf(plan);
      if (!leaf) continue;
      const list = byExtra.get(leaf.extraWindows) ?? [];
      list.push(leaf);
      byExtra.set(leaf.extraWindows, list);
    }
    const results = new Map<LeafPlan, Stream>();
    for (const [extra, leaves] of byExtra) {
      const all = this.#stretches(group, extra);
      const stretches = isDone ? [] : isEarly ? this.#inRange(all) : all;
      const { windows, windowCount } = this.#windowsOver(stretches);
      const streams = yield* scanWindows(group, {
        leaves,
        beside: this.#beside,
        stretches,
        windows,
        windowCount,
        typeOf: this.#select.typeOf,
        isAscending: this.#select.compiled.isAscending,
        edgePoints: this.#select.hasRepeatedTags || this.#isLimitedLater ? 1 : 2,
        shardLimitOf: (of) => rankingLimit(this.#select, of, this.#isLimitedLater),
        budget: this.#budget,
      });
      leaves.forEach((leaf, i) => results.set(leaf, streams[i] as Stream));
    }
    return results;
  }

  /**
   * True where a subquery gives rows before the range, such as the start of the window in which it begins, and everything
   * is to become one window.
   */
  #hasEarlyRows(group: Group): boolean {
    const { windows, minNs } = this.#select.compiled;
    if (windows || minNs === null || this.#select.children.length === 0) return false;
    return group.entries.some(({ series, i }) => (series.leastTimeNs?.(i) ?? minNs) < minNs);
  }

  #inRange(stretches: readonly Stretch[]): readonly Stretch[] {
    const minNs = this.#select.compiled.minNs ?? MIN_TIME_NS;
    return stretches
      .filter(({ endNs }) => endNs >= minNs)
      .map((one) => (one.startNs < minNs ? { ...one, startNs: minNs } : one));
  }

  /** @param isCut true where LIMIT counts the rows of this stream as they are */
  *#streamOf(
    plan: CallPlan,
    group: Group,
    leaves: ReadonlyMap<LeafPlan, Stream>,
    isCut = !this.#isLimitedLater,
  ): Generator<null, Stream> {
    if (plan.kind === 'raw') return yield* this.#rawStream(plan, group);
    if (plan.kind === 'transform')
      return plan.apply(yield* this.#streamOf(plan.input, group, leaves, false));
    const { compiled } = this.#select;
    const stream = leaves.get(plan) as Stream;
    if (!compiled.windows || !plan.isFilled) return stream;
    const isCount = plan.name === 'count' && compiled.fill.option === 'null';
    const { minNs, maxNs } = this.#range(plan.extraWindows);
    const { limit, offset } = compiled.statement;
    const filled = yield* fillStream(stream, {
      fill: isCount ? { option: 'number', value: { kind: 'integer', value: 0n } } : compiled.fill,
      windows: compiled.windows,
      minNs,
      maxNs,
      isAscending: compiled.isAscending,
      rowsMax: isCut && limit > 0 ? limit + offset : 0,
      budget: this.#budget,
      onRows: (count) => this.#hold(count * FILLED_ROW_BYTES),
    });
    if (stream.aux.length === 0) return filled;
    return { ...filled, aux: alignAux(stream, filled.timesNs) };
  }

  /** Stored values of a field in order of time. */
  *#rawStream(
    { ref, input, extraWindows }: Extract<CallPlan, { kind: 'raw' }>,
    group: Group,
  ): Generator<null, Stream> {
    if (!input) return { timesNs: [], values: emptyColumn('float', 0), aux: [] };
    const values = new ColumnBuilder(input);
    const timesNs: bigint[] = [];
    const chunks = rawRows(group, this.#stretches(group, extraWindows), {
      request: {
        leading: [ref],
        beside: [],
        typeOf: this.#select.typeOf,
        isAscending: this.#select.compiled.isAscending,
        budget: this.#budget,
      },
      columns: [{ expr: ref, type: input }],
      fill: null,
      ties: [],
      rowsMax: 0,
      shardLimit: null,
    });
    for (const chunk of chunks) {
      if (!chunk) {
        yield null;
        continue;
      }
      this.#hold(chunk.count * FILLED_ROW_BYTES);
      for (let i = 0; i < chunk.count; i++) {
        timesNs.push(chunk.baseNs + BigInt(chunk.offsets[i] as number));
        values.pushFrom(chunk.columns[0] as Column, i);
      }
    }
    return { timesNs, values: values.build(), aux: [] };
  }

  #range(extraWindows: number): { readonly minNs: bigint | null; readonly maxNs: bigint } {
    const { minNs, maxNs, windows, isAscending } = this.#select.compiled;
    const extraNs = BigInt(extraWindows) * (windows?.intervalNs ?? 0n);
    if (!isAscending) return { minNs, maxNs: maxNs + extraNs };
    return { minNs: minNs === null ? null : minNs - extraNs, maxNs };
  }

  #stretches({ tables }: Group, extraWindows: number): readonly Stretch[] {
    const { minNs, maxNs } = this.#range(extraWindows);
    return mergeStretches(tables, { minNs: minNs ?? this.#floorNs, maxNs });
  }

  #windowsOver(stretches: readonly Stretch[]): {
    readonly windows: Windows;
    readonly windowCount: number | null;
  } {
    const { windows: spec, minNs } = this.#select.compiled;
    if (!spec) return { windows: new OneWindow(minNs ?? 0n), windowCount: 1 };
    const firstNs = stretches[0]?.startNs ?? 0n;
    const lastNs = stretches.at(-1)?.endNs ?? 0n;
    const count = (lastNs - firstNs) / spec.intervalNs + 4n;
    const isDense = count <= BigInt(DENSE_WINDOWS_MAX);
    let windows: Windows;
    // Clocks change by whole seconds: shorter windows are the same in every zone.
    if (spec.zone.isUtc || 1_000_000_000n % spec.intervalNs === 0n)
      windows = new EvenWindows(windowOf(spec, firstNs).startNs, spec.intervalNs);
    else windows = isDense ? new ZonedWindows(spec, firstNs) : new SparseWindows(spec, firstNs);
    return { windows, windowCount: isDense ? Number(count) : null };
  }

  /** Rows of all streams: one for each time at which any has a point. */
  #join(streams: readonly Stream[], { timesNs, rows }: JoinedTimes): GroupRows {
    const { fill } = this.#select.compiled;
    const number = fill.option === 'number' ? fill.value.value : null;
    const byKey = new Map<string, Column>();
    streams.forEach((stream, s) => {
      const type = this.#declaredType(s);
      const isKnown = type !== 'unknown';
      const gathered = gatherRows(stream.values, rows[s] as Int32Array);
      const isNothing = stream.timesNs.length === 0 && isNumeric(type);
      const column = isNothing ? emptyColumn(type as ValueType, timesNs.length) : gathered;
      const filled =
        number !== null && isKnown ? filledWith(column, number, timesNs.length) : column;
      const carried = fill.option === 'previous' ? carry(filled, timesNs.length) : filled;
      byKey.set(this.#plans[s]?.key ?? '', carried);
    });
    const [single] = streams;
    const beside = [...this.#leafBeside(), ...this.#beside];
    const scope: RowScope = {
      count: timesNs.length,
      resolve: (ref) => {
        const at = beside.findIndex((one) => one.name === ref.name && one.cast === ref.cast);
        const column = single?.aux[at];
        if (!column) return null;
        const joined = gatherRows(column, rows[0] as Int32Array);
        return fill.option === 'previous' ? carry(joined, timesNs.length) : joined;
      },
      resolveCall: (call) => byKey.get(printExpr(asPlanned(call))) ?? null,
    };
    const filled = filledScope(scope, number, this.#select.typeOf);
    const columns = this.#select.columns.map(({ expr, type }) => {
      const column = evaluate(expr, filled);
      return inType(column, type ?? column.type, timesNs.length);
    });
    return { timesNs, columns };
  }

  /** Unknown for a call that has no type, because what it reads does not exist: it takes no part. */
  #declaredType(s: number): ExprType {
    const call = this.#select.calls[s];
    return call ? declaredType(call, this.#select.typeOf) : 'unknown';
  }

  #leafBeside(): readonly VarRef[] {
    const [first] = this.#plans;
    const leaf = first ? leafOf(first.plan) : null;
    return leaf?.beside ?? [];
  }
}

/** Type of a function's argument. A tag is none, but a tag column of a subquery is text. */
function functionType({ typeOf, children }: PreparedSelect, ref: VarRef): ExprType {
  const type = typeOf(ref);
  const isColumn = children.some(
    ({ columns, tags }) => tags.includes(ref.name) || columns.some(({ name }) => name === ref.name),
  );
  return type === 'tag' && isColumn ? 'string' : type;
}

function asPlanned(call: Parameters<typeof printExpr>[0]): Parameters<typeof printExpr>[0] {
  if (call.kind !== 'distinct') return call;
  return {
    kind: 'call',
    name: 'distinct',
    args: [{ kind: 'varRef', name: call.name, cast: null }],
  };
}

function leafOf(plan: CallPlan): LeafPlan | null {
  if (plan.kind === 'leaf') return plan;
  return plan.kind === 'transform' ? leafOf(plan.input) : null;
}

/** Auxiliary values of a stream for the rows of its filled form. */
function alignAux(stream: Stream, timesNs: readonly bigint[]): readonly Column[] {
  const order = new Int32Array(timesNs.length).fill(-1);
  let next = 0;
  timesNs.forEach((timeNs, row) => {
    if (stream.timesNs[next] === timeNs) order[row] = next++;
  });
  return stream.aux.map((column) => gatherRows(column, order));
}

/** A column of numbers with a constant where a row has no value; others stay. */
function filledWith(column: Column, fill: number | bigint, count: number): Column {
  const isText = column.type === 'string' || column.type === 'boolean';
  return isText || !column.present ? column : withFill(column, fill, count);
}

/** A row without a value takes that of the row before it. */
function carry(column: Column, count: number): Column {
  if (!column.present) return column;
  const order = new Int32Array(count);
  let last = -1;
  for (let i = 0; i < count; i++) {
    if (column.present[i] === 1) last = i;
    order[i] = last;
  }
  return gatherRows(column, order);
}

/** Joins sorted times; `rows[s][i]` is the row of stream s at time i, or -1. A time that a stream repeats gets further rows. */
function* mergeTimes(
  streams: readonly Stream[],
  isAscending: boolean,
  budget: QueryBudget,
): Generator<null, JoinedTimes> {
  const [only] = streams;
  if (streams.length === 1 && only) {
    return { timesNs: only.timesNs, rows: [Int32Array.from(only.timesNs, (_, i) => i)] };
  }
  const at = streams.map(() => 0);
  const rows: number[][] = streams.map(() => []);
  const timesNs: bigint[] = [];
  for (;;) {
    let next: bigint | null = null;
    streams.forEach((stream, s) => {
      const timeNs = stream.timesNs[at[s] as number];
      if (timeNs === undefined) return;
      if (next === null || (isAscending ? timeNs < next : timeNs > next)) next = timeNs;
    });
    if (next === null) break;
    timesNs.push(next);
    if (timesNs.length % ROWS_PER_LOOK === 0 && budget.isTurnOver()) yield null;
    streams.forEach((stream, s) => {
      const row = at[s] as number;
      const isHere = stream.timesNs[row] === next;
      (rows[s] as number[]).push(isHere ? row : -1);
      if (isHere) at[s] = row + 1;
    });
  }
  return { timesNs, rows: rows.map((list) => Int32Array.from(list)) };
}
