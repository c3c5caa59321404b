/** Makes senders for addresses of subscriptions. */
import { SubscriberError } from './errors.js';
import { HttpSender } from './http-sender.js';
import type { Place, Sender, SenderOptions } from './sender.js';
import { UdpSender } from './udp-sender.js';

/** The sender for an address. @throws SubscriberError `subscriber.bad-destination` */
export function senderFor(address: string, place: Place, options: SenderOptions): Sender {
  const url = URL.canParse(address) ? new URL(address) : null;
  switch (url?.protocol) {
    case 'http:':
    case 'https:':
      return new HttpSender(address, place, options);
    case 'udp:':
      return new UdpSender(url, options);
    default:
      throw new SubscriberError(
        'subscriber.bad-destination',
        `unknown destination scheme ${url?.protocol.replace(/:$/, '') ?? ''}`,
      );
  }
}
