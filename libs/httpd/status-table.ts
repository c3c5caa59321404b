/** Which HTTP status an error's code has. The only place where codes become statuses. */
import { TidegateError } from '#kernel';

const STATUS_BY_CODE: Readonly<Record<string, number>> = {
  'httpd.bad-request': 400,
  'httpd.unauthorized': 401,
  'httpd.forbidden': 403,
  'httpd.database-not-found': 404,
  'httpd.body-too-large': 413,
  'httpd.not-ready': 503,
  'httpd.throttled': 503,
  'influxql.parse': 400,
  // Same as InfluxDB 1.x: a write to an absent policy is the server's fault.
  'meta.retention-policy-not-found': 500,
  'meta.database-not-found': 404,
  'meta.authentication-failed': 401,
  'meta.user-not-found': 401,
  'coordinator.partial-write': 400,
  'coordinator.database-not-found': 404,
  'coordinator.retention-policy-not-found': 500,
  'coordinator.write-timeout': 500,
  'inputs.bad-request': 400,
  'inputs.not-found': 404,
  'inputs.too-large': 413,
  'inputs.unsupported-media-type': 415,
  'inputs.busy': 503,
  'inputs.timeout': 503,
  'tsdb.database-replaced': 404,
  'tsdb.field-type-conflict': 400,
};

/** Seconds after which a client may try again, by code; for answers that say so. */
const RETRY_AFTER_BY_CODE: Readonly<Record<string, number>> = {
  'httpd.not-ready': 5,
  'inputs.busy': 5,
  'tsm.cache-full': 5,
};

/** The status of anything that was thrown; 500 for what has no entry. */
export function statusOf(thrown: unknown): number {
  return thrown instanceof TidegateError ? (STATUS_BY_CODE[thrown.code] ?? 500) : 500;
}

/** Value of a Retry-After header, or undefined for none. */
export function retryAfterSecondsOf(thrown: unknown): number | undefined {
  return thrown instanceof TidegateError ? RETRY_AFTER_BY_CODE[thrown.code] : undefined;
}
