/**
 * Errors of metadata. Texts are InfluxDB 1.x's, which clients match.
 * @see InfluxDB services/meta/errors.go
 */
import { redactUrl, TidegateError } from '#kernel';

/** A refused change or look-up of metadata. */
export class MetaError extends TidegateError {
  static databaseNotFound(name: string): MetaError {
    return new MetaError('meta.database-not-found', `database not found: ${name}`);
  }

  static retentionPolicyNotFound(name: string): MetaError {
    return new MetaError('meta.retention-policy-not-found', `retention policy not found: ${name}`);
  }

  /** An error whose text has no parts. */
  static of(code: keyof typeof TEXTS): MetaError {
    return new MetaError(`meta.${code}`, TEXTS[code]);
  }

  static invalidSubscriptionUrl(url: string): MetaError {
    return new MetaError(
      'meta.invalid-subscription-url',
      `invalid subscription URL: ${redactUrl(url)}`,
    );
  }

  /** The file holds no metadata that can be read. */
  static corrupt(message: string, cause?: unknown): MetaError {
    return new MetaError('meta.corrupt', message, { cause });
  }

  /** The disk took no metadata: it is full or failing. What was there before stays. */
  static notWritten(path: string, cause: unknown): MetaError {
    const reason = cause instanceof Error ? cause.message : String(cause);
    return new MetaError('meta.not-written', `cannot write metadata to ${path}: ${reason}`, {
      cause,
    });
  }

  /** Metadata was asked for before it was loaded or after it was closed. */
  static closed(): MetaError {
    return new MetaError('meta.closed', 'meta store is closed');
  }
}

const TEXTS = {
  'database-name-required': 'database name required',
  'name-too-long': 'name too long',
  'invalid-name': 'invalid name',
  'retention-policy-name-required': 'retention policy name required',
  'retention-policy-exists': 'retention policy already exists',
  'retention-policy-conflict': 'retention policy conflicts with an existing policy',
  'retention-policy-name-exists': 'retention policy name already exists',
  'retention-policy-duration-too-low': 'retention policy duration must be at least 1h0m0s',
  'incompatible-durations': 'retention policy duration must be greater than the shard duration',
  'replication-factor-too-low': 'replication factor must be greater than 0',
  'shard-group-not-found': 'shard group not found',
  'continuous-query-exists': 'continuous query already exists',
  'subscription-exists': 'subscription already exists',
  'subscription-not-found': 'subscription not found',
  'user-exists': 'user already exists',
  'user-not-found': 'user not found',
  'username-required': 'username required',
  'authentication-failed': 'authorization failed',
} as const;
