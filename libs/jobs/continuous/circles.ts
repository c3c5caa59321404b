/**
 * Which continuous queries feed each other in a circle, and so would recompute each other for ever. Pure; knows nothing of queries but
 * where they read and write.
 */

/** Where one query reads and writes. */
export interface CqFlow {
  /** By place (database and policy): which measurements it reads. */
  readonly sources: ReadonlyMap<string, (measurement: string) => boolean>;
  /** Place that it writes to, '' where it writes nowhere. */
  readonly targetPlace: string;
  /** Measurement that it writes to, '' where it may be any. */
  readonly targetName: string;
}

/**
 * For each query the ones whose results it must not be watched over: itself, and those behind it in the list that it feeds, through
 * others or not. What is left never leads back to where it began, and passes everything on that it can.
 */
export function flowsToIgnore(flows: readonly CqFlow[]): readonly (readonly CqFlow[])[] {
  const followers = flows.map((flow) =>
    flows.flatMap((other, i) => (feeds(flow, other) ? [i] : [])),
  );
  const reached = flows.map((_, i) => reachableFrom(i, followers));
  return flows.map((_, i) =>
    flows.filter((_other, j) => j >= i && reached[i].has(j) && reached[j].has(i)),
  );
}

/** Whether a query may write what another reads. */
function feeds({ targetPlace, targetName }: CqFlow, { sources }: CqFlow): boolean {
  const isSource = sources.get(targetPlace);
  return isSource !== undefined && (targetName === '' || isSource(targetName));
}

/** The numbers that can be reached in one step or more. */
function reachableFrom(
  start: number,
  followers: readonly (readonly number[])[],
): ReadonlySet<number> {
  const found = new Set<number>();
  const open = [...followers[start]];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (found.has(next)) continue;
    found.add(next);
    open.push(...followers[next]);
  }
  return found;
}
