/**
 * The engine's front: runs statements that read stored points, gives others their turn during long scans, and stops when
 * told to.
 */
import type { Clock } from '#kernel';
import type { SelectStatement, Statement } from '#influxql';
import { LongQueryError, QueryError } from './errors.js';
import { noLimits, QueryBudget, type QueryLimits, QueryMemory } from './limits.js';
import { LongSelects } from './long-selects.js';
import type { MetadataReader } from './metadata/database-views.js';
import { runShowCardinality } from './metadata/show-cardinality.js';
import { runShow, type ShowContext } from './metadata/show.js';
import type { ResultSeries, ResultWriter } from './ports.js';
import { runExplain } from './run/explain.js';
import { writeInto } from './run/into.js';
import { runSelect, type SelectOptions } from './run/select.js';
import { turns } from './turn-queue.js';

/** What the engine stands on. */
export interface QueryEngineParts extends MetadataReader {
  readonly writer: ResultWriter;
  readonly clock: Clock;
  readonly limits?: QueryLimits;
  /** Where SELECTs go that take longer than a turn; absent where they stay in this thread. */
  readonly offload?: SelectOffload;
  /** What queries hold, shared with {@link offload}. */
  readonly memory?: QueryMemory;
  /** Source of chance for sample(). */
  readonly random?: () => number;
}

/** A SELECT to be run elsewhere. */
export interface SelectTask {
  readonly statement: SelectStatement;
  readonly database: string;
  readonly retentionPolicy: string;
  /** Value of now(). */
  readonly nowNs: bigint;
  readonly signal: AbortSignal | null;
}

/** Runs SELECTs in other threads. */
export interface SelectOffload {
  /** The series of the result, in order. @throws as {@link QueryEngine.execute} */
  run(task: SelectTask): AsyncIterable<ResultSeries>;
}

/** What a statement is run with. */
export interface QueryContext {
  /** Database of statements that name none. */
  readonly database: string;
  /** '' for the default. */
  readonly retentionPolicy: string;
  readonly signal: AbortSignal | null;
}

/** Runs statements over stored points. */
export class QueryEngine {
  readonly #parts: QueryEngineParts;
  readonly #memory: QueryMemory;
  readonly #longSelects = new LongSelects();

  constructor(parts: QueryEngineParts) {
    this.#parts = parts;
    this.#memory = parts.memory ?? new QueryMemory();
  }

  /**
   * The series of a statement's result, in order.
   * @throws QueryError, ExpressionError, QueryLimitError, QueryInterruptedError and the storage port's errors
   */
  async *execute(statement: Statement, context: QueryContext): AsyncGenerator<ResultSeries> {
    const nowNs = this.#parts.clock.nowNs();
    await turns.begin();
    switch (statement.kind) {
      case 'select':
        yield* this.#select(statement, context, nowNs);
        return;
      case 'explain':
        yield* inTurns(runExplain(statement, this.#options(context, nowNs)));
        return;
      case 'showMeasurements':
      case 'showSeries':
      case 'showTagKeys':
      case 'showTagValues':
      case 'showFieldKeys':
        yield* this.#show(context, nowNs, (show) => runShow(inDatabase(statement, context), show));
        return;
      case 'showCardinality':
        yield* this.#show(context, nowNs, (show) =>
          runShowCardinality(inDatabase(statement, context), show),
        );
        return;
      default:
        throw new QueryError(`cannot run a statement of kind ${statement.kind} over stored points`);
    }
  }

  /** Runs what only looks at the index, in turns with other work. */
  async *#show(
    { signal }: QueryContext,
    nowNs: bigint,
    run: (context: ShowContext) => Iterable<ResultSeries | null>,
  ): AsyncGenerator<ResultSeries> {
    const budget = new QueryBudget(this.#parts.limits ?? noLimits, signal, this.#memory);
    try {
      yield* inTurns(run({ source: this.#parts, nowNs, budget }));
    } finally {
      budget.close();
    }
  }

  async *#select(
    statement: SelectStatement,
    context: QueryContext,
    nowNs: bigint,
  ): AsyncGenerator<ResultSeries> {
    const result = this.#rows(statement, context, nowNs);
    if (statement.into) yield await writeInto(statement.into, result, this.#parts.writer);
    else yield* result;
  }

  /** What ends soon is done here; the rest elsewhere, from its beginning. */
  async *#rows(
    statement: SelectStatement,
    context: QueryContext,
    nowNs: bigint,
  ): AsyncGenerator<ResultSeries> {
    const options = this.#options(context, nowNs);
    const { offload } = this.#parts;
    if (!offload) {
      yield* inTurns(runSelect(statement, options));
      return;
    }
    const { database, retentionPolicy, signal } = context;
    const long = this.#longSelects;
    const shapeOf = (): number => LongSelects.shapeOf(statement, database, retentionPolicy);
    const knownShape = long.isEmpty ? null : shapeOf();
    if (knownShape === null || !long.has(knownShape)) {
      const limits = { ...(options.limits ?? noLimits), expectedSeriesMax: HOME_SERIES_MAX };
      const series = await atHome(runSelect(statement, { ...options, limits }));
      if (Array.isArray(series)) {
        yield* series;
        return;
      }
      if (series === 'long') long.add(knownShape ?? shapeOf());
    }
    const startedMs = performance.now();
    yield* offload.run({ statement, database, retentionPolicy, nowNs, signal });
    if (knownShape !== null && performance.now() - startedMs < SHORT_MS) long.delete(knownShape);
  }

  #options(context: QueryContext, nowNs: bigint): SelectOptions {
    const { reader, limits, random } = this.#parts;
    const { database, retentionPolicy, signal } = context;
    return {
      reader,
      database,
      retentionPolicy,
      signal,
      nowNs,
      limits: limits ?? noLimits,
      memory: this.#memory,
      ...(random && { random }),
    };
  }
}

function inDatabase<T extends { readonly database: string }>(
  statement: T,
  { database }: QueryContext,
): T {
  return statement.database === '' ? { ...statement, database } : statement;
}

/** Turns that a SELECT may take in this thread before it moves to another, while nobody else wants this one. */
const HOME_TURNS_MAX = 4;
/** Series from which a SELECT is not begun in this thread: looking for what to read takes turns enough. */
const HOME_SERIES_MAX = 50_000;
/** A turn that comes later than this was wanted by somebody else. */
const PROMPT_MS = 2;

/** A SELECT that took less in other threads than this is begun here the next time. */
const SHORT_MS = 8;

/** All series of a run that ends soon; else why it was ended: it is long, or others want this thread. */
async function atHome(
  run: Iterable<ResultSeries | null>,
): Promise<ResultSeries[] | 'long' | 'unwelcome'> {
  const ready: ResultSeries[] = [];
  let turnsTaken = 0;
  try {
    for (const series of run) {
      if (series) {
        ready.push(series);
        continue;
      }
      const endedMs = performance.now();
      await turns.next();
      const isWanted = performance.now() - endedMs > PROMPT_MS;
      if (++turnsTaken >= HOME_TURNS_MAX) return 'long';
      if (isWanted) return 'unwelcome';
    }
  } catch (error) {
    if (error instanceof LongQueryError) return 'long';
    throw error;
  }
  return ready;
}

/** The series of a run; at each null others get their turn. */
export async function* inTurns(run: Iterable<ResultSeries | null>): AsyncGenerator<ResultSeries> {
  for (const series of run) {
    if (series) yield series;
    else await turns.next();
  }
}
