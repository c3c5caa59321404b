/**
 * The engine's front: runs statements that read stored points, gives others their turn during long scans, and stops when
 * told to.
 */
import type { Clock } from '#kernel';
import type { SelectStatement, Statement } from '#influxql';
import { QueryError } from './errors.js';
import { noLimits, type QueryLimits, QueryMemory } from './limits.js';
import type { MetadataReader } from './metadata/database-views.js';
import { runShowCardinality } from './metadata/show-cardinality.js';
import { runShow } from './metadata/show.js';
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
  /** Source of chance for sample(). */
  readonly random?: () => number;
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
  readonly #memory = new QueryMemory();

  constructor(parts: QueryEngineParts) {
    this.#parts = parts;
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
        yield* runShow(inDatabase(statement, context), this.#parts, nowNs);
        return;
      case 'showCardinality':
        yield* runShowCardinality(inDatabase(statement, context), this.#parts, nowNs);
        return;
      default:
        throw new QueryError(`cannot run a statement of kind ${statement.kind} over stored points`);
    }
  }

  async *#select(
    statement: SelectStatement,
    context: QueryContext,
    nowNs: bigint,
  ): AsyncGenerator<ResultSeries> {
    const result = inTurns(runSelect(statement, this.#options(context, nowNs)));
    if (statement.into) yield await writeInto(statement.into, result, this.#parts.writer);
    else yield* result;
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

/** The series of a run; at each null others get their turn. */
async function* inTurns(run: Iterable<ResultSeries | null>): AsyncGenerator<ResultSeries> {
  for (const series of run) {
    if (series) yield series;
    else await turns.next();
  }
}
