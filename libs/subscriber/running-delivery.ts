/** A delivery and what it is for. */
import type { Delivery } from './delivery.js';
import type { Place } from './sender.js';
import type { WantedDelivery } from './wanted.js';

/** See the header. */
export interface RunningDelivery extends Place {
  readonly wanted: WantedDelivery;
  readonly delivery: Delivery;
}
