/** Users and passwords of collectd's signed and encrypted packets: a line `user: password` each. @see collectd.conf(5), AuthFile */
import { createHash } from 'node:crypto';

/** What is known of a user. */
export interface Credentials {
  /** What signatures are made with. */
  readonly password: Uint8Array;
  /** What is encrypted with: the password's SHA-256. */
  readonly cipherKey: Uint8Array;
}

/** Users that one file may have; further ones are left out. */
const USERS_MAX = 100_000;

/**
 * Reads a file.
 * @param text a binary string, one character a byte; so are the names
 */
export function parseAuthFile(text: string): ReadonlyMap<string, Credentials> {
  const users = new Map<string, Credentials>();
  for (const line of text.split('\n')) {
    const at = line.indexOf(':');
    const user = line.slice(0, Math.max(0, at)).trim();
    if (at < 0 || user.startsWith('#') || users.size >= USERS_MAX) continue;
    const password = Buffer.from(line.slice(at + 1).trim(), 'latin1');
    users.set(user, { password, cipherKey: createHash('sha256').update(password).digest() });
  }
  return users;
}
