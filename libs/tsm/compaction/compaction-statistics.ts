/** Counters of compactions with InfluxDB's names: `tsm1_engine`. */
import type { CompactionKind } from './planner.js';

type Prefix = 'tsmLevel1' | 'tsmLevel2' | 'tsmLevel3' | 'tsmOptimize' | 'tsmFull';

/** Done, running, failed, waiting, and the nanoseconds taken, for each kind of compaction. */
export type CompactionStatistics = Record<
  `${Prefix}${'Compactions' | 'CompactionsActive' | 'CompactionErr' | 'CompactionDuration' | 'CompactionQueue'}`,
  number
>;

/** How the counters of a kind begin. */
export const KIND_PREFIX: ReadonlyMap<CompactionKind, Prefix> = new Map([
  ['level-1', 'tsmLevel1'],
  ['level-2', 'tsmLevel2'],
  ['level-3', 'tsmLevel3'],
  ['optimize', 'tsmOptimize'],
  ['full', 'tsmFull'],
] as const);

/** All at zero. */
export function compactionStatistics(): CompactionStatistics {
  return {
    ...zeros('tsmLevel1'),
    ...zeros('tsmLevel2'),
    ...zeros('tsmLevel3'),
    ...zeros('tsmOptimize'),
    ...zeros('tsmFull'),
  };
}

function zeros<P extends Prefix>(
  prefix: P,
): Pick<CompactionStatistics, Extract<keyof CompactionStatistics, `${P}${string}`>> {
  return {
    [`${prefix}Compactions`]: 0,
    [`${prefix}CompactionsActive`]: 0,
    [`${prefix}CompactionErr`]: 0,
    [`${prefix}CompactionDuration`]: 0,
    [`${prefix}CompactionQueue`]: 0,
  } as Pick<CompactionStatistics, Extract<keyof CompactionStatistics, `${P}${string}`>>;
}
