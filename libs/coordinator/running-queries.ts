/**
 * The queries under way: their numbers, SHOW QUERIES and KILL QUERY, and the limits on how many and how long.
 * @see InfluxDB query.TaskManager
 */
import type { Clock } from '#kernel';
import { CoordinatorError } from './errors.js';

/** Limits; 0 means none. */
export interface RunningQueriesLimits {
  readonly concurrentMax: number;
  readonly timeoutMs: number;
}

/** A query under way. */
export interface RunningQuery {
  readonly id: bigint;
  readonly text: string;
  readonly database: string;
  readonly startedNs: bigint;
  readonly isKilled: boolean;
}

/** The handle of whoever runs it. */
export interface QueryTask {
  readonly id: bigint;
  /** Aborted when the query is killed, times out, or its client goes away. */
  readonly signal: AbortSignal;
  /** Why it was aborted, or null. */
  failure(): CoordinatorError | null;
  finish(): void;
}

interface Entry {
  readonly query: RunningQuery & { isKilled: boolean };
  readonly stop: AbortController;
  readonly onInterrupted: (() => void) | undefined;
  failure: CoordinatorError | null;
}

/** Registers queries. */
export class RunningQueries {
  private readonly entries = new Map<bigint, Entry>();
  private lastId = 0n;

  constructor(
    private readonly clock: Clock,
    private readonly limits: RunningQueriesLimits,
  ) {}

  /**
   * Registers a query.
   * @param text printed only when somebody asks
   * @param client aborted when nobody waits for the answer any more
   * @param onInterrupted told when the query is ended before its time, not by its client
   * @throws CoordinatorError `max-concurrent-queries limit exceeded(n, limit)`
   */
  start(
    text: () => string,
    database: string,
    client: AbortSignal,
    onInterrupted?: () => void,
  ): QueryTask {
    const { concurrentMax, timeoutMs } = this.limits;
    if (concurrentMax > 0 && this.entries.size >= concurrentMax) {
      throw new CoordinatorError(
        'coordinator.too-many-queries',
        `max-concurrent-queries limit exceeded(${this.entries.size}, ${concurrentMax})`,
      );
    }
    const id = ++this.lastId;
    const stop = new AbortController();
    const query = {
      id,
      database,
      startedNs: this.clock.nowNs(),
      isKilled: false,
      get text() {
        return text();
      },
    };
    const entry: Entry = { query, stop, failure: null, onInterrupted };
    this.entries.set(id, entry);
    const onClientGone = (): void => stop.abort();
    client.addEventListener('abort', onClientGone);
    if (client.aborted) onClientGone();
    const timer =
      timeoutMs > 0
        ? setTimeout(
            () =>
              end(
                entry,
                new CoordinatorError('coordinator.query-timeout', 'query-timeout limit exceeded'),
              ),
            timeoutMs,
          )
        : undefined;
    return {
      id,
      signal: stop.signal,
      failure: () => entry.failure,
      finish: () => {
        clearTimeout(timer);
        client.removeEventListener('abort', onClientGone);
        this.entries.delete(id);
      },
    };
  }

  /** Queries by number. */
  list(): readonly RunningQuery[] {
    return [...this.entries.values()].map((entry) => entry.query);
  }

  /** Ends a query. @throws CoordinatorError `no such query id: n` */
  kill(id: bigint): void {
    const entry = this.entries.get(id);
    if (entry === undefined)
      throw new CoordinatorError('coordinator.no-such-query', `no such query id: ${id}`);
    if (entry.query.isKilled)
      throw new CoordinatorError('coordinator.already-killed', 'already killed');
    entry.query.isKilled = true;
    end(entry, new CoordinatorError('coordinator.query-interrupted', 'query interrupted'));
  }

  /** Ends all queries, for a shutdown. */
  close(): void {
    for (const entry of this.entries.values()) {
      end(
        entry,
        new CoordinatorError('coordinator.query-engine-shutdown', 'query engine shutdown'),
      );
    }
  }
}

function end(entry: Entry, failure: CoordinatorError): void {
  entry.failure ??= failure;
  entry.stop.abort();
  entry.onInterrupted?.();
}
