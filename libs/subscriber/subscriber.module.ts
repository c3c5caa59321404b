/** The subscriber as a Nest provider. Opening and closing is the server's business, which keeps its parts in order. */
import { type DynamicModule, Module } from '@nestjs/common';
import { Subscriber, type SubscriberParts } from './subscriber.js';

/** Token of the {@link Subscriber}. */
export const SUBSCRIBER = Symbol('subscriber');
/** Token of what it stands on. */
const SUBSCRIBER_PARTS = Symbol('subscriber.parts');

/** Makes the subscriber. */
@Module({})
export class SubscriberModule {
  static forSubscriber(parts: SubscriberParts): DynamicModule {
    return {
      module: SubscriberModule,
      providers: [
        { provide: SUBSCRIBER_PARTS, useValue: parts },
        {
          provide: SUBSCRIBER,
          inject: [SUBSCRIBER_PARTS],
          useFactory: (given: SubscriberParts): Subscriber => new Subscriber(given),
        },
      ],
      exports: [SUBSCRIBER],
    };
  }
}
