/**
 * The MetaStore of a single node: everything in one meta.db, replaced as a whole by each transaction. The key `meta` is
 * InfluxDB's message itself; other keys ride in the same file as fields that InfluxDB skips. Revisions count from the
 * opening; leases last as long as the process.
 */
import type { FileSystem, Logger } from '#kernel';
import { MetaError } from './errors.js';
import { MetaFile } from './meta-file.js';
import {
  META_KEY,
  type MetaCompare,
  type MetaEntry,
  type MetaEvent,
  type MetaLease,
  type MetaOperation,
  type MetaStore,
} from './meta-store.js';
import { bytes as rawBytes, repeated, required, text, wireMessage } from './wire.js';

interface ExtraEntry {
  readonly key: string;
  readonly value: Uint8Array;
  readonly unknownFields?: Uint8Array;
}
/** The file: our entries in field 1000, and InfluxDB's message in all that is left. */
interface FileMessage {
  readonly entries: readonly ExtraEntry[];
  readonly unknownFields?: Uint8Array;
}

const EXTRA_FIELD = 1000;
const entryMessage = wireMessage<ExtraEntry>(
  () => ({ key: '', value: new Uint8Array(0) }),
  [required(1, 'key', text), required(2, 'value', rawBytes)],
);
const fileMessage = wireMessage<FileMessage>(
  () => ({ entries: [] }),
  [repeated(EXTRA_FIELD, 'entries', entryMessage)],
);

type Watcher = (events: readonly MetaEvent[]) => void;

/** Keeps metadata in `<directory>/meta.db`. */
export class LocalMetaStore implements MetaStore {
  private entries: ReadonlyMap<string, MetaEntry> = new Map();
  private revision = 1n;
  private isOpen = false;
  private last: Promise<unknown> = Promise.resolve();
  private readonly file: MetaFile;
  private readonly watchers = new Set<Watcher>();
  private readonly leases = new Map<string, AbortController>();
  private readonly history: MetaEvent[] = [];
  private fence = 0n;

  constructor(files: FileSystem, directory: string, logger: Logger) {
    this.file = new MetaFile(files, `${directory}/meta.db`, logger);
  }

  async open(): Promise<void> {
    if (this.isOpen) return;
    const found = await this.file.read();
    this.revision = 1n;
    this.entries = found === null ? new Map() : unpack(found);
    this.isOpen = true;
  }

  async close(): Promise<void> {
    if (!this.isOpen) return;
    this.isOpen = false;
    await this.last.catch(() => undefined);
    for (const lease of this.leases.values()) lease.abort();
    this.leases.clear();
  }

  get(key: string): Promise<MetaEntry | null> {
    return Promise.resolve(this.entries.get(key) ?? null);
  }

  list(prefix: string): Promise<{ items: ReadonlyMap<string, MetaEntry>; revision: bigint }> {
    const items = new Map([...this.entries].filter(([key]) => key.startsWith(prefix)));
    return Promise.resolve({ items, revision: this.revision });
  }

  transact(
    compare: readonly MetaCompare[],
    operations: readonly MetaOperation[],
  ): Promise<{ isApplied: boolean; revision: bigint }> {
    const result = this.last.then(() => this.apply(compare, operations));
    this.last = result.catch(() => undefined);
    return result;
  }

  async *watch(
    prefix: string,
    fromRevision: bigint,
    signal: AbortSignal,
  ): AsyncIterable<MetaEvent> {
    const pending: MetaEvent[] = this.history.filter((event) => event.revision > fromRevision);
    let wake: () => void = () => undefined;
    const watcher: Watcher = (events) => {
      pending.push(...events);
      wake();
    };
    const onAbort = (): void => wake();
    this.watchers.add(watcher);
    signal.addEventListener('abort', onAbort);
    try {
      while (!signal.aborted) {
        const event = pending.shift();
        if (event === undefined) await new Promise<void>((resolve) => (wake = resolve));
        else if (event.kind === 'reset' || event.key.startsWith(prefix)) yield event;
      }
    } finally {
      this.watchers.delete(watcher);
      signal.removeEventListener('abort', onAbort);
    }
  }

  lease(name: string, _ttlMs: number): Promise<MetaLease | null> {
    if (this.leases.has(name)) return Promise.resolve(null);
    const holder = new AbortController();
    this.leases.set(name, holder);
    const release = (): Promise<void> => {
      if (this.leases.get(name) === holder) this.leases.delete(name);
      holder.abort();
      return Promise.resolve();
    };
    return Promise.resolve({ fence: ++this.fence, lost: holder.signal, release });
  }

  private async apply(
    compare: readonly MetaCompare[],
    operations: readonly MetaOperation[],
  ): Promise<{ isApplied: boolean; revision: bigint }> {
    if (!this.isOpen) throw MetaError.closed();
    const holds = compare.every(
      ({ key, revision }) => (this.entries.get(key)?.revision ?? 0n) === revision,
    );
    if (!holds) return { isApplied: false, revision: this.revision };
    const revision = this.revision + 1n;
    const next = new Map(this.entries);
    const events = operations.map((operation): MetaEvent => {
      if (operation.kind === 'delete') next.delete(operation.key);
      else next.set(operation.key, { value: operation.value, revision });
      return { ...operation, revision };
    });
    await this.file.write(pack(next));
    this.entries = next;
    this.revision = revision;
    this.remember(events);
    for (const watcher of this.watchers) watcher(events);
    return { isApplied: true, revision };
  }

  /** Keeps the latest changes for watchers that start from a revision of the recent past. */
  private remember(events: readonly MetaEvent[]): void {
    this.history.push(...events);
    const surplus = this.history.length - HISTORY_MAX;
    if (surplus > 0) {
      const { revision } = this.history[surplus];
      this.history.splice(0, surplus + 1, { kind: 'reset', revision });
    }
  }
}

/** Changes kept for watchers that come late; older ones are answered by a reset. */
const HISTORY_MAX = 256;

function unpack(file: Uint8Array): ReadonlyMap<string, MetaEntry> {
  const { entries, unknownFields } = fileMessage.decode(file);
  const revision = 1n;
  const map = new Map(entries.map(({ key, value }) => [key, { value, revision }]));
  map.set(META_KEY, { value: unknownFields ?? new Uint8Array(0), revision });
  return map;
}

function pack(entries: ReadonlyMap<string, MetaEntry>): Uint8Array {
  const extra = [...entries]
    .filter(([key]) => key !== META_KEY)
    .map(([key, { value }]) => ({ key, value }));
  const meta = entries.get(META_KEY)?.value ?? new Uint8Array(0);
  return new Uint8Array(Buffer.concat([meta, fileMessage.encode({ entries: extra })]));
}
