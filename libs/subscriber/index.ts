export { type SubscriberConfig, subscriberSection } from './subscriber.config.js';
