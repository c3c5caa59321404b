/**
 * The pool of query workers: SELECTs are divided among them where they can be, and the parts of their results are put
 * together again.
 */
import type { Expr, SelectStatement } from '#influxql';
import type { Logger } from '#kernel';
import {
  type QueryLimits,
  type QueryMemory,
  type ResultSeries,
  type SelectOffload,
  type SelectTask,
} from '#query';
import type { StoreReader } from '../storage-view.js';
import { QueryThread } from './query-thread.js';
import { ViewServer } from './view-server.js';

/** What the pool stands on. */
export interface QueryWorkersParts {
  readonly reader: StoreReader;
  readonly logger: Logger;
  readonly limits: QueryLimits;
  /** Counts in shared memory. */
  readonly memory: QueryMemory;
  /** Threads, at least one; the first starts with {@link QueryWorkers.open}, others when they are needed first. */
  readonly workersMax: number;
}

/** Runs SELECTs in worker threads. */
export class QueryWorkers implements SelectOffload {
  private readonly threads: QueryThread[] = [];
  private nextQuery = 1;

  constructor(private readonly parts: QueryWorkersParts) {}

  /** Starts the first thread, so that the first query need not wait for it to load. */
  open(): void {
    if (this.threads.length === 0) this.startThread();
  }

  async *run(task: SelectTask): AsyncGenerator<ResultSeries> {
    const { limits, reader } = this.parts;
    const server = new ViewServer(reader);
    const threads = this.threadsFor(task.statement);
    const query = this.nextQuery++;
    const count = threads.length;
    const share = (max: number): number => (max === 0 ? 0 : Math.ceil(max / count));
    const { statement, database, retentionPolicy, nowNs, signal } = task;
    const runs: ReturnType<QueryThread['start']>[] = [];
    const cancel = (): void => runs.forEach((run) => run.cancel());
    signal?.addEventListener('abort', cancel);
    try {
      for (const [index, thread] of threads.entries()) {
        const message = {
          query,
          statement,
          database,
          retentionPolicy,
          nowNs,
          limits: { ...limits, queryMemoryMaxBytes: share(limits.queryMemoryMaxBytes) },
          part: count === 1 ? null : { index, count },
          cancelled: new Int32Array(new SharedArrayBuffer(4)),
        };
        runs.push(thread.start(message, server));
      }
      if (signal?.aborted === true) cancel();
      yield* joined(runs.map(({ results }) => results));
    } finally {
      signal?.removeEventListener('abort', cancel);
      cancel();
      // A run still at work holds what it has opened until it looks up; see there.
      await Promise.allSettled(runs.map(({ results }) => results.ended));
      server.close();
    }
  }

  /** Ends the threads. */
  async close(): Promise<void> {
    await Promise.all(this.threads.splice(0).map((thread) => thread.close()));
  }

  private startThread(): void {
    this.threads.push(new QueryThread(this.parts.memory.counter, this.parts.logger));
  }

  /** Threads with the least to do: several where the statement can be divided and there are idle ones. */
  private threadsFor(statement: SelectStatement): readonly QueryThread[] {
    const { workersMax, limits } = this.parts;
    const alive = this.threads.filter(({ isAlive }) => isAlive);
    this.threads.splice(0, Infinity, ...alive);
    const isDivisible = limits.selectPointsMax === 0 && canDivide(statement);
    const isBusy = alive.some(({ load }) => load > 0);
    const wanted = isDivisible && !isBusy ? workersMax : 1;
    const idle = alive.filter(({ load }) => load === 0).length;
    for (let i = idle; i < wanted && this.threads.length < workersMax; i++) this.startThread();
    return [...this.threads].sort((a, b) => a.load - b.load).slice(0, wanted);
  }
}

/** True where parts of the result may be computed apart: of several groups, or of the rows of one at several times. */
function canDivide({ fields, sources, dimensions, limit, offset }: SelectStatement): boolean {
  if (!sources.every((source) => source.kind === 'measurement')) return false;
  if (dimensions.some((dimension) => !isTimeCall(dimension))) return true;
  return limit === 0 && offset === 0 && !fields.some(({ expr }) => hasCall(expr));
}

function isTimeCall(dimension: Expr): boolean {
  return dimension.kind === 'call' && dimension.name === 'time';
}

function hasCall(expr: Expr): boolean {
  switch (expr.kind) {
    case 'call':
    case 'distinct':
      return true;
    case 'binary':
      return hasCall(expr.lhs) || hasCall(expr.rhs);
    case 'paren':
      return hasCall(expr.expr);
    default:
      return false;
  }
}

/** The series of all parts, one part after another. A series that goes on in the next part is marked as partial. */
async function* joined(
  parts: readonly { next(): Promise<ResultSeries | null> }[],
): AsyncGenerator<ResultSeries> {
  let before: ResultSeries | null = null;
  for (const part of parts) {
    let isFirst = true;
    for (;;) {
      const series = await part.next();
      if (series === null) break;
      if (before !== null)
        yield isFirst && isSameSeries(before, series) ? { ...before, partial: true } : before;
      before = series;
      isFirst = false;
    }
  }
  if (before !== null) yield before;
}

function isSameSeries(a: ResultSeries, b: ResultSeries): boolean {
  if (a.name !== b.name || a.tags?.length !== b.tags?.length) return false;
  return (a.tags ?? []).every(({ key, value }, i) => {
    const other = b.tags?.[i];
    return other?.key === key && other.value === value;
  });
}
