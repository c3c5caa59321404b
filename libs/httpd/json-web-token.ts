/**
 * JSON web tokens signed with HMAC-SHA-2, with the refusals of InfluxDB 1.x word for word. A few lines over node:crypto:
 * libraries answer with texts of their own and in another order of checks.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { HttpError } from './errors.js';

const HASHES: Readonly<Record<string, string>> = {
  HS256: 'sha256',
  HS384: 'sha384',
  HS512: 'sha512',
};

/**
 * The user name in a token.
 * @param nowMs wall-clock time
 * @throws HttpError 401
 */
export function usernameOfToken(token: string, secret: string, nowMs: number): string {
  const parts = token.split('.');
  if (parts.length !== 3)
    throw HttpError.unauthorized('token contains an invalid number of segments');
  const [head = '', body = '', signature = ''] = parts;
  const algorithm = parseSegment(head)['alg'];
  const claims = parseSegment(body);
  const hash = typeof algorithm === 'string' ? HASHES[algorithm] : undefined;
  if (hash === undefined)
    throw HttpError.unauthorized(`unexpected signing method: ${String(algorithm)}`);
  const expected = createHmac(hash, secret).update(`${head}.${body}`).digest();
  const given = Buffer.from(signature, 'base64url');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw HttpError.unauthorized('signature is invalid');
  }
  checkTimes(claims, nowMs);
  if (typeof claims['exp'] !== 'number' || claims['exp'] <= 0)
    throw HttpError.unauthorized('token expiration required');
  const { username } = claims;
  if (typeof username !== 'string')
    throw HttpError.unauthorized('username in token must be a string');
  if (username === '') throw HttpError.unauthorized('token must contain a username');
  return username;
}

function checkTimes(claims: Readonly<Record<string, unknown>>, nowMs: number): void {
  const nowSeconds = Math.floor(nowMs / 1000);
  const { exp, iat, nbf } = claims;
  if (typeof exp === 'number' && exp > 0 && nowSeconds > exp)
    throw HttpError.unauthorized('Token is expired');
  if (typeof iat === 'number' && nowSeconds < iat)
    throw HttpError.unauthorized('Token used before issued');
  if (typeof nbf === 'number' && nowSeconds < nbf)
    throw HttpError.unauthorized('Token is not valid yet');
}

function parseSegment(segment: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(Buffer.from(segment, 'base64url').toString('utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>;
  } catch {
    // Refused below.
  }
  throw HttpError.unauthorized('token is malformed');
}
