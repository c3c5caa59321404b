/** The query engine bound to storage. */
import { type CoordinatorConfig, type PointsWriter, type StatementEngine, StoreReader } from '#coordinator';
import type { Clock } from '#kernel';
import type { MetaClient } from '#meta';
import { QueryEngine, QueryError } from '#query';
import type { Store } from '#tsdb';

/** What the engine stands on. */
export interface EngineParts {
  readonly meta: MetaClient;
  readonly store: Store;
  readonly lines: PointsWriter;
  readonly config: CoordinatorConfig;
  readonly clock: Clock;
}

/** The engine behind SELECT and its like. */
export function createEngine({ meta, store, clock }: EngineParts): StatementEngine {
  const engine = new QueryEngine({
    reader: new StoreReader(meta, store),
    retentionPoliciesOf: (name) => {
      const database = meta.database(name);
      if (database === undefined) return null;
      return database.retentionPolicies.map(({ name: policy }) => policy);
    },
    writer: { write: () => Promise.reject(new QueryError('INTO is not supported yet')) },
    clock,
  });
  return {
    async *execute(statement, { database, retentionPolicy, signal }) {
      const grain = statement.kind === 'select' || statement.kind === 'explain' ? 'rows' : 'series';
      for await (const series of engine.execute(statement, { database, retentionPolicy, signal })) {
        yield { grain: statement.kind === 'showMeasurements' ? 'statement' : grain, series };
      }
    },
  };
}
