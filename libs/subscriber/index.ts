export { type SubscriberConfig, subscriberSection } from './subscriber.config.js';
export { Subscriber, type SubscriberParts } from './subscriber.js';
export { type SubscriberStatistics } from './subscriber-statistics.js';
export { subscriberExtensions, subscriberHandlers } from './statements.js';
