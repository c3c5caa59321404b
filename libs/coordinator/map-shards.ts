/**
 * Which shard takes which rows of a batch: by the shard groups of the retention policy, and within a group by the hash of
 * the series key. @see InfluxDB coordinator.PointsWriter.MapShards
 */
import { fnv1a64Modulo } from '#encoding';
import type { RetentionPolicyView } from '#meta';
import {
  highWord,
  int64Compare,
  int64ToBigInt,
  lowWord,
  orderRuns,
  type PointsBatch,
  type PointsGroup,
  type RowRun,
} from '#models';
import type { WriteWindow } from './write-window.js';

/** Where the rows of a batch go. */
export interface ShardMapping {
  /** By shard id, in order of first appearance. */
  readonly runsByShard: ReadonlyMap<number, readonly RowRun[]>;
  /** Points older than the retention policy keeps. */
  readonly beyondRetention: number;
  /** Points outside the write window; dropped where it refuses. */
  readonly outsideWindow: number;
  /** Time of the first of them; null where there is none. */
  readonly firstOutsideNs: bigint | null;
  /** A time for which there is no shard group yet: make one and map again. */
  readonly missingNs: bigint | null;
}

/** InfluxDB's text for points older than the policy keeps. */
export const BEYOND_RETENTION = 'points beyond retention policy';

const MIN_NS = -(2n ** 63n);
const MAX_NS = 2n ** 63n - 1n;

/** Gives the key of a series that the batch does not carry itself. */
export interface MappedKeys {
  keyOf(seriesId: number): Uint8Array;
}

/** Times that are taken. */
export interface TimeLimits {
  /** Rows before it are dropped; null = the policy keeps everything. */
  readonly earliestNs: bigint | null;
  /** Null where there is none. */
  readonly window: WriteWindow | null;
}

/** Maps the rows of a batch. */
export function mapShards(
  batch: PointsBatch,
  policy: RetentionPolicyView,
  limits: TimeLimits,
  keys: MappedKeys,
): ShardMapping {
  const mapper = new Mapper(batch, policy, limits, keys);
  for (const group of batch.groups) {
    if (group.rows > 0 && !mapper.mapGroup(group)) break;
  }
  return mapper.result();
}

class Mapper {
  private readonly runs = new Map<number, RowRun[]>();
  private beyondRetention = 0;
  private outsideWindow = 0;
  private firstOutsideNs: bigint | null = null;
  private missingNs: bigint | null = null;
  private readonly earliestLo: number;
  private readonly earliestHi: number;
  private readonly window: WriteWindow | null;
  private readonly windowFromLo: number;
  private readonly windowFromHi: number;
  private readonly windowToLo: number;
  private readonly windowToHi: number;
  /** From here on a row breaks no limit, up to the end of the window. */
  private readonly safeFromNs: bigint;
  /** The group that the last row went to, and whether none of its times breaks a limit. */
  private current = -1;
  private isCurrentSafe = false;

  constructor(
    private readonly batch: PointsBatch,
    private readonly policy: RetentionPolicyView,
    { earliestNs, window }: TimeLimits,
    private readonly keys: MappedKeys,
  ) {
    const bound = earliestNs ?? MIN_NS;
    this.earliestLo = lowWord(bound);
    this.earliestHi = highWord(bound);
    this.window = window;
    const fromNs = window?.fromNs ?? MIN_NS;
    const toNs = window?.toNs ?? MAX_NS;
    this.windowFromLo = lowWord(fromNs);
    this.windowFromHi = highWord(fromNs);
    this.windowToLo = lowWord(toNs);
    this.windowToHi = highWord(toNs);
    this.safeFromNs = bound > fromNs ? bound : fromNs;
  }

  /** Adds the runs of one group; false when a shard group is missing. */
  mapGroup(group: PointsGroup): boolean {
    const { times } = group;
    let runStart = 0;
    let runShard = -1;
    for (let row = 0; row < group.rows; row++) {
      const shard = this.shardOf(group, row, times[2 * row], times[2 * row + 1]);
      if (this.missingNs !== null) return false;
      if (shard === runShard) continue;
      this.addRun(runShard, { group, from: runStart, to: row });
      runStart = row;
      runShard = shard;
    }
    this.addRun(runShard, { group, from: runStart, to: group.rows });
    return true;
  }

  result(): ShardMapping {
    const { runs, beyondRetention, outsideWindow, firstOutsideNs, missingNs, batch } = this;
    if (batch.hasMixedShapes) {
      for (const [shard, list] of runs) {
        if (list.length < 2) continue;
        const ordered: RowRun[] = [];
        orderRuns(list, ordered);
        runs.set(shard, ordered);
      }
    }
    return { runsByShard: runs, beyondRetention, outsideWindow, firstOutsideNs, missingNs };
  }

  /** The shard of a row, or -1 where it is dropped. */
  private shardOf(group: PointsGroup, row: number, lo: number, hi: number): number {
    const { groups } = this.policy;
    const { current } = this;
    // Most rows belong where the row before belongs.
    const isCurrent = current >= 0 && this.isWithin(current, lo, hi);
    if (!isCurrent || !this.isCurrentSafe) {
      if (this.window !== null && this.isOutside(lo, hi)) {
        this.outsideWindow++;
        // Its text is made where somebody reads it: old points come by the million.
        this.firstOutsideNs ??= int64ToBigInt(lo, hi);
        if (this.window.isRefusing) {
          if (this.batch.areRefusalsNoted)
            this.batch.refuse(group, row, this.window.reasonFor(int64ToBigInt(lo, hi)));
          return -1;
        }
      }
      if (int64Compare(lo, hi, this.earliestLo, this.earliestHi) < 0) return this.drop(group, row);
    }
    if (!isCurrent) {
      const found = groups.find(lo, hi);
      if (found < 0) {
        this.missingNs = int64ToBigInt(lo, hi);
        return -1;
      }
      this.current = found;
      const { startNs, endNs } = groups.groups[found];
      this.isCurrentSafe =
        startNs >= this.safeFromNs && (this.window === null || endNs <= this.window.toNs);
    }
    const { shards } = groups.groups[this.current];
    if (shards.length === 1) return shards[0].id;
    const key = this.keyOfRow(group, row);
    return shards[fnv1a64Modulo(key, 0, key.length, shards.length)].id;
  }

  private drop(group: PointsGroup, row: number): number {
    this.beyondRetention++;
    this.batch.refuse(group, row, BEYOND_RETENTION);
    return -1;
  }

  private isOutside(lo: number, hi: number): boolean {
    return (
      int64Compare(lo, hi, this.windowFromLo, this.windowFromHi) < 0 ||
      int64Compare(lo, hi, this.windowToLo, this.windowToHi) > 0
    );
  }

  private isWithin(i: number, lo: number, hi: number): boolean {
    const { startWords, endWords } = this.policy.groups;
    return (
      int64Compare(lo, hi, startWords[2 * i], startWords[2 * i + 1]) >= 0 &&
      int64Compare(lo, hi, endWords[2 * i], endWords[2 * i + 1]) < 0 &&
      (i === 0 || int64Compare(lo, hi, endWords[2 * i - 2], endWords[2 * i - 1]) >= 0)
    );
  }

  private keyOfRow(group: PointsGroup, row: number): Uint8Array {
    const seriesId = group.seriesIds[row];
    if (seriesId >= 0) return this.keys.keyOf(seriesId);
    const start = group.keyStart[row];
    return this.batch.extra.subarray(start, start + group.keyLength[row]);
  }

  private addRun(shard: number, run: RowRun): void {
    if (shard < 0 || run.from === run.to) return;
    const list = this.runs.get(shard);
    if (list === undefined) this.runs.set(shard, [run]);
    else list.push(run);
  }
}
