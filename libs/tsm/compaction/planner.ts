/**
 * Decides which TSM files of a shard to compact. It looks at names, sizes and tombstones alone and opens nothing. Every plan
 * leaves fewer generations or fewer tombstones than there were, so that planning comes to an end.
 *
 * The levels are InfluxDB 1.x's: a snapshot is level 1, and a compaction counts the sequence up until level 4, full. A plan
 * takes generations that stand next to each other only, and does not reach over one that is being compacted: values of an
 * older generation must never pass those of a newer one.
 *
 * @see InfluxDB tsdb/engine/tsm1/compact.go, DefaultPlanner (behaviour)
 */
import { FILE_MAX_BYTES, type TsmFileId } from '../tsm-format.js';

/** What the planner knows of a file. */
export interface PlannedFile {
  readonly path: string;
  readonly id: TsmFileId;
  readonly sizeBytes: number;
  readonly hasTombstones: boolean;
  /** True while a compaction reads it. */
  readonly isBusy: boolean;
}

/** Why files are compacted: their level, a level-4 run that has grown long, or everything. */
export type CompactionKind = 'level-1' | 'level-2' | 'level-3' | 'optimize' | 'full';

/** Files to compact into one generation. */
export interface CompactionPlan {
  readonly kind: CompactionKind;
  /** Oldest first: later ones win. */
  readonly paths: readonly string[];
  /** True when small blocks are to be joined; else only blocks that overlap or have deletions are decoded. */
  readonly repack: boolean;
}

/** What is asked of the planner. */
export interface PlanningOptions {
  /** True when the shard has not been written to for `compact-full-write-cold-duration`, or a full compaction is wanted. */
  readonly full: boolean;
}

/** Sequences from here on are level 4. */
const LEVEL_MAX = 4;
/** So many generations of a level make one of the next. */
const LEVEL_1_GENERATIONS = 8;
const LEVEL_GENERATIONS = 4;
/** A generation is left alone as long as the next one has less than one part in so many of its size. */
const SIZE_RATIO = 2;

/** Files of one generation: they hold different keys, or later blocks of the same. */
interface Generation {
  readonly files: readonly PlannedFile[];
  readonly level: number;
  readonly sizeBytes: number;
  readonly hasTombstones: boolean;
  readonly isBusy: boolean;
}

/**
 * Plans of all that is to be done now; no file is in two of them.
 * @param files in any order
 */
export function planCompactions(
  files: readonly PlannedFile[],
  options: PlanningOptions,
): readonly CompactionPlan[] {
  const generations = generationsOf(files);
  if (options.full) {
    const plan = planFull(generations);
    return plan === null ? [] : [plan];
  }
  const plans: CompactionPlan[] = [];
  for (const stretch of betweenBusy(generations)) {
    for (const run of runsOfLevel(stretch)) {
      if (run.level >= LEVEL_MAX) plans.push(...planOptimize(run.generations));
      else plans.push(...planLevel(run.level, run.generations));
    }
  }
  return plans;
}

/** Everything into one generation, apart from large old files that a full compaction has been through. */
function planFull(generations: readonly Generation[]): CompactionPlan | null {
  if (generations.some(({ isBusy }) => isBusy)) return null;
  const first = generations.findIndex((each) => !isDone(each));
  if (first < 0) return null;
  const rest = generations.slice(first);
  if (rest.length < 2 && !hasTombstones(rest)) return null;
  return planOf('full', rest);
}

/** One level's run, cut into groups of fixed length; a shorter one at the end only when it has deletions to apply. */
function planLevel(level: number, run: readonly Generation[]): CompactionPlan[] {
  const size = level === 1 ? LEVEL_1_GENERATIONS : LEVEL_GENERATIONS;
  const plans: CompactionPlan[] = [];
  for (let i = 0; i < run.length; i += size) {
    const group = run.slice(i, i + size);
    if (group.length < size && !hasTombstones(group)) continue;
    plans.push(planOf(level === 1 ? 'level-1' : level === 2 ? 'level-2' : 'level-3', group));
  }
  return plans;
}

/** Generations of level 4 that have come to be of similar sizes. */
function planOptimize(run: readonly Generation[]): CompactionPlan[] {
  const plans: CompactionPlan[] = [];
  let start = 0;
  for (let i = 0; i <= run.length; i++) {
    if (i < run.length && !isDone(run[i]!)) continue;
    const group = afterLarge(run.slice(start, i));
    if (group.length >= LEVEL_GENERATIONS || hasTombstones(group))
      plans.push(planOf('optimize', group));
    start = i + 1;
  }
  return plans;
}

/** Without the generations in front that are much larger than what follows, unless deletions are to be applied. */
function afterLarge(group: readonly Generation[]): readonly Generation[] {
  let start = 0;
  while (start + 1 < group.length) {
    const [large, next] = [group[start]!, group[start + 1]!];
    if (large.hasTombstones || next.sizeBytes * SIZE_RATIO >= large.sizeBytes) break;
    start++;
  }
  return group.slice(start);
}

/** The result of a compaction that filled a file and more, with nothing to take out: another round would gain little. */
function isDone(generation: Generation): boolean {
  return (
    generation.level >= 2 && generation.sizeBytes >= FILE_MAX_BYTES && !generation.hasTombstones
  );
}

function hasTombstones(group: readonly Generation[]): boolean {
  return group.some((generation) => generation.hasTombstones);
}

function planOf(kind: CompactionKind, group: readonly Generation[]): CompactionPlan {
  const paths = group.flatMap(({ files }) => files.map(({ path }) => path));
  return { kind, paths, repack: kind !== 'level-1' && kind !== 'level-2' };
}

function generationsOf(files: readonly PlannedFile[]): Generation[] {
  const byNumber = new Map<number, PlannedFile[]>();
  for (const file of files) {
    const found = byNumber.get(file.id.generation);
    if (found === undefined) byNumber.set(file.id.generation, [file]);
    else found.push(file);
  }
  const numbers = [...byNumber.keys()].sort((a, b) => a - b);
  return numbers.map((number) => {
    const members = byNumber.get(number)!.sort((a, b) => a.id.sequence - b.id.sequence);
    return {
      files: members,
      level: Math.min(members[0]!.id.sequence, LEVEL_MAX),
      sizeBytes: members.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      hasTombstones: members.some((file) => file.hasTombstones),
      isBusy: members.some(({ isBusy }) => isBusy),
    };
  });
}

/** Stretches of generations that stand next to each other with none in between that is being compacted. */
function betweenBusy(generations: readonly Generation[]): Generation[][] {
  const stretches: Generation[][] = [[]];
  for (const generation of generations) {
    if (generation.isBusy) stretches.push([]);
    else stretches[stretches.length - 1]!.push(generation);
  }
  return stretches;
}

interface LevelRun {
  readonly level: number;
  readonly generations: Generation[];
}

/** Neighbours of one level; one of a lower level in front of a higher goes with it, for nothing else would take it up. */
function runsOfLevel(generations: readonly Generation[]): LevelRun[] {
  const runs: { level: number; generations: Generation[] }[] = [];
  for (let i = 0; i < generations.length; i++) {
    const generation = generations[i]!;
    const last = runs[runs.length - 1];
    const isOrphan = i + 1 < generations.length && generation.level < generations[i + 1]!.level;
    if (last !== undefined && (isOrphan || last.level === generation.level)) {
      last.generations.push(generation);
      last.level = Math.max(last.level, generation.level);
    } else runs.push({ level: generation.level, generations: [generation] });
  }
  // An orphan at the head of a run: the run is of the level that follows it.
  const joined: { level: number; generations: Generation[] }[] = [];
  for (const run of runs) {
    const last = joined[joined.length - 1];
    if (last !== undefined && last.level < run.level) {
      last.generations.push(...run.generations);
      last.level = run.level;
    } else joined.push(run);
  }
  return joined;
}
