/** Queues ready to be opened, on disk or in memory. */
import { join } from 'node:path';
import type { Clock, FileSystem, Logger } from '#kernel';
import { DiskLog } from './disk-log.js';
import { MemoryLog } from './memory-log.js';
import { PositionsFile } from './positions-file.js';
import { Queue, type QueueLimits } from './queue.js';

/** A queue in a directory of its own. */
export interface DiskQueueOptions {
  readonly files: FileSystem;
  readonly directory: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: QueueLimits;
  /** See DiskLogOptions. */
  readonly segmentBytes: number;
  readonly recentBytesMax: number;
  /** See QueueParts; 0 also makes each append durable before it is confirmed. */
  readonly flushIntervalMs: number;
}

/** Where places of readers are saved when every append is durable at once. */
const PLACES_INTERVAL_MS = 1000;

/** A queue on disk. */
export function diskQueue(options: DiskQueueOptions): Queue {
  const { files, directory, clock, logger, limits, flushIntervalMs } = options;
  return new Queue({
    log: new DiskLog({ ...options, isSyncedAtOnce: flushIntervalMs === 0 }),
    positions: new PositionsFile(files, join(directory, 'positions'), logger),
    clock,
    logger,
    limits,
    flushIntervalMs: flushIntervalMs || PLACES_INTERVAL_MS,
  });
}

/** A queue in memory. */
export function memoryQueue(options: {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: QueueLimits;
}): Queue {
  return new Queue({ ...options, log: new MemoryLog(), positions: null, flushIntervalMs: 0 });
}
