/** The query engine bound to storage. */
import { CoordinatorError, type CoordinatorConfig, type PointsWriter, type StatementEngine } from '#coordinator';
import type { Clock } from '#kernel';
import type { MetaClient } from '#meta';
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
export function createEngine(_parts: EngineParts): StatementEngine {
  return {
    // eslint-disable-next-line require-yield -- nothing to give until the engine is there
    async *execute(statement) {
      await Promise.resolve();
      throw new CoordinatorError('coordinator.not-supported', `${statement.kind} is not supported yet`);
    },
  };
}
