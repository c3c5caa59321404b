/**
 * Durations as InfluxDB 1.x writes them in its configuration: Go's syntax (`1h0m0s`, `500ms`, `1.5h`).
 * InfluxQL's own durations (with d and w, whole numbers) belong to the influxql library.
 */
import { TidegateError } from './errors.js';

const UNIT_NS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

/**
 * Nanoseconds of a Go duration such as `10s`, `1h30m` or `0`.
 * @throws TidegateError `kernel.bad-duration` with Go's text
 */
export function parseDurationNs(text: string): bigint {
  const bad = (): never => {
    throw new TidegateError(
      'kernel.bad-duration',
      `time: invalid duration ${JSON.stringify(text)}`,
    );
  };
  const [, sign = '', rest = ''] = /^([+-]?)(.*)$/s.exec(text) ?? bad();
  if (rest === '0') return 0n;
  if (!/^(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/.test(rest)) bad();
  let total = 0n;
  for (const [, whole = '', fraction = '', unit = ''] of rest.matchAll(
    /(\d*)(?:\.(\d*))?(ns|us|µs|μs|ms|s|m|h)/g,
  )) {
    const unitNs = BigInt(UNIT_NS[unit] ?? bad());
    total += BigInt(whole || '0') * unitNs;
    if (fraction) total += (BigInt(fraction) * unitNs) / 10n ** BigInt(fraction.length);
  }
  return sign === '-' ? -total : total;
}

/** A duration as Go's `Duration.String()` prints it: `1h0m0s`, `1.5s`, `0s`. */
export function formatDurationNs(durationNs: bigint): string {
  if (durationNs === 0n) return '0s';
  const sign = durationNs < 0n ? '-' : '';
  const ns = durationNs < 0n ? -durationNs : durationNs;
  const scaled = (unitNs: bigint): string => {
    const fraction = (ns % unitNs)
      .toString()
      .padStart(unitNs.toString().length - 1, '0')
      .replace(/0+$/, '');
    return `${ns / unitNs}${fraction ? `.${fraction}` : ''}`;
  };
  if (ns < 1_000n) return `${sign}${ns}ns`;
  if (ns < 1_000_000n) return `${sign}${scaled(1_000n)}µs`;
  if (ns < 1_000_000_000n) return `${sign}${scaled(1_000_000n)}ms`;
  const hours = ns / 3_600_000_000_000n;
  const minutes = (ns / 60_000_000_000n) % 60n;
  const restNs = ns % 60_000_000_000n;
  const fraction = (restNs % 1_000_000_000n).toString().padStart(9, '0').replace(/0+$/, '');
  const seconds = `${restNs / 1_000_000_000n}${fraction ? `.${fraction}` : ''}s`;
  if (hours > 0n) return `${sign}${hours}h${minutes}m${seconds}`;
  return minutes > 0n ? `${sign}${minutes}m${seconds}` : `${sign}${seconds}`;
}
