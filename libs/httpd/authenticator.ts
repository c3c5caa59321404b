/**
 * Who a request is from, and whether they may do what it asks. Knows users through the UserDirectory port only.
 * @see InfluxDB services/httpd authenticate, services/meta QueryAuthorizer
 */
import { type Clock, messageOf } from '#kernel';
import { printStatement, requiredPrivileges, type Statement } from '#influxql';
import { Privilege, type User } from '#meta';
import { type Credentials, readCredentials } from './credentials.js';
import { HttpError } from './errors.js';
import { usernameOfToken } from './json-web-token.js';
import type { UserDirectory } from './ports.js';
import type { UrlValues } from './url-values.js';

/** What the authenticator stands on. */
export interface AuthenticatorParts {
  readonly users: UserDirectory;
  readonly isEnabled: boolean;
  /** Secret of tokens; '' refuses them. */
  readonly sharedSecret: string;
  readonly clock: Clock;
}

/** Who asks: nobody in particular (authentication is off), a user, or somebody before there is any administrator. */
export type Identity =
  | { readonly kind: 'open' }
  | { readonly kind: 'user'; readonly user: User }
  | { readonly kind: 'bootstrap' };

/** Wrong passwords of one name in a row after which answers are delayed. */
const FAILURES_FREE = 3;
/** Longest such delay. */
const DELAY_MAX_MS = 2000;
/** Names whose failures are counted. */
const FAILURE_NAMES_MAX = 10_000;

/** Checks credentials and privileges. */
export class Authenticator {
  private readonly failures = new Map<string, number>();

  constructor(private readonly parts: AuthenticatorParts) {}

  get isEnabled(): boolean {
    return this.parts.isEnabled;
  }

  /**
   * The identity behind a request's credentials.
   * @throws HttpError 401
   */
  async identify(
    url: UrlValues,
    authorization: string | undefined,
    isTokenAllowed = false,
  ): Promise<Identity> {
    if (!this.parts.isEnabled) return { kind: 'open' };
    if (!this.parts.users.hasAdmin()) return { kind: 'bootstrap' };
    const credentials = readCredentials(url, authorization, isTokenAllowed);
    return { kind: 'user', user: await this.userOf(credentials) };
  }

  private async userOf(credentials: Credentials): Promise<User> {
    const { users, sharedSecret, clock } = this.parts;
    if (credentials.kind === 'password')
      return this.checkPassword(credentials.username, credentials.password);
    if (sharedSecret === '') throw HttpError.unauthorized('bearer auth disabled');
    const name = usernameOfToken(
      credentials.token,
      sharedSecret,
      Number(clock.nowNs() / 1_000_000n),
    );
    const user = users.user(name);
    if (user === undefined) throw HttpError.unauthorized('user not found');
    return user;
  }

  private async checkPassword(username: string, password: string): Promise<User> {
    if (username === '') throw HttpError.unauthorized('username required');
    const failed = this.failures.get(username) ?? 0;
    if (failed >= FAILURES_FREE) {
      // Guessing gets slow; the right password of the same moment has to wait too, or the delay would tell.
      await new Promise((resolve) =>
        setTimeout(resolve, Math.min(DELAY_MAX_MS, 50 * 2 ** (failed - FAILURES_FREE))),
      );
    }
    try {
      const user = await this.parts.users.authenticate(username, password);
      this.failures.delete(username);
      return user;
    } catch (error) {
      if (this.failures.size >= FAILURE_NAMES_MAX) this.failures.clear();
      this.failures.set(username, failed + 1);
      throw new HttpError('httpd.unauthorized', 'authorization failed', {
        cause: messageOf(error),
      });
    }
  }

  /** @throws HttpError 403 unless the identity may write to the database */
  authorizeWrite(identity: Identity, database: string): void {
    authorizeDatabase(identity, database, { privilege: 'WRITE', phrase: 'write to' });
  }

  /** @throws HttpError 403 unless the identity may read from the database */
  authorizeRead(identity: Identity, database: string): void {
    authorizeDatabase(identity, database, { privilege: 'READ', phrase: 'read from' });
  }

  /**
   * How many of the statements the identity may run: all of them, or (before the first administrator) only the one that
   * creates them.
   * @throws HttpError 403
   */
  authorizeQuery(identity: Identity, statements: readonly Statement[], database: string): number {
    if (identity.kind === 'open') return statements.length;
    if (identity.kind === 'bootstrap') {
      const [first] = statements;
      if (first?.kind === 'createUser' && first.isAdmin) return 1;
      throw HttpError.forbidden(
        'error authorizing query: create admin user first or disable authentication',
      );
    }
    for (const statement of statements) authorizeStatement(identity.user, statement, database);
    return statements.length;
  }

  /** @throws HttpError 403 unless the identity is an administrator or authentication is off */
  authorizeAdmin(identity: Identity): void {
    if (identity.kind === 'open' || (identity.kind === 'user' && identity.user.isAdmin)) return;
    throw HttpError.forbidden('admin privilege is required');
  }
}

function authorizeDatabase(
  identity: Identity,
  database: string,
  { privilege, phrase }: { readonly privilege: 'READ' | 'WRITE'; readonly phrase: string },
): void {
  if (identity.kind === 'open') return;
  const quoted = JSON.stringify(database);
  if (identity.kind === 'bootstrap')
    throw HttpError.forbidden(`user is required to ${phrase} database ${quoted}`);
  const { user } = identity;
  if (!mayDo(user, database, privilege)) {
    throw HttpError.forbidden(
      `${JSON.stringify(user.name)} user is not authorized to ${phrase} database ${quoted}`,
    );
  }
}

/** Whether a user has a privilege on a database. */
function mayDo(user: User, database: string, privilege: 'READ' | 'WRITE'): boolean {
  if (user.isAdmin) return true;
  const granted = user.privileges.get(database) ?? Privilege.NONE;
  return (
    granted === Privilege.ALL ||
    granted === (privilege === 'READ' ? Privilege.READ : Privilege.WRITE)
  );
}

function authorizeStatement(user: User, statement: Statement, database: string): void {
  if (user.isAdmin) return;
  for (const needed of requiredPrivileges(statement)) {
    const target = needed.database === '' ? database : needed.database;
    if (!needed.isAdmin && mayDo(user, target, needed.privilege)) continue;
    const requirement = needed.isAdmin ? 'admin privilege' : `${needed.privilege} on ${target}`;
    throw HttpError.forbidden(
      `error authorizing query: ${user.name} not authorized to execute statement '${printStatement(statement)}', requires ${requirement}`,
    );
  }
}
