export { type SubscriberConfig, subscriberSection } from './subscriber.config.js';
export { Subscriber, type SubscriberParts } from './subscriber.js';
export { SubscriberError } from './errors.js';
export type { Refusal } from './dead-letters.js';
export { type SubscriberStatistics } from './subscriber-statistics.js';
export { subscriberExtensions, subscriberHandlers } from './statements.js';
