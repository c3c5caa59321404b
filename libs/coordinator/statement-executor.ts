/**
 * Runs parsed statements one after another: normalises each, sends it to whom it belongs (metadata, storage, the query
 * engine), and turns what happens into events. After the first error the rest is not executed, in 1.x's way.
 * @see InfluxDB coordinator.StatementExecutor, query.Executor
 */
import { type Clock, invariant, type Logger, messageOf, TidegateError } from '#kernel';
import {
  type ExtensionStatement,
  isReadOnly,
  namedDatabase,
  printStatement,
  type Statement,
} from '#influxql';
import type { MetaClient } from '#meta';
import type { ResultSeries } from '#query';
import { normaliseStatement } from './normalise-statement.js';
import type { QueryTask, RunningQueries } from './running-queries.js';
import { executeChange } from './statement-executor-change.js';
import { executeShow } from './statement-executor-show.js';
import type {
  ExtensionHandler,
  MonitorView,
  StatementContext,
  StatementEngine,
  StatementEvent,
  StatementRequest,
  StorageCommands,
} from './statement-ports.js';

/** What the executor stands on. */
export interface StatementExecutorParts {
  readonly meta: MetaClient;
  readonly engine: StatementEngine;
  readonly storage: StorageCommands;
  readonly monitor: MonitorView;
  readonly queries: RunningQueries;
  readonly clock: Clock;
  readonly logger: Logger;
  /** `query-log-enabled`. */
  readonly isQueryLogged: boolean;
  /** `log-queries-after`; 0 logs none. */
  readonly logQueriesAfterMs: number;
  /** Who answers statements of our own; the parser knows their words by the same list. */
  readonly extensions: readonly ExtensionHandler[];
}

/** Counters with InfluxDB's names (`queryExecutor`). */
export interface QueryStatistics {
  queriesActive: number;
  queriesExecuted: number;
  queriesFinished: number;
  queryDurationNs: number;
  recoveredPanics: number;
}

/** Executes statements. */
export class StatementExecutor {
  readonly statistics: QueryStatistics = {
    queriesActive: 0,
    queriesExecuted: 0,
    queriesFinished: 0,
    queryDurationNs: 0,
    recoveredPanics: 0,
  };

  constructor(private readonly parts: StatementExecutorParts) {}

  /** Runs the statements. Errors are events; leaving the iteration early ends the query. */
  async *run(request: StatementRequest): AsyncIterable<StatementEvent> {
    const { queries, clock, logger, logQueriesAfterMs } = this.parts;
    const { statistics } = this;
    const text = (): string => request.statements.map(printStatement).join('; ');
    const startedMs = clock.monotonicMs();
    let task: QueryTask;
    try {
      task = queries.start(text, request.database, request.signal, request.onInterrupted);
    } catch (error) {
      yield { kind: 'end', statementId: 0, error: messageOf(error), messages: [] };
      return;
    }
    statistics.queriesActive++;
    statistics.queriesExecuted++;
    try {
      yield* this.runAll(request, task);
    } finally {
      task.finish();
      const durationMs = clock.monotonicMs() - startedMs;
      statistics.queriesActive--;
      statistics.queriesFinished++;
      statistics.queryDurationNs += Math.round(durationMs * 1e6);
      if (logQueriesAfterMs > 0 && durationMs > logQueriesAfterMs) {
        logger.warn('Detected slow query', {
          query: text(),
          qid: task.id,
          db: request.database,
          durationMs,
        });
      }
    }
  }

  private async *runAll(request: StatementRequest, task: QueryTask): AsyncIterable<StatementEvent> {
    const { statements } = request;
    for (let i = 0; i < statements.length; i++) {
      try {
        for await (const event of this.runOne(statements[i], request, task))
          yield { ...event, statementId: i };
        const failure = task.failure();
        if (failure !== null) throw failure;
      } catch (error) {
        yield { kind: 'end', statementId: i, error: this.textOf(error, task), messages: [] };
        // Same as InfluxDB 1.x: one for each of the rest, all with the failed statement's id.
        for (let j = i + 1; j < statements.length; j++) {
          yield { kind: 'end', statementId: i, error: 'not executed', messages: [] };
        }
        return;
      }
    }
  }

  private async *runOne(
    statement: Statement,
    request: StatementRequest,
    task: QueryTask,
  ): AsyncIterable<StatementEvent> {
    const { meta, logger, storage, monitor, queries, clock, engine } = this.parts;
    const defaultDatabase = request.database || namedDatabase(statement);
    const named = normaliseStatement(meta.snapshot, statement, {
      database: defaultDatabase,
      retentionPolicy: request.retentionPolicy,
    });
    if (this.parts.isQueryLogged)
      logger.info('Executing query', { service: 'query', query: printStatement(named) });
    const { user } = request;
    const tables = executeShow(named, {
      meta: meta.snapshot,
      queries,
      monitor,
      user,
      nowNs: clock.nowNs(),
    });
    if (tables !== null) {
      for (const series of tables)
        yield { kind: 'series', statementId: 0, grain: 'statement', series };
    } else if (
      !(await executeChange(named, { meta, storage, queries, database: request.database }))
    ) {
      const context: StatementContext = {
        database: defaultDatabase,
        retentionPolicy: request.retentionPolicy,
        chunkRows: request.chunkRows,
        user,
        signal: task.signal,
        ...(request.origin !== undefined && { origin: request.origin }),
      };
      if (named.kind === 'extension') {
        for (const series of await this.extension(named, context))
          yield { kind: 'series', statementId: 0, grain: 'statement', series };
      } else {
        for await (const { grain, series } of engine.execute(named, context)) {
          yield { kind: 'series', statementId: 0, grain, series };
        }
      }
    }
    yield {
      kind: 'end',
      statementId: 0,
      error: null,
      messages: warnings(named, request.isReadOnly),
    };
  }

  private extension(
    statement: ExtensionStatement,
    context: StatementContext,
  ): readonly ResultSeries[] | Promise<readonly ResultSeries[]> {
    const handler = this.parts.extensions.find(({ name }) => name === statement.name);
    invariant(handler !== undefined, `an extension of the parser has a handler: ${statement.name}`);
    return handler.run(statement, context);
  }

  private textOf(error: unknown, task: QueryTask): string {
    const failure = task.failure();
    if (failure !== null) return failure.message;
    // An expression of very many terms, which no parenthesis gave away to the parser.
    if (error instanceof RangeError && /call stack/.test(error.message))
      return 'query is nested too deeply';
    if (!(error instanceof TidegateError)) {
      this.statistics.recoveredPanics++;
      this.parts.logger.error('Statement failed unexpectedly', {
        error: messageOf(error),
        stack: error instanceof Error ? error.stack : undefined,
      });
    }
    return messageOf(error);
  }
}

function warnings(
  statement: Statement,
  isRequestReadOnly: boolean,
): readonly { level: string; text: string }[] {
  if (!isRequestReadOnly || isReadOnly(statement)) return [];
  const text = `deprecated use of '${printStatement(statement)}' in a read only context, please use a POST request instead`;
  return [{ level: 'warning', text }];
}
