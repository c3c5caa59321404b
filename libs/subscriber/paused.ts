/** Which subscriptions are paused: durable in the store of metadata, as entries that InfluxDB skips. */
import type { MetaStore } from '#meta';
import type { Place } from './sender.js';

const PREFIX = 'subscription-paused/';

/** See the header. */
export class PausedSubscriptions {
  private readonly revisions = new Map<string, bigint>();

  constructor(private readonly store: Pick<MetaStore, 'list' | 'transact'>) {}

  async load(): Promise<void> {
    const { items } = await this.store.list(PREFIX);
    this.revisions.clear();
    for (const [key, { revision }] of items) this.revisions.set(key, revision);
  }

  has(place: Place, name: string): boolean {
    return this.revisions.has(keyOf(place, name));
  }

  async add(place: Place, name: string): Promise<void> {
    const key = keyOf(place, name);
    if (this.revisions.has(key)) return;
    await this.store.transact([], [{ kind: 'put', key, value: Uint8Array.of(1) }]);
    await this.load();
  }

  async remove(place: Place, name: string): Promise<void> {
    const key = keyOf(place, name);
    if (!this.revisions.has(key)) return;
    await this.store.transact([], [{ kind: 'delete', key }]);
    await this.load();
  }
}

function keyOf({ database, retentionPolicy }: Place, name: string): string {
  return PREFIX + JSON.stringify([database, retentionPolicy, name]);
}
