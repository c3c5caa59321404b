/**
 * The order in which points of a subquery's selector come out of all its series together, where the query around groups by
 * fewer tags. InfluxDB 1.x gives window after window, in each series after series, and leaves it at that: the times, which
 * are those of the points, need not ascend.
 */
import type { CompiledSelect } from '../compile/compile-select.js';
import { isSelector } from '../functions/call-plan.js';
import { windowOf } from '../windows.js';
import type { PreparedSelect } from './prepared-select.js';
import type { InnerSeries } from './result-table.js';

/** Functions whose points keep their times in windows. */
const KEEP_TIMES: ReadonlySet<string> = new Set(['top', 'bottom', 'sample']);
/** Times further apart than this cannot be held against one base exactly. */
const SPAN_MAX_NS = 1n << 53n;

/** True where a SELECT's rows have times of points, not of windows. */
export function hasOwnTimes({ calls, compiled }: PreparedSelect): boolean {
  const [call] = calls;
  if (calls.length !== 1 || call?.kind !== 'call' || !isSelector(call.name)) return false;
  return compiled.windows === null || KEEP_TIMES.has(call.name);
}

/** True where rows come in the order of a subquery further inside rather than by time. */
export function isOutOfOrder(
  { compiled, children }: PreparedSelect,
  series: readonly InnerSeries[],
): boolean {
  if (compiled.windows !== null || children.length === 0) return false;
  return series.some(({ timesNs }) =>
    timesNs.some((timeNs, row) => {
      const before = timesNs[row - 1] ?? timeNs;
      return compiled.isAscending ? timeNs < before : timeNs > before;
    }),
  );
}

interface Row {
  readonly series: number;
  readonly row: number;
  readonly windowNs: bigint;
  readonly timeNs: bigint;
}

/**
 * The series with the place of each row, and with keys that merge them in order of these places, and with rows of other
 * sources as a merge by time of unsorted sequences does: a row comes no sooner than the latest one before it.
 * @param tags of the query around: series with other values of these are sequences apart
 */
export function inSequence(
  series: readonly InnerSeries[],
  tags: readonly string[],
  { windows, isAscending }: Pick<CompiledSelect, 'windows' | 'isAscending'>,
): readonly InnerSeries[] {
  const sequences = new Map<string, Row[]>();
  const inOrder = [...series.keys()];
  if (!isAscending) inOrder.reverse();
  let [least, most] = [0n, 0n];
  for (const s of inOrder) {
    const { name, tags: own, timesNs } = series[s] as InnerSeries;
    const values = tags.map((tag) => own.find(({ key }) => key === tag)?.value ?? '');
    const key = JSON.stringify([name, ...values]);
    const rows = sequences.get(key) ?? [];
    sequences.set(key, rows);
    timesNs.forEach((timeNs, row) => {
      if (least === most && least === 0n) least = most = timeNs;
      if (timeNs < least) least = timeNs;
      if (timeNs > most) most = timeNs;
      const windowNs = windows ? windowOf(windows, timeNs).startNs : 0n;
      rows.push({ series: s, row, windowNs, timeNs });
    });
  }
  if (most - least > SPAN_MAX_NS) return series;
  const placed = series.map(({ timesNs }) => ({
    places: new Int32Array(timesNs.length),
    keysNs: new BigInt64Array(timesNs.length),
  }));
  for (const rows of sequences.values()) place(rows, isAscending, placed);
  return series.map((one, s) => ({ ...one, ...placed[s] }));
}

function place(
  rows: Row[],
  isAscending: boolean,
  placed: readonly { readonly places: Int32Array; readonly keysNs: BigInt64Array }[],
): void {
  // Stable: within a window series stay one after another.
  rows.sort((a, b) => {
    if (a.windowNs === b.windowNs) return 0;
    return a.windowNs < b.windowNs === isAscending ? -1 : 1;
  });
  let keyNs = rows[0]?.timeNs ?? 0n;
  rows.forEach(({ series, row, timeNs }, at) => {
    if (isAscending ? timeNs > keyNs : timeNs < keyNs) keyNs = timeNs;
    const one = placed[series];
    if (!one) return;
    one.places[row] = at;
    one.keysNs[row] = keyNs;
  });
}
