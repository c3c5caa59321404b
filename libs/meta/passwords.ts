/**
 * Passwords: bcrypt hashes as in InfluxDB 1.x's meta.db, and a memory of passwords that were right, as salted SHA-256, so
 * that bcrypt's cost is paid once and not for every request.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import bcrypt from 'bcryptjs';
import type { User } from './meta-data.js';

/** bcrypt's cost. Same as InfluxDB 1.x. */
const COST = 10;
/** Users whose right password is remembered. */
const REMEMBERED_MAX = 10_000;
/** The hash of a password that nobody has. */
const NOBODY_HASH = '$2a$10$CwTycUXWue0Thq9StjUM0uJ8iYUmIbQNnrQVYW4vbYyuYhjPHyEJe';

interface Remembered {
  /** The bcrypt hash it stood for: when that changes, it is void. */
  readonly hash: string;
  readonly salt: Uint8Array;
  readonly digest: Uint8Array;
}

/** Checks and hashes passwords. Comparisons take the same time whatever differs. */
export class PasswordChecker {
  private readonly remembered = new Map<string, Remembered>();

  /** A new bcrypt hash. */
  async hash(password: string): Promise<string> {
    // Go's bcrypt of InfluxDB 1.x writes version 2a; both versions verify the same.
    const salt = (await bcrypt.genSalt(COST)).replace(/^\$2[by]\$/, '$2a$');
    return bcrypt.hash(password, salt);
  }

  /** Whether the password is the user's; always false, after the same work, for null. */
  async matches(user: User | null, password: string): Promise<boolean> {
    if (user === null) {
      await bcrypt.compare(password, NOBODY_HASH);
      return false;
    }
    const known = this.remembered.get(user.name);
    if (known?.hash === user.hash && timingSafeEqual(known.digest, digestOf(known.salt, password)))
      return true;
    if (!(await bcrypt.compare(password, user.hash))) return false;
    const salt = randomBytes(32);
    if (this.remembered.size >= REMEMBERED_MAX) this.remembered.clear();
    this.remembered.set(user.name, { hash: user.hash, salt, digest: digestOf(salt, password) });
    return true;
  }

  /** Drops what is remembered of a user. */
  forget(name: string): void {
    this.remembered.delete(name);
  }
}

function digestOf(salt: Uint8Array, password: string): Uint8Array {
  return createHash('sha256').update(salt).update(password).digest();
}
