/**
 * Statements about users, privileges and running queries.
 */
import type { Privilege, Statement } from './ast.js';
import { TokenKind } from './token.js';
import { unexpected, type TokenCursor } from './token-cursor.js';

/** "CREATE" "USER" name "WITH" "PASSWORD" string [ "WITH" "ALL" "PRIVILEGES" ] ; two words consumed. */
export function parseCreateUser(cursor: TokenCursor): Statement {
  const name = cursor.ident();
  cursor.expect('WITH', 'PASSWORD');
  const password = cursor.string();
  const isAdmin = cursor.accept('WITH');
  if (isAdmin) cursor.expect('ALL', 'PRIVILEGES');
  return { kind: 'createUser', name, password, isAdmin };
}

/** "SET" "PASSWORD" "FOR" user "=" string ; SET and PASSWORD are consumed. */
export function parseSetPassword(cursor: TokenCursor): Statement {
  cursor.expect('FOR');
  const name = cursor.ident();
  cursor.expect('=');
  return { kind: 'setPassword', name, password: cursor.string() };
}

/** "GRANT" privilege ( "ON" db "TO" user | "TO" user ) ; GRANT is consumed. */
export function parseGrant(cursor: TokenCursor): Statement {
  const privilege = parsePrivilege(cursor);
  const database = parseGrantScope(cursor, privilege, 'TO');
  const user = cursor.ident();
  return database === null
    ? { kind: 'grantAdmin', user }
    : { kind: 'grant', privilege, database, user };
}

/** "REVOKE" privilege ( "ON" db "FROM" user | "FROM" user ) ; REVOKE is consumed. */
export function parseRevoke(cursor: TokenCursor): Statement {
  const privilege = parsePrivilege(cursor);
  const database = parseGrantScope(cursor, privilege, 'FROM');
  const user = cursor.ident();
  return database === null
    ? { kind: 'revokeAdmin', user }
    : { kind: 'revoke', privilege, database, user };
}

/** "READ" | "WRITE" | "ALL" [ "PRIVILEGES" ] */
function parsePrivilege(cursor: TokenCursor): Privilege {
  const token = cursor.scanSkippingSpace();
  switch (token.kind) {
    case 'READ':
    case 'WRITE':
      return token.kind;
    case 'ALL':
      cursor.accept('PRIVILEGES');
      return 'ALL PRIVILEGES';
    default:
      throw unexpected(token, ['READ', 'WRITE', 'ALL [PRIVILEGES]']);
  }
}

/** [ "ON" db ] preposition ; null without a database, which only ALL may lack. */
function parseGrantScope(
  cursor: TokenCursor,
  privilege: Privilege,
  preposition: 'TO' | 'FROM',
): string | null {
  const token = cursor.scanSkippingSpace();
  if (token.kind === 'ON') {
    const database = cursor.ident();
    cursor.expect(preposition);
    return database;
  }
  const mayBeGlobal = privilege === 'ALL PRIVILEGES';
  if (mayBeGlobal && token.kind === preposition) return null;
  throw unexpected(token, mayBeGlobal ? ['ON', preposition] : ['ON']);
}

/** "KILL" "QUERY" id [ "ON" host ] ; KILL and QUERY are consumed. */
export function parseKillQuery(cursor: TokenCursor): Statement {
  const queryId = cursor.uint64();
  if (!cursor.accept('ON')) return { kind: 'killQuery', queryId, host: '' };
  const token = cursor.scanSkippingSpace();
  if (token.kind !== TokenKind.IDENT) throw unexpected(token, ['identifier']);
  return { kind: 'killQuery', queryId, host: token.literal };
}
