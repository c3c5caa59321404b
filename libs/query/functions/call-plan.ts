/**
 * What a call over windows is made of: a function over stored values, or a transformation of another call's results.
 */
import type { Call, Expr, VarRef } from '#influxql';
import { QueryError } from '../errors.js';
import { isMathFunction } from '../math-functions.js';
import { isNumeric, type ExprType, type ValueType } from '../value-type.js';
import type { Accumulator } from './accumulator.js';
import { CollectAccumulator } from './collecting.js';
import { holtWinters } from './holt-winters.js';
import { CountAccumulator, SpreadAccumulator, SumAccumulator } from './running.js';
import { SelectAccumulator } from './selecting.js';
import { integral } from './integral.js';
import type { WindowSpec } from '../windows.js';
import type { Stream } from './stream.js';
import { cumulativeSum, derivative, difference, elapsed, movingAverage } from './transforms.js';
import {
  defaultUnitNs,
  percentileReducer,
  rankingReducer,
  reduceCountDistinct,
  reduceDistinct,
  reduceMedian,
  reduceMode,
  reduceStddev,
  sampleReducer,
} from './window-reducers.js';

/** A function over the stored values of one field. */
export interface LeafPlan {
  readonly kind: 'leaf';
  readonly name: string;
  readonly ref: VarRef;
  /** Type of the field; null where there is no such field, hence no result. */
  readonly input: ValueType | null;
  /** Further references whose values it needs beside each point: the tags of top(). */
  readonly beside: readonly VarRef[];
  /** Windows before the query's range that are read too. */
  readonly extraWindows: number;
  /** True where empty windows get a row. */
  readonly isFilled: boolean;
  /** True where the order matters in which values of several series arrive: merged by time, in the query's direction. */
  readonly isOrdered: boolean;
  /** True where LIMIT and OFFSET already cut what storage gives. */
  readonly isCut: boolean;
  readonly makeAccumulator: () => Accumulator;
}

/** Stored values as they are, for transformations without an inner function. */
export interface RawPlan {
  readonly kind: 'raw';
  readonly ref: VarRef;
  readonly input: ValueType | null;
  readonly extraWindows: number;
}

/** A transformation of another stream. */
export interface TransformPlan {
  readonly kind: 'transform';
  readonly input: CallPlan;
  readonly apply: (stream: Stream) => Stream;
}

/** How a call is computed. */
export type CallPlan = LeafPlan | RawPlan | TransformPlan;

/** What planning needs to know of the query. */
export interface CallContext {
  /** True where results of single-point selectors carry the point's time. */
  readonly keepsTime: boolean;
  /** True where other fields or tags are shown beside a selector's point. */
  readonly showsBeside: boolean;
  /** 0 without GROUP BY time. */
  readonly intervalNs: bigint;
  readonly windows: WindowSpec | null;
  readonly isAscending: boolean;
  readonly typeOf: (ref: VarRef) => ExprType;
  readonly random: () => number;
}

const SELECTORS = new Set([
  'first',
  'last',
  'min',
  'max',
  'percentile',
  'sample',
  'distinct',
  'top',
  'bottom',
]);
const NUMERIC_ONLY = new Set([
  'sum',
  'mean',
  'median',
  'stddev',
  'spread',
  'percentile',
  'integral',
  'top',
  'bottom',
  'derivative',
  'non_negative_derivative',
  'difference',
  'non_negative_difference',
  'cumulative_sum',
  'moving_average',
  'holt_winters',
  'holt_winters_with_fit',
]);

/** Transformations that read one window before the first: same as InfluxDB 1.x, also where more would be needed. */
const LOOKING_BACK = new Set([
  'derivative',
  'non_negative_derivative',
  'difference',
  'non_negative_difference',
  'elapsed',
  'moving_average',
]);

/** True for functions whose results are points of the data. */
export function isSelector(name: string): boolean {
  return SELECTORS.has(name);
}

/** Plans a call. @throws QueryError where the field's type does not suit the function */
export function planCall(call: Call, context: CallContext, extraWindows = 0): CallPlan {
  const transform = transformOf(call, context);
  if (!transform) return planLeaf(call, context, extraWindows);
  const [argument] = call.args;
  const extra = extraWindows + (context.intervalNs === 0n ? 0 : windowsBefore(call));
  if (argument?.kind === 'call' && isMathFunction(argument.name))
    throw new QueryError(`unsupported call: ${argument.name}`);
  const input =
    argument?.kind === 'call' ? planCall(argument, context, extra) : planRaw(call, context, extra);
  const inputs = resultOf(input);
  if (inputs && NUMERIC_ONLY.has(call.name) && !isNumeric(inputs))
    throw unsupported(call.name, inputs);
  return { kind: 'transform', input, apply: transform };
}

/** Windows before the range that a transformation looks at. */
export function windowsBefore({ name }: Call): number {
  return LOOKING_BACK.has(name) ? 1 : 0;
}

function transformOf(
  call: Call,
  { intervalNs, windows, isAscending }: CallContext,
): ((stream: Stream) => Stream) | null {
  const { name, args } = call;
  const unitNs = args[1]?.kind === 'duration' ? args[1].valueNs : null;
  const isNonNegative = name.startsWith('non_negative');
  switch (name) {
    case 'derivative':
    case 'non_negative_derivative': {
      const isAggregate = args[0]?.kind === 'call';
      const unit = unitNs ?? (isAggregate && intervalNs > 0n ? intervalNs : defaultUnitNs);
      return (stream) => derivative(stream, { unitNs: unit, isNonNegative, isAscending });
    }
    case 'difference':
    case 'non_negative_difference':
      return (stream) => difference(stream, { isNonNegative });
    case 'cumulative_sum':
      return cumulativeSum;
    case 'moving_average':
      return (stream) => movingAverage(stream, Number(literalNumber(args[1], 2)));
    case 'elapsed':
      return (stream) => elapsed(stream, unitNs ?? 1n);
    case 'integral':
      return (stream) =>
        integral(stream, { unitNs: unitNs ?? defaultUnitNs, windows, isAscending });
    case 'holt_winters':
    case 'holt_winters_with_fit':
      return (stream) =>
        holtWinters(stream, {
          count: Number(literalNumber(args[1], 1)),
          season: Number(literalNumber(args[2], 0)),
          includesFit: name === 'holt_winters_with_fit',
          intervalNs,
        });
    default:
      return null;
  }
}

function planRaw(call: Call, context: CallContext, extraWindows: number): RawPlan {
  const ref = refOf(call.args[0]);
  return { kind: 'raw', ref, input: inputType(call.name, ref, context), extraWindows };
}

function planLeaf(call: Call, context: CallContext, extraWindows: number): LeafPlan {
  const { name, args } = call;
  const [argument] = args;
  const isCountDistinct =
    name === 'count' && (argument?.kind === 'distinct' || argument?.kind === 'call');
  const ref = refOf(argument);
  // With tags, top() ranks the results of max(), bottom() those of min().
  const isOfTags = (name === 'top' || name === 'bottom') && args.length > 2;
  if (isOfTags && context.typeOf(ref) === 'string')
    throw unsupported(name === 'top' ? 'max' : 'min', 'string');
  const input = inputType(name, ref, context);
  const type = input ?? 'float';
  const plan = { kind: 'leaf', name, ref, input, extraWindows } as const;
  if (isCountDistinct) {
    const makeAccumulator = (): Accumulator =>
      new CollectAccumulator(type, 'integer', reduceCountDistinct);
    return {
      ...plan,
      beside: [],
      isFilled: true,
      isOrdered: false,
      isCut: false,
      makeAccumulator,
    };
  }
  const beside = name === 'top' || name === 'bottom' ? args.slice(1, -1).map(refOf) : [];
  const isFilled = !['distinct', 'sample', 'top', 'bottom'].includes(name);
  const isRanking = name === 'top' || name === 'bottom';
  const showsPoint = context.keepsTime || context.showsBeside;
  return {
    ...plan,
    beside,
    isFilled,
    isOrdered: isRanking || name === 'mode' || (name === 'percentile' && showsPoint),
    isCut: isRanking && beside.length === 0,
    makeAccumulator: () => accumulatorOf(call, type, context),
  };
}

function accumulatorOf(
  { name, args }: Call,
  input: ValueType,
  { keepsTime, random, isAscending }: CallContext,
): Accumulator {
  switch (name) {
    case 'count':
      return new CountAccumulator();
    case 'sum':
    case 'mean':
      return new SumAccumulator(input, name === 'mean');
    case 'spread':
      return new SpreadAccumulator(input);
    case 'min':
    case 'max':
    case 'first':
    case 'last':
      return new SelectAccumulator(input, name, keepsTime);
    case 'median':
      return new CollectAccumulator(input, 'float', reduceMedian);
    case 'stddev':
      return new CollectAccumulator(input, 'float', reduceStddev);
    case 'mode':
      return new CollectAccumulator(input, input, reduceMode(isAscending));
    case 'distinct':
      return new CollectAccumulator(input, input, reduceDistinct(isAscending));
    case 'percentile':
      return new CollectAccumulator(
        input,
        input,
        percentileReducer(Number(literalNumber(args[1], 0)), { keepsTime, isAscending }),
      );
    case 'sample':
      return new CollectAccumulator(
        input,
        input,
        sampleReducer(Number(literalNumber(args[1], 1)), random),
      );
    default: {
      const size = Number(literalNumber(args.at(-1), 1));
      const ranking = rankingReducer({
        size,
        isTop: name === 'top',
        tagCount: args.length - 2,
        isAscending,
      });
      return new CollectAccumulator(input, input, ranking);
    }
  }
}

function inputType(name: string, ref: VarRef, { typeOf }: CallContext): ValueType | null {
  const type = typeOf(ref);
  if (type === 'unknown' || type === 'time' || type === 'tag') return null;
  const isUnsupported =
    (NUMERIC_ONLY.has(name) && !isNumeric(type)) ||
    ((name === 'min' || name === 'max') && type === 'string');
  if (isUnsupported) {
    throw unsupported(name, type);
  }
  return type;
}

/** Where InfluxDB 1.x's error texts name a function otherwise. */
const TOLD_NAMES: Readonly<Record<string, string>> = {
  non_negative_derivative: 'derivative',
  non_negative_difference: 'difference',
  moving_average: 'moving average',
  cumulative_sum: 'cumulative sum',
  holt_winters: 'elapsed',
  holt_winters_with_fit: 'elapsed',
};

function unsupported(name: string, type: ValueType): QueryError {
  const told = TOLD_NAMES[name] ?? name;
  return new QueryError(`unsupported ${told} iterator type: *query.${type}InterruptIterator`);
}

/** Type of a plan's results; null where there are none. */
function resultOf(plan: CallPlan): ValueType | null {
  if (plan.kind === 'leaf') return plan.input && plan.makeAccumulator().type;
  return plan.kind === 'raw' ? plan.input : null;
}

function refOf(argument: Expr | undefined): VarRef {
  if (argument?.kind === 'varRef') return argument;
  if (argument?.kind === 'distinct') return { kind: 'varRef', name: argument.name, cast: null };
  if (argument?.kind === 'call') return refOf(argument.args[0]);
  throw new QueryError('expected field argument');
}

function literalNumber(expr: Expr | undefined, otherwise: number): number | bigint {
  return expr?.kind === 'number' || expr?.kind === 'integer' ? expr.value : otherwise;
}
