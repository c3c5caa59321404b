/** Commands on subscriptions. */
import type { MetaCommand } from './command.js';
import { editPolicy, existingPolicy } from './edit.js';
import { MetaError } from './errors.js';
import type { MetaData } from './meta-data.js';

type CommandOf<Kind extends MetaCommand['kind']> = Extract<MetaCommand, { kind: Kind }>;

/** Adds a subscription to a retention policy. */
export function createSubscription(
  data: MetaData,
  command: CommandOf<'create-subscription'>,
): MetaData {
  const { database, retentionPolicy, name, mode, destinations, condition = '' } = command;
  for (const destination of destinations) checkDestination(destination);
  const policy = existingPolicy(data, database, retentionPolicy);
  if (policy.subscriptions.some((other) => other.name === name))
    throw MetaError.of('subscription-exists');
  return editPolicy(data, command, (found) => ({
    ...found,
    subscriptions: [...found.subscriptions, { name, mode, destinations, condition }],
  }));
}

/** Removes a subscription, which must exist. */
export function dropSubscription(
  data: MetaData,
  command: CommandOf<'drop-subscription'>,
): MetaData {
  const policy = existingPolicy(data, command.database, command.retentionPolicy);
  if (!policy.subscriptions.some((other) => other.name === command.name)) {
    throw MetaError.of('subscription-not-found');
  }
  return editPolicy(data, command, (found) => ({
    ...found,
    subscriptions: found.subscriptions.filter((other) => other.name !== command.name),
  }));
}

/** A destination is `udp|http|https://[user:password@]host:port[/…]`; the port is required. */
function checkDestination(url: string): void {
  if (!/^(udp|https?):\/\/(?:[^/?#@]*@)?(?:\[[^\]]*\]|[^/?#:@]*):\d+(?:[/?#]|$)/i.test(url)) {
    throw MetaError.invalidSubscriptionUrl(url);
  }
}
