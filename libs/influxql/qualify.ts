/**
 * Fills in the databases and retention policies that a statement leaves to the request.
 */
import type { IntoTarget, SelectStatement, Source, Statement } from './ast.js';

/** What a request and the metadata give where a name is left out. */
export interface NameDefaults {
  readonly database: string;
  /** Default retention policy of a database. May throw for an unknown one. */
  retentionPolicyOf(database: string): string;
}

/** The statement with every measurement and INTO of its SELECT, if it has one, fully named. Other statements stay. */
export function qualifyStatement(statement: Statement, defaults: NameDefaults): Statement {
  switch (statement.kind) {
    case 'select':
      return qualifySelect(statement, defaults);
    case 'explain':
      return { ...statement, statement: qualifySelect(statement.statement, defaults) };
    case 'createContinuousQuery': {
      const inner = {
        ...defaults,
        database: statement.database,
        retentionPolicyOf: defaults.retentionPolicyOf,
      };
      return { ...statement, source: qualifySelect(statement.source, inner) };
    }
    default:
      return statement;
  }
}

/** A SELECT, subqueries included, with full names. */
export function qualifySelect(statement: SelectStatement, defaults: NameDefaults): SelectStatement {
  const qualified = <T extends IntoTarget>(named: T): T => {
    const database = named.database || defaults.database;
    return {
      ...named,
      database,
      retentionPolicy: named.retentionPolicy || defaults.retentionPolicyOf(database),
    };
  };
  const sources = statement.sources.map((source): Source =>
    source.kind === 'subquery'
      ? { ...source, statement: qualifySelect(source.statement, defaults) }
      : qualified(source),
  );
  return { ...statement, sources, into: statement.into && qualified(statement.into) };
}
