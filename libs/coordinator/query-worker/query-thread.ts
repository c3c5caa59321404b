/** One query worker as the main thread sees it: hands out runs, takes in results, answers calls, notices its death. */
import { MessageChannel, Worker } from 'node:worker_threads';
import { type Logger, workerUrl } from '#kernel';
import type { ResultColumn, ResultSeries } from '#query';
import { CoordinatorError } from '../errors.js';
import type { ViewCallMessage, ViewReplyMessage } from './calls.js';
import {
  type FromQueryWorker,
  type QueryWorkerData,
  receivedError,
  type RunMessage,
  sendableError,
  type SentColumn,
  type SentSeries,
  type ToQueryWorker,
} from './messages.js';
import type { ViewServer } from './view-server.js';

/** Heap of a worker; values lie outside it and are limited by `max-query-memory`. */
const HEAP_MIB_MAX = 2048;

/** Series of one run, in order, as fast as they are asked for. */
export class RunResults {
  private readonly waiting: { readonly series: ResultSeries; readonly bytes: number }[] = [];
  private wake: (() => void) | null = null;
  private end: { readonly error: Error | null } | null = null;
  private readonly whenEnded: ((value: void) => void)[] = [];
  /** Resolves when the worker has ended the run, well or not. */
  readonly ended = new Promise<void>((resolve) => this.whenEnded.push(resolve));

  constructor(private readonly tell: (bytes: number) => void) {}

  add(series: ResultSeries, bytes: number): void {
    this.waiting.push({ series, bytes });
    this.notify();
  }

  finish(error: Error | null): void {
    this.end ??= { error };
    for (const resolve of this.whenEnded) resolve();
    this.notify();
  }

  get isEnded(): boolean {
    return this.end !== null;
  }

  /** The next series, or null at the end. @throws what ended the run */
  async next(): Promise<ResultSeries | null> {
    for (;;) {
      const first = this.waiting.shift();
      if (first !== undefined) {
        this.tell(first.bytes);
        return first.series;
      }
      if (this.end !== null) {
        if (this.end.error !== null) throw this.end.error;
        return null;
      }
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }

  private notify(): void {
    this.wake?.();
    this.wake = null;
  }
}

/** A worker thread and its runs. */
export class QueryThread {
  /** False once it has died. */
  isAlive = true;
  private readonly worker: Worker;
  private readonly runs = new Map<number, RunResults>();
  private readonly servers = new Map<number, { readonly server: ViewServer; users: number }>();
  private readonly queryOf = new Map<number, number>();
  private nextRun = 1;

  constructor(
    memoryCounter: Int32Array,
    private readonly logger: Logger,
  ) {
    const { port1, port2 } = new MessageChannel();
    const replied = new Int32Array(new SharedArrayBuffer(4));
    this.worker = new Worker(workerUrl(import.meta.url, './query.worker.js'), {
      workerData: { callPort: port2, replied, memoryCounter } satisfies QueryWorkerData,
      transferList: [port2],
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB_MAX },
    });
    port1.on('message', (message: ViewCallMessage) => {
      port1.postMessage(this.answer(message));
      Atomics.store(replied, 0, message.number);
      Atomics.notify(replied, 0);
    });
    this.worker.on('message', (message: FromQueryWorker) => this.receive(message));
    this.worker.on('error', (error) => this.die(`query worker failed: ${error.message}`));
    this.worker.on('exit', (code) => {
      port1.close();
      this.die(`query worker ended with code ${code}`);
    });
    port1.unref();
    this.worker.unref();
  }

  /** Runs in hand. */
  get load(): number {
    return this.runs.size;
  }

  /** Starts a run; its calls are answered by `server`. */
  start(
    message: Omit<RunMessage, 'kind' | 'run'>,
    server: ViewServer,
  ): { readonly results: RunResults; cancel(): void } {
    const run = this.nextRun++;
    const results = new RunResults((bytes) => this.send({ kind: 'taken', run, bytes }));
    const entry = this.servers.get(message.query) ?? { server, users: 0 };
    entry.users++;
    this.servers.set(message.query, entry);
    this.runs.set(run, results);
    this.queryOf.set(run, message.query);
    this.worker.ref();
    try {
      this.send({ kind: 'run', run, ...message });
    } catch (error) {
      this.finish(run, null);
      throw error;
    }
    return {
      results,
      cancel: () => {
        Atomics.store(message.cancelled, 0, 1);
        // Wakes it where it waits for its results to be taken.
        if (!results.isEnded) this.send({ kind: 'taken', run, bytes: 0 });
      },
    };
  }

  async close(): Promise<void> {
    this.isAlive = false;
    await this.worker.terminate();
  }

  private send(message: ToQueryWorker): void {
    if (this.isAlive) this.worker.postMessage(message);
  }

  private answer(message: ViewCallMessage): ViewReplyMessage {
    const { number } = message;
    try {
      const entry = this.servers.get(message.query);
      if (entry === undefined) throw new CoordinatorError('coordinator.query-ended', 'query ended');
      return { number, reply: entry.server.answer(message) };
    } catch (error) {
      return { number, error: sendableError(error) };
    }
  }

  private receive(message: FromQueryWorker): void {
    switch (message.kind) {
      case 'series':
        this.runs.get(message.run)?.add(receivedSeries(message.series), message.bytes);
        return;
      case 'end':
        this.finish(message.run, message.error === null ? null : receivedError(message.error));
        return;
      case 'log':
        this.logger[message.level](message.phrase, message.fields);
        return;
    }
  }

  private finish(run: number, error: Error | null): void {
    const results = this.runs.get(run);
    const query = this.queryOf.get(run) ?? -1;
    this.runs.delete(run);
    this.queryOf.delete(run);
    if (this.runs.size === 0) this.worker.unref();
    const entry = this.servers.get(query);
    if (entry !== undefined && --entry.users === 0) this.servers.delete(query);
    results?.finish(error);
  }

  private die(reason: string): void {
    const wasAlive = this.isAlive;
    this.isAlive = false;
    const error = new CoordinatorError('coordinator.query-worker-failed', reason);
    if (wasAlive && this.runs.size > 0) this.logger.error('query worker died', { reason });
    for (const run of [...this.runs.keys()]) this.finish(run, error);
  }
}

function receivedSeries(series: SentSeries): ResultSeries {
  return { ...series, data: series.data.map(receivedColumn) };
}

function receivedColumn(column: SentColumn): ResultColumn {
  if (column.kind !== 'texts') return column;
  const { texts, rows } = column;
  const values = new Array<string | null>(rows.length);
  for (let row = 0; row < rows.length; row++) values[row] = texts[rows[row]];
  return { kind: 'string', values };
}
