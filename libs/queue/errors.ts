/** What can go wrong with a queue. */
import { TidegateError } from '#kernel';

/** An error of a queue; codes `queue.closed`, `queue.not-written`, `queue.not-read`. */
export class QueueError extends TidegateError {}
