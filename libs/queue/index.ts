export { QueueError } from './errors.js';
export { type QueueEntry, type QueueRecord } from './record.js';
export { Queue, type QueueLimits, type WhenFull } from './queue.js';
export { type Backlog, QueueReader, type ReaderStatistics } from './queue-reader.js';
export { type DiskQueueOptions, diskQueue, memoryQueue } from './open-queue.js';
