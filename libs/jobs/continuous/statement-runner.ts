/** Runs the SELECT INTO of a continuous query through the statement executor, as a client's would. */
import type { StatementEvent, StatementRequest } from '#coordinator';
import { JobsError } from '../errors.js';
import type { SelectIntoExecutor } from './continuous-queries.js';

/** What executes statements. */
export interface StatementSource {
  run(request: StatementRequest): AsyncIterable<StatementEvent>;
}

/** SELECT INTO over a statement executor. */
export function selectIntoOver(statements: StatementSource): SelectIntoExecutor {
  return {
    async selectInto(select, database, signal) {
      let written = 0;
      let hasEnded = false;
      const events = statements.run({
        statements: [select],
        database,
        retentionPolicy: '',
        isReadOnly: false,
        chunkRows: 0,
        user: null,
        signal,
        origin: 'continuous query',
      });
      for await (const event of events) {
        if (event.kind === 'series') {
          const column = event.series.data[event.series.columns.indexOf('written')];
          if (column?.kind === 'integer') written += column.values[0] ?? 0;
          continue;
        }
        if (event.error !== null) throw new JobsError('jobs.cq-failed', event.error);
        hasEnded = true;
      }
      if (!hasEnded || signal.aborted)
        throw new JobsError('jobs.cq-interrupted', 'query interrupted');
      return written;
    },
  };
}
