/**
 * The metadata as the rest of Tidegate sees it: look-ups answer at once from an immutable copy in memory; changes are
 * commands, applied one after another and durable before they show. Commands that wait together share one commit.
 */
import { randomBytes } from 'node:crypto';
import { type Clock, type Logger, messageOf } from '#kernel';
import { applyCommand } from './apply-command.js';
import type { MetaCommand, RetentionPolicySpec } from './command.js';
import { MetaError } from './errors.js';
import type { MetaConfig } from './meta.config.js';
import { decodeMetaData, encodeMetaData } from './meta-codec.js';
import {
  type Database,
  emptyMetaData,
  type MetaData,
  type Privilege,
  type ShardGroup,
  type User,
} from './meta-data.js';
import { MetaSnapshot, type RetentionPolicyView, type ShardPlace } from './meta-snapshot.js';
import { META_KEY, type MetaStore } from './meta-store.js';
import { PasswordChecker } from './passwords.js';

/** Called after each change, with the new and the old state. Must not throw and must not wait. */
export type MetaListener = (now: MetaSnapshot, before: MetaSnapshot) => void;

/** What the client stands on. */
export interface MetaClientParts {
  readonly store: MetaStore;
  readonly config: Pick<MetaConfig, 'isRetentionAutocreated'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Waiting {
  readonly command: MetaCommand;
  readonly resolve: (snapshot: MetaSnapshot) => void;
  readonly reject: (reason: unknown) => void;
}

/** Tries of one batch against a store that others change too. */
const CONFLICTS_MAX = 20;

/** Deleted groups are remembered this long. Same as InfluxDB 1.x. */
const PRUNE_AFTER_NS = 14n * 24n * 3_600_000_000_000n;

/** Metadata: synchronous look-ups, serialised changes. */
export class MetaClient {
  private state: MetaSnapshot | null = null;
  private revision = 0n;
  /**
   * True after a commit that failed: what it was to change may show after a restart. Until the next one succeeds, a command
   * that changes nothing is not confirmed without a commit either.
   */
  private isUncertain = false;
  private waiting: Waiting[] = [];
  private running: Promise<void> | null = null;
  private readonly listeners = new Set<MetaListener>();
  private readonly passwords = new PasswordChecker();

  constructor(private readonly parts: MetaClientParts) {}

  /** Loads the metadata; a new server gets its first, empty file. */
  async open(): Promise<void> {
    if (this.state !== null) return;
    await this.parts.store.open();
    await this.load();
    if (this.revision === 0n) {
      const { data } = this.snapshot;
      await this.commit(data);
    }
  }

  /** Waits for changes under way, then refuses further ones. */
  async close(): Promise<void> {
    if (this.state === null) return;
    await this.running;
    this.state = null;
    await this.parts.store.close();
  }

  /** The present state. Take it once for look-ups that belong together. */
  get snapshot(): MetaSnapshot {
    if (this.state === null) throw MetaError.closed();
    return this.state;
  }

  database(name: string): Database | undefined {
    return this.snapshot.database(name);
  }

  databases(): readonly Database[] {
    return this.snapshot.data.databases;
  }

  /** See {@link MetaSnapshot.retentionPolicy}: '' stands for the default policy; allocates nothing. */
  retentionPolicy(database: string, retentionPolicy: string): RetentionPolicyView | undefined {
    return this.snapshot.retentionPolicy(database, retentionPolicy);
  }

  /** Where a shard belongs. */
  shard(id: number): ShardPlace | undefined {
    return this.snapshot.shard(id);
  }

  /** Live shard groups that overlap an inclusive range. @throws MetaError when database or policy is absent */
  shardGroupsByTimeRange(
    database: string,
    retentionPolicy: string,
    range: { readonly minNs: bigint; readonly maxNs: bigint },
  ): readonly ShardGroup[] {
    return this.existingPolicy(database, retentionPolicy).groups.overlapping(
      range.minNs,
      range.maxNs,
    );
  }

  /** Calls `listener` after every change until the returned function is called. */
  onChange(listener: MetaListener): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /** Creates a database, with the policy `autogen` unless configured otherwise. No error when it exists. */
  async createDatabase(name: string): Promise<Database> {
    const after = await this.execute({
      kind: 'create-database',
      name,
      withAutogen: this.parts.config.isRetentionAutocreated,
    });
    return existing(after.database(name), name);
  }

  /** Creates a database with a policy of its own, as CREATE DATABASE ... WITH. */
  async createDatabaseWithRetentionPolicy(
    name: string,
    spec: RetentionPolicySpec,
  ): Promise<Database> {
    const after = await this.execute({ kind: 'create-database-with-policy', name, spec });
    return existing(after.database(name), name);
  }

  /**
   * The group that takes points of a time, created when there is none. Concurrent calls for one time give one group.
   * @param retentionPolicy '' for the default one
   */
  async createShardGroup(
    database: string,
    retentionPolicy: string,
    timeNs: bigint,
  ): Promise<ShardGroup> {
    const { policy, groups } = this.existingPolicy(database, retentionPolicy);
    const found = groups.at(timeNs);
    if (found !== null) return found;
    const after = await this.execute({
      kind: 'create-shard-group',
      database,
      retentionPolicy: policy.name,
      timeNs,
    });
    const created = after.retentionPolicy(database, policy.name)?.groups.at(timeNs);
    // Dropped by the next command of the same commit.
    if (created === undefined || created === null) throw MetaError.of('shard-group-not-found');
    return created;
  }

  /** Marks the groups as deleted that ended longer ago than their policies keep points. Resolves with the state after it. */
  deleteExpiredShardGroups(nowNs: bigint): Promise<MetaSnapshot> {
    return this.execute({ kind: 'delete-expired-shard-groups', nowNs });
  }

  /** Removes a shard from its group. */
  async dropShard(id: number): Promise<void> {
    await this.execute({ kind: 'drop-shard', id, nowNs: this.parts.clock.nowNs() });
  }

  /** Creates the successors of groups that end within the range, bounds excluded. Resolves with the state after it. */
  precreateShardGroups(fromNs: bigint, toNs: bigint): Promise<MetaSnapshot> {
    return this.execute({ kind: 'precreate-shard-groups', fromNs, toNs });
  }

  /** Forgets groups deleted more than two weeks before `nowNs`. */
  async pruneShardGroups(nowNs: bigint): Promise<void> {
    await this.execute({ kind: 'prune-shard-groups', deletedBeforeNs: nowNs - PRUNE_AFTER_NS });
  }

  /** Creates a user. No error when the same user with the same password is there already. Same as InfluxDB 1.x. */
  async createUser(name: string, password: string, isAdmin: boolean): Promise<void> {
    const same = this.snapshot.user(name);
    if (
      same !== undefined &&
      same.isAdmin === isAdmin &&
      (await this.passwords.matches(same, password))
    )
      return;
    if (same !== undefined) throw MetaError.of('user-exists');
    const hash = name === '' ? '' : await this.passwords.hash(password);
    await this.execute({ kind: 'create-user', name, hash, isAdmin });
  }

  /** Changes a user's password. */
  async setPassword(name: string, password: string): Promise<void> {
    if (this.snapshot.user(name) === undefined) throw MetaError.of('user-not-found');
    await this.execute({ kind: 'set-password', name, hash: await this.passwords.hash(password) });
    this.passwords.forget(name);
  }

  /** Sets what a user may do in a database; replaces what it was. */
  async setPrivilege(user: string, database: string, privilege: Privilege): Promise<void> {
    await this.execute({ kind: 'set-privilege', user, database, privilege });
  }

  /**
   * The user with this name and password.
   * @throws MetaError `user not found`, `authorization failed`
   */
  async authenticate(name: string, password: string): Promise<User> {
    const user = this.snapshot.user(name);
    if (user === undefined) {
      // As much work as for a user who exists, so that the time does not tell.
      await this.passwords.matches(null, password);
      throw MetaError.of('user-not-found');
    }
    if (!(await this.passwords.matches(user, password)))
      throw MetaError.of('authentication-failed');
    return user;
  }

  /**
   * Applies a command; resolves with the state that has it, once that is durable.
   * @throws MetaError with InfluxDB 1.x's text when the command is refused
   */
  execute(command: MetaCommand): Promise<MetaSnapshot> {
    if (this.state === null) return Promise.reject(MetaError.closed());
    return new Promise((resolve, reject) => {
      this.waiting.push({ command, resolve, reject });
      this.running ??= this.run();
    });
  }

  /** Takes what waits, again and again, until nothing does. */
  private async run(): Promise<void> {
    // One turn of the loop, so that calls of the same moment share a commit.
    await Promise.resolve();
    while (this.waiting.length > 0) {
      const batch = this.waiting;
      this.waiting = [];
      try {
        await this.applyBatch(batch);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.running = null;
  }

  private async applyBatch(batch: readonly Waiting[]): Promise<void> {
    for (let attempt = 0; attempt < CONFLICTS_MAX; attempt++) {
      const before = this.snapshot;
      const refused = new Map<Waiting, unknown>();
      let data = before.data;
      for (const entry of batch) {
        try {
          data = applyCommand(data, entry.command);
        } catch (error) {
          refused.set(entry, error);
        }
      }
      const isUnchanged = data === before.data && !this.isUncertain;
      const isDone = isUnchanged || (await this.commit({ ...data, index: before.data.index + 1 }));
      if (isDone) {
        for (const entry of batch) {
          if (refused.has(entry)) entry.reject(refused.get(entry));
          else entry.resolve(this.snapshot);
        }
        return;
      }
      await this.load();
    }
    throw new MetaError(
      'meta.conflict',
      `metadata was changed by others ${CONFLICTS_MAX} times in a row`,
    );
  }

  /** Makes a state durable and then the present one. False when somebody else was faster. */
  private async commit(data: MetaData): Promise<boolean> {
    this.isUncertain = true;
    const { isApplied, revision } = await this.parts.store.transact(
      [{ key: META_KEY, revision: this.revision }],
      [{ kind: 'put', key: META_KEY, value: encodeMetaData(data) }],
    );
    this.isUncertain = false;
    if (!isApplied) return false;
    this.revision = revision;
    this.show(new MetaSnapshot(data));
    return true;
  }

  private async load(): Promise<void> {
    const entry = await this.parts.store.get(META_KEY);
    this.revision = entry?.revision ?? 0n;
    const data = entry === null ? emptyMetaData(randomClusterId()) : decodeMetaData(entry.value);
    this.show(new MetaSnapshot(data));
  }

  private show(now: MetaSnapshot): void {
    const before = this.state ?? now;
    this.state = now;
    for (const listener of this.listeners) {
      try {
        listener(now, before);
      } catch (error) {
        this.parts.logger.error('Listener of metadata failed', { error: messageOf(error) });
      }
    }
  }

  private existingPolicy(databaseName: string, retentionPolicy: string): RetentionPolicyView {
    const database = existing(this.database(databaseName), databaseName);
    const name = retentionPolicy === '' ? database.defaultRetentionPolicy : retentionPolicy;
    const view = this.retentionPolicy(databaseName, name);
    if (view === undefined) throw MetaError.retentionPolicyNotFound(name);
    return view;
  }
}

function existing(database: Database | undefined, name: string): Database {
  if (database === undefined) throw MetaError.databaseNotFound(name);
  return database;
}

/** A random id; positive as int64, which some readers take it for. */
function randomClusterId(): bigint {
  return BigInt.asUintN(63, randomBytes(8).readBigUInt64BE());
}
