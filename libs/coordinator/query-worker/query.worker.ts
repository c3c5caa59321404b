/** Worker thread that runs parts of SELECTs, several side by side in turns, and sends their results as fast as they are taken. */
import { parentPort, workerData } from 'node:worker_threads';
import { invariant, type LogFields, type Logger } from '#kernel';
import {
  type CancelSignal,
  inTurns,
  QueryMemory,
  type ResultColumn,
  type ResultSeries,
  runSelect,
  turns,
} from '#query';
import { SharedViewOpener } from '#tsm';
import {
  type FromQueryWorker,
  type QueryWorkerData,
  type RunMessage,
  sendableError,
  type SentColumn,
  type SentSeries,
  type ToQueryWorker,
} from './messages.js';
import { CallPort, RemoteReader } from './remote-view.js';

/** Bytes of results that a run may have sent without their being taken. */
const AHEAD_BYTES_MAX = 32 * 1024 * 1024;
/** What an entry of a column without a typed array is taken to cost. */
const ENTRY_BYTES = 48;
/** Different texts of a column that are sent once each; the limit of a Uint16. */
const TEXTS_MAX = 65_536;
/** So many may be different before more than half of the rows have to repeat. */
const TEXTS_FIRST = 64;
/** All queries together may hold so many times what one may; as in QueryBudget. */
const SHARED_FACTOR = 3;

const port = parentPort;
invariant(port !== null, 'the query worker runs as a worker thread');
const { callPort, replied, memoryCounter } = workerData as QueryWorkerData;
const calls = new CallPort(callPort, replied);
const memory = new QueryMemory(memoryCounter);
const send = (message: FromQueryWorker): void => port.postMessage(message);
const opener = new SharedViewOpener(loggerWith({}));
const runs = new Map<number, Run>();

/** One part of a SELECT. */
class Run {
  private aheadBytes = 0;
  private resume: (() => void) | null = null;

  constructor(private readonly message: RunMessage) {}

  /** Results have been taken. */
  taken(bytes: number): void {
    this.aheadBytes -= bytes;
    memory.add(-bytes, 0);
    this.resume?.();
    this.resume = null;
  }

  async execute(): Promise<void> {
    const { run, query, statement, database, retentionPolicy, nowNs, limits, part, cancelled } =
      this.message;
    const signal: CancelSignal = {
      get aborted() {
        return Atomics.load(cancelled, 0) === 1;
      },
    };
    const reader = new RemoteReader({ calls, opener, query });
    await turns.begin();
    const result = inTurns(
      runSelect(statement, {
        reader,
        database,
        retentionPolicy,
        nowNs,
        limits,
        memory,
        signal,
        ...(part && { part }),
      }),
    );
    for await (const series of result) {
      const sent = compact(series);
      const bytes = sizeOf(sent);
      memory.add(bytes, limits.queryMemoryMaxBytes * SHARED_FACTOR);
      this.aheadBytes += bytes;
      send({ kind: 'series', run, series: sent, bytes });
      while (this.aheadBytes > AHEAD_BYTES_MAX && !signal.aborted)
        await new Promise<void>((resolve) => (this.resume = resolve));
    }
  }

  /** What was not taken is nobody's any more. */
  end(): void {
    memory.add(-this.aheadBytes, 0);
  }
}

/** The series with columns that are not windows on something larger: a message carries whole buffers. */
function compact(series: ResultSeries): SentSeries {
  return { ...series, data: series.data.map(compactColumn) };
}

function compactColumn(column: ResultColumn): SentColumn {
  switch (column.kind) {
    case 'time':
      return { ...column, ns: whole(column.ns) };
    case 'float':
      return { ...column, values: whole(column.values), present: wholeOrNull(column.present) };
    case 'boolean':
      return { ...column, values: whole(column.values), present: wholeOrNull(column.present) };
    case 'integer':
    case 'unsigned':
      return {
        ...column,
        values: whole(column.values),
        wide: wholeOrNull(column.wide),
        present: wholeOrNull(column.present),
      };
    case 'string':
      return repeatedTexts(column.values) ?? column;
    case 'any':
      return column;
  }
}

/** Texts that repeat, as tags do; null where there are too many different ones. */
function repeatedTexts(values: readonly (string | null)[]): SentColumn | null {
  const rows = new Uint16Array(values.length);
  const numbers = new Map<string | null, number>();
  let last: string | null = null;
  let lastNumber = -1;
  for (let row = 0; row < values.length; row++) {
    const value = values[row];
    if (value !== last || lastNumber < 0) {
      last = value;
      let number = numbers.get(value);
      if (number === undefined) {
        number = numbers.size;
        if (number >= TEXTS_MAX || number > TEXTS_FIRST + row / 2) return null;
        numbers.set(value, number);
      }
      lastNumber = number;
    }
    rows[row] = lastNumber;
  }
  return { kind: 'texts', texts: [...numbers.keys()], rows };
}

function wholeOrNull<T extends BigInt64Array | Uint8Array>(view: T | null): T | null {
  return view === null ? null : whole(view);
}

function whole<T extends Float64Array | BigInt64Array | Uint8Array>(view: T): T {
  return view.byteLength === view.buffer.byteLength ? view : (view.slice() as T);
}

function sizeOf({ data, rowCount }: SentSeries): number {
  let bytes = ENTRY_BYTES;
  for (const column of data) {
    if (column.kind === 'time') bytes += column.ns.byteLength;
    else if (column.kind === 'texts') bytes += column.rows.byteLength;
    else if (column.kind === 'string' || column.kind === 'any') bytes += rowCount * ENTRY_BYTES;
    else bytes += column.values.byteLength + (column.present?.byteLength ?? 0);
  }
  return bytes;
}

function loggerWith(common: LogFields): Logger {
  const at =
    (level: 'debug' | 'info' | 'warn' | 'error') =>
    (phrase: string, fields: LogFields = {}): void =>
      send({ kind: 'log', level, phrase, fields: { ...common, ...fields } });
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    with: (fields) => loggerWith({ ...common, ...fields }),
  };
}

port.on('message', (message: ToQueryWorker) => {
  if (message.kind === 'taken') {
    runs.get(message.run)?.taken(message.bytes);
    return;
  }
  const run = new Run(message);
  runs.set(message.run, run);
  const end = (error: unknown): void => {
    runs.delete(message.run);
    run.end();
    send({ kind: 'end', run: message.run, error: error === null ? null : sendableError(error) });
  };
  run.execute().then(() => end(null), end);
});
