/**
 * Counts by name in bounded room: the space-saving sketch. While there is room, counts are exact; beyond, a new name takes the
 * place and the count of the smallest, and what it may be too large by is known.
 * @see Metwally, Agrawal, El Abbadi: Efficient Computation of Frequent and Top-k Elements in Data Streams
 */

/** A name and its count. */
export interface TopCount {
  readonly name: string;
  readonly count: number;
  /** The true count differs by at most this. */
  readonly errorMax: number;
}

/** Names that a tally has room for. */
export const NAMES_MAX = 1000;

interface Entry {
  count: number;
  errorMax: number;
}

/** Counts by name. */
export class Tally {
  private readonly entries = new Map<string, Entry>();

  constructor(private readonly namesMax = NAMES_MAX) {}

  /** Adds to the count of a name. */
  add(name: string, count: number): void {
    const known = this.entries.get(name);
    if (known !== undefined) {
      known.count += count;
      return;
    }
    let errorMax = 0;
    if (this.entries.size >= this.namesMax) errorMax = this.removeSmallest();
    this.entries.set(name, { count: count + errorMax, errorMax });
  }

  /** All counts, in no order. */
  counts(): TopCount[] {
    return [...this.entries].map(([name, { count, errorMax }]) => ({ name, count, errorMax }));
  }

  private removeSmallest(): number {
    let smallest = '';
    let count = Number.POSITIVE_INFINITY;
    for (const [name, entry] of this.entries) {
      if (entry.count >= count) continue;
      count = entry.count;
      smallest = name;
    }
    this.entries.delete(smallest);
    return count;
  }
}

/** The largest first; of equal counts by name. */
export function pickTop(counts: readonly TopCount[], limit: number): readonly TopCount[] {
  return [...counts]
    .sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1))
    .slice(0, limit);
}
