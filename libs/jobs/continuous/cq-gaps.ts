/**
 * `SHOW CQ GAPS [ON database]`: windows of continuous queries that are not computed, and why. A statement of Tidegate's own;
 * its words stay usable as names.
 */
import { type ExtensionHandler, table } from '#coordinator';
import { formatRfc3339, quoteIdent, type StatementExtension } from '#influxql';
import { type MetaClient, Privilege } from '#meta';
import type { ContinuousQueries } from './continuous-queries.js';
import { markKey } from './late-points.js';
import type { CqStates } from './states.js';

const NAME = 'cq-gaps';
const COLUMNS = ['name', 'start', 'end', 'reason', 'attempts', 'next_try', 'error'];

/** Recognises the statement. */
export const cqGapsExtension: StatementExtension = {
  word: 'CQ',
  parse(cursor) {
    const token = cursor.scanSkippingSpace();
    if (token.literal.toUpperCase() !== 'GAPS') {
      cursor.unscan();
      return null;
    }
    const database = cursor.accept('ON') ? cursor.ident() : '';
    return {
      kind: 'extension',
      name: NAME,
      text: `SHOW CQ GAPS${database === '' ? '' : ` ON ${quoteIdent(database)}`}`,
      options: { database },
      privileges: 'read',
    };
  },
};

/** What the answer is made of. */
export interface CqGapsSources {
  readonly meta: Pick<MetaClient, 'snapshot'>;
  readonly states: CqStates;
  readonly queries: Pick<ContinuousQueries, 'faults'>;
}

/** Answers the statement: a series a database, a row a span of windows. */
export function cqGapsHandler({ meta, states, queries }: CqGapsSources): ExtensionHandler {
  return {
    name: NAME,
    run({ options }, { user }) {
      const wanted = options['database'];
      const faults = queries.faults();
      return meta.snapshot.data.databases.flatMap((database) => {
        if (wanted !== '' && database.name !== wanted) return [];
        const mayRead =
          user === null ||
          user.isAdmin ||
          (user.privileges.get(database.name) ?? Privilege.NONE) !== Privilege.NONE;
        if (!mayRead) return [];
        const rows = database.continuousQueries.flatMap(({ name }) => {
          const gaps = states.get(markKey(database.name, name))?.gaps ?? [];
          const broken = faults.filter(
            (one) => one.database === database.name && one.name === name,
          );
          return [
            ...gaps.map(({ startNs, endNs, reason, attempts, retryAtNs, error }) => [
              name,
              formatRfc3339(startNs),
              formatRfc3339(endNs),
              reason,
              BigInt(attempts),
              attempts === 0 ? null : formatRfc3339(retryAtNs),
              error,
            ]),
            ...broken.map(({ error }) => [name, null, null, 'cannot run', 0n, null, error]),
          ];
        });
        return rows.length === 0 ? [] : [table(database.name, COLUMNS, rows)];
      });
    },
  };
}
