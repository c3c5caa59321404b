/** What can go wrong with subscriptions. */
import { TidegateError } from '#kernel';

/**
 * An error of the subscriber; codes `subscriber.not-found`, `subscriber.disabled`, `subscriber.bad-destination`, `subscriber.bad-mode`,
 * `subscriber.bad-time`, `subscriber.not-delivered`.
 */
export class SubscriberError extends TidegateError {}
