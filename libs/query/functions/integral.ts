/**
 * integral: the area under the curve of a stream, by trapezoids between neighbouring points. With GROUP BY time the area is
 * cut at the windows' borders, where the value is interpolated. Same as InfluxDB 1.x.
 */
import { ColumnBuilder, hasValue } from '../column.js';
import { windowOf, type WindowSpec } from '../windows.js';
import type { Stream } from './stream.js';

/** How to integrate. */
export interface IntegralOptions {
  /** Length of time that counts as 1. */
  readonly unitNs: bigint;
  /** Null for one area over everything. */
  readonly windows: WindowSpec | null;
  readonly isAscending: boolean;
}

/** Areas, one a window that the curve crosses; a window with nothing but a point at its start has none. */
export function integral(input: Stream, { unitNs, windows, isAscending }: IntegralOptions): Stream {
  const times: bigint[] = [];
  const values = new ColumnBuilder('float');
  const borders = (timeNs: bigint): readonly [bigint, bigint] => {
    if (!windows) return [0n, 0n];
    const { startNs, endNs } = windowOf(windows, timeNs);
    return isAscending ? [startNs, endNs] : [endNs, startNs];
  };
  let previous: { timeNs: bigint; value: number } | null = null;
  let [startNs, endNs] = [0n, 0n];
  let area = 0;
  for (let row = 0; row < input.timesNs.length; row++) {
    if (!hasValue(input.values, row)) continue;
    const timeNs = input.timesNs[row] ?? 0n;
    const value = input.values.numbers[row] as number;
    if (!previous) {
      [startNs, endNs] = borders(timeNs);
    } else if (previous.timeNs !== timeNs) {
      if (windows && (isAscending ? timeNs >= endNs : timeNs <= endNs)) {
        if (previous.timeNs !== endNs) {
          const share = Number(endNs - previous.timeNs) / Number(timeNs - previous.timeNs);
          const atEnd = previous.value + share * (value - previous.value);
          area +=
            (0.5 * (atEnd + previous.value) * Number(endNs - previous.timeNs)) / Number(unitNs);
          previous = { timeNs: endNs, value: atEnd };
        }
        times.push(startNs);
        values.pushNumber(area);
        [startNs, endNs] = borders(timeNs);
        area = 0;
      }
      area += (0.5 * (value + previous.value) * Number(timeNs - previous.timeNs)) / Number(unitNs);
    }
    previous = { timeNs, value };
  }
  if (previous && previous.timeNs !== startNs) {
    times.push(startNs);
    values.pushNumber(area);
  }
  return { timesNs: times, values: values.build(), aux: [] };
}
