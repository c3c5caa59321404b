/**
 * What a statement needs and touches: privileges, whether it only reads, which database it is about.
 */
import type { SelectStatement, Statement } from './ast.js';
import { walkSources } from './visitor.js';

/** One thing a user must be allowed to do. */
export interface RequiredPrivilege {
  /** True where only an administrator may. The other two do not count then. */
  readonly isAdmin: boolean;
  /** '' for the request's database. */
  readonly database: string;
  readonly privilege: 'READ' | 'WRITE';
}

const ADMIN: readonly RequiredPrivilege[] = [{ isAdmin: true, database: '', privilege: 'READ' }];

function on(database: string, privilege: 'READ' | 'WRITE'): RequiredPrivilege {
  return { isAdmin: false, database, privilege };
}

/** Everything a user must be allowed to do, in the order in which a refusal names it. Empty: anyone may. */
export function requiredPrivileges(statement: Statement): readonly RequiredPrivilege[] {
  switch (statement.kind) {
    case 'select':
      return selectPrivileges(statement);
    case 'explain':
      return selectPrivileges(statement.statement);
    case 'showDatabases':
      return [];
    case 'showMeasurements':
    case 'showSeries':
    case 'showTagKeys':
    case 'showFieldKeys':
    case 'showTagValues':
    case 'showCardinality':
    case 'showRetentionPolicies':
      return [on(statement.database, 'READ')];
    case 'showQueries':
    case 'showContinuousQueries':
      return [on('', 'READ')];
    case 'delete':
    case 'dropSeries':
      return [on('', 'WRITE')];
    case 'dropContinuousQuery':
    case 'dropRetentionPolicy':
      return [on(statement.database, 'WRITE')];
    case 'createContinuousQuery': {
      const target = statement.source.into?.database ?? '';
      const needed = [on(statement.database, 'READ')];
      if (target !== '' && target !== statement.database) needed.push(on(target, 'WRITE'));
      return needed;
    }
    case 'extension':
      return statement.privileges === 'admin' ? ADMIN : [on('', 'READ')];
    default:
      return ADMIN;
  }
}

function selectPrivileges(statement: SelectStatement): readonly RequiredPrivilege[] {
  const needed: RequiredPrivilege[] = [];
  walkSources(statement.sources, (source) => {
    if (source.kind === 'measurement') needed.push(on(source.database, 'READ'));
  });
  if (statement.into) needed.push(on(statement.into.database, 'WRITE'));
  return needed;
}

/** True for statements that a GET request may send without a warning. DELETE and KILL count among them: same as 1.x. */
export function isReadOnly(statement: Statement): boolean {
  switch (statement.kind) {
    case 'select':
      return statement.into === null;
    case 'explain':
    case 'delete':
    case 'killQuery':
    case 'extension':
      return true;
    default:
      return statement.kind.startsWith('show');
  }
}

/** The database a statement names, '' where it leaves it to the request or has none. */
export function namedDatabase(statement: Statement): string {
  return 'database' in statement ? statement.database : '';
}
