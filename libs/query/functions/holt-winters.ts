/**
 * holt_winters: forecasts of a stream of evenly spaced windows by triple exponential smoothing, fitted by Nelder-Mead.
 * Same model as InfluxDB 1.x: a damped trend and, with a season above 1, multiplicative seasonality. Forecasts agree with
 * upstream's to the tolerance of the fit.
 */
import { numberColumn, hasValue } from '../column.js';
import { minimize } from './nelder-mead.js';
import type { Stream } from './stream.js';

/** Arguments of a call. */
export interface HoltWintersOptions {
  /** Points to forecast. */
  readonly count: number;
  /** Points in a season; 0 or 1 for none. */
  readonly season: number;
  readonly includesFit: boolean;
  readonly intervalNs: bigint;
}

const GUESS_LOWER = 0.3;
const GUESS_UPPER = 1.0;
const GUESS_STEP = 0.4;
const EPSILON = 1e-4;

/** The forecast, preceded by the fitted points where asked for. Fewer than two points give none. */
export function holtWinters(input: Stream, options: HoltWintersOptions): Stream {
  const { intervalNs, count } = options;
  const rows = input.timesNs.map((_, i) => i).filter((i) => hasValue(input.values, i));
  const [firstRow] = rows;
  if (firstRow === undefined || rows.length < 2) return emptyStream();
  const times = rows.map((row) => input.timesNs[row] ?? 0n);
  const startNs = times[0] ?? 0n;
  const stopNs = times.at(-1) ?? startNs;
  const half = intervalNs / 2n;
  const place = (timeNs: bigint): number => Number((timeNs - startNs + half) / intervalNs);
  const length = place(stopNs) + 1;
  const y = new Float64Array(length).fill(NaN);
  rows.forEach((row, i) => {
    const at = place(times[i] ?? startNs);
    if (Number.isNaN(y[at])) y[at] = input.values.numbers[row] as number;
  });
  const model = new Model(
    y,
    options.season >= 2 && length >= options.season * 2 ? options.season : 0,
  );
  const forecast = model.forecast(count, model.fit());
  const from = options.includesFit ? 0 : length;
  const values = forecast.subarray(from);
  const timesNs = Array.from(values, (_, i) => startNs + BigInt(from + i) * intervalNs);
  const present = Uint8Array.from(values, (value) => (Number.isFinite(value) ? 1 : 0));
  const kept = timesNs.map((_, i) => i).filter((i) => present[i] === 1);
  return {
    timesNs: kept.map((i) => timesNs[i] ?? 0n),
    values: numberColumn(
      'float',
      Float64Array.from(kept, (i) => values[i] as number),
    ),
    aux: [],
  };
}

function emptyStream(): Stream {
  return { timesNs: [], values: numberColumn('float', new Float64Array(0)), aux: [] };
}

class Model {
  readonly #y: Float64Array;
  readonly #season: number;

  constructor(y: Float64Array, season: number) {
    this.#y = y;
    this.#season = season;
  }

  /** The parameters with the least squared error: alpha, beta, gamma, phi, level, trend, seasons. */
  fit(): Float64Array {
    const y = this.#y;
    const m = this.#season;
    const start = new Float64Array(6 + m);
    let level = 0;
    let trend = 0;
    if (m > 0) {
      for (let i = 0; i < m; i++) {
        level += (1 / m) * (y[i] as number);
        trend += (1 / (m * m)) * ((y[m + i] as number) - (y[i] as number));
      }
      for (let i = 0; i < m; i++) start[6 + i] = (y[i] as number) / level;
    } else {
      level = y[0] as number;
      trend = (y[1] as number) - (y[0] as number);
      start[2] = 0;
    }
    start[4] = level;
    start[5] = trend;
    let best: { readonly value: number; readonly point: Float64Array } | null = null;
    for (let alpha = GUESS_LOWER; alpha < GUESS_UPPER; alpha += GUESS_STEP) {
      for (let beta = GUESS_LOWER; beta < GUESS_UPPER; beta += GUESS_STEP) {
        for (let gamma = GUESS_LOWER; gamma < GUESS_UPPER; gamma += GUESS_STEP) {
          for (let phi = GUESS_LOWER; phi < GUESS_UPPER; phi += GUESS_STEP) {
            start.set([alpha, beta, gamma, phi]);
            const found = minimize((parameters) => this.#error(parameters), start, EPSILON);
            if (!best || found.value < best.value) best = found;
          }
        }
      }
    }
    return best?.point ?? start;
  }

  /** Fitted values of all rows, then `count` forecasts. */
  forecast(count: number, parameters: Float64Array): Float64Array {
    return this.#run(count, parameters);
  }

  #error(parameters: Float64Array): number {
    for (let i = 0; i < 4; i++) parameters[i] = Math.min(1, Math.max(0, parameters[i] as number));
    const fitted = this.#run(0, parameters);
    let sum = 0;
    for (let i = 0; i < this.#y.length; i++) {
      const actual = this.#y[i] as number;
      const value = fitted[i] as number;
      if (Number.isNaN(actual) || Number.isNaN(value)) continue;
      sum += (value - actual) ** 2;
    }
    return sum;
  }

  #run(count: number, parameters: Float64Array): Float64Array {
    const y = this.#y;
    const m = this.#season;
    const [alpha = 0, beta = 0, gamma = 0, phi = 0, level0 = 0, trend0 = 0] = parameters;
    const length = y.length + count;
    const out = new Float64Array(length);
    const seasons = parameters.slice(6, 6 + m);
    let level = level0;
    let trend = trend0;
    let damping = phi;
    let power = phi;
    out[0] = y[0] as number;
    let start = level0;
    for (let t = 1; t < length; t++) {
      const season = m > 0 ? (seasons[t % m] as number) : 1;
      out[t] = (level + damping * trend) * season;
      if (t >= y.length) {
        power *= phi;
        damping += power;
        continue;
      }
      const actual = Number.isNaN(y[t]) ? (out[t] as number) : (y[t] as number);
      start = level;
      level = alpha * (actual / season) + (1 - alpha) * (start + phi * trend);
      const trendBefore = trend;
      trend = beta * (level - start) + (1 - beta) * phi * trend;
      if (m > 0)
        seasons[t % m] = gamma * (actual / (start + phi * trendBefore)) + (1 - gamma) * season;
    }
    return out;
  }
}
