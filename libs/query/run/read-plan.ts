/**
 * What a SELECT reads, as EXPLAIN tells it: a node for each function and source that InfluxDB 1.x makes an iterator for, with the
 * fields that it reads and what storage has of them. Nothing is decoded.
 */
import {
  MIN_TIME_NS,
  printExpr,
  walkExpr,
  type Call,
  type Expr,
  type MeasurementSource,
  type VarRef,
} from '#influxql';
import { compareNames } from '../compile/expand.js';
import { windowsBefore } from '../functions/call-plan.js';
import type { QueryBudget } from '../limits.js';
import type { TimeRange } from '../ports.js';
import { StoredTable } from '../scan/stored-table.js';
import { groupSeries, type Group } from './groups.js';
import type { PreparedSelect } from './prepared-select.js';

/** One node: an iterator over a source. */
export interface ReadNode {
  /** The function that storage computes, or the field that one is computed of; null for rows. */
  readonly expr: Expr | null;
  readonly auxiliary: readonly VarRef[];
  shards: number;
  /** Once for each shard. */
  series: number;
  cachedValues: number;
  files: number;
  blocks: number;
  blockBytes: number;
}

/** What an iterator reads, before the source is known. */
export interface Wanted {
  readonly expr: Expr | null;
  readonly auxiliary: readonly VarRef[];
  /** Windows before the range that are read as well. */
  readonly extraWindows: number;
}

/** Functions that storage computes; others are computed of the values of a field. */
const PUSHED: ReadonlySet<string> = new Set([
  ...['count', 'min', 'max', 'sum', 'first', 'last', 'mean'],
]);

/** The nodes of a SELECT, in order of its functions and sources. Null where others may have their turn. */
export function* readNodes(
  prepared: PreparedSelect,
  budget: QueryBudget,
): Generator<null, readonly ReadNode[]> {
  const nodes: ReadNode[] = [];
  for (const wanted of wantedOf(prepared)) {
    let child = 0;
    for (const source of prepared.compiled.sources) {
      if ('kind' in source) {
        const node = yield* nodeOf(prepared, source, { wanted, budget });
        nodes.push(node);
      } else {
        const inner = prepared.children[child++];
        if (inner) nodes.push(...(yield* readNodes(inner, budget)));
      }
    }
  }
  return nodes;
}

function wantedOf(prepared: PreparedSelect): readonly Wanted[] {
  const { calls, refs, typeOf, children } = prepared;
  if (calls.length === 0) {
    const isKnown = refs.some((ref) => typeOf(ref) !== 'unknown') || children.length > 0;
    return isKnown ? [wantedOfRows(prepared)] : [];
  }
  const wanted = calls.map((call) => wantedOfCall(prepared, call));
  // A field that nobody has is read by functions that storage computes, but not for others.
  return wanted.filter(({ expr }) => expr?.kind !== 'varRef' || typeOf(expr) !== 'unknown');
}

/** What is read for rows without functions. */
export function wantedOfRows(prepared: PreparedSelect): Wanted {
  const auxiliary = sorted(prepared.refs).map((ref) => typed(prepared, ref));
  return { expr: null, auxiliary, extraWindows: 0 };
}

/** What is read for a function. */
export function wantedOfCall(prepared: PreparedSelect, call: Call): Wanted {
  const { auxiliary } = wantedOfRows(prepared);
  const [argument] = call.args;
  if (argument?.kind === 'call' || argument?.kind === 'distinct') {
    const inner: Call =
      argument.kind === 'call'
        ? argument
        : {
            kind: 'call',
            name: 'distinct',
            args: [{ kind: 'varRef', name: argument.name, cast: null }],
          };
    const wanted = wantedOfCall(prepared, inner);
    return { ...wanted, extraWindows: wanted.extraWindows + windowsBefore(call) };
  }
  const ref = argument?.kind === 'varRef' ? typed(prepared, argument) : (argument ?? null);
  const isRanking = (call.name === 'top' || call.name === 'bottom') && call.args.length > 2;
  const tags = isRanking ? call.args.slice(1, -1).filter((one) => one.kind === 'varRef') : [];
  const name = isRanking ? (call.name === 'top' ? 'max' : 'min') : call.name;
  const isPushed = ref !== null && (isRanking || PUSHED.has(call.name));
  return {
    expr: isPushed ? { kind: 'call', name, args: [ref] } : ref,
    auxiliary: sorted([...auxiliary, ...tags.map((tag) => typed(prepared, tag))]),
    extraWindows: windowsBefore(call),
  };
}

/** A reference with its type, as InfluxDB 1.x prints it. */
function typed({ typeOf }: PreparedSelect, ref: VarRef): VarRef {
  const type = typeOf(ref);
  if (ref.cast !== null || type === 'unknown' || type === 'time') return ref;
  return { ...ref, cast: type };
}

function sorted(refs: readonly VarRef[]): readonly VarRef[] {
  const byText = new Map(refs.map((ref) => [printExpr(ref), ref]));
  return [...byText].sort(([a], [b]) => compareNames(a, b)).map(([, ref]) => ref);
}

function* nodeOf(
  prepared: PreparedSelect,
  source: MeasurementSource,
  { wanted, budget }: { readonly wanted: Wanted; readonly budget: QueryBudget },
): Generator<null, ReadNode> {
  const { expr, auxiliary, extraWindows } = wanted;
  const node: ReadNode = {
    ...{ expr, auxiliary, shards: 0, series: 0 },
    ...{ cachedValues: 0, files: 0, blocks: 0, blockBytes: 0 },
  };
  const range = readRange(prepared, extraWindows);
  const place = prepared.compiled.sources.indexOf(source);
  for (const table of prepared.tables) {
    if (table.place !== place || !(table instanceof StoredTable) || !table.hasSeries) continue;
    const groups = yield* groupSeries([table], {
      condition: prepared.condition,
      tags: prepared.tags,
      isAscending: true,
      slimit: 0,
      soffset: 0,
      limitedTags: 0,
      budget,
    });
    yield* addCosts(node, table, groups, range);
  }
  return node;
}

/** The range of time that is read where some windows before it are, too. */
export function readRange({ compiled }: PreparedSelect, extraWindows: number): TimeRange {
  const { minNs, maxNs, isAscending, windows } = compiled;
  const extraNs = BigInt(extraWindows) * (windows?.intervalNs ?? 0n);
  if (!isAscending) return { minNs: minNs ?? MIN_TIME_NS, maxNs: maxNs + extraNs };
  return { minNs: minNs === null ? MIN_TIME_NS : minNs - extraNs, maxNs };
}

function* addCosts(
  node: ReadNode,
  table: StoredTable,
  groups: readonly Group[],
  range: TimeRange,
): Generator<null, void> {
  const read = [node.expr, ...node.auxiliary].flatMap(fieldsIn);
  const shards = table.shards(range);
  node.shards += shards.length;
  for (const { entries } of groups) {
    for (const { series, i, condition } of entries) {
      const seriesId = table.seriesId(series, i);
      const asked = typeof condition === 'boolean' ? [] : [...new Set(fieldsIn(condition))];
      const fields = [...read, ...asked];
      node.series += shards.length;
      for (const shard of shards) {
        if (!shard.hasSeries(seriesId)) continue;
        const cost = shard.cost?.({ seriesId, measurement: table.name, fields, range });
        if (cost === undefined) continue;
        node.cachedValues += cost.cachedValues;
        node.files += cost.files;
        node.blocks += cost.blocks;
        node.blockBytes += cost.blockBytes;
      }
    }
    yield null;
  }
}

/** Names of references, one for each time that it stands there. */
export function fieldsIn(expr: Expr | null): readonly string[] {
  const names: string[] = [];
  if (expr !== null)
    walkExpr(expr, (node) => {
      if (node.kind === 'varRef' && node.cast !== 'tag') names.push(node.name);
    });
  return names;
}
