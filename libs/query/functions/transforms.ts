/**
 * Functions from a stream to a stream: derivative, difference, moving_average and their like. Rows without a value are
 * passed over. Same as InfluxDB 1.x.
 */
import { ColumnBuilder, exactInteger, hasValue, type Column } from '../column.js';
import type { ValueType } from '../value-type.js';
import type { Stream } from './stream.js';

/** Rows of a stream that have a value. */
function* points({
  timesNs,
  values,
}: Stream): Generator<{ readonly row: number; readonly timeNs: bigint }> {
  for (let row = 0; row < timesNs.length; row++) {
    if (hasValue(values, row)) yield { row, timeNs: timesNs[row] ?? 0n };
  }
}

/** Change per `unitNs` between neighbouring points; points at the same time as the one before are passed over. */
export function derivative(
  input: Stream,
  options: {
    readonly unitNs: bigint;
    readonly isNonNegative: boolean;
    readonly isAscending: boolean;
  },
): Stream {
  const out = new Output('float');
  let previous: { readonly row: number; readonly timeNs: bigint } | null = null;
  for (const point of points(input)) {
    if (previous && previous.timeNs === point.timeNs) continue;
    if (previous) {
      const change = differenceOf(input.values, point.row, previous.row);
      const ahead = point.timeNs - previous.timeNs;
      const elapsed = options.isAscending ? ahead : -ahead;
      const value = Number(change) / (Number(elapsed) / Number(options.unitNs));
      if (!options.isNonNegative || value >= 0) out.number(point.timeNs, value);
    }
    previous = point;
  }
  return out.stream();
}

/** Value of `row` minus value of `other`; exact for integers. */
function differenceOf(column: Column, row: number, other: number): number | bigint {
  if (column.type === 'float')
    return (column.numbers[row] as number) - (column.numbers[other] as number);
  const difference = exactInteger(column, row) - exactInteger(column, other);
  return column.type === 'unsigned' ? difference : BigInt.asIntN(64, difference);
}

/** Difference between neighbouring points. */
export function difference(input: Stream, options: { readonly isNonNegative: boolean }): Stream {
  const out = new Output(input.values.type);
  let previous: { readonly row: number; readonly timeNs: bigint } | null = null;
  for (const point of points(input)) {
    if (previous && previous.timeNs === point.timeNs) continue;
    if (previous) {
      const change = differenceOf(input.values, point.row, previous.row);
      if (!options.isNonNegative || change >= 0) out.any(point.timeNs, change);
    }
    previous = point;
  }
  return out.stream();
}

/** Sum of all points so far. */
export function cumulativeSum(input: Stream): Stream {
  const { values } = input;
  const out = new Output(values.type);
  let sum = 0;
  let whole = 0n;
  for (const { row, timeNs } of points(input)) {
    if (values.type === 'float') {
      sum += values.numbers[row] as number;
      out.number(timeNs, sum);
    } else {
      whole =
        values.type === 'unsigned'
          ? BigInt.asUintN(64, whole + exactInteger(values, row))
          : BigInt.asIntN(64, whole + exactInteger(values, row));
      out.any(timeNs, whole);
    }
  }
  return out.stream();
}

/** Mean of the last `size` points, from the first time there are so many. */
export function movingAverage(input: Stream, size: number): Stream {
  const out = new Output('float');
  const ring = new Float64Array(size);
  let count = 0;
  let sum = 0;
  for (const { row, timeNs } of points(input)) {
    const value = input.values.numbers[row] as number;
    const place = count % size;
    if (count >= size) sum -= ring[place] as number;
    sum += value;
    ring[place] = value;
    count++;
    if (count >= size) out.number(timeNs, sum / size);
  }
  return out.stream();
}

/** Time between neighbouring points in whole units. */
export function elapsed(input: Stream, unitNs: bigint): Stream {
  const out = new Output('integer');
  let previousNs: bigint | null = null;
  for (const { timeNs } of points(input)) {
    if (previousNs !== null) out.any(timeNs, (timeNs - previousNs) / unitNs);
    previousNs = timeNs;
  }
  return out.stream();
}

class Output {
  readonly #times: bigint[] = [];
  readonly #values: ColumnBuilder;

  constructor(type: ValueType) {
    this.#values = new ColumnBuilder(type);
  }

  number(timeNs: bigint, value: number): void {
    this.#times.push(timeNs);
    this.#values.pushNumber(value);
  }

  any(timeNs: bigint, value: number | bigint): void {
    this.#times.push(timeNs);
    if (typeof value === 'bigint') this.#values.pushInteger(value);
    else this.#values.pushNumber(value);
  }

  stream(): Stream {
    return { timesNs: this.#times, values: this.#values.build(), aux: [] };
  }
}
