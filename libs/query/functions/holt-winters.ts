/**
 * holt_winters: forecasts of a stream of evenly spaced windows by triple exponential smoothing, fitted by Nelder-Mead.
 * Same model and same search as InfluxDB 1.x, so that forecasts agree: a damped trend and, with a season above 1,
 * multiplicative seasonality. Fitted values feed on fitted values; stored ones only measure the error.
 */
import { hasValue, numberColumn } from '../column.js';
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

/** First guesses of the four weights: every combination of these. */
const GUESSES = [0.3, 0.3 + 0.4] as const;
const EPSILON = 1e-4;
/** Share of the first value, and of the first change, that a model without seasons starts from. */
const START_WEIGHT = 0.5;
/** Where level, trend and seasons begin among the parameters; before them are alpha, beta, gamma and phi. */
const LEVEL = 4;
const TREND = 5;
const SEASONS = 6;

/** The forecast, preceded by the fitted points where asked for. Too few points give none. */
export function holtWinters(input: Stream, options: HoltWintersOptions): Stream {
  const { intervalNs, count, season, includesFit } = options;
  const rows = input.timesNs.map((_, i) => i).filter((i) => hasValue(input.values, i));
  const times = rows.map((row) => input.timesNs[row] ?? 0n);
  const isSeasonal = season >= 2;
  // Where time runs backwards upstream measures a negative length.
  if (times.length > 1 && (times[0] ?? 0n) > (times.at(-1) ?? 0n)) return emptyStream();
  if (rows.length < 2 || (isSeasonal && rows.length < season) || intervalNs === 0n)
    return emptyStream();
  const y = evenlySpaced(
    times,
    rows.map((row) => input.values.numbers[row] as number),
    intervalNs,
  );
  const startNs = times[0] ?? 0n;
  const stopNs = times.at(-1) ?? startNs;
  if (y.length < 2) return emptyStream();
  const model = new Model(y, isSeasonal ? season : 0);
  const values = model.forecast(count, model.fit()).subarray(includesFit ? 0 : y.length);
  const firstNs = includesFit ? startNs : stopNs + intervalNs;
  const kept = Array.from(values.keys()).filter((i) => !Number.isNaN(values[i]));
  return {
    timesNs: kept.map((i) => firstNs + BigInt(i) * intervalNs),
    values: numberColumn(
      'float',
      Float64Array.from(kept, (i) => values[i] as number),
    ),
    aux: [],
  };
}

/** Values by window, NaN where one has none; of several in a window the first. */
function evenlySpaced(
  times: readonly bigint[],
  values: readonly number[],
  intervalNs: bigint,
): Float64Array {
  const place = times.map((timeNs) => {
    const isUpperHalf = timeNs % intervalNs > intervalNs / 2n;
    return timeNs / intervalNs + (isUpperHalf ? 1n : 0n);
  });
  const first = place[0] ?? 0n;
  const y = new Float64Array(Number((place.at(-1) ?? first) - first) + 1).fill(NaN);
  place.forEach((at, i) => {
    const index = Number(at - first);
    if (Number.isNaN(y[index])) y[index] = values[i] as number;
  });
  return y;
}

function emptyStream(): Stream {
  return { timesNs: [], values: numberColumn('float', new Float64Array(0)), aux: [] };
}

class Model {
  readonly #y: Float64Array;
  readonly #season: number;

  /** @param season 0 for none */
  constructor(y: Float64Array, season: number) {
    this.#y = y;
    this.#season = season;
  }

  /** The parameters with the least squared error that the search finds. */
  fit(): Float64Array {
    const start = this.#start();
    let best: { readonly value: number; readonly point: Float64Array } | null = null;
    for (const alpha of GUESSES) {
      for (const beta of GUESSES) {
        for (const gamma of GUESSES) {
          for (const phi of GUESSES) {
            start.set([alpha, beta, gamma, phi]);
            const found = minimize((parameters) => this.#error(parameters), start, EPSILON);
            if (!best || found.value < best.value) best = found;
          }
        }
      }
    }
    return best?.point ?? start;
  }

  #start(): Float64Array {
    const y = this.#y;
    const m = this.#season;
    const parameters = new Float64Array(SEASONS + m);
    const known = (i: number): boolean => i < y.length && !Number.isNaN(y[i]);
    if (m === 0) {
      parameters[LEVEL] = START_WEIGHT * (y[0] as number);
      if (known(1)) parameters[TREND] = START_WEIGHT * ((y[1] as number) - (y[0] as number));
      return parameters;
    }
    let level = 0;
    let trend = 0;
    for (let i = 0; i < m; i++) {
      if (known(i)) level += (1 / m) * (y[i] as number);
      if (known(i) && known(m + i))
        trend += (1 / (m * m)) * ((y[m + i] as number) - (y[i] as number));
    }
    parameters[LEVEL] = level;
    parameters[TREND] = trend;
    for (let i = 0; i < m; i++) parameters[SEASONS + i] = known(i) ? (y[i] as number) / level : 0;
    return parameters;
  }

  #error(parameters: Float64Array): number {
    const fitted = this.forecast(0, parameters);
    let sum = 0;
    for (let i = 0; i < this.#y.length; i++) {
      const actual = this.#y[i] as number;
      if (Number.isNaN(actual)) continue;
      const value = fitted[i] as number;
      if (Number.isNaN(value)) return Infinity;
      sum += (value - actual) ** 2;
    }
    return sum;
  }

  /** Values of all windows, then `count` more. Clamps the weights and moves the seasons of `parameters` on in place. */
  forecast(count: number, parameters: Float64Array): Float64Array {
    for (let i = 0; i < LEVEL; i++)
      parameters[i] = Math.min(1, Math.max(0, parameters[i] as number));
    const m = this.#season;
    const [alpha = 0, beta = 0, gamma = 0, phi = 0] = parameters;
    const seasons = parameters.subarray(SEASONS);
    const out = new Float64Array(this.#y.length + count);
    let value = this.#y[0] as number;
    let level = parameters[LEVEL] as number;
    let trend = parameters[TREND] as number;
    let damping = phi;
    let shift = m - 1;
    out[0] = value;
    for (let t = 1; t < out.length; t++) {
      const seasonBefore = m > 0 ? (seasons[(t - m + shift) % m] as number) : 1;
      const seasonAhead = m > 0 ? (seasons[(t - m + (t % m) + shift) % m] as number) : 1;
      const expected = level + phi * trend;
      const nextLevel = alpha * (value / seasonBefore) + (1 - alpha) * expected;
      const nextTrend = beta * (nextLevel - level) + (1 - beta) * phi * trend;
      const nextSeason = gamma * (value / expected) + (1 - gamma) * seasonBefore;
      value = (nextLevel + damping * nextTrend) * seasonAhead;
      level = nextLevel;
      trend = nextTrend;
      damping += phi ** t;
      if (m > 0) seasons[(t + shift++) % m] = nextSeason;
      out[t] = value;
    }
    return out;
  }
}
