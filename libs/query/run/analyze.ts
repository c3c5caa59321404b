/**
 * EXPLAIN ANALYZE: runs a SELECT and says what it read and how long that took, as a tree in the form of InfluxDB 1.x: a cursor
 * for each level of subqueries, a scanner for each function, an iterator for each measurement and shard.
 * @see InfluxDB coordinator StatementExecutor.executeExplainAnalyzeStatement
 */
import { formatDurationNs } from '#kernel';
import {
  compileRegex,
  printExpr,
  printSelect,
  type Expr,
  type MeasurementSource,
  type SelectStatement,
} from '#influxql';
import { fieldTypeName, type FieldType } from '#models';
import { compileSelect } from '../compile/compile-select.js';
import { compareNames } from '../compile/expand.js';
import { declaredType, typedNames } from '../compile/expr-types.js';
import { noLimits, QueryBudget } from '../limits.js';
import type { DecodedBlocks, ResultSeries, ShardView } from '../ports.js';
import { StoredTable } from '../scan/stored-table.js';
import { textSeries } from '../metadata/text-rows.js';
import { CountedReader } from './counted-reader.js';
import { groupSeries, type Group } from './groups.js';
import { prepareSelect, type PreparedSelect } from './prepared-select.js';
import { fieldsIn, readRange, wantedOfCall, wantedOfRows, type Wanted } from './read-plan.js';
import { runSelect, type SelectOptions } from './select.js';

/** Types of blocks in the order in which they are listed: float, integer, unsigned, string, boolean. */
const LISTED_TYPES: readonly FieldType[] = [0, 1, 4, 3, 2];

/** A line past a node, with the spaces that InfluxDB's tree has: two of three do not break. */
const BAR = '│\u00a0\u00a0 ';

/** A node of the tree. */
interface Span {
  readonly name: string;
  readonly labels: readonly (readonly [string, string])[];
  readonly fields: readonly (readonly [string, string | number])[];
  readonly children: readonly Span[];
}

/** Runs the SELECT to its end; null where others may have their turn. Nothing of a SELECT INTO is written. */
export function* runAnalyze(
  statement: SelectStatement,
  options: SelectOptions,
): Generator<ResultSeries | null> {
  const beginMs = performance.now();
  const { limits = noLimits, signal = null, memory } = options;
  const budget = new QueryBudget(limits, signal, memory);
  const prepared = prepareSelect(compileSelect(statement, options.nowNs), options);
  try {
    const planner = new Planner(prepared, budget);
    const plan = yield* planner.cursor(prepared, typedStatement(prepared, true));
    const plannedMs = performance.now();
    const reader = new CountedReader(options.reader);
    for (const series of runSelect(statement, { ...options, reader })) if (!series) yield null;
    const endMs = performance.now();
    const tree: Span = {
      name: 'select',
      labels: [],
      fields: [
        ['execution_time', shown(endMs - plannedMs)],
        ['planning_time', shown(plannedMs - beginMs)],
        ['total_time', shown(endMs - beginMs)],
      ],
      children: [plan(reader)],
    };
    const lines = ['.', ...linesOf([tree], ''), ''];
    yield* textSeries(
      '',
      ['EXPLAIN ANALYZE'],
      lines.map((line) => [line]),
    );
  } finally {
    prepared.close();
    budget.close();
  }
}

/** A span as soon as it is known what was decoded. */
type Planned = (reader: CountedReader) => Span;

/** Finds out what a SELECT reads. */
class Planner {
  readonly #budget: QueryBudget;
  /** Views by the source of FROM that they are opened for, in order of opening. */
  readonly #views = new Map<MeasurementSource, number>();
  /** What no span has told of yet starts at what was decoded. */
  readonly #told = new Set<string>();
  readonly #groups = new Map<StoredTable, readonly Group[]>();

  constructor(prepared: PreparedSelect, budget: QueryBudget) {
    this.#budget = budget;
    this.#number(prepared);
  }

  /** The span of a SELECT. */
  *cursor(prepared: PreparedSelect, statement: SelectStatement): Generator<null, Planned> {
    const scanners: Planned[] = [];
    const { calls, refs, typeOf } = prepared;
    for (const call of calls) {
      if (declaredType(call, typeOf) === 'unknown') continue;
      const wanted = wantedOfCall(prepared, call);
      scanners.push(yield* this.#scanner(prepared, wanted, typedNames(call, typeOf)));
    }
    if (calls.length === 0 && refs.some((ref) => typeOf(ref) !== 'unknown'))
      scanners.push(yield* this.#scanner(prepared, wantedOfRows(prepared), null));
    return (reader) => ({
      name: 'build_cursor',
      labels: [['statement', printSelect(statement)]],
      fields: [],
      children: scanners.map((planned) => planned(reader)),
    });
  }

  /** The span of a function, or of rows. */
  *#scanner(prepared: PreparedSelect, wanted: Wanted, call: Expr | null): Generator<null, Planned> {
    const labels: [string, string][] = [];
    if (wanted.auxiliary.length > 0)
      labels.push(['auxiliary_fields', wanted.auxiliary.map(printExpr).join(', ')]);
    if (call) labels.push(['expr', printExpr(call)]);
    const inputs: Planned[] = [];
    let children = 0;
    for (const [place, source] of prepared.compiled.sources.entries()) {
      if ('kind' in source) {
        const view = this.#views.get(source) ?? -1;
        inputs.push(...(yield* this.#iterators(prepared, wanted, { place, view })));
        continue;
      }
      const child = prepared.children[children++];
      if (child && hasNames(child, wanted.expr))
        inputs.push(yield* this.cursor(child, typedStatement(child, false)));
    }
    return (reader) => ({
      name: 'iterator_scanner',
      labels,
      fields: [],
      children: inputs.map((planned) => planned(reader)),
    });
  }

  /** The spans of a measurement, or of several, one for each shard that has what is wanted. */
  *#iterators(
    prepared: PreparedSelect,
    wanted: Wanted,
    { place, view }: { readonly place: number; readonly view: number },
  ): Generator<null, readonly Planned[]> {
    const found: Planned[] = [];
    for (const table of prepared.tables) {
      if (table.place !== place || !(table instanceof StoredTable)) continue;
      const groups = this.#groups.get(table) ?? (yield* this.#groupsOf(prepared, table));
      this.#groups.set(table, groups);
      for (const shard of table.shards(readRange(prepared, wanted.extraWindows))) {
        const beginMs = performance.now();
        const cursors = cursorsOf({ table, shard, groups, wanted });
        if (!cursors) continue;
        const planningMs = performance.now() - beginMs;
        found.push((reader) =>
          this.#iterator(prepared, table.name, {
            cursors,
            shard,
            planningMs,
            decoded: reader.decoded(view, table.name, shard.id),
            view,
          }),
        );
        yield null;
      }
    }
    return found;
  }

  #iterator(
    { condition }: PreparedSelect,
    measurement: string,
    from: {
      readonly cursors: Cursors;
      readonly shard: ShardView;
      readonly planningMs: number;
      readonly decoded: DecodedBlocks | null;
      readonly view: number;
    },
  ): Span {
    const { cursors, shard, decoded, view } = from;
    const labels: [string, string][] = [
      ['measurement', measurement],
      ['shard_id', String(shard.id)],
    ];
    if (condition && !isTrue(condition)) labels.unshift(['cond', printExpr(condition)]);
    const blocks = LISTED_TYPES.flatMap((type): [string, number][] => {
      const key = `${view} ${shard.id} ${type} ${measurement}`;
      // Functions share what is decoded: the first one that reads values of a type tells of it.
      const isTold = !cursors.types.has(type) || this.#told.has(key);
      if (cursors.types.has(type)) this.#told.add(key);
      const name = fieldTypeName(type);
      return [
        [`${name}_blocks_decoded`, isTold ? 0 : (decoded?.blocks[type] ?? 0)],
        [`${name}_blocks_size_bytes`, isTold ? 0 : (decoded?.sizesBytes[type] ?? 0)],
      ];
    });
    return {
      name: 'create_iterator',
      labels,
      fields: [
        ['cursors_ref', cursors.ref],
        ['cursors_aux', cursors.auxiliary],
        ['cursors_cond', cursors.condition],
        ...blocks,
        ['planning_time', shown(from.planningMs)],
      ],
      children: [],
    };
  }

  /** Views are opened source after source, those of a subquery where it stands. */
  #number({ compiled, children }: PreparedSelect): void {
    let child = 0;
    for (const source of compiled.sources) {
      if ('kind' in source) this.#views.set(source, this.#views.size);
      else {
        const inner = children[child++];
        if (inner) this.#number(inner);
      }
    }
  }

  *#groupsOf(prepared: PreparedSelect, table: StoredTable): Generator<null, readonly Group[]> {
    const { condition, tags, compiled } = prepared;
    return yield* groupSeries([table], {
      condition,
      tags,
      isAscending: true,
      slimit: compiled.slimit,
      soffset: compiled.soffset,
      limitedTags: tags.length,
      budget: this.#budget,
    });
  }
}

/** How many fields of series are read. */
interface Cursors {
  ref: number;
  auxiliary: number;
  condition: number;
  /** Stored types of these fields. */
  readonly types: ReadonlySet<FieldType>;
}

/** Null where the shard has nothing of what is wanted. */
function cursorsOf({
  table,
  shard,
  groups,
  wanted,
}: {
  readonly table: StoredTable;
  readonly shard: ShardView;
  readonly groups: readonly Group[];
  readonly wanted: Wanted;
}): Cursors | null {
  const types = new Set<FieldType>();
  const stored = (names: readonly string[]): number => {
    const known = names.map((name) => shard.fieldType(table.name, name));
    for (const type of known) if (type !== null) types.add(type);
    return known.filter((type) => type !== null).length;
  };
  const refs = stored(fieldsIn(wanted.expr));
  if (wanted.expr && refs === 0) return null;
  const auxiliary = stored(wanted.auxiliary.flatMap((ref) => fieldsIn(ref)));
  const cursors = { ref: 0, auxiliary: 0, condition: 0, types };
  let series = 0;
  for (const { entries } of groups)
    for (const entry of entries) {
      if (!shard.hasSeries(table.seriesId(entry.series, entry.i))) continue;
      series++;
      cursors.ref += refs;
      cursors.auxiliary += auxiliary;
      if (entry.condition !== true)
        cursors.condition += stored([...new Set(fieldsIn(entry.condition))]);
    }
  return series === 0 ? null : cursors;
}

/** True where a subquery has what a function around it takes; rows take anything. */
function hasNames({ tags, columns }: PreparedSelect, expr: Expr | null): boolean {
  if (!expr) return true;
  const [name] = fieldsIn(expr);
  return columns.some((column) => column.name === name) || tags.some((tag) => tag === name);
}

/** The SELECT with wildcards expanded and types behind its names, without the times of its WHERE where it is the outermost. */
function typedStatement(prepared: PreparedSelect, isOutermost: boolean): SelectStatement {
  const { compiled, fields, typeOf, condition, children } = prepared;
  const { statement } = compiled;
  let child = 0;
  return {
    ...statement,
    fields: fields.map((field) => ({ ...field, expr: typedNames(field.expr, typeOf) })),
    condition: isOutermost
      ? condition && !isTrue(condition)
        ? condition
        : null
      : statement.condition && typedNames(statement.condition, typeOf),
    dimensions: statement.dimensions.flatMap((dimension) => namedDimensions(dimension, prepared)),
    sources: statement.sources.map((source) => {
      if (source.kind === 'measurement') return source;
      const inner = children[child++];
      return inner ? { ...source, statement: typedStatement(inner, false) } : source;
    }),
  };
}

/** A dimension, or the tags that a wildcard or a regular expression stands for. */
function namedDimensions(dimension: Expr, { tags }: PreparedSelect): readonly Expr[] {
  if (dimension.kind !== 'wildcard' && dimension.kind !== 'regex') return [dimension];
  const isMeant = dimension.kind === 'regex' ? compileRegex(dimension.source) : () => true;
  return tags
    .filter(isMeant)
    .sort(compareNames)
    .map((name) => ({ kind: 'varRef', name, cast: null }));
}

/** True for what is left of WHERE where nothing is. */
function isTrue(condition: Expr): boolean {
  return condition.kind === 'boolean' && condition.value;
}

function shown(ms: number): string {
  return formatDurationNs(BigInt(Math.round(ms * 1e6)));
}

function linesOf(spans: readonly Span[], indent: string): readonly string[] {
  return spans.flatMap((span, i) => {
    const isLast = i === spans.length - 1;
    const below = `${indent}${isLast ? '    ' : BAR}`;
    return [`${indent}${isLast ? '└── ' : '├── '}${span.name}`, ...partsOf(span, below)];
  });
}

/** What stands below the name of a span: its labels, its numbers, and the spans within. */
function partsOf({ labels, fields, children }: Span, indent: string): readonly string[] {
  const texts = fields.map(([key, value]): Span => leaf(`${key}: ${value}`));
  const own = labels.map(([key, value]): Span => leaf(`${key}: ${value}`));
  const named: Span = { name: 'labels', labels: [], fields: [], children: own };
  return linesOf([...(own.length > 0 ? [named] : []), ...texts, ...children], indent);
}

function leaf(name: string): Span {
  return { name, labels: [], fields: [], children: [] };
}
