/**
 * What is remembered of a continuous query: its last run, and the windows that were not computed, with the reason. Pure
 * functions over immutable values, and their stored form (JSON, one entry a query in the store of metadata).
 */
import type { LastRun } from './schedule.js';

/**
 * Why windows are not computed: `pending` = due and not yet run (a downtime, a shutdown in between), `failed` = the query
 * failed, `late points` = points came behind the run, `early` = computed before their time by a clock that was ahead.
 */
export type GapReason = 'pending' | 'failed' | 'late points' | 'early';

/** Windows that are not computed: [startNs, endNs), on the query's grid. */
export interface CqGap {
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly reason: GapReason;
  /** Text of the last failure, or ''. */
  readonly error: string;
  /** Failures so far. */
  readonly attempts: number;
  /** Not tried before this time. */
  readonly retryAtNs: bigint;
}

/** What is remembered of one query. */
export interface CqState extends LastRun {
  /** The definition that this is about; another one starts anew. */
  readonly text: string;
  /** Windows before it were computed by a clock that was ahead, and are not computed again without new points; or null. */
  readonly aheadToNs: bigint | null;
  /** In order of time, not overlapping. */
  readonly gaps: readonly CqGap[];
}

/** Gaps kept of one query; beyond, the two nearest become one, and what is between them is computed again. */
export const GAPS_MAX = 64;

/** Whether windows are missing points that came behind their run, rather than the run itself. */
export function isUnseen(reason: GapReason): boolean {
  return reason === 'late points' || reason === 'early';
}

/** Adds a range. What is in the list already stays as it is there, except that due windows are no longer just late. */
export function addGap(gaps: readonly CqGap[], added: CqGap): readonly CqGap[] {
  const kept = isUnseen(added.reason)
    ? gaps
    : gaps.flatMap((gap) => (isUnseen(gap.reason) ? without(gap, added) : [gap]));
  let rest: readonly CqGap[] = added.startNs < added.endNs ? [added] : [];
  for (const gap of kept) rest = rest.flatMap((part) => without(part, gap));
  return normalise([...kept, ...rest]);
}

/** Takes a range out of every gap. */
export function removeRange(
  gaps: readonly CqGap[],
  range: { readonly startNs: bigint; readonly endNs: bigint },
): readonly CqGap[] {
  return gaps.flatMap((gap) => without(gap, range));
}

/** The parts of a gap that are outside a range. */
function without(
  gap: CqGap,
  { startNs, endNs }: { readonly startNs: bigint; readonly endNs: bigint },
): readonly CqGap[] {
  if (endNs <= gap.startNs || startNs >= gap.endNs) return [gap];
  const parts: CqGap[] = [];
  if (gap.startNs < startNs) parts.push({ ...gap, endNs: startNs });
  if (endNs < gap.endNs) parts.push({ ...gap, startNs: endNs });
  return parts;
}

/** In order; neighbours of one reason joined; not more than the limit. */
function normalise(gaps: readonly CqGap[]): readonly CqGap[] {
  const ordered = [...gaps].sort((a, b) => (a.startNs < b.startNs ? -1 : 1));
  const joined: CqGap[] = [];
  for (const gap of ordered) {
    const last = joined.at(-1);
    if (last?.endNs === gap.startNs && last.reason === gap.reason)
      joined[joined.length - 1] = join(last, gap);
    else joined.push(gap);
  }
  while (joined.length > GAPS_MAX) {
    let nearest = 0;
    const distance = (i: number): bigint => joined[i + 1].startNs - joined[i].endNs;
    for (let i = 1; i + 1 < joined.length; i++) if (distance(i) < distance(nearest)) nearest = i;
    joined.splice(nearest, 2, join(joined[nearest], joined[nearest + 1]));
  }
  return joined;
}

function join(a: CqGap, b: CqGap): CqGap {
  const isFirst = a.attempts >= b.attempts;
  const { reason, error, attempts, retryAtNs } = isFirst ? a : b;
  return { startNs: a.startNs, endNs: b.endNs, reason, error, attempts, retryAtNs };
}

/** The stored form. */
export function encodeState(state: CqState): Uint8Array {
  const text = JSON.stringify({ version: 1, ...state }, (_key, value: unknown) =>
    typeof value === 'bigint' ? `${value}n` : value,
  );
  return new TextEncoder().encode(text);
}

/** Reads the stored form; null where it cannot be read, which starts the query anew. */
export function decodeState(bytes: Uint8Array): CqState | null {
  try {
    const value = JSON.parse(new TextDecoder().decode(bytes), (_key, part: unknown) =>
      typeof part === 'string' && /^-?\d{1,20}n$/.test(part) ? BigInt(part.slice(0, -1)) : part,
    ) as Record<string, unknown>;
    const { text, lastRunNs, finalToNs, aheadToNs, gaps } = value;
    if (
      value['version'] !== 1 ||
      typeof text !== 'string' ||
      typeof lastRunNs !== 'bigint' ||
      typeof finalToNs !== 'bigint' ||
      (aheadToNs !== null && typeof aheadToNs !== 'bigint') ||
      !Array.isArray(gaps)
    )
      return null;
    return { text, lastRunNs, finalToNs, aheadToNs, gaps: (gaps as unknown[]).filter(isGap) };
  } catch {
    return null;
  }
}

function isGap(value: unknown): value is CqGap {
  const gap = value as Partial<CqGap> | null;
  return (
    typeof gap?.startNs === 'bigint' &&
    typeof gap.endNs === 'bigint' &&
    typeof gap.retryAtNs === 'bigint' &&
    typeof gap.attempts === 'number' &&
    typeof gap.error === 'string' &&
    typeof gap.reason === 'string'
  );
}
