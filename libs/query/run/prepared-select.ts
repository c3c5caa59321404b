/**
 * A SELECT bound to its sources: names resolved, wildcards expanded, types known. Views stay open until close().
 */
import {
  compileRegex,
  MIN_TIME_NS,
  printExpr,
  walkExpr,
  type Call,
  type Expr,
  type Field,
  type MeasurementSource,
  type VarRef,
} from '#influxql';
import { columnNames } from '../compile/column-names.js';
import type { CompiledSelect } from '../compile/compile-select.js';
import { compareNames, expandDimensions, expandFields } from '../compile/expand.js';
import { checkTypes, declaredType, resultType, typedNames } from '../compile/expr-types.js';
import { windowsBefore } from '../functions/call-plan.js';
import { isMathFunction } from '../math-functions.js';
import type { StorageReader, StorageView, TimeRange } from '../ports.js';
import type { SourceTable } from '../scan/source-table.js';
import { StoredTable } from '../scan/stored-table.js';
import type { ExprType, ValueType } from '../value-type.js';
import type { InnerColumn } from './result-table.js';

/** What a SELECT needs of its surroundings. */
export interface SelectEnvironment {
  readonly reader: StorageReader;
  /** Database and policy of sources that name none. */
  readonly database: string;
  readonly retentionPolicy: string;
}

/** Columns, calls and types of a SELECT over its sources. */
export interface PreparedSelect {
  readonly compiled: CompiledSelect;
  /** WHERE without time, its names with the types that they have over all sources. */
  readonly condition: Expr | null;
  /** Measurements; tables of subqueries come when those have run. */
  readonly tables: readonly SourceTable[];
  readonly children: readonly PreparedSelect[];
  /** Own grouped tags. */
  readonly tags: readonly string[];
  /** True where a tag is listed more than once, which storage's limits take for other groups than those of the result. */
  readonly hasRepeatedTags: boolean;
  readonly fields: readonly Field[];
  /** With the columns that top() and bottom() add behind themselves. */
  readonly columns: readonly {
    readonly expr: Expr;
    readonly name: string;
    /** What a query around this one takes it for. */
    readonly declared: ExprType;
    /** Type of its values; null where there are none. */
    readonly type: ValueType | null;
    /** The number that fill() puts where a text or a boolean is absent; null for nothing. */
    readonly absent: number | bigint | null;
    /** True for what top() and bottom() add where SELECT writes elsewhere: tags of the points written. */
    readonly isWrittenTag: boolean;
  }[];
  /** Distinct outermost calls. */
  readonly calls: readonly Call[];
  /** Distinct references outside calls. */
  readonly refs: readonly VarRef[];
  readonly typeOf: (ref: VarRef) => ExprType;
  close(): void;
}

/**
 * Binds a compiled SELECT. Its caller closes it, also after an error of what follows.
 * @throws QueryError, also where types do not fit: InfluxDB 1.x looks at those of the outermost SELECT only
 */
export function prepareSelect(
  compiled: CompiledSelect,
  environment: SelectEnvironment,
): PreparedSelect {
  const prepared = prepareLevel(compiled, environment);
  try {
    for (const { expr } of prepared.fields) checkTypes(expr, prepared.typeOf);
    if (compiled.grouping.offsetFault) throw compiled.grouping.offsetFault;
  } catch (thrown) {
    prepared.close();
    throw thrown;
  }
  return prepared;
}

function prepareLevel(compiled: CompiledSelect, environment: SelectEnvironment): PreparedSelect {
  const views: StorageView[] = [];
  const tables: SourceTable[] = [];
  const children: PreparedSelect[] = [];
  const close = (): void => {
    for (const view of views.splice(0)) view.close();
    for (const child of children) child.close();
  };
  try {
    const range = scanRange(compiled);
    for (const [place, source] of compiled.sources.entries()) {
      if ('kind' in source) {
        const view = openView(source, range, environment);
        views.push(view);
        for (const name of measurementsOf(source, view))
          tables.push(new StoredTable(view, name, place));
      } else children.push(prepareLevel(source, environment));
    }
    return bind(compiled, tables, children, close);
  } catch (thrown) {
    close();
    throw thrown;
  }
}

/** The range of time that a SELECT may read: one with transformations reads some windows before its bound. */
function scanRange(compiled: CompiledSelect): TimeRange {
  let extraNs = 0n;
  for (const { expr } of compiled.fields) {
    let fieldNs = 0n;
    walkExpr(expr, (node) => {
      if (node.kind === 'call')
        fieldNs += BigInt(windowsBefore(node)) * (compiled.windows?.intervalNs ?? 0n);
    });
    if (fieldNs > extraNs) extraNs = fieldNs;
  }
  const { minNs, maxNs, isAscending } = compiled;
  if (!isAscending) return { minNs: minNs ?? MIN_TIME_NS, maxNs: maxNs + extraNs };
  return { minNs: minNs === null ? MIN_TIME_NS : minNs - extraNs, maxNs };
}

function openView(
  source: MeasurementSource,
  range: TimeRange,
  environment: SelectEnvironment,
): StorageView {
  const database = source.database || environment.database;
  const isDefault = source.retentionPolicy === '';
  const inherited = source.database === '' ? environment.retentionPolicy : '';
  const retentionPolicy = isDefault ? inherited : source.retentionPolicy;
  return environment.reader.view({ database, retentionPolicy, range });
}

function measurementsOf({ name, regex }: MeasurementSource, view: StorageView): readonly string[] {
  return regex === null ? [name] : view.measurementNames().filter(compileRegex(regex));
}

function bind(
  compiled: CompiledSelect,
  tables: readonly SourceTable[],
  children: readonly PreparedSelect[],
  close: () => void,
): PreparedSelect {
  const names = [...tables, ...children.map(namesOf)];
  const tags = expandDimensions(compiled, { tables: names });
  const fields = expandFields(compiled, { tables: names }, tags);
  const typeOf = (ref: VarRef): ExprType => referenceType(ref, names);
  const calls = new Map<string, Call>();
  const refs = new Map<string, VarRef>();
  const addRef = (ref: VarRef): void => void refs.set(printExpr(ref), ref);
  const written = new Set<Field>();
  const withArguments = fields.flatMap((field) => {
    const added = addedColumns(field);
    if (compiled.statement.into) for (const one of added) written.add(one);
    return [field, ...added];
  });
  for (const { expr } of withArguments) {
    walkExpr(expr, (node) => {
      if (node.kind === 'varRef') addRef(node);
      const call = asCall(node);
      if (call) calls.set(printExpr(call), call);
      return call === null;
    });
  }
  const { fill } = compiled;
  // fill(number) stands in for what nobody knows, too.
  const valueTypeOf = (ref: VarRef): ExprType => {
    const type = typeOf(ref);
    if (type !== 'unknown' || fill.option !== 'number' || calls.size > 0) return type;
    return typeof fill.value.value === 'bigint' ? 'integer' : 'float';
  };
  const labels = columnNames(withArguments);
  const columns = withArguments.map((field, i) => {
    const { expr } = field;
    return {
      isWrittenTag: written.has(field),
      expr,
      name: labels[i] ?? '',
      declared: declaredType(expr, typeOf),
      type: resultType(expr, valueTypeOf),
      absent: expr.kind === 'varRef' && fill.option === 'number' ? fill.value.value : null,
    };
  });
  return {
    compiled,
    condition: compiled.condition && typedNames(compiled.condition, typeOf),
    tables,
    children,
    tags: [...new Set(tags)],
    hasRepeatedTags: new Set(tags).size < tags.length,
    fields,
    columns,
    calls: [...calls.values()],
    refs: [...refs.values()],
    typeOf,
    close,
  };
}

/** A node as a call of a function over windows; `DISTINCT f` is one, abs() is none. */
export function asCall(node: Expr): Call | null {
  if (node.kind === 'call') return isMathFunction(node.name) ? null : node;
  if (node.kind !== 'distinct') return null;
  return {
    kind: 'call',
    name: 'distinct',
    args: [{ kind: 'varRef', name: node.name, cast: null }],
  };
}

/** top(f, tag, 3) shows its tags behind itself. */
function addedColumns({ expr }: Field): readonly Field[] {
  if (expr.kind !== 'call' || (expr.name !== 'top' && expr.name !== 'bottom')) return [];
  return expr.args.slice(1, -1).map((argument) => ({ expr: argument, alias: '' }));
}

/** What a source has, as far as names go. */
interface KnownNames extends Pick<SourceTable, 'fieldNames' | 'fieldType' | 'tagKeys'> {
  /** True for a subquery, whose columns are found whatever the cast. */
  readonly isSubquery?: boolean;
}

/** A subquery that has not run yet, as far as names go. */
function namesOf(child: PreparedSelect): KnownNames {
  const columns = innerColumns(child);
  return {
    fieldNames: [...new Set(columns.map(({ name }) => name))].sort(compareNames),
    fieldType: (name) => columns.find((column) => column.name === name)?.type ?? null,
    tagKeys: child.tags,
    isSubquery: true,
  };
}

/** Columns of a subquery as its outer query sees them. */
export function innerColumns(child: PreparedSelect): readonly InnerColumn[] {
  return child.columns.map(({ name, declared }) => ({ name, type: declared }));
}

const PREFERENCE: readonly ExprType[] = [
  'float',
  'integer',
  'unsigned',
  'string',
  'boolean',
  'tag',
];

function referenceType(ref: VarRef, names: readonly KnownNames[]): ExprType {
  const isTag = names.some(({ tagKeys }) => tagKeys.includes(ref.name));
  if (ref.cast !== null && names.every(({ isSubquery }) => isSubquery)) {
    const found = referenceType({ ...ref, cast: null }, names);
    const cast = ref.cast === 'field' ? found : castType(found, ref.cast);
    return cast === 'unknown' ? found : cast;
  }
  if (ref.cast === 'tag') return isTag ? 'tag' : 'unknown';
  const types = names.map((one) => one.fieldType(ref.name)).filter((type) => type !== null);
  const stored = PREFERENCE.find((type) => types.includes(type)) ?? null;
  if (ref.cast !== null && ref.cast !== 'field')
    return stored === null ? 'unknown' : castType(stored, ref.cast);
  if (stored !== null) return stored;
  return isTag && ref.cast === null ? 'tag' : 'unknown';
}

/** Numbers can be read as other numbers; any other cast finds nothing. */
function castType(stored: ExprType, cast: ExprType): ExprType {
  const numeric: readonly ExprType[] = ['float', 'integer', 'unsigned'];
  if (stored === cast || (stored === 'tag' && cast === 'string')) return stored;
  return numeric.includes(stored) && numeric.includes(cast) ? cast : 'unknown';
}
