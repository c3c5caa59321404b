/**
 * The one way into storage: every input hands its batches to the PointsWriter, which finds the retention policy, makes shard
 * groups, cuts the batch up by shard, waits for all shards and passes on what was stored.
 * @see InfluxDB coordinator.PointsWriter
 */
import { type Clock, type Logger, messageOf, TidegateError } from '#kernel';
import type { MetaClient, RetentionPolicyView, ShardGroup } from '#meta';
import { allRuns, orderRuns, type PointsBatch, type Precision, type RowRun } from '#models';
import type { Shard, ShardWriteOutcome, Store } from '#tsdb';
import { CoordinatorError } from './errors.js';
import { BEYOND_RETENTION, mapShards, type ShardMapping } from './map-shards.js';
import { bookFailure, type WriteBooks } from './write-books.js';
import type { WriteWindow, WriteWindows } from './write-window.js';

/** A batch on its way to a database. */
export interface WriteRequest {
  readonly database: string;
  /** '' = the database's default. */
  readonly retentionPolicy: string;
  readonly batch: PointsBatch;
  /** Unit of the timestamps as the client wrote them, for what an error suggests; nanoseconds where it is not known. */
  readonly precision?: Precision;
  /** Told what becomes of the batch's points, which have been received by its account. */
  readonly books?: WriteBooks;
}

/** What became of the points of a batch. `points + dropped` is the batch's point count. */
export interface WriteOutcome {
  /** Points on disk. */
  readonly points: number;
  /** Field values on disk. */
  readonly values: number;
  /** Points not stored, by reason; the texts are InfluxDB's. */
  readonly dropped: number;
  /** The reason of the first of them, '' when there are none. */
  readonly reason: string;
}

/** Counters with InfluxDB's names, and one of ours. `pointReq = pointReqLocal + writeDrop + pointReqFail` when nothing is under way. */
export interface WriteStatistics {
  req: number;
  pointReq: number;
  /** Points stored. */
  pointReqLocal: number;
  /** Points of writes that ended in an error and were not stored; after a timeout some still may be. Not in InfluxDB. */
  pointReqFail: number;
  writeOk: number;
  writeDrop: number;
  writeTimeout: number;
  writeError: number;
  subWriteOk: number;
  subWriteDrop: number;
  /** Points outside their policy's write window that were stored all the same, and that were dropped. Not in InfluxDB. */
  writeWindowWarn: number;
  writeWindowDrop: number;
}

/** What became of the points of one write so far. */
interface WriteTally {
  stored: number;
  dropped: number;
  /** Why the first of those was dropped, '' while there is none. */
  reason: string;
  /** Rows stored, by shard. */
  accepted: (readonly RowRun[])[];
}

/** The rows of a batch that are on disk. */
export interface AcceptedRows {
  readonly points: number;
  /** True where they are all of the batch. */
  readonly isWhole: boolean;
  /** In an order in which they can be stored elsewhere. */
  runs(): readonly RowRun[];
}

/** Receives what was stored. Must not keep the batch, and must not throw. */
export interface WriteListener {
  /**
   * Called once a batch, or a part of it, is on disk; the batch's series ids are those of the database's index.
   * @returns for whoever passes writes on: whether it was taken, now or when the promise resolves, for which the write waits
   */
  stored(
    request: WriteRequest,
    retentionPolicy: string,
    accepted: AcceptedRows,
  ): boolean | Promise<boolean> | void;
  /** Whether batches of a database that are read from lines should say where their lines are (`PointsBatch.lineStarts`). */
  wantsLines?(database: string): boolean;
}

/** What the writer stands on. */
export interface PointsWriterParts {
  readonly meta: MetaClient;
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly writeTimeoutMs: number;
  /** Absent where every time is taken. */
  readonly windows?: WriteWindows;
}

/** Shard groups made for one batch; a batch that spans more is refused. */
const GROUPS_PER_BATCH_MAX = 10_000;

/** Writes batches to shards. */
export class PointsWriter {
  readonly statistics: WriteStatistics = {
    req: 0,
    pointReq: 0,
    pointReqLocal: 0,
    pointReqFail: 0,
    writeOk: 0,
    writeDrop: 0,
    writeTimeout: 0,
    writeError: 0,
    subWriteOk: 0,
    subWriteDrop: 0,
    writeWindowWarn: 0,
    writeWindowDrop: 0,
  };
  private readonly listeners: WriteListener[] = [];

  constructor(private readonly parts: PointsWriterParts) {}

  /** Adds a receiver of stored batches. */
  addListener(listener: WriteListener): void {
    this.listeners.push(listener);
  }

  /** Whether somebody wants to know where the lines of a batch are; see {@link WriteListener.wantsLines}. */
  areLinesWanted(database: string): boolean {
    for (const listener of this.listeners)
      if (listener.wantsLines?.(database) === true) return true;
    return false;
  }

  /**
   * Stores a batch; resolves when all of it that is accepted is on disk.
   * @throws CoordinatorError `database not found`, `retention policy not found`, `timeout`; TsmError for the disk's
   */
  async write(request: WriteRequest): Promise<WriteOutcome> {
    const { statistics } = this;
    const { batch } = request;
    statistics.req++;
    statistics.pointReq += batch.pointCount;
    if (batch.pointCount === 0) return { points: 0, values: 0, dropped: 0, reason: '' };
    const { pointCount } = batch;
    const tally: WriteTally = { stored: 0, dropped: 0, reason: '', accepted: [] };
    const { books } = request;
    try {
      // Nearly always all groups and shards are there: then nothing is waited for before the rows are in log and cache.
      let mapping = this.map(request, tally);
      for (let made = 0; mapping.missingNs !== null; made++) {
        await this.createGroup(request, mapping.missingNs, made);
        mapping = this.map(request, tally);
      }
      const shards = this.knownShards(mapping) ?? (await this.openShards(mapping, request));
      return await this.writeShards(batch, mapping, shards, tally);
    } catch (error) {
      statistics.writeError++;
      const failed = pointCount - tally.stored - tally.dropped;
      statistics.pointReqFail += failed;
      if (books !== undefined) bookFailure(books, failed, error);
      throw error;
    } finally {
      books?.store(tally.stored);
      if (tally.dropped > 0) books?.refuse(tally.dropped, tally.reason);
      // Also where one of several shards failed: what the others have stored is passed on.
      if (tally.stored > 0 && this.listeners.length > 0) {
        const told = this.tell(request, tally);
        if (told !== null) await told;
      }
      statistics.pointReqLocal += tally.stored;
      statistics.writeDrop += tally.dropped;
    }
  }

  /** For a number that is no time in its unit: what to add to the error, or ''. See {@link WriteWindows.hintFor}. */
  timeHint(
    place: { readonly database: string; readonly retentionPolicy: string },
    value: bigint,
    precision: Precision,
  ): string {
    const { windows, meta } = this.parts;
    const { database, retentionPolicy } = place;
    const policy = meta.retentionPolicy(database, retentionPolicy);
    if (windows === undefined || policy === undefined) return '';
    return windows.hintFor(database, policy.policy.name, value, precision);
  }

  /** Maps a batch; notes in `tally` what is dropped for its time, and why, unless a shard group is missing. */
  private map(request: WriteRequest, tally: WriteTally): ShardMapping {
    const { clock, store, windows } = this.parts;
    const { database, batch, precision = 'ns' } = request;
    const policy = this.policy(request);
    const { durationNs, name } = policy.policy;
    const earliestNs = durationNs === 0n ? null : clock.nowNs() - durationNs;
    const window = windows?.windowOf(database, name, precision) ?? null;
    // What an attempt refused is refused again by the next.
    batch.refusals.length = 0;
    const mapping = mapShards(batch, policy, { earliestNs, window }, store.index(database));
    if (mapping.missingNs === null)
      this.noteDropped(mapping, window, { database, retentionPolicy: name }, tally);
    return mapping;
  }

  private async createGroup(request: WriteRequest, timeNs: bigint, made: number): Promise<void> {
    if (made === GROUPS_PER_BATCH_MAX) {
      throw new CoordinatorError(
        'coordinator.too-many-groups',
        `batch spans more than ${GROUPS_PER_BATCH_MAX} shard groups`,
      );
    }
    const { database, retentionPolicy } = request;
    await this.parts.meta.createShardGroup(database, retentionPolicy, timeNs);
  }

  /** Counts what a mapping drops, and the reason to be named. */
  private noteDropped(
    { beyondRetention, outsideWindow, firstOutsideNs }: ShardMapping,
    window: WriteWindow | null,
    place: { readonly database: string; readonly retentionPolicy: string },
    tally: WriteTally,
  ): void {
    tally.dropped = beyondRetention;
    if (beyondRetention > 0) tally.reason = BEYOND_RETENTION;
    if (firstOutsideNs === null || window === null) return;
    this.parts.windows?.report(outsideWindow, place, firstOutsideNs, window);
    if (!window.isRefusing) {
      this.statistics.writeWindowWarn += outsideWindow;
      return;
    }
    this.statistics.writeWindowDrop += outsideWindow;
    tally.dropped += outsideWindow;
    tally.reason = window.reasonFor(firstOutsideNs);
  }

  private policy({ database, retentionPolicy }: WriteRequest): RetentionPolicyView {
    const { meta } = this.parts;
    const policy = meta.retentionPolicy(database, retentionPolicy);
    if (policy !== undefined) return policy;
    if (meta.database(database) === undefined) {
      throw new CoordinatorError(
        'coordinator.database-not-found',
        `database not found: ${database}`,
      );
    }
    throw new CoordinatorError(
      'coordinator.retention-policy-not-found',
      `retention policy not found: ${retentionPolicy}`,
    );
  }

  /** The shards of a mapping, or null where one has to be opened. */
  private knownShards({ runsByShard }: ShardMapping): Shard[] | null {
    const { store } = this.parts;
    const shards: Shard[] = [];
    for (const id of runsByShard.keys()) {
      const known = store.shard(id);
      if (known === undefined) return null;
      shards.push(known);
    }
    return shards;
  }

  private async openShards(mapping: ShardMapping, request: WriteRequest): Promise<Shard[]> {
    const { store, meta } = this.parts;
    const shards: Shard[] = [];
    for (const id of mapping.runsByShard.keys()) {
      const known = store.shard(id);
      if (known !== undefined) {
        shards.push(known);
        continue;
      }
      const place = meta.shard(id);
      if (place === undefined) {
        throw new CoordinatorError('coordinator.shard-not-found', 'shard not found');
      }
      const group: ShardGroup = place.group;
      shards.push(
        await store.createShard({
          id,
          database: request.database,
          retentionPolicy: place.retentionPolicy,
          startNs: group.startNs,
          endNs: group.endNs,
        }),
      );
    }
    return shards;
  }

  /** All shards write; one answer: the first failure, else what was dropped, else all stored. */
  private async writeShards(
    batch: PointsBatch,
    mapping: ShardMapping,
    shards: readonly Shard[],
    tally: WriteTally,
  ): Promise<WriteOutcome> {
    let values = 0;
    const add = (outcome: ShardWriteOutcome): void => {
      tally.stored += outcome.points;
      tally.accepted.push(outcome.accepted);
      values += outcome.values;
      tally.dropped += outcome.dropped;
      if (tally.reason === '') tally.reason = outcome.reason;
    };
    const runs = [...mapping.runsByShard.values()];
    if (shards.length === 1) {
      add(await this.withTimeout(shards[0].write(batch, runs[0])));
    } else {
      const results = await this.withTimeout(
        Promise.allSettled(
          shards.map((shard, i) => shard.write(batch, runs[i] as readonly RowRun[])),
        ),
      );
      for (const result of results) if (result.status === 'fulfilled') add(result.value);
      for (const result of results) if (result.status === 'rejected') throw result.reason;
    }
    this.statistics.writeOk++;
    return { points: tally.stored, values, dropped: tally.dropped, reason: tally.reason };
  }

  /** The outcome, or InfluxDB's `timeout` after `write-timeout`; the write itself goes on and may still be stored. */
  private withTimeout<T>(work: Promise<T>): Promise<T> {
    const { writeTimeoutMs } = this.parts;
    if (writeTimeoutMs <= 0) return work;
    return new Promise<T>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.statistics.writeTimeout++;
        reject(new CoordinatorError('coordinator.write-timeout', 'timeout'));
      }, writeTimeoutMs);
      work.then(
        (value) => {
          clearTimeout(timer);
          resolve(value);
        },
        (error: unknown) => {
          clearTimeout(timer);
          reject(
            error instanceof TidegateError
              ? error
              : new CoordinatorError(
                  'coordinator.write-failed',
                  `write failed: ${messageOf(error)}`,
                  {
                    cause: error,
                  },
                ),
          );
        },
      );
    });
  }

  /** Tells everybody what was stored; null where nobody has to be waited for. */
  private tell(request: WriteRequest, { stored, accepted }: WriteTally): Promise<void> | null {
    const { batch, database, retentionPolicy } = request;
    const policy = this.parts.meta.retentionPolicy(database, retentionPolicy);
    const isWhole = stored === batch.pointCount;
    const rows: AcceptedRows = {
      points: stored,
      isWhole,
      runs: () => (isWhole ? allRuns(batch) : inOrder(batch, accepted)),
    };
    const awaited: Promise<boolean>[] = [];
    // All are told at once: while somebody waits, the batch may be changed.
    for (const listener of this.listeners) {
      const answer = listener.stored(request, policy?.policy.name ?? retentionPolicy, rows);
      if (typeof answer === 'boolean') this.countTold(answer);
      else if (answer !== undefined) awaited.push(answer);
    }
    return awaited.length === 0 ? null : this.countAwaited(awaited);
  }

  private async countAwaited(answers: readonly Promise<boolean>[]): Promise<void> {
    for (const answer of answers) this.countTold(await answer);
  }

  private countTold(isTaken: boolean): void {
    if (isTaken) this.statistics.subWriteOk++;
    else this.statistics.subWriteDrop++;
  }
}

/** The runs of all shards in one list. */
function inOrder(batch: PointsBatch, accepted: readonly (readonly RowRun[])[]): readonly RowRun[] {
  const runs = accepted.flat();
  if (!batch.hasMixedShapes) return runs;
  const ordered: RowRun[] = [];
  orderRuns(runs, ordered);
  return ordered;
}
