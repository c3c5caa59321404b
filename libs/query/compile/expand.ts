/**
 * Replaces wildcards and regular expressions among fields and dimensions by the names that the sources have.
 */
import {
  compileRegex,
  printExpr,
  walkExpr,
  type Call,
  type CastType,
  type Expr,
  type Field,
  type RegexMatcher,
} from '#influxql';
import type { SourceTable } from '../scan/source-table.js';
import type { ExprType } from '../value-type.js';
import { fieldName } from './column-names.js';
import type { CompiledSelect } from './compile-select.js';
import { QueryError } from '../errors.js';

/** A name that a wildcard may stand for. */
interface Candidate {
  readonly name: string;
  readonly type: ExprType;
}

/** Types that wildcards in functions expand to besides numbers. */
const MORE_TYPES: Readonly<Record<string, readonly ExprType[]>> = {
  count: ['string', 'boolean'],
  first: ['string', 'boolean'],
  last: ['string', 'boolean'],
  distinct: ['string', 'boolean'],
  elapsed: ['string', 'boolean'],
  mode: ['string', 'boolean'],
  sample: ['string', 'boolean'],
  min: ['boolean'],
  max: ['boolean'],
};

/** What the sources of a query are, as far as names go. */
export interface SourceNames {
  readonly tables: readonly Pick<SourceTable, 'fieldNames' | 'fieldType' | 'tagKeys'>[];
}

/** Tags to group by, in order of mention, perhaps more than once; wildcards in byte order. */
export function expandDimensions(
  { grouping }: CompiledSelect,
  { tables }: SourceNames,
): readonly string[] {
  const tags = [...grouping.tags];
  if (grouping.hasWildcard || grouping.regexes.length > 0) {
    const keys = new Set(tables.flatMap((table) => table.tagKeys));
    for (const key of sorted(keys)) {
      if (grouping.hasWildcard) tags.push(key);
      tags.push(...grouping.regexes.filter((matches) => matches(key)).map(() => key));
    }
  }
  return tags;
}

/** Fields without wildcards and regular expressions. */
export function expandFields(
  { fields }: CompiledSelect,
  names: SourceNames,
  groupedTags: readonly string[],
): readonly Field[] {
  if (!fields.some(({ expr }) => hasPattern(expr) || hasRegex(expr))) return fields;
  const odd = fields.find(({ expr }) => expr.kind === 'binary' && hasRegex(expr));
  if (odd) throw new QueryError(`unsupported expression with regex field: ${printExpr(odd.expr)}`);
  const candidates = candidatesOf(names, new Set(groupedTags));
  return fields.flatMap((field) => expandField(field, candidates));
}

function hasRegex(expr: Expr): boolean {
  let isFound = false;
  walkExpr(expr, (node) => {
    if (node.kind === 'regex') isFound = true;
  });
  return isFound;
}

/** True where a field is, or calls a function of, a pattern. */
function hasPattern(expr: Expr): boolean {
  if (expr.kind === 'wildcard' || expr.kind === 'regex') return true;
  return expr.kind === 'call' && expr.args[0] !== undefined && hasPattern(expr.args[0]);
}

function candidatesOf({ tables }: SourceNames, grouped: ReadonlySet<string>): readonly Candidate[] {
  const types = new Map<string, ExprType>();
  const tags = new Set<string>();
  for (const table of tables) {
    for (const name of table.fieldNames) {
      const type = table.fieldType(name) ?? 'float';
      const known = types.get(name);
      if (type === 'tag') tags.add(name);
      else if (known === undefined || rank(type) < rank(known)) types.set(name, type);
    }
    for (const key of table.tagKeys) if (!grouped.has(key)) tags.add(key);
  }
  const fields = [...types].map(([name, type]) => ({ name, type }));
  const all = [...fields, ...[...tags].map((name): Candidate => ({ name, type: 'tag' }))];
  return all.sort((a, b) => compareNames(a.name, b.name) || rank(a.type) - rank(b.type));
}

const ORDER: readonly ExprType[] = [
  'float',
  'integer',
  'unsigned',
  'string',
  'boolean',
  'time',
  'tag',
];

function rank(type: ExprType): number {
  return ORDER.indexOf(type);
}

function expandField(field: Field, candidates: readonly Candidate[]): readonly Field[] {
  const { expr } = field;
  if (expr.kind === 'wildcard') {
    return candidates
      .filter(({ type }) => expr.only === null || (expr.only === 'tag') === (type === 'tag'))
      .map((one) => ({ expr: refTo(one), alias: '' }));
  }
  if (expr.kind === 'regex') {
    const matches = compileRegex(expr.source);
    return candidates
      .filter(({ name }) => matches(name))
      .map((one) => ({ expr: refTo(one), alias: '' }));
  }
  if (expr.kind !== 'call' || !hasPattern(expr)) return [field];
  return expandCall(field, expr, candidates);
}

/** `mean(*)` becomes `mean(a) AS mean_a, mean(b) AS mean_b`; the innermost call's first argument is the pattern. */
function expandCall(field: Field, call: Call, candidates: readonly Candidate[]): readonly Field[] {
  const inner = innermost(call);
  const pattern = inner.args[0];
  if (pattern?.kind === 'wildcard' && pattern.only === 'tag') {
    throw new QueryError(`unable to use tag wildcard in ${inner.name}()`);
  }
  const matches: RegexMatcher =
    pattern?.kind === 'regex' ? compileRegex(pattern.source) : () => true;
  const more = MORE_TYPES[inner.name] ?? [];
  return candidates
    .filter(
      ({ type }) =>
        type === 'float' || type === 'integer' || type === 'unsigned' || more.includes(type),
    )
    .filter(({ name }) => matches(name))
    .map((one) => ({
      expr: withArgument(call, refTo(one)),
      alias: `${fieldName(field)}_${one.name}`,
    }));
}

function innermost(call: Call): Call {
  const [first] = call.args;
  return first?.kind === 'call' ? innermost(first) : call;
}

function withArgument(call: Call, argument: Expr): Call {
  const [first, ...rest] = call.args;
  return {
    ...call,
    args: [first?.kind === 'call' ? withArgument(first, argument) : argument, ...rest],
  };
}

function refTo({ name, type }: Candidate): Expr {
  const cast: CastType | null = type === 'time' || type === 'unknown' ? null : type;
  return { kind: 'varRef', name, cast };
}

function sorted(names: Iterable<string>): readonly string[] {
  return [...names].sort(compareNames);
}

/** Order of names by their UTF-8 bytes. */
export function compareNames(a: string, b: string): number {
  if (a === b) return 0;
  // Code units order as bytes do but for surrogates, which stand for the highest code points.
  for (let i = 0; i < a.length && i < b.length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    const isHigh = (unit: number): number => (unit >= 0xd800 && unit <= 0xdfff ? 1 : 0);
    return isHigh(x) - isHigh(y) || x - y;
  }
  return a.length - b.length;
}
