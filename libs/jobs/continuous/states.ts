/**
 * The ledgers of all continuous queries: in memory, and durably in the store of metadata, one entry a query under `cq/`. In
 * meta.db they ride as fields that InfluxDB skips; where InfluxDB has rewritten the file they are gone, and the queries start
 * anew. Saved with compare-and-set, so that of two nodes that think they hold the lease only one's word stays.
 */
import { type Logger } from '#kernel';
import type { MetaCompare, MetaOperation, MetaStore } from '#meta';
import { JobsError } from '../errors.js';
import { type CqState, decodeState, encodeState } from './ledger.js';

const PREFIX = 'cq/';

interface Entry {
  /** Null for one that is to be deleted. */
  state: CqState | null;
  /** Of the stored entry; 0 while there is none. */
  revision: bigint;
  isChanged: boolean;
}

/** States by key of the query. */
export class CqStates {
  private readonly entries = new Map<string, Entry>();

  constructor(
    private readonly store: Pick<MetaStore, 'list' | 'transact'>,
    private readonly logger: Logger,
  ) {}

  /** Number of queries remembered. */
  get size(): number {
    return this.entries.size;
  }

  get(key: string): CqState | undefined {
    return this.entries.get(key)?.state ?? undefined;
  }

  set(key: string, state: CqState): void {
    const entry = this.entries.get(key);
    if (entry === undefined) this.entries.set(key, { state, revision: 0n, isChanged: true });
    else {
      entry.state = state;
      entry.isChanged = true;
    }
  }

  /** Forgets queries that are not there any more. */
  keepOnly(keys: ReadonlySet<string>): void {
    for (const [key, entry] of this.entries) {
      if (keys.has(key) || entry.state === null) continue;
      entry.state = null;
      entry.isChanged = true;
    }
  }

  /** Reads what others have stored since; what this process has not saved yet gives way to it. */
  async load(): Promise<void> {
    const { items } = await this.store.list(PREFIX);
    for (const [name, { value, revision }] of items) {
      const key = name.slice(PREFIX.length);
      if (this.entries.get(key)?.revision === revision) continue;
      const state = decodeState(value);
      if (state === null) {
        this.logger.warn('Last run of a continuous query cannot be read; it starts anew', { key });
      }
      this.entries.set(key, { state, revision, isChanged: state === null });
    }
    for (const [key, { revision }] of this.entries)
      if (revision !== 0n && !items.has(PREFIX + key)) this.entries.delete(key);
  }

  /**
   * Makes all changes durable in one transaction.
   * @throws JobsError where somebody else has changed an entry; the next load() takes theirs
   */
  async save(): Promise<void> {
    const changed = [...this.entries].filter(([, { isChanged }]) => isChanged);
    if (changed.length === 0) return;
    const compare: MetaCompare[] = [];
    const operations: MetaOperation[] = [];
    const saved = changed.map(([key, entry]) => {
      const { state, revision } = entry;
      const name = PREFIX + key;
      compare.push({ key: name, revision });
      operations.push(
        state === null
          ? { kind: 'delete', key: name }
          : { kind: 'put', key: name, value: encodeState(state) },
      );
      return { key, entry, state };
    });
    const { isApplied, revision } = await this.store.transact(compare, operations);
    if (!isApplied)
      throw new JobsError('jobs.cq-conflict', 'another node has run the continuous queries');
    for (const { key, entry, state } of saved) {
      if (state === null) this.entries.delete(key);
      else {
        entry.revision = revision;
        entry.isChanged = entry.state !== state;
      }
    }
  }
}
