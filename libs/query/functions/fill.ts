/**
 * Gives empty windows of GROUP BY time a row. Same as InfluxDB 1.x: it starts at the query's lower bound, or at the first
 * point where there is none, and goes on to the upper bound.
 */
import type { Fill } from '#influxql';
import { ColumnBuilder, hasValue, type Column } from '../column.js';
import type { ValueType } from '../value-type.js';
import { windowOf, type WindowSpec } from '../windows.js';
import type { QueryBudget } from '../limits.js';
import type { Stream } from './stream.js';

/** Where and how to fill. */
export interface FillSpec {
  readonly fill: Fill;
  readonly windows: WindowSpec;
  /** Bounds of the query; `minNs` null where it has no lower one. */
  readonly minNs: bigint | null;
  readonly maxNs: bigint;
  readonly isAscending: boolean;
  /** Rows behind which nobody looks; 0 for all. */
  readonly rowsMax: number;
  readonly budget: QueryBudget;
  /** Told of every so many rows more. */
  readonly onRows: (count: number) => void;
}

/** Rows between looks at the clock and the budget. */
const ROWS_PER_LOOK = 4096;

/**
 * The stream with a row for each window of the range; null where others may have their turn. An empty stream stays empty.
 * @throws QueryLimitError
 */
export function* fillStream(stream: Stream, spec: FillSpec): Generator<null, Stream> {
  const count = stream.timesNs.length;
  if (count === 0 || spec.fill.option === 'none') return stream;
  const { windows, isAscending } = spec;
  const sign = isAscending ? 1n : -1n;
  const first = stream.timesNs[0] ?? 0n;
  const startOf = (timeNs: bigint): bigint => windowOf(windows, timeNs).startNs;
  const lowNs = spec.minNs === null ? null : startOf(spec.minNs);
  const highNs = startOf(spec.maxNs);
  let expected = isAscending ? (lowNs ?? first) : highNs;
  const end = isAscending ? highNs : (lowNs ?? stream.timesNs.at(-1) ?? first);
  const times: bigint[] = [];
  const values = new ColumnBuilder(stream.values.type, count);
  const filler = new Filler(spec, stream);
  let next = 0;
  while (next < count || (end - expected) * sign >= 0n) {
    const timeNs = next < count ? stream.timesNs[next] : undefined;
    if (timeNs !== undefined && (timeNs - expected) * sign <= 0n) {
      values.pushFrom(stream.values, next);
      times.push(timeNs);
      next++;
      if (stream.timesNs[next] === timeNs) continue;
    } else {
      filler.push(values, expected, next);
      times.push(expected);
    }
    expected = step(windows, expected, isAscending);
    if (spec.rowsMax > 0 && times.length >= spec.rowsMax) break;
    if (times.length % ROWS_PER_LOOK !== 0) continue;
    spec.onRows(ROWS_PER_LOOK);
    if (spec.budget.isTurnOver()) yield null;
  }
  return { timesNs: times, values: values.build(), aux: [] };
}

/** Start of the window behind (or before) the one that starts at `startNs`. */
function step(windows: WindowSpec, startNs: bigint, isAscending: boolean): bigint {
  if (windows.zone.isUtc)
    return isAscending ? startNs + windows.intervalNs : startNs - windows.intervalNs;
  if (!isAscending) return windowOf(windows, startNs - 1n).startNs;
  let next = windowOf(windows, startNs).endNs;
  if (next <= startNs) next = startNs + windows.intervalNs;
  const begin = windowOf(windows, next).startNs;
  return begin > startNs && begin < next ? begin : next;
}

class Filler {
  readonly #spec: FillSpec;
  readonly #stream: Stream;

  constructor(spec: FillSpec, stream: Stream) {
    this.#spec = spec;
    this.#stream = stream;
  }

  /** Appends the value of an empty window; `next` is the first row behind it. */
  push(values: ColumnBuilder, timeNs: bigint, next: number): void {
    const { fill } = this.#spec;
    const column = this.#stream.values;
    const hasPrevious = next > 0 && hasValue(column, next - 1);
    switch (fill.option) {
      case 'number':
        pushConstant(values, column.type, fill.value.value);
        return;
      case 'previous':
        if (hasPrevious) values.pushFrom(column, next - 1);
        else values.pushNull();
        return;
      case 'linear':
        if (hasPrevious && next < this.#stream.timesNs.length && isLinear(column.type)) {
          this.#pushLinear(values, column, timeNs, next);
        } else values.pushNull();
        return;
      default:
        values.pushNull();
    }
  }

  #pushLinear(values: ColumnBuilder, column: Column, timeNs: bigint, next: number): void {
    const { intervalNs } = this.#spec.windows;
    const index = (ns: bigint | undefined): number => Number((ns ?? 0n) / intervalNs);
    const from = index(this.#stream.timesNs[next - 1]);
    const to = index(this.#stream.timesNs[next]);
    const start = column.numbers[next - 1] as number;
    const slope = ((column.numbers[next] as number) - start) / (to - from);
    const value = slope * (index(timeNs) - from) + start;
    values.pushNumber(column.type === 'float' ? value : Math.trunc(value));
  }
}

function isLinear(type: ValueType): boolean {
  return type === 'float' || type === 'integer' || type === 'unsigned';
}

function pushConstant(values: ColumnBuilder, type: ValueType, value: number | bigint): void {
  if (type === 'string') values.pushString('');
  else if (type === 'boolean') values.pushNumber(0);
  else if (type === 'float') values.pushNumber(Number(value));
  else if (typeof value === 'bigint') values.pushInteger(value);
  else values.pushNumber(Math.trunc(value));
}
