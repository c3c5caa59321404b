export { SUBSCRIBER, SubscriberModule } from './subscriber.module.js';
