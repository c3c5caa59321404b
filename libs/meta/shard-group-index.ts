/**
 * The live shard groups of a retention policy, sorted once per change so that finding the group of a time costs a binary
 * search over 32-bit words and allocates nothing.
 */
import { effectiveEndNs, isDeleted, type ShardGroup } from './meta-data.js';

/** Live groups in order of their (effective) end, then start. */
export class ShardGroupIndex {
  readonly groups: readonly ShardGroup[];
  /** Bounds of group i as words: low at `2 * i`, high at `2 * i + 1`. Starts are inclusive, ends exclusive. */
  readonly startWords: Int32Array;
  readonly endWords: Int32Array;
  /** The earliest start of group i and all after it: groups of foreign metadata may overlap. */
  private readonly earliestStartWords: Int32Array;

  constructor(groups: readonly ShardGroup[]) {
    this.groups = groups.filter((group) => !isDeleted(group)).sort(byEndThenStart);
    this.startWords = wordsOf(this.groups.map((group) => group.startNs));
    this.endWords = wordsOf(this.groups.map(effectiveEndNs));
    let earliest = 0n;
    const suffix = this.groups.map(() => 0n);
    for (let i = this.groups.length - 1; i >= 0; i--) {
      const { startNs } = this.groups[i];
      earliest = i === this.groups.length - 1 || startNs < earliest ? startNs : earliest;
      suffix[i] = earliest;
    }
    this.earliestStartWords = wordsOf(suffix);
  }

  /**
   * Position in {@link groups} of the group that takes points of a time given as words of its nanoseconds, or -1. Of
   * overlapping groups the one that ends first wins, then the one that starts first. Same as InfluxDB 1.x.
   */
  find(lo: number, hi: number): number {
    const { startWords, endWords, earliestStartWords } = this;
    let low = 0;
    let high = this.groups.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isAtMost(endWords[2 * middle], endWords[2 * middle + 1], lo, hi)) low = middle + 1;
      else high = middle;
    }
    for (let i = low; i < this.groups.length; i++) {
      if (isAtMost(startWords[2 * i], startWords[2 * i + 1], lo, hi)) return i;
      if (!isAtMost(earliestStartWords[2 * i], earliestStartWords[2 * i + 1], lo, hi)) return -1;
    }
    return -1;
  }

  /** The group that takes points of `timeNs`, or null. */
  at(timeNs: bigint): ShardGroup | null {
    const i = this.find(
      Number(BigInt.asIntN(32, timeNs)),
      Number(BigInt.asIntN(32, timeNs >> 32n)),
    );
    return i < 0 ? null : this.groups[i];
  }

  /** Groups that overlap the inclusive range, in this index' order. Truncated groups count up to their original end. */
  overlapping(minNs: bigint, maxNs: bigint): readonly ShardGroup[] {
    return this.groups.filter((group) => group.startNs <= maxNs && group.endNs > minNs);
  }
}

/** Whether the 64-bit integer of the first two words is at most that of the second two. */
function isAtMost(lo: number, hi: number, lo2: number, hi2: number): boolean {
  return hi === hi2 ? lo >>> 0 <= lo2 >>> 0 : hi < hi2;
}

function wordsOf(values: readonly bigint[]): Int32Array {
  return new Int32Array(BigInt64Array.from(values).buffer);
}

/** Order of groups: by effective end, then by start. */
export function byEndThenStart(a: ShardGroup, b: ShardGroup): number {
  const endA = effectiveEndNs(a);
  const endB = effectiveEndNs(b);
  if (endA !== endB) return endA < endB ? -1 : 1;
  return a.startNs < b.startNs ? -1 : a.startNs > b.startNs ? 1 : 0;
}
