import { createHmac } from 'node:crypto';
import { usernameOfToken } from './json-web-token.js';

const NOW_S = 1_500_000_000;
const segment = (value: unknown): string =>
  Buffer.from(JSON.stringify(value)).toString('base64url');
const token = (claims: unknown, { alg = 'HS256', secret = 'secret' } = {}): string => {
  const signed = `${segment({ alg, typ: 'JWT' })}.${segment(claims)}`;
  const signature = alg.startsWith('HS')
    ? createHmac(`sha${alg.slice(2)}`, secret)
        .update(signed)
        .digest('base64url')
    : '';
  return `${signed}.${signature}`;
};
const check = (text: string): string => {
  try {
    return usernameOfToken(text, 'secret', NOW_S * 1000);
  } catch (error) {
    return (error as Error).message;
  }
};
const good = { username: 'u', exp: NOW_S + 10 };

// Texts as observed on InfluxDB 1.6.7.
describe('usernameOfToken', () => {
  it.each([
    [token(good), 'u'],
    [token(good, { alg: 'HS384' }), 'u'],
    [token(good, { alg: 'HS512' }), 'u'],
    [token({ ...good, exp: NOW_S + 10.5 }), 'u'],
    [token(good, { secret: 'other' }), 'signature is invalid'],
    [token({ ...good, exp: NOW_S - 10 }, { secret: 'other' }), 'signature is invalid'],
    [token(good, { alg: 'none' }), 'unexpected signing method: none'],
    [token(good, { alg: 'RS256' }), 'unexpected signing method: RS256'],
    [token({ ...good, exp: NOW_S - 10 }), 'Token is expired'],
    [token({ username: 'u' }), 'token expiration required'],
    [token({ ...good, exp: 'text' }), 'token expiration required'],
    [token({ ...good, exp: 0 }), 'token expiration required'],
    [token({ ...good, exp: true }), 'token expiration required'],
    [token({ exp: NOW_S + 10 }), 'username in token must be a string'],
    [token({ ...good, username: 5 }), 'username in token must be a string'],
    [token({ ...good, username: '' }), 'token must contain a username'],
    [token({ ...good, iat: NOW_S + 5 }), 'Token used before issued'],
    [token({ ...good, nbf: NOW_S + 5 }), 'Token is not valid yet'],
    ['a.b', 'token contains an invalid number of segments'],
    [`${token(good)}.x`, 'token contains an invalid number of segments'],
  ])('%s gives %s', (text, expected) => {
    expect(check(text)).toBe(expected);
  });
});
